"""Pictures of one's own, classified by a model in a file."""

import math
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skmnist.datasets._picture_conversion import read_picture


def predict(model, pictures):
    """Print label and probability of every picture; return how many were unreadable."""
    estimator = open_model(model)
    entrance = find_entrance(estimator)
    shape = image_shape(entrance)
    read = []
    for path in pictures:
        try:
            read.append((path, *read_picture(path, shape)[:2]))
        except OSError as error:  # the others are still to be classified
            print(f"{path}: {error.strerror}", file=sys.stderr)
        except ValueError as error:
            print(error, file=sys.stderr)
    if read:
        print_predictions(estimator, read, takes_fractions(entrance))
    return len(pictures) - len(read)


def print_predictions(estimator, read, as_fractions):
    """Print a line for each (path, image, steps)."""
    flat = np.stack([image.ravel() for _, image, _ in read])
    if as_fractions:
        flat = flat / np.float32(255)
    labels, proba = estimator.predict(flat), estimator.predict_proba(flat)
    width = max(len(str(path)) for path, _, _ in read)
    for (path, _, steps), label, p in zip(read, labels, proba, strict=True):
        done = ", ".join([*steps, "pixels 0 to 1"] if as_fractions else steps)
        print(f"{path!s:<{width}}  {label}  {p.max():6.1%}  ({done})")


def open_model(path):
    """A fitted classifier from a file of joblib's or of skmnist.persistence.save's."""
    path = Path(path)
    if path.suffix == ".skops":
        from skmnist.persistence import load

        estimator = load(path)
    elif path.suffix == ".onnx":
        raise ValueError(f"{path} is for programs such as onnxruntime, not for predict")
    else:
        with open(path, "rb") as file:
            try:
                estimator = joblib.load(file)
            except Exception as error:
                raise ValueError(
                    f"{path} is not a model that joblib can open "
                    f"({type(error).__name__}: {error})"
                ) from error
    held = f"a {type(estimator).__name__}"
    if isinstance(estimator, type):
        raise ValueError(f"{path} holds a class, {estimator.__name__}, not a model")
    if not hasattr(estimator, "fit"):
        raise ValueError(f"{path} holds {held}, not a model")
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"{path} holds {held}, which has no predict_proba")
    check_is_fitted(estimator)
    return estimator


def find_entrance(estimator):
    """The part of a model that takes the pixels as they come."""
    if hasattr(estimator, "best_estimator_"):
        return find_entrance(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        steps = (
            step for _, step in estimator.steps if step not in (None, "passthrough")
        )
        return find_entrance(next(steps))
    if hasattr(estimator, "calibrated_classifiers_"):
        return find_entrance(estimator.calibrated_classifiers_[0].estimator)
    return estimator


def image_shape(entrance):
    """The (channels, height, width) of the images that a model takes."""
    n_features = getattr(entrance, "n_features_in_", None)
    if n_features is None:
        raise ValueError(
            f"the {type(entrance).__name__} that gets the pixels does not say how many "
            "it takes: it has no n_features_in_"
        )
    side = math.isqrt(n_features)
    shape = getattr(entrance, "image_shape_", (1, side, side))
    # What skmnist's estimators cannot make a square of is a strip to them, of height 1.
    if math.prod(shape) != n_features or shape[0] not in (1, 3) or shape[1] == 1:
        raise ValueError(
            f"the model takes rows of {n_features} features, which are not known to be "
            "a square grey picture, or an RGB picture of shape (3, height, width)"
        )
    return shape


def takes_fractions(entrance):
    """Whether a model was trained on pixels of 0 to 1, by their statistics."""
    if getattr(entrance, "pixel_scaling", None) is None:
        return False
    if hasattr(entrance, "module_"):
        scaling = entrance.module_.scaling
        shift, factor = scaling.shift.cpu().numpy(), scaling.factor.cpu().numpy()
    else:
        shift, factor = map(np.asarray, entrance._scaling)
    # The highest pixel, or with "standard" what is one deviation above the mean.
    return (shift + 1 / factor).max() < 1.01
