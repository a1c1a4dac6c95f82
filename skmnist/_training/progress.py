"""A progress bar over the epochs of a fit."""

from skorch.callbacks import Callback

from skmnist._progress import progress_bar


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
