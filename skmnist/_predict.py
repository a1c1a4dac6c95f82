"""Pictures of one's own, brought to what a model was trained on, and classified."""

import math
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skmnist.persistence._extras import import_extra

Image, ImageOps, ExifTags = (
    import_extra(f"PIL.{name}", "plot", "predict")
    for name in ("Image", "ImageOps", "ExifTags")
)

# How MNIST's digits were brought into their 28x28 pixels: "size normalized to fit in a
# 20x20 pixel box while preserving their aspect ratio", then "centered ... by computing
# the center of mass" (LeCun, Cortes and Burges, "The MNIST database").
BOX = 20 / 28

# A share of the range of greys: what is nearer than this to the background is no ink.
LEAST_INK = 0.2


class Picture(NamedTuple):
    """An image as a model takes it, and what was done to make it so."""

    image: np.ndarray
    steps: list


def predict(model, pictures):
    """Print the label and its probability for every picture."""
    estimator = open_model(model)
    entrance = find_entrance(estimator)
    shape = image_shape(entrance)
    prepared = [read_picture(path, shape) for path in pictures]
    flat = np.stack([picture.image.ravel() for picture in prepared])
    if takes_fractions(entrance):
        flat = flat / np.float32(255)
        for picture in prepared:
            picture.steps.append("pixels 0 to 1")
    labels, proba = estimator.predict(flat), estimator.predict_proba(flat)
    width = max(len(str(path)) for path in pictures)
    for path, label, p, picture in zip(pictures, labels, proba, prepared, strict=True):
        print(
            f"{path!s:<{width}}  {label}  {p.max():6.1%}  ({', '.join(picture.steps)})"
        )


def open_model(path):
    """A fitted classifier from a file of joblib's or of skmnist.persistence.save's."""
    path = Path(path)
    if path.suffix == ".skops":
        from skmnist.persistence import load

        estimator = load(path)
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


def read_picture(path, shape):
    """A picture file as an image of a shape, light ink on a dark ground."""
    picture, steps = _opened(path)
    channels, *size = shape
    if picture.getextrema()[3] != (255, 255):
        steps.append("transparent, so laid on white")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    if channels == 3:
        image = _resized(picture.convert("RGB"), size, steps)
        return Picture(np.moveaxis(image, -1, 0), steps)
    pixels = np.asarray(picture.convert("L"))
    if np.ptp(pixels) == 0:
        raise ValueError(f"{path} has only one colour: there is nothing to recognise")
    border = np.r_[pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    if np.median(border) > (int(pixels.min()) + int(pixels.max())) / 2:
        pixels = 255 - pixels
        steps.append("dark on light, so inverted")
    if pixels.shape == tuple(size):
        return Picture(pixels[None], steps)
    return Picture(_framed(pixels, size, steps)[None], steps)


def _opened(path):
    """A picture file as RGBA, and what it was."""
    with open(path, "rb") as content:
        try:
            file = Image.open(content)
            # Asked before a TIFF is loaded, which turns its pixels and drops the tag.
            turned = file.getexif().get(ExifTags.Base.Orientation) in range(2, 9)
            upright = ImageOps.exif_transpose(file)
            picture = _eight_bits(upright).convert("RGBA")
        except Image.UnidentifiedImageError as error:
            raise ValueError(f"{path} cannot be read as a picture") from error
        except Exception as error:
            raise ValueError(f"{path} cannot be read as a picture: {error}") from error
    steps = [f"{picture.width}x{picture.height} {_kind(upright.mode)}"]
    return picture, [*steps, "turned upright"] if turned else steps


def _eight_bits(picture):
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


def _resized(picture, size, steps):
    height, width = size
    if picture.size != (width, height):
        picture = picture.resize((width, height))
        steps.append(f"resized to {width}x{height}")
    return np.asarray(picture)


def _framed(pixels, size, steps):
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
