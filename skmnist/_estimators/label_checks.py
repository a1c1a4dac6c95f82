"""Checks of labels and weights, in scikit-learn's words. No torch."""

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from skmnist._estimators.rules import is_real
from skmnist._estimators.tensors import on_host


def check_sample_weight(sample_weight, n_samples):
    """Weights as float64 of shape (n_samples,), or None where none were given."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, str):
        raise ValueError(
            "sample_weight must hold one weight per row of X. Got "
            f"{sample_weight!r} instead. Weights of classes are a parameter of the "
            "estimator: class_weight='balanced'."
        )
    if is_real(sample_weight):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(
        on_host(sample_weight),
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
    y_val = column_or_1d(on_host(y_val), warn=True)
    if len(pixels) != len(y_val):
        raise ValueError(
            f"X_val and y_val must have one label for each image. Got {len(pixels)} "
            f"images and {len(y_val)} labels."
        )
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
