"""What a model wants its pictures to be made into."""

import math
from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skmnist.datasets._picture_conversion import read_picture


class Preparation(NamedTuple):
    """How the pictures of a model's training were prepared, as far as it tells."""

    shape: tuple
    as_fractions: bool
    dark_on_light: bool = False
    mode: str = "digit"
    resize: str = "pad"

    def read(self, source):
        """A picture as uint8 pixels of the model's shape, and what was done to it."""
        picture = read_picture(source, self.shape, self.mode, self.resize)
        if self.dark_on_light and self.mode == "digit" and self.shape[0] == 1:
            steps = [*picture.steps, "dark on light, as the model knows it"]
            return 255 - picture.image, steps
        return picture.image, picture.steps

    def pixels(self, images):
        """Images as the rows that the model takes."""
        rows = np.stack([image.ravel() for image in images])
        return rows / np.float32(255) if self.as_fractions else rows


def find_preparation(estimator):
    """That of a model: remembered by `train`, or by what the pixels it knows are."""
    entrance = find_entrance(estimator)
    shape = image_shape(entrance)
    options = dict(getattr(estimator, "picture_options_", {}))
    known = options.pop("image_shape", shape)
    if math.prod(known) != math.prod(shape):  # fitted again, on others
        options = {}
    dark_on_light = getattr(entrance, "_light_ground_", False)
    return Preparation(shape, takes_fractions(entrance), dark_on_light, **options)


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
    """Whether a model was trained on pixels of 0 to 1."""
    highest = getattr(entrance, "_highest_pixel_", None)
    if highest:
        return highest <= 1
    # A pickle of an earlier version: by the statistics of its pixels.
    if getattr(entrance, "pixel_scaling", None) is None:
        return False
    if hasattr(entrance, "module_"):
        scaling = entrance.module_.scaling
        shift, factor = scaling.shift.cpu().numpy(), scaling.factor.cpu().numpy()
    else:
        shift, factor = map(np.asarray, entrance._scaling)
    # The highest pixel, or with "standard" what is one deviation above the mean.
    return (shift + 1 / factor).max() < 1.01
