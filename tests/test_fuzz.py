"""Any input ends in a sound fit or in a ValueError or TypeError that says why.

Some hundred cases are tried in every run. Thousands, and new ones every time:

    pytest tests/test_fuzz.py --hypothesis-profile=thorough
"""

import math
import os
import random
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

# torch's first optimiser sets an environment variable, TORCHINDUCTOR_CACHE_DIR.
torch.optim.SGD([torch.zeros(1)])


# -- what may come --

DTYPES = [
    *("uint8", "uint8", "int8", "int16", "uint16", "int64", "uint64", "bool"),
    *("float16", "float32", "float64", ">f4", "<i4", "longdouble"),
]


def in_another_order(X):
    return np.asfortranarray(X)


def every_other(X):
    wide = np.empty((2 * len(X), *X.shape[1:]), X.dtype)
    wide[::2] = X
    return wide[::2]


def backwards(X):
    return np.ascontiguousarray(X[::-1])[::-1]


def inner_part(X):
    wide = np.empty((*X.shape[:-1], X.shape[-1] + 3), X.dtype)
    wide[..., 1:-2] = X
    return wide[..., 1:-2]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def as_tensor(X):
    return torch.from_numpy(X) if X.dtype.str in ("|u1", "<f4") else X


LAYOUTS = [
    *(np.ascontiguousarray, in_another_order, every_other, backwards, inner_part),
    *(read_only, np.ndarray.tolist, as_tensor),
]
LABELS = [
    [0, 1, 2],
    [-5, 3, 1000],
    ["cat", "dog", "a bird"],
    [False, True, True],
    [0.0, 1.0, 2.0],
    np.array([7, 8, 9], dtype="uint8"),
    np.array(["x", "y", "z"], dtype=object),
]


