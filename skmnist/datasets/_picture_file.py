"""Pictures in files, in memory and in arrays, opened as Pillow's RGBA."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skmnist._extras import import_extra

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

ExifTags, Image, ImageOps = (
    import_extra(f"PIL.{name}", "pictures", "Reading a picture")
    for name in ("ExifTags", "Image", "ImageOps")
)

# The brands of HEIF files that hold HEVC, which Pillow does not read (ISO/IEC 23008-12,
# annex B); iPhones and many Android phones write them.
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class OpenedPicture(NamedTuple):
    """A picture in eight bits, and how it came."""

    rgba: PillowImage
    name: str
    steps: list
    n_frames: int


def open_picture(source):
    """Open a path, bytes, a binary file, a PIL image or an array.

    Raises
    ------
    OSError
        For a file that is not there.
    TypeError
        For a source of another type.
    ValueError
        For what is not a picture.
    """
    if isinstance(source, Image.Image):
        return _describe(source, "The picture")
    if isinstance(source, np.ndarray):
        return _describe(_from_array(source), "The array")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _read(io.BytesIO(source), "The picture")
    if hasattr(source, "read"):
        return _read(source, "The file")
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return _read(file, os.fspath(source))
    raise TypeError(
        "The 'file' parameter of load_picture must be a path, bytes, a binary file, a "
        f"PIL image or an array. Got {source!r} instead."
    )


def _read(file, name):
    try:
        with Image.open(file) as picture:
            return _describe(picture, name)
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"{name} {_what_it_is(file)}") from error
    except Exception as error:
        raise ValueError(f"{name} cannot be read as a picture: {error}") from error


def _what_it_is(file):
    """Why Pillow does not know a file."""
    file.seek(0)
    start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:] in HEIC_BRANDS:
        return (
            "is a HEIC picture, which Pillow cannot read. Save or share it as a JPEG, "
            "or open it with pillow-heif and pass the PIL image"
        )
    return "cannot be read as a picture" if start else "is empty"


def _describe(picture, name):
    # Asked before a TIFF is loaded, which turns its pixels and drops the tag.
    turned = picture.getexif().get(ExifTags.Base.Orientation) in range(2, 9)
    # A photograph in the MPO format has a preview or a depth map as second "frame".
    n_frames = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        # Pillow would clip them.
        rgba = Image.fromarray(_to_eight_bits(np.asarray(upright))).convert("RGBA")
    else:
        rgba = upright.convert("RGBA")
    grey = upright.mode in ("1", "L", "I", "F", "LA") or upright.mode.startswith("I;16")
    steps = [f"{rgba.width}x{rgba.height} {'grey' if grey else 'colour'}"]
    if n_frames > 1:
        steps.append(f"the first of {n_frames} frames")
    if turned:
        steps.append("turned upright")
    return OpenedPicture(rgba, name, steps, n_frames)


def _from_array(array):
    """An array of (height, width) or (height, width, 1, 3 or 4) as a picture."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    colour = array.ndim == 3 and array.shape[2] in (3, 4)
    if not (array.ndim == 2 or colour) or array.size == 0:
        raise ValueError(
            "An array for load_picture must have the shape (height, width), "
            "(height, width, 3) or (height, width, 4): one picture, channels last. Got "
            f"{array.shape} instead."
        )
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"An array for load_picture must hold numbers. Got {array.dtype} instead."
        )
    return Image.fromarray(_to_eight_bits(array))


def _to_eight_bits(pixels):
    """Pixels of 0 to 255, of others: truths, fractions, sixteen bits."""
    if pixels.dtype == np.uint8:
        return pixels
    if not np.isfinite(pixels).all():
        raise ValueError("it has pixels that are not finite")
    highest = pixels.max()
    if pixels.dtype.kind == "b" or (pixels.dtype.kind == "f" and highest <= 1):
        pixels = pixels * 255.0
    elif highest > 255:
        pixels = pixels / 257
    return np.rint(pixels).clip(0, 255).astype(np.uint8)
