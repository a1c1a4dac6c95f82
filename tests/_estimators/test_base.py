"""fit, partial_fit, warm starts, randomness, weights, and the predict family."""

import functools
import gc
import json
import math
import os
import random
import re
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.special
import torch
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, log_loss
from skorch.callbacks import Callback, EpochScoring
from torch.nn import functional as F

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

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


# -- random_state --

# What a batch is given to draws from torch's global generator; a partial, so that
# it can be pickled into another process.
NOISE = functools.partial(F.dropout, p=0.1)

RANDOM_MODELS = {
    "plain": mlp(),
    "stopped": mlp(dropout=0.2, early_stopping=True, max_epochs=4),
    "shift": conv(dropout=0.2, augment="shift", early_stopping=True),
    "affine": conv(augment="affine", lr_schedule=None),
    "callable": mlp(augment=NOISE, dropout=0.2, optimizer="sgd"),
    "batch norm": conv(conv_layers=(ConvLayer(4, batch_norm=True),)),
}

CASES = [*((name, 1) for name in RANDOM_MODELS), ("stopped", 2), ("affine", 2)]

FIT_ELSEWHERE = """
import sys, joblib, numpy, torch
models, cases, X, y = joblib.load(sys.argv[1])
proba = {}
for name, n_threads in cases:
    torch.set_num_threads(n_threads)
    torch.manual_seed(7), torch.rand(5), numpy.random.rand(5)
    proba[name, n_threads] = models[name].fit(X, y).predict_proba(X)
joblib.dump(proba, sys.argv[2])
"""


@pytest.fixture(scope="module")
def elsewhere(few, tmp_path_factory):
    """What RANDOM_MODELS predict where another process fitted them."""
    X, _, y, _ = few
    folder = tmp_path_factory.mktemp("elsewhere")
    joblib.dump((RANDOM_MODELS, CASES, X, y), folder / "task")
    subprocess.run(
        [sys.executable, "-c", FIT_ELSEWHERE, folder / "task", folder / "done"],
        check=True,
    )
    return joblib.load(folder / "done")


@pytest.fixture
def threads():
    """Sets the number of threads, for one test."""
    yield torch.set_num_threads
    torch.set_num_threads(1)


@pytest.mark.parametrize(("name", "n_threads"), CASES)
def test_int_seed_gives_the_same_model_bit_for_bit(
    name, n_threads, few, elsewhere, threads
):
    X, _, y, _ = few
    threads(n_threads)
    first = clone(RANDOM_MODELS[name]).fit(X, y)
    torch.manual_seed(1), torch.rand(3), np.random.seed(1), random.seed(1)  # noqa: NPY002
    second = clone(RANDOM_MODELS[name]).fit(X, y)
    assert_same(first, second, X)
    assert first.loss_curve_ == second.loss_curve_
    np.testing.assert_array_equal(first.predict_proba(X), elsewhere[name, n_threads])
    other = clone(first).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("name", ["stopped", "affine", "callable"])
def test_default_dtype_of_the_caller_changes_nothing(name, few):
    X, _, y, _ = few
    usual = clone(RANDOM_MODELS[name]).fit(X, y)
    torch.set_default_dtype(torch.float64)
    try:
        assert_same(clone(RANDOM_MODELS[name]).fit(X, y), usual, X)
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def global_state():
    name, keys, *position = np.random.get_state()  # noqa: NPY002
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": (name, keys.tolist(), position),
        "python": random.getstate(),
        "dtype": torch.get_default_dtype(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "mkldnn": torch.backends.mkldnn.enabled,
        "denormal": torch.tensor(1e-40).mul(1).item() == 0,
        "gradients": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize("random_state", [0, None, "instance"])
@pytest.mark.parametrize("name", RANDOM_MODELS)
def test_global_state_is_left_as_found(name, random_state, few):
    X, _, y, _ = few
    if random_state == "instance":
        random_state = np.random.RandomState(0)
    clf = clone(RANDOM_MODELS[name]).set_params(random_state=random_state)
    # torch sets an environment variable when it makes its first optimiser.
    torch.optim.AdamW([torch.zeros(1)])
    before = global_state()
    clf.fit(X, y).partial_fit(X, y).predict(X)
    after = global_state()
    assert [key for key in before if before[key] != after[key]] == []


def test_random_state_instance_is_drawn_from(few):
    X, _, y, _ = few
    shared = np.random.RandomState(0)
    first, second = (mlp(random_state=shared).fit(X, y) for _ in range(2))
    again = mlp(random_state=np.random.RandomState(0)).fit(X, y)
    assert_same(first, again, X)
    assert not np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_no_random_state_is_a_new_model_every_time(few):
    X, _, y, _ = few
    first, second = (mlp(random_state=None).fit(X, y) for _ in range(2))
    assert not np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_fits_in_threads_equal_fits_alone(few):
    X, _, y, _ = few
    models = [RANDOM_MODELS[name] for name in ("stopped", "affine")]
    alone = [clone(model).fit(X, y) for model in models]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda model: clone(model).fit(X, y), models))
    for one, other in zip(alone, together, strict=True):
        assert_same(one, other, X)


