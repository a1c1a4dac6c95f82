"""The shape of images: which axis is the channels, how flat rows are seen. No torch."""

import math

from skmnist._estimators.rules import parameter_error
from skmnist._warn import warn

# The smallest images that people hold as flat rows are 8x8.
LEAST_PIXELS = 64

# Of one image: grey, colour, colour with alpha.
CHANNELS = (1, 3, 4)


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
        _look_for_last_channels(own_shape)
        return own_shape
    side = math.isqrt(n_features)
    if side * side == n_features:
        return (1, side, side)
    _look_for_slips(estimator, n_features)
    return (1, 1, n_features)


def _look_for_last_channels(shape):
    """Images that are square only if the channels, of another number, come last."""
    n_channels, height, width = shape
    if n_channels == height > width and n_channels not in CHANNELS:
        warn(
            f"X holds {n_channels} channels of {height}x{width} pixels. If the "
            f"{width} are the channels, pass X.transpose(0, 3, 1, 2)."
        )


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
        warn(f"{message} {name} takes them as they are.")
