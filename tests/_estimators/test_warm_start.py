"""warm_start: a fit that goes on from the one before."""

import numpy as np
import pytest
from small_networks import assert_same, conv, mlp

pytestmark = pytest.mark.usefixtures("one_thread")


def test_warm_start_goes_on(few):
    X, _, y, _ = few
    # Plain SGD has no state but the weights, so two fits are one.
    settings = {"optimizer": "sgd", "momentum": 0, "lr": 0.01, "lr_schedule": None}
    warm = mlp(warm_start=True, max_epochs=3, shuffle=False, **settings)
    warm.fit(X, y)
    first = warm.module_
    warm.set_params(max_epochs=2).fit(X, y)
    once = mlp(max_epochs=5, shuffle=False, **settings).fit(X, y)
    assert_same(warm, once, X)
    assert warm.n_epochs_ == 5
    assert warm.loss_curve_ == once.loss_curve_
    assert first is not warm.module_
    assert warm.set_params(warm_start=False).fit(X, y).n_epochs_ == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv_layers": (5,)}, "conv_layers"),
        ({"hidden_layer_sizes": (7,)}, "hidden_layer_sizes"),
        ({"activation": "tanh"}, "activation"),
    ],
)
def test_warm_start_refuses_another_network(change, message, few):
    X, _, y, _ = few
    clf = conv(warm_start=True).fit(X, y)
    proba = clf.predict_proba(X)
    with pytest.raises(ValueError, match=f"warm_start.*{message}"):
        clf.set_params(**change).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


def test_warm_start_refuses_other_classes_and_pixels(few):
    X, _, y, _ = few
    clf = mlp(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="not among the classes"):
        clf.fit(X, y + 1)
    with pytest.raises(ValueError, match="features"):
        clf.fit(X[:, :14].reshape(len(X), -1), y)
    with pytest.raises(ValueError, match=r"was fitted on \(1, 28, 28\)"):
        clf.fit(X[:, :14], y)
    assert clf.n_epochs_ == 2


def test_warm_start_takes_new_training_parameters(few):
    X, _, y, _ = few
    clf = mlp(warm_start=True).fit(X, y)
    clf.set_params(optimizer="sgd", lr=1e-4, lr_schedule=None, batch_size=10)
    clf.fit(X[:50], y[:50])
    assert clf.n_epochs_ == 4
    assert clf.history_[-1, "lr"] == 1e-4
