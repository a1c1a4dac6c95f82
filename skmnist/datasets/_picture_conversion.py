"""Pictures of any size and colour, brought to the form of MNIST's images."""

from typing import NamedTuple

import numpy as np

from ._picture_file import Image, ImageOps, open_picture
from ._picture_framing import frame, is_framed
from ._picture_ink import find_digits, find_ink

# Pixels of the longer side of a picture in which ink is looked for. A stroke of a pen
# on a whole page is still 2 pixels wide.
LARGEST = 1000


class Picture(NamedTuple):
    """An image as a model takes it (or one of each digit), and how it came about."""

    image: np.ndarray
    steps: list
    n_frames: int
    n_digits: int = 1


def read_picture(file, shape, mode="digit", resize="pad"):
    """A picture as an image of (channels, height, width).

    With three channels or the mode "plain" it is resized only, else its main digit
    becomes light ink on a dark ground.

    Raises
    ------
    OSError
        For a file that is not there.
    ValueError
        For a file that is not a picture, or a picture without any ink.
    """
    opened = open_picture(file)
    channels, *size = shape
    rgb = _lay_on_a_ground(opened.rgba, opened.steps)
    if channels == 3 or mode == "plain":
        plain = rgb if channels == 3 else rgb.convert("L")
        image = _resize(plain, size, resize, opened.steps)
        image = np.moveaxis(image.reshape(*size, channels), -1, 0)
        return Picture(image, opened.steps, opened.n_frames)
    greys, ink, digits = _look_at(rgb, opened)
    if is_framed(ink, size):
        image = 255 - greys if ink.dark_on_light else greys
        image = image.astype(np.uint8)
        return Picture(image[None], opened.steps, opened.n_frames)
    if digits.n > 1:
        opened.steps.append(f"the main one of {digits.n} digits")
    image = frame(ink, digits.numbers == digits.main, size, opened.steps)
    return Picture(image[None], opened.steps, opened.n_frames, digits.n)


def read_digits(file, shape):
    """All digits of a picture, each as an image of (1, height, width)."""
    opened = open_picture(file)
    _, *size = shape
    _, ink, digits = _look_at(_lay_on_a_ground(opened.rgba, opened.steps), opened)
    images = [
        frame(ink, digits.numbers == number, size, opened.steps)[None]
        for number in range(1, digits.n + 1)
    ]
    return Picture(np.stack(images), opened.steps, opened.n_frames, digits.n)


def _lay_on_a_ground(picture, steps):
    """A picture on white, or on black if nothing of it would show on white."""
    alpha = np.asarray(picture.getchannel("A"))
    if alpha.min() == 255:
        return picture.convert("RGB")
    visible = np.asarray(picture.convert("L"))[alpha > alpha.max() / 2]
    # The darkest hundredth: a paper's ink counts, a stray pixel does not.
    ground = "black" if np.quantile(visible, 0.01) > 127 else "white"
    steps.append(f"transparent, so laid on {ground}")
    below = Image.new("RGBA", picture.size, ground)
    return Image.alpha_composite(below, picture).convert("RGB")


def _look_at(rgb, opened):
    """The greys of a picture, the ink in them, and the digits in that."""
    picture = rgb.convert("L")
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    greys = np.asarray(picture, float)
    if np.ptp(greys) == 0:
        raise ValueError(
            f"{opened.name} has only one colour: there is nothing to recognise"
        )
    ink = find_ink(greys)
    digits = find_digits(ink)
    if digits.n == 0:
        raise ValueError(
            f"{opened.name} has no ink: nothing stands out from its background"
        )
    if ink.dark_on_light:
        opened.steps.append("dark on light, so inverted")
    return greys, ink, digits


def _resize(picture, size, resize, steps):
    """A picture of another size, its proportions kept."""
    height, width = size
    if picture.size == (width, height):
        return np.asarray(picture)
    steps.append(f"resized to {width}x{height}")
    if picture.width * height != picture.height * width:
        steps.append({"pad": "padded", "crop": "cropped"}[resize])
    if resize == "crop":
        return np.asarray(ImageOps.fit(picture, (width, height)))
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(border, axis=0).astype(int)
    colour = tuple(colour.tolist()) if picture.mode == "RGB" else int(colour)
    return np.asarray(ImageOps.pad(picture, (width, height), color=colour))