# -- sample weights --

WEIGHTED = {
    # Of scikit-learn's solvers the one that float32 does not stop early.
    "linear": LinearClassifier(solver="newton-cholesky", pixel_scaling="standard"),
    "linear balanced": LinearClassifier(
        solver="newton-cholesky", class_weight="balanced"
    ),
    "mlp": mlp(pixel_scaling="standard", max_epochs=5),
    "mlp balanced": mlp(class_weight="balanced", optimizer="sgd", lr=0.01),
    "conv": conv(pixel_scaling="standard", max_epochs=5),
    "conv unit": conv(pixel_scaling="unit", optimizer="sgd", lr=0.01),
}


@pytest.fixture(scope="module")
def small(few):
    """The same digits at 7x7 pixels."""
    X, X_test, y, y_test = few
    return X[:, ::4, ::4], X_test[:, ::4, ::4], y, y_test


@pytest.mark.parametrize("name", WEIGHTED)
def test_zero_weight_is_a_row_left_out(name, small):
    X, X_test, y, _ = small
    weight = np.arange(N) % 3 * 0.5
    weight[y == 9] = 0
    kept = weight > 0
    weighted = clone(WEIGHTED[name]).fit(X, y, sample_weight=weight)
    without = clone(WEIGHTED[name]).fit(X[kept], y[kept], sample_weight=weight[kept])
    assert list(weighted.classes_) == list(range(9))
    np.testing.assert_array_equal(
        weighted.predict_proba(X_test), without.predict_proba(X_test)
    )


@pytest.mark.parametrize("name", WEIGHTED)
def test_integer_weight_is_a_row_repeated(name, small):
    X, X_test, y, _ = small
    times = np.random.RandomState(0).randint(0, 4, N)
    rows = np.repeat(np.arange(N), times)
    model = clone(WEIGHTED[name])
    if "linear" not in name:
        model.set_params(batch_size=len(rows))
    weighted = clone(model).fit(X, y, sample_weight=times)
    repeated = clone(model).fit(X[rows], y[rows])
    np.testing.assert_allclose(
        weighted.predict_proba(X_test), repeated.predict_proba(X_test), atol=1e-5
    )


# -- early stopping and validation --


class Split(Callback):
    """Keeps the rows that a fit trains on and holds out."""

    def on_epoch_begin(self, net, dataset_train, dataset_valid):
        self.train, self.valid = (
            np.array([X.numpy().sum() for X in data.X])
            for data in (dataset_train, dataset_valid)
        )
        self.images, self.labels = dataset_valid.X.numpy(), dataset_valid.y.numpy()
        self.weights = dataset_valid.weights


def overfit(**params):
    """A net whose validation accuracy rises and falls again."""
    return mlp(lr=0.05, lr_schedule=None, max_epochs=30, early_stopping=True, **params)


def test_early_stopping_holds_out_a_stratified_part(few):
    X, _, y, _ = few
    X = X.copy()
    X[:, 0, 0] = np.arange(N)  # no two images have the same pixels
    split = Split()
    mlp(early_stopping=True, validation_fraction=0.2, callbacks=[split]).fit(X, y)
    rows = sorted(np.concatenate([split.train, split.valid]))
    assert rows == sorted(image.sum() for image in X.astype(int))
    counts = np.bincount(split.labels, minlength=10)
    np.testing.assert_allclose(counts, 0.2 * np.bincount(y), atol=1)
    assert len(split.valid) == 40


