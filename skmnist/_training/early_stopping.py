"""Stopping when the validation accuracy no longer improves, and the best weights."""

import copy
import math

from skorch.callbacks import Callback


class StopEarly(Callback):
    """Stop after so many epochs without improvement; go back to the best weights.

    As in scikit-learn's networks an epoch that is better by less than ``tol`` does
    not count as an improvement, but its weights are kept. skorch's own callback
    keeps none of these.

    Parameters
    ----------
    patience : int
        Epochs in a row without improvement.
    tol : float
        What counts as one, in accuracy as a fraction of 1.
    """

    def __init__(self, patience, tol):
        self.patience = patience
        self.tol = tol

    def on_train_begin(self, net, **kwargs):
        """Start counting."""
        self.best_score_ = -math.inf
        self.best_epoch_ = None
        self.best_weights_ = None
        self.misses_ = 0

    def on_epoch_end(self, net, **kwargs):
        """Judge the epoch."""
        score = net.history[-1, "valid_acc"]
        self.misses_ = 0 if score > self.best_score_ + self.tol else self.misses_ + 1
        if score > self.best_score_:
            self.best_score_ = score
            self.best_epoch_ = net.history[-1, "epoch"]
            self.best_weights_ = copy.deepcopy(net.module_.state_dict())
        if self.misses_ >= self.patience:
            net.stop_requested_ = True

    def on_train_end(self, net, **kwargs):
        """Go back to the best epoch, and let go of its copy."""
        if self.best_weights_ is not None:
            net.module_.load_state_dict(self.best_weights_)
        self.best_weights_ = None
