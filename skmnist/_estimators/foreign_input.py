"""Input that is no array of images or labels: what it is, and how to make one of it.

People hold their data as data loaders, lists of files, frames of arrays, one-hot
labels. What NumPy makes of these is an error about something else, or none. No torch.
"""

import os
import sys

import numpy as np

# What unpacking a data set that was not split gives.
BUNCH_KEYS = ("data", "target", "target_names", "DESCR")

EXPECTED = "Expected X as an array, frame, list or tensor of pixels."


def refuse_foreign_images(X):
    """Raise a ValueError that says what X is, if it is known and not pixels.

    Looks at the first image only, and not at all at arrays of numbers.
    """
    if type(X) is np.ndarray and X.dtype.kind not in "OUS":
        return
    _refuse_names(X)
    _refuse_torch_data(X)
    if hasattr(X, "columns"):
        _refuse_columns_of_images(X)
    elif isinstance(X, (list, tuple)) or getattr(X, "ndim", None) == 1:
        _refuse_images_in_a_list(X)


def _refuse_names(X):
    if not isinstance(X, (str, bytes, os.PathLike)):
        return
    how = "Load the images first: fetch_mnist, load_folder and load_picture do so."
    if X in BUNCH_KEYS:
        how = (
            "It is a name in what fetch_mnist and load_digits28 return: for X_train, "
            "X_test, y_train, y_test call them with split=True."
        )
    raise ValueError(f"{EXPECTED} Got {X!r} instead. {how}")


def _refuse_torch_data(X):
    data = getattr(sys.modules.get("torch"), "utils", None)
    if data is None or not isinstance(
        X, (data.data.DataLoader, data.data.Dataset, data.data.Sampler)
    ):
        return
    name = type(X).__name__
    if isinstance(X, data.data.DataLoader):
        how = (
            "Of a loader, pass X=torch.cat([images for images, _ in loader]) and "
            "y=torch.cat([labels for _, labels in loader]), without shuffling between "
            "the two; batches and shuffling are fit's own affair."
        )
    else:
        how = (
            "Of a data set of pairs, pass X=torch.stack([image for image, _ in data]) "
            "and y=[label for _, label in data]; torchvision's MNIST holds them as "
            "data.data and data.targets."
        )
    raise ValueError(f"{EXPECTED} Got a {name} of torch instead. {how}")


def _refuse_columns_of_images(X):
    row = np.asarray(X.head(1))
    if row.dtype != object:
        return
    for column, cell in zip(X.columns, row.ravel(), strict=True):
        if isinstance(cell, (np.ndarray, list)) or hasattr(cell, "to_numpy"):
            how = f"Pass np.stack(list(X[{column!r}]))."
        elif isinstance(cell, (dict, bytes)):
            content = "cell['bytes']" if isinstance(cell, dict) else "cell"
            how = (
                "Pass np.stack([load_picture(io.BytesIO("
                f"{content})) for cell in X[{column!r}]]), with load_picture from "
                "skmnist.datasets."
            )
        else:
            continue
        raise ValueError(
            f"{EXPECTED} Got a frame whose column {column!r} holds a "
            f"{type(cell).__name__} in each cell instead. {how}"
        )


def _refuse_images_in_a_list(X):
    if len(X) == 0:
        return
    first = X[0] if isinstance(X, (list, tuple)) else np.asarray(X)[0]
    if isinstance(first, (str, os.PathLike)):
        raise ValueError(
            f"{EXPECTED} Got file names instead, such as {os.fspath(first)!r}. Pass "
            "np.stack([load_picture(file) for file in X]), with load_picture from "
            "skmnist.datasets."
        )
    if isinstance(first, (dict, bytes)):
        content = "item['bytes']" if isinstance(first, dict) else "item"
        raise ValueError(
            f"{EXPECTED} Got a list of {type(first).__name__} instead. If they hold "
            f"pictures, pass np.stack([load_picture(io.BytesIO({content})) for item "
            "in X]), with load_picture from skmnist.datasets."
        )
    if isinstance(X, tuple) and len(X) == 2 and np.ndim(X[0]) > np.ndim(X[1]) == 1:
        raise ValueError(
            f"{EXPECTED} Got a pair of images and labels instead. Pass them one after "
            "the other: fit(X, y)."
        )
    if isinstance(X, (list, tuple)):
        _refuse_different_sizes(X)


def _refuse_different_sizes(X):
    # Only things that know their size: lists of numbers are NumPy's affair.
    shapes = {tuple(image.shape) for image in X if hasattr(image, "shape")}
    shapes |= {image.size[::-1] for image in X if type(image).__module__[:4] == "PIL."}
    if len(shapes) > 1:
        some = ", ".join(map(str, sorted(shapes)[:3]))
        raise ValueError(
            f"{EXPECTED} Got images of {len(shapes)} different shapes instead: {some}"
            f"{' …' if len(shapes) > 3 else ''}. Bring them to one size first, for "
            "example with load_picture of skmnist.datasets."
        )


def refuse_foreign_labels(y):
    """Raise a ValueError for labels that are something else, and say what."""
    shape = getattr(y, "shape", None)
    shape = np.shape(y) if shape is None and isinstance(y, (list, tuple)) else shape
    if shape is None or len(shape) < 2 or (len(shape) == 2 and shape[1] == 1):
        return
    if len(shape) > 2:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {tuple(shape)} instead, "
            "that of images. fetch_mnist(split=True) and load_digits28(split=True) "
            "return X_train, X_test, y_train, y_test, in this order."
        )
    values = np.asarray(y)
    one_hot = values.dtype.kind in "buif" and np.array_equal(
        np.sort(values, axis=1)[:, -2:], np.tile([0, 1], (len(values), 1))
    )
    how = (
        "They look one-hot: pass np.asarray(y).argmax(axis=1)."
        if one_hot
        else "Every image has one label."
    )
    raise ValueError(
        f"y should be a 1d array, got an array of shape {tuple(shape)} instead. {how}"
    )


def refuse_missing_labels(y):
    """Raise a ValueError for labels that are None or NaN, and say where."""
    if y.dtype.kind != "O":
        return
    missing = [i for i, label in enumerate(y) if label is None or label != label]
    if missing:
        raise ValueError(
            f"y has no label in {len(missing)} of {len(y)} places, the first at "
            f"position {missing[0]}. Leave these images out, or label them."
        )