@pytest.mark.parametrize("own", [False, True], ids=["held out", "X_val"])
def test_early_stopping_ends_with_the_best_weights(own, few):
    X, X_val, y, y_val = few
    split = Split()
    clf = overfit(n_iter_no_change=4, callbacks=[split])
    clf.fit(X, y, **({"X_val": X_val, "y_val": y_val} if own else {}))
    scores = clf.validation_scores_
    assert clf.n_epochs_ == len(scores) == len(clf.loss_curve_) == len(clf.history_)
    assert scores[clf.best_epoch_ - 1] == max(scores)
    assert clf.score(split.images, split.labels) == pytest.approx(max(scores))
    if own:
        np.testing.assert_array_equal(split.images[:, 0], X_val)
        assert len(split.train) == N


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_held_out_images_are_scored_with_their_weights(precision, few):
    X, _, y, _ = few
    split = Split()
    clf = overfit(precision=precision, callbacks=[split], class_weight="balanced")
    clf.fit(X, y, sample_weight=np.linspace(0.1, 2, N))
    score = clf.score(split.images, split.labels, sample_weight=split.weights)
    assert score == pytest.approx(max(clf.validation_scores_), rel=1e-5)


def test_early_stopping_stops_after_epochs_without_improvement(few):
    X, _, y, _ = few
    clf = overfit(n_iter_no_change=4, tol=0).fit(X, y)
    assert clf.n_epochs_ < 30
    assert clf.n_epochs_ == clf.best_epoch_ + 4
    at_its_best = overfit(n_iter_no_change=4).set_params(max_epochs=clf.best_epoch_)
    assert_same(clf, at_its_best.fit(X, y), X)


def test_best_weights_are_restored_when_the_epochs_run_out(few):
    X, _, y, _ = few
    clf = overfit(n_iter_no_change=100).fit(X, y)
    assert clf.n_epochs_ == 30
    assert clf.best_epoch_ < 30
    split = Split()
    again = clone(clf).set_params(callbacks=[split], max_epochs=clf.best_epoch_)
    assert_same(clf, again.fit(X, y), X)
    assert clf.score(split.images, split.labels) == pytest.approx(
        max(clf.validation_scores_)
    )


def test_improvement_below_tol_is_no_reason_to_go_on_but_is_kept(few):
    X, X_val, y, y_val = few
    clf = mlp(early_stopping=True, tol=0.9, n_iter_no_change=3, max_epochs=10)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.n_epochs_ == 4
    assert max(clf.validation_scores_) > clf.validation_scores_[0]
    assert clf.score(X_val, y_val) == pytest.approx(max(clf.validation_scores_))
    assert clf.best_epoch_ == np.argmax(clf.validation_scores_) + 1


def test_validation_scores_are_what_score_gives(few):
    X, X_val, y, y_val = few
    clf = mlp(max_epochs=3).fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.validation_scores_[-1] == clf.score(X_val, y_val)
    assert clf.best_epoch_ == np.argmax(clf.validation_scores_) + 1


def test_validation_without_early_stopping_changes_nothing(few):
    X, X_val, y, y_val = few
    plain = mlp(max_epochs=3).fit(X, y)
    assert plain.validation_scores_ is None
    assert plain.best_epoch_ is None
    scored = mlp(max_epochs=3).fit(X, y, X_val=X_val, y_val=y_val)
    assert_same(plain, scored, X)
    assert len(scored.validation_scores_) == 3


def test_validation_labels_may_be_some_of_the_classes(few):
    X, X_val, y, y_val = few
    some = np.isin(y_val, [3, 5])
    clf = mlp().fit(X, y, X_val=X_val[some], y_val=y_val[some])
    assert clf.validation_scores_[-1] == clf.score(X_val[some], y_val[some])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": 1}, "X_val came without y_val"),
        ({"y_val": 1}, "y_val came without X_val"),
        ({"X_val": 2, "y_val": 1}, "inconsistent numbers of samples"),
        ({"X_val": 1, "y_val": 3}, "y_val contains labels .*77"),
        ({"X_val": 4, "y_val": 1}, "NaN"),
        ({"X_val": 5, "y_val": 1}, "784 features"),
    ],
)
def test_wrong_validation_data_is_refused_before_training(given, message, few):
    X, X_val, y, y_val = few
    values = {
        "X_val": {1: X_val, 2: X_val[:-1], 4: X_val * np.nan, 5: X_val[:, 0]},
        "y_val": {1: y_val, 3: np.where(y_val == 1, 77, y_val)},
    }
    clf = mlp(callbacks=[FailAtBatch(1)])
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, **{name: values[name][key] for name, key in given.items()})
    assert_unfitted(clf, X)


@pytest.mark.parametrize("fraction", [0.01, 0.999])
def test_validation_fraction_that_leaves_a_class_out_is_refused(fraction, few):
    X, _, y, _ = few
    clf = mlp(early_stopping=True, validation_fraction=fraction)
    clf.set_params(callbacks=[FailAtBatch(1)])
    with pytest.raises(ValueError, match=f"'validation_fraction'.*{fraction}"):
        clf.fit(X, y)
    assert_unfitted(clf, X)


