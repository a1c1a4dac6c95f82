"""Pictures of one's own, brought to what a model was trained on, and predicted."""

import math
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist.persistence._extras import import_extra

Image = import_extra("PIL.Image", "plot", "predict")

# How MNIST's digits were brought into their 28x28 pixels: "size normalized to fit in a
# 20x20 pixel box while preserving their aspect ratio", then "centered ... by computing
# the center of mass" (LeCun, Cortes and Burges, "The MNIST database").
BOX = 20 / 28

# Of the range of a picture's greys; what is nearer to the background is no ink.
LEAST_INK = 0.2


class Picture(NamedTuple):
    """An image as a model takes it, and what was done to make it so."""

    image: np.ndarray
    steps: list


def predict(model, pictures):
    """Print the label and its probability for every picture."""
    estimator = open_model(model)
    shape = image_shape(estimator)
    largest = largest_pixel(estimator)
    prepared = [read_picture(path, shape) for path in pictures]
    X = np.stack([picture.image for picture in prepared])
    X = X if largest == 255 else (X / 255 * largest).astype("float32")
    flat = X.reshape(len(X), -1)
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
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"{path} holds a {type(estimator).__name__}, no classifier")
    check_is_fitted(estimator)
    return estimator


def image_shape(estimator):
    """The (channels, height, width) of the images that a model takes."""
    shape = getattr(estimator, "image_shape_", None)
    if shape is None:
        side = math.isqrt(estimator.n_features_in_)
        shape = (1, side, side)
    if math.prod(shape) != estimator.n_features_in_ or shape[0] not in (1, 3):
        raise ValueError(
            "the model takes rows of "
            f"{estimator.n_features_in_} features, which are no grey or colour picture"
        )
    return shape


def largest_pixel(estimator):
    """1 for a model whose pixels were fractions, by their statistics; else 255."""
    if getattr(estimator, "pixel_scaling", None) is None:
        return 255
    if hasattr(estimator, "module_"):
        scaling = estimator.module_.scaling
        shift, factor = scaling.shift.cpu().numpy(), scaling.factor.cpu().numpy()
    else:
        shift, factor = map(np.asarray, estimator._scaling)
    # The highest pixel, or with "standard" what is one deviation above the mean.
    return 1 if (shift + 1 / factor).max() < 1.01 else 255


def read_picture(path, shape):
    """A picture file as an image of a shape, light ink on a dark ground."""
    try:
        with Image.open(path) as file:
            file.load()
            picture = _eight_bits(file).convert("RGBA")
            steps = [f"{file.width}x{file.height} {_kind(file.mode)}"]
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"{path} is no picture that can be read") from error
    channels, *size = shape
    if picture.getextrema()[3] != (255, 255):
        steps.append("laid on white")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    if channels == 3:
        image = _resized(picture.convert("RGB"), size, steps)
        return Picture(np.moveaxis(image, -1, 0), steps)
    pixels = np.asarray(picture.convert("L"))
    if np.ptp(pixels) == 0:
        raise ValueError(f"{path} is of one colour: there is nothing to read in it")
    border = np.r_[pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    if np.median(border) > (int(pixels.min()) + int(pixels.max())) / 2:
        pixels = 255 - pixels
        steps.append("dark on light, so inverted")
    if pixels.shape == tuple(size):
        return Picture(pixels[None], steps)
    return Picture(_framed(pixels, size, steps)[None], steps)


def _eight_bits(file):
    """A picture of more than eight bits a pixel in eight, which Pillow would clip."""
    if file.mode not in ("I;16", "I", "F"):
        return file
    pixels = np.asarray(file, float)
    if pixels.max() > 255:
        pixels = pixels / 257
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _kind(mode):
    if mode in ("1", "L", "I", "F", "LA", "I;16"):
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
    steps.append(f"ink scaled to {box[1]}x{box[0]} of {size[1]}x{size[0]}, centred")
    return framed
