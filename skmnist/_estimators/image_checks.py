"""Checks of images, in scikit-learn's words. No torch."""

import math

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import validate_data

from skmnist._estimators.foreign_input import (
    refuse_foreign_images,
    refuse_foreign_labels,
    refuse_missing_labels,
)
from skmnist._estimators.image_shapes import has_channels_last
from skmnist._estimators.tensors import is_tensor, on_host

# The dtypes that torch can both hold and gather rows of, on every device.
GATHERABLE_DTYPES = frozenset(
    np.dtype(name)
    for name in (
        *("bool", "uint8", "int8", "int16", "int32", "int64"),
        *("float16", "float32", "float64"),
    )
)


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
    y = on_host(y)
    refuse_foreign_labels(y)
    if not reset:
        _check_same_shape(estimator, rows, image_shape)
    if is_tensor(rows):
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
    if not is_tensor(X):
        refuse_foreign_images(X)
    if is_tensor(X):
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
        X = X.movedim(-1, 1) if is_tensor(X) else np.moveaxis(X, -1, 1)
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
        "Reshape your data with X.reshape(1, -1) if it is a single image. If these "
        "are the labels, they come second: fit(X, y)."
    )


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
        advice = "Resize the images, or bring their axes into this order."
        if image_shape[1:] == one[1:]:
            advice = (
                "Make them grey, for example by X.mean(axis=1) or load_picture."
                if one[0] == 1
                else "Pass images with as many channels."
            )
        raise ValueError(
            f"Got images of (channels, height, width) = {image_shape}, but "
            f"{type(estimator).__name__} was fitted on {one}. {advice}"
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
