"""A progress bar over the epochs of a fit."""

import sys

from skorch.callbacks import Callback
from tqdm import tqdm


class EpochProgress(Callback):
    """Show epoch, loss and validation accuracy on standard error while fitting.

    Parameters
    ----------
    label : str
        The text in front of the bar.
    """

    def __init__(self, label):
        self.label = label

    def on_train_begin(self, net, **kwargs):
        """Open the bar."""
        self.bar_ = progress_bar(self.label, net.max_epochs, "epoch")

    def on_epoch_end(self, net, **kwargs):
        """Advance it."""
        row = net.history[-1]
        figures = f"loss {row['train_loss']:.3f}"
        if "valid_acc" in row:
            figures += f", accuracy {row['valid_acc']:.1%}"
        self.bar_.set_postfix_str(figures, refresh=False)
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        """Close the bar; its last state stays readable."""
        self.bar_.close()

    def __getstate__(self):
        # The bar holds an open stream, and a pickled model has no use for it.
        return {"label": self.label}


def progress_bar(label, total, unit):
    """Open a bar on standard error that fits a terminal of 80 columns.

    Where that is not a terminal but a log, it is redrawn only every ten seconds.
    """
    return tqdm(
        total=total,
        desc=label,
        bar_format="{desc:<18} {bar:8} {n_fmt}/{total_fmt} "
        + f"{unit}s"
        + " {elapsed}{postfix}",
        mininterval=0.1 if sys.stderr.isatty() else 10,
    )
