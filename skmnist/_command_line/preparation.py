"""What a model wants its pictures to be made into."""

import math
from typing import NamedTuple

import numpy as np

from skmnist._command_line.known_pixels import find_entrance, find_known_pixels
from skmnist.datasets._picture_conversion import read_picture


class Preparation(NamedTuple):
    """How the pictures of a model's training were prepared, as far as it tells."""

    shape: tuple
    highest: int = 255
    light_paper: bool = False
    mode: str = "digit"
    resize: str = "pad"
    # In words, what it does not tell.
    guesses: str = ""

    @property
    def shows_digits(self):
        """Whether pictures are framed as digits, which are light or dark."""
        return self.mode == "digit" and self.shape[0] == 1

    def read(self, source):
        """A picture as uint8 pixels of the model's shape, and what was done to it."""
        picture = read_picture(source, self.shape, self.mode, self.resize)
        image, steps = picture.image, picture.steps
        if self.light_paper and self.shows_digits:
            image, steps = 255 - image, [*steps, "dark on light, as the model knows it"]
        if self.highest != 255:
            steps = [*steps, f"pixels 0 to {self.highest}"]
        return image, steps

    def pixels(self, images):
        """Images as the rows that the model takes."""
        rows = np.stack([image.ravel() for image in images])
        if self.highest == 255:
            return rows
        return rows * np.float32(self.highest) / np.float32(255)


def find_preparation(estimator, paper=None, pixels=None):
    """That of a model: as it is told, as `train` wrote it down, or as the model knows.

    Parameters
    ----------
    estimator : fitted classifier
    paper : {"light", "dark"}, optional
        What the digits of its training were written on.
    pixels : int, optional
        The highest pixel of its training.
    """
    entrance = find_entrance(estimator)
    shape = image_shape(entrance)
    options = dict(getattr(estimator, "picture_options_", {}))
    known_shape = options.pop("image_shape", shape)
    if math.prod(known_shape) != math.prod(shape):  # fitted again, on others
        options = {}
    light_paper = {None: None, "light": True, "dark": False}[paper]
    if None in (light_paper, pixels):
        known = find_known_pixels(estimator, shape)
        light_paper = known.light_paper if light_paper is None else light_paper
        pixels = known.highest if pixels is None else pixels
    prepared = Preparation(shape, pixels or 255, bool(light_paper), **options)
    guesses = []
    if light_paper is None and prepared.shows_digits:
        guesses.append("light ink on a dark ground (--paper light if it was dark)")
    if pixels is None:
        guesses.append("pixels of 0 to 255 (--pixels for others)")
    if not guesses:
        return prepared
    name = type(entrance).__name__
    return prepared._replace(
        guesses=f"the {name} that gets the pixels does not say what it was fitted on. "
        f"It is taken to be {' and '.join(guesses)}"
    )


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
