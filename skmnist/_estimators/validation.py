"""Checks of parameters, images, labels and weights, in scikit-learn's words.

Nothing in here imports torch, so that `LinearClassifier` works without it.
"""

import math
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skmnist._estimators.foreign_input import (
    refuse_foreign_images,
    refuse_foreign_labels,
    refuse_missing_labels,
)

# The dtypes that torch can both hold and gather rows of, on every device.
GATHERABLE_DTYPES = frozenset(
    np.dtype(name)
    for name in (
        *("bool", "uint8", "int8", "int16", "int32", "int64"),
        *("float16", "float32", "float64"),
    )
)


# The smallest images that people hold as flat rows are 8x8.
LEAST_PIXELS = 64

# Of one image: grey, colour, colour with alpha.
CHANNELS = (1, 3, 4)


# -- parameters ---------------------------------------------------------------


class Rule(NamedTuple):
    """What a parameter accepts, and the words that say so."""

    expected: str
    accepts: Callable[[Any], bool]


def is_int(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def is_real(value):
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def number(
    expected, *, low, high=math.inf, low_open=False, high_open=False, infinite=False
):
    """A real number in an interval, closed and finite unless said otherwise."""

    def accepts(value):
        if not is_real(value) or not (infinite or -math.inf < value < math.inf):
            return False
        above = value > low if low_open else value >= low
        below = value < high if high_open else value <= high
        return above and below

    return Rule(expected, accepts)


def one_of(*options, also=None):
    """One of the named options, or whatever the rule ``also`` accepts."""
    expected = f"one of {', '.join(repr(option) for option in options)}"
    if also is None:
        return Rule(expected, lambda value: _is_option(value, options))
    return Rule(
        f"{expected}, or {also.expected}",
        lambda value: _is_option(value, options) or also.accepts(value),
    )


def _is_option(value, options):
    # An array or a dict among the options' equals would be an ambiguous or
    # unhashable comparison; only None and strings are ever options.
    return (value is None or isinstance(value, str)) and value in options


POSITIVE_FLOAT = number("a positive float", low=0, low_open=True)
NON_NEGATIVE_FLOAT = number("a non-negative float", low=0)
NON_NEGATIVE_INT = Rule(
    "a non-negative int", lambda value: is_int(value) and value >= 0
)
POSITIVE_INT = Rule("a positive int", lambda value: is_int(value) and value > 0)
BOOL = Rule("a bool", lambda value: isinstance(value, (bool, np.bool_)))
VERBOSITY = Rule(
    "a non-negative int or a bool",
    lambda value: BOOL.accepts(value) or NON_NEGATIVE_INT.accepts(value),
)
LAYER_SIZES = Rule(
    "a tuple of positive ints, () for no hidden layer",
    lambda value: (
        (isinstance(value, (tuple, list)) or getattr(value, "ndim", None) == 1)
        and all(is_int(size) and size > 0 for size in value)
    ),
)
IMAGE_SHAPE = Rule(
    "None, (height, width) or (channels, height, width)",
    lambda value: (
        value is None
        or (
            isinstance(value, (tuple, list))
            and len(value) in (2, 3)
            and all(is_int(side) and side > 0 for side in value)
        )
    ),
)
CLASS_WEIGHT = one_of(
    None,
    "balanced",
    also=Rule(
        "a dict of class label to non-negative float",
        lambda value: (
            isinstance(value, dict)
            and all(NON_NEGATIVE_FLOAT.accepts(weight) for weight in value.values())
        ),
    ),
)
RANDOM_STATE = Rule(
    "None, an int between 0 and 2**32 - 1, or a numpy.random.RandomState",
    lambda value: (
        value is None
        or (is_int(value) and 0 <= value < 2**32)
        or isinstance(value, np.random.RandomState)
    ),
)
PATH = Rule(
    "None or a path",
    lambda value: (
        value is None or (isinstance(value, (str, os.PathLike)) and bool(value))
    ),
)
NAMED_ARGUMENTS = Rule(
    "None or a dict of argument name to value",
    lambda value: (
        value is None
        or (isinstance(value, dict) and all(isinstance(key, str) for key in value))
    ),
)
CALLABLE = Rule("a callable", callable)
PIXEL_SCALING = one_of(None, "standard", "unit", "symmetric")


def parameter_error(owner, name, expected, value):
    """The one sentence in which every parameter error is said."""
    return ValueError(
        f"The {name!r} parameter of {owner} must be {expected}. Got {value!r} instead."
    )


def check_parameters(estimator, rules):
    """Raise a ValueError for the first parameter that breaks its rule."""
    for name, rule in rules.items():
        value = getattr(estimator, name)
        if not rule.accepts(value):
            owner = type(estimator).__name__
            raise parameter_error(owner, name, rule.expected, value)


@contextmanager
def unchanged_on_failure(estimator):
    """Put an estimator's attributes back as they were when anything is raised."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


# -- images -------------------------------------------------------------------


def check_images(estimator, X, y=None, *, reset):
    """Bring X to one row of pixels per image, without a copy where it can be.

    Parameters
    ----------
    estimator : estimator
        Whose ``n_features_in_`` and ``feature_names_in_`` are set or held to.
    X : array-like of shape (n_samples, n_features), \
            (n_samples, height, width) or (n_samples, channels, height, width)
        The images.
    y : array-like of shape (n_samples,), or None
        The labels; None where there are none to check (``reset=False``).
    reset : bool
        True in ``fit``, False for everything after.

    Returns
    -------
    pixels : ndarray or tensor of shape (n_samples, n_features)
        In the dtype of ``X`` where torch knows it. A tensor only where ``X`` is
        a tensor on an accelerator.
    image_shape : tuple (channels, height, width), or None for flat input
    y : ndarray of shape (n_samples,), or None
    """
    rows, image_shape = _flatten(X)
    y = _on_host(y)
    refuse_foreign_labels(y)
    if not reset:
        _check_same_shape(estimator, rows, image_shape)
    if _is_tensor(rows):
        y = _check_device_rows(estimator, rows, y, reset)
        return rows, image_shape, y
    if y is None and not reset:
        if not _is_plainly_valid(estimator, rows):
            rows = validate_data(estimator, rows, dtype="numeric", reset=False)
    else:
        rows, y = validate_data(estimator, rows, y, dtype="numeric", reset=reset)
        refuse_missing_labels(y)
    return _gatherable(rows), image_shape, y


def _flatten(X):
    """X as something two-dimensional, and the shape of its images if it has one.

    Channels that come last are brought forward: the one copy that images ever take,
    in their own dtype.
    """
    if not _is_tensor(X):
        refuse_foreign_images(X)
    if _is_tensor(X):
        X = X.detach()
        if X.device.type == "cpu":
            X = (X.float() if str(X.dtype) == "torch.bfloat16" else X).numpy()
    elif hasattr(X, "columns") or hasattr(X, "tocsr"):
        # Frames keep their column names and sparse matrices their own error
        # message, so both go to scikit-learn as they are.
        return X, None
    else:
        X = np.asarray(X)
    if X.ndim == 1 or X.ndim > 4:
        raise _dimensions_error(X)
    if X.ndim not in (3, 4):
        return X, None
    if has_channels_last(X.shape[1:]):
        X = X.movedim(-1, 1) if _is_tensor(X) else np.moveaxis(X, -1, 1)
    image_shape = tuple(int(side) for side in X.shape[1:])
    if 0 in image_shape:
        raise ValueError(f"Found images without pixels: X has shape {tuple(X.shape)}.")
    image_shape = (1, *image_shape) if X.ndim == 3 else image_shape
    return X.reshape(len(X), math.prod(image_shape)), image_shape


def _dimensions_error(X):
    expected = (
        "X of shape (n_samples, n_features), (n_samples, height, width) or (n_samples, "
        "channels, height, width)"
    )
    if X.ndim > 4:
        return ValueError(f"Expected {expected}. Got {X.ndim} dimensions instead.")
    if len(X) and np.ndim(X[0]):
        return ValueError(
            f"Expected {expected}. Got {len(X)} separate arrays instead. np.stack(X) "
            "makes one of them."
        )
    return ValueError(
        f"Expected 2D array, got 1D array instead: X has shape {tuple(X.shape)}. "
        "Reshape your data with X.reshape(1, -1) if it is a single image."
    )


def has_channels_last(shape):
    """Whether images of this shape are (height, width, channels).

    Raises
    ------
    ValueError
        For four channels that come last.
    """
    if len(shape) != 3 or shape[2] not in CHANNELS or shape[0] in CHANNELS:
        return False
    if shape[2] == 4:
        raise ValueError(
            f"X holds images of (height, width, channels) = {tuple(shape)}: the fourth "
            "channel is taken to be alpha, how opaque a pixel is. Lay the images on a "
            "ground, or pass X[..., :3]. If it is no alpha, pass X.transpose(0, 3, 1, "
            "2)."
        )
    return True


def _check_same_shape(estimator, rows, image_shape):
    """Images in a shape of their own must have the one of the fit.

    The commonest slip is one image in the place of several.
    """
    shape = tuple(rows.shape)
    if image_shape is not None:
        shape = (len(rows), *image_shape[1:])
    one = estimator.image_shape_
    forms_of_one = (one, one[1:], (*one[1:], one[0]))
    if shape in forms_of_one and rows.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"Expected several images. Got X of shape {shape} instead, the shape of a "
            "single one. For one image, pass X[np.newaxis]."
        )
    if image_shape not in (None, one):
        raise ValueError(
            f"X holds images of (channels, height, width) = {image_shape}, but "
            f"{type(estimator).__name__} was fitted on {one}. Resize the images, or "
            "bring their axes into this order."
        )


def _is_plainly_valid(estimator, rows):
    """Whether the rows are whole numbers in an array of the right size.

    scikit-learn could find nothing wrong with them, and its checks take longer than a
    small network does for one image.
    """
    return (
        type(rows) is np.ndarray
        and rows.dtype.kind in "bui"
        and rows.ndim == 2
        and len(rows) > 0
        and rows.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


def _is_tensor(X):
    # torch is never imported for this: who holds a tensor has imported it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(X, torch.Tensor)


def _on_host(values):
    """Labels or weights where NumPy can read them."""
    return values.detach().cpu() if _is_tensor(values) else values


def _check_device_rows(estimator, rows, y, reset):
    """scikit-learn's checks for a tensor that lies on an accelerator."""
    name = type(estimator).__name__
    if rows.ndim != 2:
        raise ValueError(f"Expected 2D array, got {rows.ndim}D tensor instead.")
    if rows.is_complex():
        raise ValueError(f"Complex data not supported by {name}.")
    if min(rows.shape) == 0:
        raise ValueError(f"Found tensor of shape {tuple(rows.shape)}: no pixels.")
    if rows.is_floating_point() and not bool(rows.isfinite().all()):
        raise ValueError(
            f"Input X contains NaN or infinity, which {name} does not accept."
        )
    validate_data(estimator, rows, skip_check_array=True, reset=reset)
    if y is None and not reset:
        return None
    y = validate_data(estimator, y=y, reset=reset)
    check_consistent_length(rows, y)
    return y


def _gatherable(rows):
    """Rows that lie in one piece each, in a dtype that torch can gather.

    Copies only what must be: odd dtypes, swapped bytes, columns apart.
    """
    if rows.dtype not in GATHERABLE_DTYPES:
        rows = rows.astype(_wider_dtype(rows.dtype))
    across, along = rows.strides
    in_one_piece = along == rows.itemsize and across > 0 and across % along == 0
    return rows if in_one_piece else np.ascontiguousarray(rows)


def _wider_dtype(dtype):
    native = dtype.newbyteorder("=")
    if native in GATHERABLE_DTYPES:
        return native
    return {"uint16": "int32", "uint32": "int64"}.get(native.name, "float64")


def find_image_shape(estimator, n_features, own_shape, requested=None):
    """The shape (channels, height, width) in which flat rows are to be seen.

    Parameters
    ----------
    n_features : int
        Pixels per image.
    own_shape : tuple or None
        The shape that ``X`` came in; None for flat input.
    requested : tuple or None
        The ``image_shape`` parameter. Without it and without a shape of its
        own a row is a square image if it can be, else a strip one pixel high.
    """
    if requested is not None:
        shape = tuple(int(side) for side in requested)
        shape = (1, *shape) if len(shape) == 2 else shape
        if shape[2] in CHANNELS and shape[0] not in CHANNELS:
            raise parameter_error(
                type(estimator).__name__,
                "image_shape",
                f"(channels, height, width), such as {(shape[2], *shape[:2])}, even if "
                "the channels of X come last",
                requested,
            )
        if math.prod(shape) != n_features or own_shape not in (None, shape):
            came = f"{n_features} features" if own_shape is None else f"{own_shape}"
            raise ValueError(
                f"The 'image_shape' parameter of {type(estimator).__name__} must fit "
                f"the images in X: {requested!r} asks for {math.prod(shape)} pixels "
                f"in (channels, height, width) = {shape}, X has {came}."
            )
        return shape
    if own_shape is not None:
        return own_shape
    side = math.isqrt(n_features)
    if side * side == n_features:
        return (1, side, side)
    _look_for_slips(estimator, n_features)
    return (1, 1, n_features)


def _look_for_slips(estimator, n_features):
    """Flat rows that are no square: colour images, or a label among the pixels.

    To dense layers the shape is all one; convolutions on a strip would be trained in
    silence. Small numbers of features are left alone: they may be anything.
    """
    name, takes_shape = type(estimator).__name__, hasattr(estimator, "image_shape")
    if n_features < LEAST_PIXELS:
        return
    side = math.isqrt(n_features // 3)
    if 3 * side * side == n_features and takes_shape:
        raise ValueError(
            f"X has rows of {n_features} pixels, as many as colour images of {side}x"
            f"{side} have. If they are, say so by image_shape=(3, {side}, {side}), or "
            "by X in that shape, with the channels first. If they are a strip, say "
            f"image_shape=(1, 1, {n_features})."
        )
    side = math.isqrt(n_features - 1)
    if side * side + 1 == n_features:
        message = (
            f"X has rows of {n_features} pixels, one more than images of {side}x{side} "
            "have: is the column of labels still among them?"
        )
        if takes_shape:
            strip = f" If they are a strip, say image_shape=(1, 1, {n_features})."
            raise ValueError(message + strip)
        warnings.warn(f"{message} {name} takes them as they are.", stacklevel=5)


# -- labels and weights -------------------------------------------------------


def check_sample_weight(sample_weight, n_samples):
    """Weights as float64 of shape (n_samples,), or None where none were given."""
    if sample_weight is None:
        return None
    if is_real(sample_weight):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(
        _on_host(sample_weight),
        ensure_2d=False,
        dtype=np.float64,
        input_name="sample_weight",
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}: one "
            "weight per row of X."
        )
    if weights.min() < 0:
        raise ValueError(
            f"Negative values in data passed to sample_weight: {weights.min()}. "
            "Weights must be zero or more."
        )
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def find_classes(estimator, y):
    """The sorted labels in y, of which there must be two."""
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs samples of at least 2 classes in the "
            f"data, but the data contains only one class: {classes.tolist()[0]!r}."
        )
    return classes