def test_class_of_one_sample_cannot_be_held_out(few):
    X, _, y, _ = few
    y = np.where(np.arange(N) == 17, 77, y)
    with pytest.raises(ValueError, match="'validation_fraction'"):
        mlp(early_stopping=True).fit(X, y)


# -- partial_fit --


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


# -- warm starts --


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


# -- a fit that fails, and what a fit keeps --


def assert_unfitted(clf, X):
    assert not [name for name in vars(clf) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        clf.predict(X)


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "fail",
    [
        lambda clf, X, y: clf.set_params(batch_size=-1).fit(X, y),
        lambda clf, X, y: clf.set_params(device="abacus").fit(X, y),
        lambda clf, X, y: clf.set_params(optimizer_params={"no": 1}).fit(X, y),
        lambda clf, X, y: clf.fit(X, y[:-1]),
        lambda clf, X, y: clf.fit(X[:, 1:], y, X_val=X, y_val=y),
        lambda clf, X, y: clf.set_params(optimizer="sgd", lr=1e30).fit(X, y + 1),
        lambda clf, X, y: clf.set_params(callbacks=[FailAtBatch()]).fit(X[:, 1:], y),
        lambda clf, X, y: clf.partial_fit(X[:, 1:], y, classes=[1, 2]),
    ],
    ids=[
        *("parameter", "device", "optimizer_params", "lengths", "shapes", "diverging"),
        *("callback", "partial_fit"),
    ],
)
def test_fit_that_fails_leaves_the_estimator_as_it_was(fail, fitted, few):
    X, _, y, _ = few
    clf = mlp()
    if fitted:
        clf.fit(X, y)
        before = vars(clf).copy()
        proba = clf.predict_proba(X)
    with pytest.raises((ValueError, RuntimeError)):
        fail(clf, X, y)
    if not fitted:
        assert_unfitted(clf, X)
        return
    changed = {name for name in vars(clf) if vars(clf)[name] is not before.get(name)}
    assert changed <= set(clf.get_params())
    clf.set_params(device="auto")
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True, "class_weight": "balanced", "augment": "shift"},
        {
            "callbacks": [
                EpochScoring(lambda net, X, y: float(len(y)), name="n"),
                EpochScoring(lambda net, X, y: 1.0, name="m", use_caching=False),
            ]
        },
    ],
    ids=["plain", "early stopping", "scoring"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_no_training_data_is_kept(stream, params, few):
    X, X_val, y, y_val = few
    data = [X.copy(), X_val.copy(), np.linspace(0, 2, N)]
    references = [weakref.ref(array) for array in data]
    clf = mlp(**params)
    if stream:
        clf.partial_fit(data[0], y, range(10), data[2]).partial_fit(data[0], y)
    else:
        clf.fit(data[0], y, data[2], X_val=data[1], y_val=y_val)
    data.clear()
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


# -- device and precision --


def test_device_can_be_set_on_a_fitted_model(few):
    X, _, y, _ = few
    clf = mlp().fit(X, y)
    proba = clf.predict_proba(X)
    for device in ("cpu", torch.device("cpu"), "auto"):
        np.testing.assert_array_equal(
            clf.set_params(device=device).predict_proba(X), proba
        )
    assert torch.device(clf.device_).type == clf.module_.scaling.factor.device.type
    with pytest.raises(ValueError, match=r"'device' .*'abacus'"):
        clf.set_params(device="abacus").predict(X)
    np.testing.assert_array_equal(clf.set_params(device="cpu").predict_proba(X), proba)


def test_setting_the_device_it_is_on_changes_nothing_in_a_stream(few):
    X, _, y, _ = few
    one, other = (
        mlp(dropout=0.2, device=device).partial_fit(X, y, classes=range(10))
        for device in ("auto", "cpu")
    )
    one.set_params(device=one.device_).predict(X)
    assert_same(one.partial_fit(X, y), other.partial_fit(X, y), X)


@pytest.mark.parametrize("make", [mlp, conv])
def test_precisions_agree_to_rounding(make, few):
    X, X_test, y, _ = few
    exact, single, brain, auto = (
        make(precision=precision, optimizer="sgd", lr=0.01).fit(X, y)
        for precision in ("float64", "float32", "bfloat16", "auto")
    )
    proba = exact.predict_proba(X_test)
    assert proba.dtype == np.float64
    for clf, tolerance in ((single, 1e-5), (brain, 0.05), (auto, 0.05)):
        assert clf.decision_function(X_test).dtype == np.float32
        assert clf.predict_proba(X_test).dtype == np.float64
        np.testing.assert_allclose(clf.predict_proba(X_test), proba, atol=tolerance)
    assert np.abs(brain.predict_proba(X_test) - proba).max() > 1e-5


@pytest.mark.parametrize("weighted", [False, True])
def test_float64_scales_pixels_in_float64(weighted, few):
    X, X_test, y, _ = few
    weight = np.random.RandomState(0).uniform(0, 2, N) if weighted else None
    clf = mlp(precision="float64", pixel_scaling="standard", hidden_layer_sizes=())
    clf.fit(X, y, sample_weight=weight)
    pixels = X.reshape(N, -1).astype(float)
    mean = np.average(pixels.mean(axis=1), weights=weight)
    variance = np.average(((pixels - mean) ** 2).mean(axis=1), weights=weight)
    scaled = (X_test.reshape(100, -1) - mean) / np.sqrt(variance)
    coefficients, intercepts = (w.detach().numpy() for w in clf.module_.parameters())
    np.testing.assert_allclose(
        clf.decision_function(X_test), scaled @ coefficients.T + intercepts, rtol=1e-10
    )


# -- input, labels and the predict family --


@pytest.mark.parametrize("make", [mlp, conv])
def test_flat_rows_and_images_are_the_same_data(make, few):
    X, X_test, y, y_test = few
    forms = [
        lambda X: X,
        lambda X: X.reshape(len(X), -1),
        lambda X: X[:, None],
        lambda X: X.astype(np.float32),
    ]
    models = [make(early_stopping=True).fit(form(X), y) for form in forms]
    proba = models[0].predict_proba(X_test)
    for clf in models:
        for form in forms:
            np.testing.assert_array_equal(clf.predict_proba(form(X_test)), proba)
    mixed = make(early_stopping=True).fit(
        X, y, X_val=X_test.reshape(100, -1), y_val=y_test
    )
    assert mixed.image_shape_ == (1, 28, 28)


@pytest.mark.parametrize(
    "name_of",
    [
        lambda y: np.array([f"digit {k}" for k in y]),
        lambda y: np.array([f"digit {k}" for k in y], dtype=object),
        lambda y: y * 7 - 30,
        lambda y: y.astype(np.int8) - 5,
        lambda y: y.astype(np.uint64) + 2**60,
        lambda y: y > 4,
        lambda y: np.where(y > 4, "high", "low"),
        lambda y: y.astype(float),
    ],
    ids=["str", "object", "gaps", "int8", "uint64", "bool", "two str", "float"],
)
def test_labels_of_any_kind_come_back(name_of, few):
    X, X_test, y, y_test = few
    clf = conv(max_epochs=10).fit(X, name_of(y))
    predicted = clf.predict(X_test)
    assert predicted.dtype == name_of(y).dtype
    np.testing.assert_array_equal(clf.classes_, np.unique(name_of(y)))
    assert accuracy_score(name_of(y_test), predicted) > 0.7
    assert clf.score(X_test, name_of(y_test)) == accuracy_score(
        name_of(y_test), predicted
    )


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("make", [mlp, conv])
def test_predictions_agree_with_one_another(make, n_classes, few):
    X, X_test, y, _ = few
    clf = make(precision="float64").fit(X, y % n_classes)
    logits = clf.module_(torch.tensor(X_test[:, None])).detach().numpy()
    tight = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(
        clf.predict_proba(X_test), softmax(logits, axis=1), **tight
    )
    np.testing.assert_allclose(
        clf.predict_log_proba(X_test), log_softmax(logits, axis=1), **tight
    )
    np.testing.assert_array_equal(clf.predict(X_test), logits.argmax(axis=1))
    decision = clf.decision_function(X_test)
    if n_classes == 2:
        np.testing.assert_allclose(decision, logits[:, 1] - logits[:, 0], **tight)
        np.testing.assert_array_equal(clf.predict(X_test), decision > 0)
    else:
        np.testing.assert_allclose(decision, logits, **tight)


def test_rows_are_predicted_each_on_their_own(few):
    X, X_test, y, _ = few
    clf = conv(conv_layers=(ConvLayer(4, batch_norm=True),), dropout=0.5).fit(X, y)
    proba = clf.predict_proba(X_test)
    order = np.random.RandomState(0).permutation(100)
    np.testing.assert_allclose(
        clf.predict_proba(X_test[order]), proba[order], rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(
        clf.predict_proba(X_test[:1]), proba[:1], rtol=1e-5, atol=1e-7
    )


def test_many_rows_are_predicted_like_few(few):
    X, X_test, y, _ = few
    clf = conv(conv_layers=(32,)).fit(X, y)
    many = np.tile(X_test, (20, 1, 1))
    np.testing.assert_allclose(
        clf.predict_proba(many),
        np.tile(clf.predict_proba(X_test), (20, 1)),
        rtol=1e-5,
        atol=1e-7,
    )


def test_threads_predict_what_one_predicts(few):
    X, X_test, y, _ = few
    clf = conv(dropout=0.3).fit(X, y)
    expected = clf.predict_proba(X_test)
    clf.set_params(device="cpu")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: clf.predict_proba(X_test), range(64)))
    for result in results:
        np.testing.assert_array_equal(result, expected)