@st.composite
def arrays(draw):
    """Images that an estimator should take, in any form, and their labels."""
    n_images = draw(st.integers(6, 24))
    shape = draw(
        st.one_of(
            st.tuples(st.integers(1, 40)),
            st.tuples(st.integers(1, 9), st.integers(1, 9)),
            # Two channels would be the height of images with their channels last.
            st.tuples(st.sampled_from([1, 3]), st.integers(1, 7), st.integers(1, 7)),
            st.tuples(st.integers(5, 7), st.integers(1, 7), st.sampled_from([1, 3])),
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    low, high = draw(st.sampled_from([(0, 256), (0, 2), (-3, 4), (5, 6), (0, 60_000)]))
    X = rng.integers(low, high, (n_images, *shape)).astype(
        draw(st.sampled_from(DTYPES))
    )
    labels = np.asarray(draw(st.sampled_from(LABELS)))
    y = labels[np.arange(n_images) % draw(st.integers(2, 3))]
    return X, y


WEIGHTS = st.sampled_from([None, None, "random", "zeros", "small", "large"])


def weights_of(kind, n_images):
    if kind is None:
        return None
    weights = np.random.default_rng(0).uniform(0.5, 2, n_images)
    if kind == "zeros":
        weights[4:] = 0
    return weights * {"small": 1e-30, "large": 1e30}.get(kind, 1)


ESTIMATORS = st.sampled_from(
    [
        LinearClassifier(max_iter=3),
        MLPClassifier((), max_epochs=1),
        MLPClassifier((5,), max_epochs=2, batch_size=7),
        ConvNetClassifier((3,), (), max_epochs=1, batch_size=5),
        ConvNetClassifier(
            (ConvLayer(2, 2, pool="avg", batch_norm=True),), (4,), max_epochs=1
        ),
    ]
)
TRAINING = {
    "activation": ["relu", "gelu", "identity", "swish"],
    "dropout": [0, 0.5, 0.999, 1, -0.1],
    "optimizer": ["sgd", "adam", "rmsprop", torch.optim.NAdam, "lion", int],
    "optimizer_params": [None, {}, {"eps": 1e-6}, {"speed": 3}, [1]],
    "lr": [1e-4, 0.01, 1, 1e30, 0, -1, np.nan, np.inf, "fast", None, True],
    "weight_decay": [0, 0.1, 1e3, -1, "none"],
    "momentum": [0, 0.9, 1, -1],
    "lr_schedule": [None, "cosine", "exponential", "plateau", "onecycle", "linear"],
    "lr_decay": [0.5, 1, 0, 2],
    "batch_size": [1, 2, 1000, 10**12, 0, 2.5, "auto"],
    "max_epochs": [1, 2, 0, 1.0],
    "shuffle": [True, False, 1, "yes"],
    "class_weight": [None, "balanced", {}, {0: 2.0}, {"cat": 1}, {0: -1}, "heavy"],
    "early_stopping": [False, True, "later"],
    "validation_fraction": [0.1, 0.5, 0.99, 0, 1],
    "n_iter_no_change": [1, 10, 0],
    "tol": [0, 1e-4, -1],
    "pixel_scaling": ["standard", "unit", "symmetric", None, "minmax"],
    "augment": [None, "shift", "affine", torch.neg, torch.flatten, "flip"],
    "device": ["auto", "cpu", torch.device("cpu"), "cuda:7", "tpu", 3],
    "precision": ["float32", "float64", "bfloat16", "auto", "float8"],
    "micro_batch_size": ["auto", 1, 3, 0, "some"],
    "callbacks": [None, [], [3], "all"],
    "checkpoint": [None, "/no/such/folder/file", 5],
    "warm_start": [False, True, None],
    "random_state": [0, None, np.random.RandomState(3), -1, "lucky"],
    "hidden_layer_sizes": [(), (3,), [2, 2], (0,), 5, "big"],
    "conv_layers": [(), (2,), (ConvLayer(2, 9, padding="valid"),), (0,), "deep"],
    "image_shape": [None, (2, 2), (1, 3, 3), (3,), "square"],
    "C": [1e-3, np.inf, 0, -1],
    "solver": ["lbfgs", "sag", "newton-cholesky", "liblinear", "best"],
    "max_iter": [1, 0],
}


# -- what must hold --


def global_state():
    return {
        "numpy": str(np.random.get_state(legacy=False)),  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "python": random.getstate(),
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "environment": dict(os.environ),
        "errors of numpy": np.geterr(),
    }


def content_of(X):
    return X.tobytes() if hasattr(X, "tobytes") else repr(X)


def fitted_or_refused(clf, X, y, sample_weight=None):
    """The fitted estimator, or None after an error that says why."""
    before = global_state()
    contents = [content_of(value) for value in (X, y, sample_weight)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DataConversionWarning)
        if isinstance(clf, LinearClassifier):
            # What scikit-learn's solvers say of weights of 1e30, and then cope with.
            warnings.simplefilter("ignore", RuntimeWarning)
        try:
            clf.fit(X, y, sample_weight)
        except (ValueError, TypeError, OSError) as error:
            reason = str(error)
        else:
            reason = None
    assert [content_of(value) for value in (X, y, sample_weight)] == contents
    assert global_state() == before
    if reason is None:
        return clf
    assert len(reason) > 20
    assert not hasattr(clf, "classes_")
    return None


def assert_sound(clf, X, y):
    n_images, n_classes = len(y), len(np.unique(y))
    labels, proba = clf.predict(X), clf.predict_proba(X)
    assert labels.shape == (n_images,)
    assert labels.dtype == np.asarray(y).dtype
    assert set(labels) <= set(y)
    assert proba.shape == (n_images, n_classes)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert (proba >= 0).all()
    assert np.isfinite(clf.predict_log_proba(X)).all()
    expected = (n_images,) if n_classes == 2 else (n_images, n_classes)
    assert clf.decision_function(X).shape == expected


@given(ESTIMATORS, arrays(), st.sampled_from(LAYOUTS), WEIGHTS, st.booleans())
def test_images_of_any_form_are_fitted(clf, data, layout, weights, flat):
    X, y = data
    X = X.reshape(len(X), -1) if flat else X
    clf = clone(clf).set_params(random_state=0)
    given_X = layout(X)
    fitted = fitted_or_refused(clf, given_X, y, weights_of(weights, len(y)))
    assert_sound(fitted, given_X, y)


@st.composite
def parameters(draw, clf):
    known = [name for name in TRAINING if name in clf.get_params()]
    names = draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True))
    return {name: draw(st.sampled_from(TRAINING[name])) for name in names}


@given(st.data(), ESTIMATORS, arrays(), WEIGHTS)
def test_parameters_of_any_value_are_used_or_refused(data, clf, images, weights):
    X, y = images
    params = data.draw(parameters(clf))
    clf = clone(clf).set_params(random_state=0).set_params(**clone(params, safe=False))
    fitted = fitted_or_refused(clf, X, y, weights_of(weights, len(y)))
    if fitted is not None:
        assert_sound(fitted, X, y)


