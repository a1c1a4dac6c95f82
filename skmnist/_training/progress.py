"""A progress bar over the epochs of a fit."""

import sys
import warnings

from skorch.callbacks import Callback


class EpochProgress(Callback):
    """Show epoch, loss and accuracies in a bar: on standard error, or in a notebook.

    Parameters
    ----------
    label : str
        The text in front of the bar.
    """

    def __init__(self, label):
        self.label = label

    def on_train_begin(self, net, **kwargs):
        """There is no bar before the first epoch: a training may be resumed by then."""
        self.bar_ = None

    def on_epoch_begin(self, net, **kwargs):
        """Open the bar."""
        if self.bar_ is None:
            n_epochs = net.max_epochs
            done = max(0, n_epochs - net._epochs_left)
            self.bar_ = progress_bar(self.label, n_epochs, initial=done)

    def on_epoch_end(self, net, **kwargs):
        """Advance it."""
        row = net.history[-1]
        figures = [f"loss {row['train_loss']:.3f}"]
        for name, key in (("train", "train_acc"), ("valid", "valid_acc")):
            if key in row:
                figures.append(f"{name} {row[key]:.1%}")
        self.bar_.set_postfix_str(", ".join(figures), refresh=False)
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        """Close the bar; its last state stays readable."""
        if self.bar_ is not None:
            self.bar_.close()

    def __getstate__(self):
        # The bar holds an open stream, and a pickled model has no use for it.
        return {"label": self.label}

    def state_dict(self):
        """Nothing that a checkpoint has to keep."""
        return {}

    def load_state_dict(self, state):
        """Go on from `state_dict`."""


def progress_bar(label, total, unit="", initial=0):
    """Open a bar that fits a terminal of 80 columns.

    Where standard error is not a terminal but a log, it is redrawn only every ten
    seconds.
    """
    with warnings.catch_warnings():
        # Without ipywidgets a notebook gets the bar of a terminal, and a warning.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm

    in_notebook = any(cls.__module__ == "tqdm.notebook" for cls in tqdm.__mro__)
    bar = "{bar}" if in_notebook else "{bar:5}"
    return tqdm(
        total=total,
        initial=initial,
        desc=label,
        bar_format=f"{{desc:<18}} {bar} {{n_fmt}}/{{total_fmt}}"
        + (f" {unit}s" if unit else "")
        + " {elapsed}{postfix}",
        mininterval=0.1 if in_notebook or sys.stderr.isatty() else 10,
    )