# -- what is told --


def test_summary_is_the_layer_table_of_the_report(few):
    X, _, y, _ = few
    clf = conv(conv_layers=(16, 4), max_epochs=1).fit(X, y)
    summary = clf.summary()
    convolutions = [line for line in summary if line.n_parameters]
    assert [(shape, count) for _, shape, count in convolutions] == [
        ((16, 28, 28), 160),
        ((4, 14, 14), 580),
        ((10,), 1970),
    ]
    assert [line.layer.split()[0] for line in convolutions] == [
        "Conv2d",
        "Conv2d",
        "Linear",
    ]
    assert summary.n_parameters == clf.n_parameters_ == 2710
    table = str(summary)
    for text in ("160", "580", "1,970", "2,710", "(16, 28, 28)", "(10,)"):
        assert text in table
    assert len({len(line) for line in table.splitlines()}) == 1


def test_verbose_prints_the_table_of_skorch(few, capsys):
    X, X_val, y, y_val = few
    mlp(verbose=2, max_epochs=3).fit(X, y, X_val=X_val, y_val=y_val)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("epoch", "lr", "train_acc", "train_loss", "valid_acc", "valid_loss", "dur")
    ]
    assert [re.match(r"\s*(\d+)", line)[1] for line in lines[2:]] == ["1", "2", "3"]


