"""The training accuracy: what it is, and that it is the same however it is counted."""

import numpy as np
import pytest
import torch

from skmnist import ConvNetClassifier, MLPClassifier, ModuleClassifier
from skmnist._training import tally
from skmnist.displays import TrainingCurveDisplay
from skmnist.model_selection._fit_together import fit_together

pytestmark = pytest.mark.usefixtures("one_thread")

# With this rate the network stays as it was: its accuracy is that of every batch.
STANDING = {"lr": 1e-12, "lr_schedule": None, "weight_decay": 0, "random_state": 0}


def linear(image_shape, n_classes):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(n_classes))


@pytest.mark.parametrize("waiting", [1, 3000, tally.MOST_WAITING])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "clf",
    [
        MLPClassifier((8,), max_epochs=2, micro_batch_size=7, **STANDING),
        ConvNetClassifier((4,), max_epochs=2, **STANDING),
        ModuleClassifier(linear, max_epochs=2, **STANDING),
    ],
    ids=lambda clf: type(clf).__name__,
)
def test_training_accuracy_is_that_of_the_batches(
    clf, weighted, waiting, few, monkeypatch
):
    monkeypatch.setattr(tally, "MOST_WAITING", waiting)
    X, _, y, _ = few
    weights = np.arange(len(y)) % 4 if weighted else None
    clf.fit(X, y, weights)
    expected = clf.score(X, y, weights)
    np.testing.assert_allclose(clf.training_scores_, [expected] * 2, rtol=1e-6)
    assert clf.history_[:, "train_acc"] == clf.training_scores_


def test_training_accuracy_rises_with_the_training(few):
    X, X_val, y, y_val = few
    clf = MLPClassifier((16,), max_epochs=20, lr=0.01, random_state=0)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.training_scores_[0] < 0.5
    assert clf.training_scores_[-1] > 0.95
    display = TrainingCurveDisplay.from_estimator(clf, metric="accuracy")
    np.testing.assert_array_equal(display.train["run"][0], clf.training_scores_)


def test_training_accuracy_of_what_is_fitted_together_is_that_alone(few):
    X, _, y, _ = few
    weights = np.arange(len(y)) % 4
    settings = {"max_epochs": 3, "random_state": 0}
    alone = [MLPClassifier((8,), lr=lr, **settings) for lr in (1e-3, 1e-2)]
    together = [MLPClassifier((8,), lr=lr, **settings) for lr in (1e-3, 1e-2)]
    assert fit_together(together, X, y, weights) == [None, None]
    for one, other in zip(alone, together, strict=True):
        expected = one.fit(X, y, weights).training_scores_
        np.testing.assert_allclose(other.training_scores_, expected, atol=0.02)