def spoil(X, y, weights, how):
    """The same data with one thing wrong."""
    X, y, weights = X.copy(), y.copy(), weights.copy()
    if how == "NaN":
        X = X.astype(float)
        X.flat[-1] = np.nan
    elif how == "infinity":
        X = X.astype(float)
        X.flat[0] = -np.inf
    elif how == "complex":
        X = X * 1j
    elif how == "words":
        X = np.full(X.shape, "pixel")
    elif how == "objects":
        X = np.full(X.shape, None)
    elif how == "ragged":
        X = [[1, 2], [3]]
    elif how == "no images":
        X, y, weights = X[:0], y[:0], weights[:0]
    elif how == "no pixels":
        X = X.reshape(len(X), -1)[:, :0]
    elif how == "five dimensions":
        X = X.reshape(len(X), 1, 1, 1, -1)
    elif how == "one number":
        X = 3
    elif how == "too few labels":
        y = y[:-1]
    elif how == "labels in columns":
        y = np.stack([y, y], axis=1)
    elif how == "one label":
        y[:] = y[0]
    elif how == "continuous labels":
        y = np.linspace(0, 1, len(y))
    elif how == "no labels":
        y = None
    elif how == "missing label":
        y = [None, *y[1:]]
    elif how == "too many weights":
        weights = np.append(weights, 1)
    elif how == "negative weight":
        weights[0] = -1
    elif how == "weight that is none":
        weights[0] = np.nan
    elif how == "weights of zero":
        weights[:] = 0
    else:
        weights = np.stack([weights, weights])
    return X, y, weights


WRONGS = [
    *("NaN", "infinity", "complex", "words", "objects", "ragged", "no images"),
    *("no pixels", "five dimensions", "one number", "too few labels"),
    *("labels in columns", "one label", "continuous labels", "no labels"),
    *("missing label", "too many weights", "negative weight", "weight that is none"),
    *("weights of zero", "weights in rows"),
]


@given(ESTIMATORS, arrays(), st.sampled_from(WRONGS))
def test_what_is_wrong_is_refused(clf, data, how):
    X, y = data
    if how in ("words", "objects", "complex", "NaN", "infinity"):
        X = X.astype(float)
    X, y, weights = spoil(X, y, np.ones(len(X)), how)
    assert fitted_or_refused(clone(clf), X, y, weights) is None


@given(ESTIMATORS, arrays(), st.sampled_from(LAYOUTS))
def test_form_of_the_same_values_changes_nothing(clf, data, layout):
    X, y = data
    clf = clone(clf).set_params(random_state=0)
    fitted = fitted_or_refused(clf, X, y)
    other = fitted_or_refused(clone(clf), layout(X), y)
    np.testing.assert_array_equal(fitted.predict_proba(X), other.predict_proba(X))


@given(ESTIMATORS, arrays())
def test_dtype_of_the_same_values_changes_nothing(clf, data):
    X, y = data
    X = np.clip(np.nan_to_num(X.astype("float32")), -2048, 2048)
    clf = clone(clf).set_params(random_state=0)
    fitted, other = (
        fitted_or_refused(clone(clf), X.astype(dtype), y)
        for dtype in ("float32", "float64")
    )
    np.testing.assert_allclose(
        fitted.predict_proba(X), other.predict_proba(X), rtol=1e-4, atol=1e-6
    )


@given(ESTIMATORS, arrays())
def test_names_of_labels_change_nothing(clf, data):
    X, y = data
    clf = clone(clf).set_params(random_state=0)
    fitted = fitted_or_refused(clf, X, y)
    renamed = np.array(["a", "b", "c"])[np.unique(y, return_inverse=True)[1]]
    other = fitted_or_refused(clone(clf), X, renamed)
    np.testing.assert_array_equal(fitted.predict_proba(X), other.predict_proba(X))


@given(ESTIMATORS, arrays(), st.sampled_from(["<f4", "|u1"]))
def test_file_of_images_is_as_good_as_memory(tmp_path_factory, clf, data, dtype):
    X, y = data
    X = np.clip(np.nan_to_num(X.astype(float)), 0, 255).astype(dtype)
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, X)
    clf = clone(clf).set_params(random_state=0)
    fitted = fitted_or_refused(clf, X, y)
    other = fitted_or_refused(clone(clf), np.load(path, mmap_mode="r"), y)
    np.testing.assert_array_equal(fitted.predict_proba(X), other.predict_proba(X))


@given(ESTIMATORS, arrays())
def test_flat_rows_and_square_images_are_the_same(clf, data):
    X, y = data
    side = math.isqrt(X[0].size)
    rows = X.reshape(len(X), -1)[:, : side * side]
    images = rows.reshape(len(X), side, side)
    clf = clone(clf).set_params(random_state=0)
    fitted = fitted_or_refused(clf, images, y)
    other = fitted_or_refused(clone(clf), rows, y)
    for shown in (images, rows):
        np.testing.assert_array_equal(
            fitted.predict_proba(shown), other.predict_proba(shown)
        )
