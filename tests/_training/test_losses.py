"""Losses: smoothed, of the user's own, and what is refused."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn
from torch.nn import functional as F

from skmnist import ConvNetClassifier, MLPClassifier, ModuleClassifier
from skmnist.model_selection import BatchedGridSearchCV
from skmnist.model_selection._fit_together import common_key

pytestmark = pytest.mark.usefixtures("one_thread")


def mlp(**params):
    params = {"hidden_layer_sizes": (16,), "max_epochs": 2, "lr": 0.004} | params
    return MLPClassifier(**{"batch_size": 64, "random_state": 0} | params)


def module(image_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(n_classes))


NETWORKS = {
    "mlp": mlp(),
    "conv": ConvNetClassifier((4,), (8,), max_epochs=2, random_state=0),
    "module": ModuleClassifier(module, max_epochs=2, random_state=0),
}


def cross_entropy(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none")


def squared_error(logits, targets):
    """Brier's score of every image."""
    hits = F.one_hot(targets, logits.shape[1])
    return ((logits.softmax(1) - hits) ** 2).sum(1)


def fit(clf, few, **params):
    X, _, y, _ = few
    clf = type(clf)(**clf.get_params() | params)
    return clf.fit(X, y, sample_weight=np.linspace(0, 2, len(y)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "params", [{}, {"micro_batch_size": 7}, {"class_weight": {3: 5}}]
)
def test_cross_entropy_as_a_function_is_the_built_in_one(params, name, few):
    ours = fit(NETWORKS[name], few, **params, label_smoothing=0)
    own = fit(NETWORKS[name], few, **params, loss=cross_entropy)
    # That of an MLP is trained without torch's graph, which rounds in another order.
    rtol = 1e-4 if name == "mlp" else 0
    np.testing.assert_allclose(
        own.predict_proba(few[1]), ours.predict_proba(few[1]), rtol=rtol
    )
    np.testing.assert_allclose(own.loss_curve_, ours.loss_curve_, rtol=rtol)


@pytest.mark.parametrize(("name", "share"), [("mlp", 0), ("conv", 0.02), ("module", 0)])
def test_smoothing_by_itself_is_what_the_documentation_says(name, share, few):
    words = " ".join(type(NETWORKS[name]).__doc__.split())
    assert f'for which "auto" is {share:g}.' in words
    by_itself = fit(NETWORKS[name], few)
    assert by_itself.label_smoothing == "auto"
    asked = fit(NETWORKS[name], few, label_smoothing=share)
    np.testing.assert_array_equal(
        by_itself.predict_proba(few[1]), asked.predict_proba(few[1])
    )
    # A new pickle, and a copy without what it has learned, say the same.
    again = pickle.loads(pickle.dumps(by_itself))
    assert again.label_smoothing == clone(by_itself).label_smoothing == "auto"


def test_a_loss_of_ones_own_is_what_is_trained_and_told(few):
    X, X_val, y, y_val = few
    clf = mlp(loss=squared_error, max_epochs=20, lr=0.01)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    hits = np.eye(10)[y_val]
    expected = ((clf.predict_proba(X_val) - hits) ** 2).sum(axis=1).mean()
    assert clf.history_[-1, "valid_loss"] == pytest.approx(expected, rel=1e-5)
    assert clf.loss_curve_[-1] < 0.1 * clf.loss_curve_[0]


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_weights_multiply_a_loss_of_ones_own(precision, few):
    X, X_test, y, _ = few
    weights = np.arange(len(y)) % 3
    params = {"loss": squared_error, "batch_size": 1000, "precision": precision}
    weighted = mlp(**params).fit(X, y, sample_weight=weights)
    repeated = mlp(**params).fit(np.repeat(X, weights, 0), np.repeat(y, weights))
    tolerance = 0.02 if precision == "bfloat16" else 1e-4
    np.testing.assert_allclose(
        weighted.predict_proba(X_test), repeated.predict_proba(X_test), atol=tolerance
    )


def test_a_loss_of_ones_own_is_pickled_by_its_name(few):
    X, X_test, y, _ = few
    clf = mlp(loss=squared_error).partial_fit(X, y, classes=range(10))
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(
        loaded.partial_fit(X, y).predict_proba(X_test),
        clf.partial_fit(X, y).predict_proba(X_test),
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_smoothed_targets_are_those_of_the_definition(name, few):
    def smoothed(logits, targets):
        n_classes = logits.shape[1]
        shares = torch.full_like(logits, 0.2 / n_classes)
        shares += 0.8 * F.one_hot(targets, n_classes)
        return -(shares * logits.log_softmax(1)).sum(1)

    ours = fit(NETWORKS[name], few, label_smoothing=0.2, precision="float64")
    by_hand = fit(NETWORKS[name], few, loss=smoothed, precision="float64")
    np.testing.assert_allclose(
        ours.predict_proba(few[1]), by_hand.predict_proba(few[1]), rtol=1e-6
    )


def test_smoothing_makes_less_sure(few):
    X, X_test, y, _ = few
    sure, smoothed = (
        mlp(max_epochs=30, label_smoothing=share).fit(X, y).predict_proba(X_test)
        for share in (0, 0.3)
    )
    assert smoothed.max(axis=1).mean() < sure.max(axis=1).mean() - 0.05


def test_smoothing_is_searched_together(few):
    X, _, y, _ = few
    grid = {"label_smoothing": [0.0, 0.2], "lr": [1e-3, 1e-2]}
    assert common_key(mlp(label_smoothing=0.2)) is not None
    assert common_key(mlp(loss=squared_error)) is None
    batched, plain = (
        Search(mlp(), grid, cv=2, scoring="neg_log_loss").fit(X, y)
        for Search in (BatchedGridSearchCV, GridSearchCV)
    )
    np.testing.assert_allclose(
        batched.cv_results_["mean_test_score"],
        plain.cv_results_["mean_test_score"],
        rtol=1e-3,
    )
    grid = {"loss": ["cross_entropy", squared_error], "lr": [1e-3, 1e-2]}
    search = BatchedGridSearchCV(mlp(), grid, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# -- what is refused --


def mean(logits, targets):
    return F.cross_entropy(logits, targets)


def one_for_each_class(logits, targets):
    return F.one_hot(targets, logits.shape[1]) * logits


def one_argument(logits):
    return logits


def nan(logits, targets):
    return cross_entropy(logits, targets) * float("nan")


def cut_off(logits, targets):
    return cross_entropy(logits.detach(), targets)


@pytest.mark.parametrize(
    ("loss", "came"),
    [
        (mean, r"shape \(2,\). Got \(\) instead. Take no mean"),
        (nn.CrossEntropyLoss(), r"Got \(\) instead"),
        (nn.CrossEntropyLoss, "CrossEntropyLoss.* failed with n=2: RuntimeError"),
        (one_for_each_class, r"Got \(2, 10\) instead"),
        (one_argument, "failed with n=2: TypeError"),
        (nan, "return finite losses. Got .*nan"),
        (cut_off, "can be differentiated"),
    ],
)
def test_bad_losses_are_refused_before_training(loss, came, few):
    X, _, y, _ = few
    clf = mlp(loss=loss)
    with pytest.raises(
        ValueError, match=rf"The 'loss' parameter of MLPClassifier must .*{came}"
    ):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")


def test_smoothing_is_of_cross_entropy_alone(few):
    X, _, y, _ = few
    with pytest.raises(
        ValueError, match=r"'label_smoothing' parameter of MLP.*Got 0.1"
    ):
        mlp(loss=squared_error, label_smoothing=0.1).fit(X, y)


def sometimes_infinite(logits, targets):
    return torch.where(
        logits.abs().amax(1) > 0, torch.inf, cross_entropy(logits, targets)
    )


def sometimes_short(logits, targets):
    return cross_entropy(logits, targets)[: 20 if len(targets) > 2 else 2]


def test_a_loss_that_goes_wrong_later_says_so(few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match=r"diverged.*sometimes_infinite .* not finite"):
        mlp(loss=sometimes_infinite).fit(X, y)
    with pytest.raises(ValueError, match=r"shape \(50,\). Got \(20,\) instead"):
        mlp(loss=sometimes_short).fit(X, y)
