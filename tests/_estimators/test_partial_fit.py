"""Streams: partial_fit, from its first call to its failures."""

import math

import numpy as np
import pytest
from sklearn.base import clone
from small_networks import FailAtBatch, N, assert_same, conv, mlp

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("make", [mlp, conv])
def test_partial_fits_on_the_same_images_are_epochs_of_fit(make, shuffle, few):
    X, _, y, _ = few
    whole = make(lr_schedule=None, shuffle=shuffle, max_epochs=3, dropout=0.1)
    stream = clone(whole).set_params(lr_schedule="onecycle")
    for _ in range(3):
        stream.partial_fit(X, y, classes=np.arange(10))
    assert_same(stream, whole.fit(X, y), X)
    assert stream.loss_curve_ == whole.loss_curve_
    assert stream.n_epochs_ == 3
    assert stream.best_epoch_ is None


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_stream_of_chunks_is_one_epoch_of_the_whole(optimizer, few):
    X, _, y, _ = few
    whole = mlp(pixel_scaling="unit", shuffle=False, lr_schedule=None, max_epochs=1)
    whole.set_params(optimizer=optimizer, micro_batch_size=64)
    stream = clone(whole)
    for rows in np.array_split(np.arange(N), math.ceil(N / 64)):
        stream.partial_fit(X[rows], y[rows], classes=range(10))
    np.testing.assert_allclose(
        stream.predict_proba(X), whole.fit(X, y).predict_proba(X), rtol=1e-5, atol=1e-7
    )


def test_stream_may_show_some_classes_late(few):
    X, _, y, _ = few
    clf = mlp(class_weight={0: 2.0, 9: 3.0})
    for part in (y < 3, y >= 3):
        clf.partial_fit(X[part], y[part], classes=range(10))
    assert clf.predict_proba(X).shape == (N, 10)


@pytest.mark.parametrize("lr_schedule", ["exponential", "plateau"])
def test_schedules_without_an_end_go_on_in_a_stream(lr_schedule, few):
    X, _, y, _ = few
    clf = mlp(lr=0.01, lr_schedule=lr_schedule, lr_decay=0.5, tol=100)
    for _ in range(5):
        clf.partial_fit(X, y, classes=range(10))
    expected = {
        "exponential": [1, 0.5, 0.25, 0.125, 0.0625],
        "plateau": [1, 1, 1, 0.2, 0.2],
    }[lr_schedule]
    np.testing.assert_allclose(clf.history_[:, "lr"], 0.01 * np.array(expected))


def test_partial_fit_goes_on_from_a_fit(few):
    X, _, y, _ = few
    clf = mlp(max_epochs=5).fit(X, y)
    weights = clf.n_parameters_
    clf.partial_fit(X, y)
    assert clf.n_epochs_ == 6
    assert clf.loss_curve_[-1] < clf.loss_curve_[2]
    assert clf.n_parameters_ == weights


def test_fit_after_a_stream_starts_anew(few):
    X, _, y, _ = few
    clf = mlp().partial_fit(X, y, classes=range(20))
    assert_same(clf.fit(X, y), mlp().fit(X, y), X)
    assert clf.n_epochs_ == 2


@pytest.mark.parametrize("classes", [None, range(10)])
def test_first_chunk_alone_defines_the_classes(classes, few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        mlp().partial_fit(X, y)
    clf = mlp().partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="same as on"):
        clf.partial_fit(X, y, classes=range(11))
    with pytest.raises(ValueError, match=r"not among the classes .*\[77\]"):
        clf.partial_fit(X, np.where(y == 1, 77, y), classes=classes)
    assert clf.n_epochs_ == 1


@pytest.mark.parametrize("after", ["fit", "partial_fit"])
@pytest.mark.parametrize("how", ["diverges", "breaks off"])
def test_partial_fit_that_fails_leaves_the_model_as_it_was(how, after, few):
    X, _, y, _ = few
    clf = mlp(optimizer="sgd", lr=0.01, lr_schedule=None)
    if how == "breaks off":
        clf.set_params(callbacks=[FailAtBatch(at=10)])
    if after == "fit":
        clf.fit(X, y)
    else:
        clf.partial_fit(X, y, classes=range(10)).partial_fit(X, y)
    proba, losses = clf.predict_proba(X), clf.loss_curve_
    if how == "diverges":
        X_next, error = X * 1e30, ValueError
    else:
        X_next, error = X, RuntimeError
    with pytest.raises(error):
        clf.partial_fit(X_next, y)
    assert clf.loss_curve_ == losses
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


def test_setting_the_device_it_is_on_changes_nothing_in_a_stream(few):
    X, _, y, _ = few
    one, other = (
        mlp(dropout=0.2, device=device).partial_fit(X, y, classes=range(10))
        for device in ("auto", "cpu")
    )
    one.set_params(device=one.device_).predict(X)
    assert_same(one.partial_fit(X, y), other.partial_fit(X, y), X)