def check_partial_classes(estimator, classes, first):
    """All classes of a stream: given in the first call, the same in later ones."""
    if first:
        if classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels "
                "that will ever occur."
            )
        return find_classes(estimator, np.asarray(classes))
    if classes is not None and not np.array_equal(
        estimator.classes_, np.unique(classes)
    ):
        raise ValueError(
            f"classes={np.unique(classes).tolist()} is not the same as on the last "
            f"call to partial_fit or fit, was: {estimator.classes_.tolist()}."
        )
    return estimator.classes_


def check_validation_labels(pixels, y_val, classes):
    """The class indices of validation images."""
    y_val = column_or_1d(_on_host(y_val), warn=True)
    check_consistent_length(pixels, y_val)
    return encode_labels(y_val, classes, name="y_val")


def encode_labels(y, classes, name="y"):
    """The position of every label in the sorted classes, as int64."""
    check_classification_targets(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"{name} contains labels that are not among the classes of the fit: "
            f"{unknown[:5].tolist()}. Expected some of {classes.tolist()[:20]}."
        )
    return np.searchsorted(classes, y).astype(np.int64, copy=False)


def loss_weights(class_weight, classes, targets, sample_weight):
    """The weight of every row in the loss: of its class times its own.

    "balanced" weighs a class by the inverse of its summed sample weights, so
    that an integer weight stays the same as a repeated row. The scale of all
    weights together is free, as losses are divided by their sum: it is brought
    to around 1, exactly, so that none is lost in float32.
    """
    if class_weight is None and sample_weight is None:
        return None
    weights = np.ones(len(targets)) if sample_weight is None else sample_weight
    if class_weight == "balanced":
        present, position = np.unique(targets, return_inverse=True)
        per_class = compute_class_weight(
            "balanced", classes=present, y=targets, sample_weight=sample_weight
        )
        weights = weights * per_class[position]
    elif class_weight is not None:
        labels = classes.tolist()
        unknown = [label for label in class_weight if label not in labels]
        # As in scikit-learn: a weighted class may be absent, but a key that is no
        # class beside a class without a weight is a mistake.
        if unknown and not class_weight.keys() >= set(labels):
            raise ValueError(
                "The keys of 'class_weight' must be class labels. Got "
                f"{unknown} instead, the classes are {labels[:20]}."
            )
        weights = (
            weights * np.array([class_weight.get(c, 1.0) for c in labels])[targets]
        )
    if not weights.any():
        raise ValueError(
            "The weights of all samples are zero: 'class_weight' times sample_weight "
            "must leave at least one non-zero number."
        )
    return np.ldexp(weights, -np.frexp(weights.max())[1])
