"""Pictures of any size and colour, brought to the form of MNIST's images."""

from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
from numpy.polynomial.polynomial import polygrid2d, polyvander2d

from skmnist._extras import import_extra

ExifTags, Image, ImageOps = (
    import_extra(f"PIL.{name}", "plot", "Reading a picture")
    for name in ("ExifTags", "Image", "ImageOps")
)

# How MNIST's digits were brought into their 28x28 pixels: "size normalized to fit in a
# 20x20 pixel box while preserving their aspect ratio", then "centered ... by computing
# the center of mass" (LeCun, Cortes and Burges, "The MNIST database").
BOX = 20 / 28

# Shares of the range of greys: what is nearer than this to the background is no ink,
# and a background that varies by more than this is uneven.
LEAST_INK = 0.2
MOST_UNEVEN = 0.1

# Pixels of the longer side on which an uneven background is looked for; where the
# margin begins, as a share of the way from the middle to the edge; and how much of the
# margin must be background.
THUMBNAIL = 100
MARGIN = 0.8
LEAST_MARGIN = 0.9


class Picture(NamedTuple):
    """An image as a model takes it, and what was done to make it so."""

    image: np.ndarray
    steps: list


def read_picture(file, shape):
    """A picture as an image of (channels, height, width), light ink on dark ground.

    Parameters
    ----------
    file : str, path or binary file
    shape : tuple (channels, height, width)
        With 1 channel the picture is made grey, with 3 it keeps its colours.

    Raises
    ------
    OSError
        For a file that is not there.
    ValueError
        For a file that is not a picture, or a picture without any ink.
    """
    name = "The file" if hasattr(file, "read") else file
    picture, steps = _open(file, name)
    channels, *size = shape
    if picture.getextrema()[3] != (255, 255):
        steps.append("transparent, so laid on white")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    if channels == 3:
        image = _resize(picture.convert("RGB"), size, steps)
        return Picture(np.moveaxis(image, -1, 0), steps)
    pixels = np.asarray(picture.convert("L"))
    if np.ptp(pixels) == 0:
        raise ValueError(f"{name} has only one colour: there is nothing to recognise")
    border = np.r_[pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    if np.median(border) > (int(pixels.min()) + int(pixels.max())) / 2:
        pixels = 255 - pixels
        steps.append("dark on light, so inverted")
    if pixels.shape != tuple(size):
        pixels = _frame(_even_out(pixels, steps), size, steps)
    return Picture(pixels[None], steps)


def _open(file, name):
    """A picture file as RGBA, and what it was."""
    with nullcontext(file) if hasattr(file, "read") else open(file, "rb") as content:
        try:
            picture = Image.open(content)
            # Asked before a TIFF is loaded, which turns its pixels and drops the tag.
            turned = picture.getexif().get(ExifTags.Base.Orientation) in range(2, 9)
            upright = ImageOps.exif_transpose(picture)
            picture = _to_eight_bits(upright).convert("RGBA")
        except Image.UnidentifiedImageError as error:
            raise ValueError(f"{name} cannot be read as a picture") from error
        except Exception as error:
            raise ValueError(f"{name} cannot be read as a picture: {error}") from error
    steps = [f"{picture.width}x{picture.height} {_kind(upright.mode)}"]
    return picture, [*steps, "turned upright"] if turned else steps


def _to_eight_bits(picture):
    """Eight bits a pixel of a picture that has more, which Pillow would clip."""
    if not picture.mode.startswith("I;16") and picture.mode not in ("I", "F"):
        return picture
    pixels = np.asarray(picture, float)
    if pixels.max() > 255:
        pixels = pixels / 257
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _kind(mode):
    if mode in ("1", "L", "I", "F", "LA") or mode.startswith("I;16"):
        return "grey"
    return "colour"


def _resize(picture, size, steps):
    height, width = size
    if picture.size != (width, height):
        picture = picture.resize((width, height))
        steps.append(f"resized to {width}x{height}")
    return np.asarray(picture)


def _even_out(pixels, steps):
    """Take an uneven background away, such as a shadow on the paper.

    A quadratic surface is fitted to the paper: first to the margin, then to all that
    is not lighter than the surface before, as ink is.
    """
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    greys = np.asarray(small, float)
    rows, columns = (np.linspace(-1, 1, side) for side in greys.shape)
    away = np.maximum(*np.meshgrid(abs(rows), abs(columns), indexing="ij"))
    terms = polyvander2d(*np.meshgrid(rows, columns, indexing="ij"), [2, 2])
    paper = margin = away > MARGIN
    for _ in range(5):
        surface, *_ = np.linalg.lstsq(terms[paper], greys[paper])
        lighter = greys - terms @ surface
        paper = lighter <= 2 * np.std(lighter[paper]) + 1
    background = polygrid2d(
        *(np.linspace(-1, 1, side) for side in pixels.shape), surface.reshape(3, 3)
    )
    contrast = np.ptp(pixels)
    if (
        np.ptp(background) < MOST_UNEVEN * contrast
        # A picture that is cut to its ink shows too little paper.
        or np.mean(paper[margin]) < LEAST_MARGIN
        or np.std(lighter[paper]) > LEAST_INK / 4 * contrast
    ):
        return pixels
    steps.append("uneven background taken away")
    return (pixels - background).clip(0)


def _frame(pixels, size, steps):
    """What MNIST's makers did: the ink in a box, its centre of mass in the middle."""
    pixels = pixels.astype(float) - pixels.min()
    pixels *= 255 / pixels.max()
    pixels[pixels < LEAST_INK * 255] = 0
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    ink = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(
        BOX * side / length for side, length in zip(size, ink.shape, strict=True)
    )
    box = [max(1, round(scale * length)) for length in ink.shape]
    picture = Image.fromarray(ink.round().astype(np.uint8)).resize(box[::-1])
    ink = np.asarray(picture, float)
    ink *= 255 / ink.max()
    centre = [
        np.average(np.arange(length), weights=ink.sum(axis=1 - axis))
        for axis, length in enumerate(box)
    ]
    framed = np.zeros(size, np.uint8)
    top, left = (
        int(np.clip(round((side - 1) / 2 - middle), 0, side - length))
        for side, length, middle in zip(size, box, centre, strict=True)
    )
    framed[top : top + box[0], left : left + box[1]] = ink.round()
    steps.append(f"ink scaled to {box[1]}x{box[0]}, centred in {size[1]}x{size[0]}")
    return framed
