"""What a network is trained on: checked images, labels and weights as a dataset.

The functions take the estimator whose data they are: its parameters decide, its
fitted attributes are what the data are held to, or what is learned of them.
"""

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from skmnist._estimators.image_checks import check_images
from skmnist._estimators.image_shapes import find_image_shape
from skmnist._estimators.label_checks import (
    check_sample_weight,
    check_validation_labels,
    encode_labels,
    find_classes,
    loss_weights,
)
from skmnist._estimators.pixel_range import remember_pixels, warn_of_other_pixels
from skmnist._training.batches import ImageDataset, as_tensor
from skmnist._training.memory_map import find_memory_map


def check_training_data(estimator, X, y, sample_weight, *, reset, classes=None):
    """The images as a dataset; what is learned of them is set on the way."""
    pixels, own_shape, y = check_images(estimator, X, y, reset=reset)
    if reset:
        remember_pixels(estimator, pixels)
    else:
        warn_of_other_pixels(estimator, pixels)
    weights = check_sample_weight(sample_weight, len(y))
    rows = None
    if weights is not None and not weights.all():
        rows = np.flatnonzero(weights)
        y, weights = y[rows], weights[rows]
    if reset:
        estimator.classes_ = find_classes(estimator, y) if classes is None else classes
        estimator.image_shape_ = find_image_shape(
            estimator,
            pixels.shape[1],
            own_shape,
            getattr(estimator, "image_shape", None),
        )
    targets = encode_labels(y, estimator.classes_)
    return _dataset(estimator, pixels, targets, weights, rows)


def check_validation_data(estimator, X_val, y_val):
    """The images to score after every epoch as a dataset, or None without any."""
    if X_val is None and y_val is None:
        return None
    if X_val is None or y_val is None:
        given, missing = ("X_val", "y_val")[:: -1 if X_val is None else 1]
        raise ValueError(
            f"X_val and y_val must be given together: {given} came without {missing}."
        )
    try:
        pixels, _, _ = check_images(estimator, X_val, reset=False)
    except ValueError as error:
        raise ValueError(f"X_val must be images like those in X. {error}") from error
    warn_of_other_pixels(estimator, pixels, "X_val")
    targets = check_validation_labels(pixels, y_val, estimator.classes_)
    return _dataset(estimator, pixels, targets)


def _dataset(estimator, pixels, targets, weights=None, rows=None):
    return ImageDataset(
        as_images(estimator, pixels),
        as_tensor(targets),
        None if weights is None else as_tensor(weights),
        None if rows is None else as_tensor(rows),
        memory_map=find_memory_map(pixels),
    )


def as_images(estimator, pixels):
    """Rows of pixels as a tensor of images, on the same memory."""
    return as_tensor(pixels).reshape(len(pixels), *estimator.image_shape_)


def hold_out(estimator, dataset, seed):
    """Training and validation part of a dataset, the classes' shares kept."""
    targets = dataset.targets.numpy()
    try:
        train, valid = train_test_split(
            np.arange(len(targets)),
            test_size=estimator.validation_fraction,
            stratify=targets,
            random_state=seed,
        )
        complete = len(np.unique(targets[valid])) == len(estimator.classes_)
    except ValueError:
        # Too few of a class, in words about test_size, which is not ours.
        complete = False
    if not complete:
        rarest = np.bincount(targets, minlength=len(estimator.classes_)).min()
        raise ValueError(
            f"The 'validation_fraction' parameter of {type(estimator).__name__} must "
            f"hold out and leave at least one sample of each of the "
            f"{len(estimator.classes_)} classes. Got "
            f"{estimator.validation_fraction!r} of {len(targets)} samples instead, "
            f"{rarest} of the rarest class. Change the fraction, or pass X_val and "
            "y_val."
        )
    return dataset.subset(train), dataset.subset(valid)


def with_loss_weights(estimator, dataset):
    """The dataset with the weights of its classes; rows without weight go."""
    sample_weight = dataset.weights
    weights = loss_weights(
        estimator.class_weight,
        estimator.classes_,
        dataset.targets.numpy(),
        None if sample_weight is None else sample_weight.numpy(),
    )
    if weights is None:
        return dataset
    positions = np.flatnonzero(weights)
    weighted = dataset.subset(positions)
    weighted.weights = torch.from_numpy(weights[positions])
    return weighted
