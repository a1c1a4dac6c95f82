"""Small networks, and what tests of their training share."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from skmnist import ConvNetClassifier, MLPClassifier

N = 200


def mlp(**params):
    params = {"hidden_layer_sizes": (16,), "max_epochs": 2, "lr": 0.004} | params
    return MLPClassifier(**{"batch_size": 64, "random_state": 0} | params)


def conv(**params):
    params = {"conv_layers": (4,), "hidden_layer_sizes": (), "lr": 0.004} | params
    return ConvNetClassifier(
        **{"batch_size": 64, "max_epochs": 2, "random_state": 0} | params
    )


def assert_same(a, b, X):
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    for one, other in zip(a.module_.parameters(), b.module_.parameters(), strict=True):
        assert torch.equal(one, other)


class FailAtBatch(Callback):
    """Raises in the middle of an epoch."""

    def __init__(self, at=2):
        self.left = at

    def on_batch_end(self, net, **kwargs):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("in the middle of an epoch")


def overfit(**params):
    """A net whose validation accuracy rises and falls again."""
    return mlp(lr=0.05, lr_schedule=None, max_epochs=30, early_stopping=True, **params)


# -- a fit that fails, and what a fit keeps --


def assert_unfitted(clf, X):
    assert not [name for name in vars(clf) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        clf.predict(X)