def test_silent_without_verbose(few, capfd):
    X, _, y, _ = few
    overfit(n_iter_no_change=2).fit(X, y)
    mlp(lr_schedule="plateau").fit(X, y).partial_fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")


# -- probabilities ------------------------------------------------------------


@pytest.mark.parametrize(
    "clf",
    [
        LinearClassifier(max_iter=30, C=100),
        MLPClassifier(max_epochs=30, random_state=0),
        ConvNetClassifier((8,), max_epochs=30, random_state=0),
    ],
    ids=lambda clf: type(clf).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_classes", [2, 10])
def test_probabilities_are_the_softmax_of_the_logits_in_float64(clf, n_classes, few):
    X, X_test, y, y_test = few
    y, y_test = y % n_classes, y_test % n_classes
    clf = clone(clf).fit(X, y)
    logits = clf.decision_function(X_test).astype(np.float64)
    if n_classes == 2:
        logits = np.stack([0 * logits, logits], axis=1)
    proba, log_proba = clf.predict_proba(X_test), clf.predict_log_proba(X_test)
    assert proba.dtype == log_proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)
    # For two classes only the difference of float32 logits is known.
    rtol = 1e-12 if n_classes > 2 else 1e-5
    np.testing.assert_allclose(proba, scipy.special.softmax(logits, axis=1), rtol=rtol)
    np.testing.assert_allclose(
        log_proba, scipy.special.log_softmax(logits, axis=1), rtol=rtol, atol=1e-10
    )
    # scikit-learn clips probabilities at the epsilon of their dtype.
    true = log_proba[np.arange(len(y_test)), y_test]
    assert log_loss(y_test, proba, labels=clf.classes_) == pytest.approx(-true.mean())
    assert json.loads(json.dumps(proba[0].tolist())) == proba[0].tolist()


# -- slips --------------------------------------------------------------------


@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetClassifier])
def test_missing_labels_are_asked_for_by_the_estimators_own_name(cls, few):
    message = f"This {cls.__name__} estimator requires y to be passed"
    for fit in (cls().fit, lambda X: cls().partial_fit(X, classes=[0, 1])):
        with pytest.raises(ValueError, match=message):
            fit(few[0])
