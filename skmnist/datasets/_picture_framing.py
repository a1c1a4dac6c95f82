"""Ink in the frame of MNIST's images."""

import numpy as np

from ._picture_ink import Image, morphology, stroke_width

# How MNIST's digits were brought into their 28x28 pixels: "size normalized to fit in a
# 20x20 pixel box while preserving their aspect ratio", then "centered ... by computing
# the center of mass" (LeCun, Cortes and Burges, "The MNIST database").
SIDE, BOX = 28, 20

# The centre of mass of MNIST's training images is at pixel 14.00 +- 0.29, counted from
# 0: half a pixel right of and below the middle, 13.5.
CENTRE = 14

# 99.99 % of MNIST's images have their longer side within these pixels, and their centre
# no further than this from the middle.
FRAMED_SIZES = 18, 20
FRAMED_OFFSET = 1.2

# Strokes of MNIST's training images are 2.5 pixels wide in the median, and thinner than
# this in a fifth of them; hairlines would vanish in so few pixels.
LEAST_STROKE = 2.0

# Sharpness at which strokes are measured and thickened: 8 points a pixel.
FINE = 8

# What is fainter than this share of the ink does not widen its box.
FAINT = 0.2

# Of the ink's pixels, a quarter are darker than what is taken as full black: edges of
# strokes are paler than their middle.
FULL_INK = 75


def is_framed(ink, shape):
    """Whether a picture has the size of the images and their framing already."""
    if ink.mask.shape != (SIDE, SIDE) or tuple(shape) != (SIDE, SIDE):
        return False
    rows, columns = (np.flatnonzero(ink.mask.any(axis)) for axis in (1, 0))
    size = 1 + max(np.ptp(rows), np.ptp(columns))
    centre = _centre(ink.contrast * ink.mask)
    smallest, largest = FRAMED_SIZES
    return smallest <= size <= largest and (
        max(abs(middle - CENTRE) for middle in centre) <= FRAMED_OFFSET
    )


def frame(ink, digit, shape, steps):
    """The ink of a digit, as an image of a shape like those of MNIST."""
    if ink.uneven:
        steps.append("uneven background taken away")
    strength = _thicken(_enlarge(_cut_out(ink, digit)), steps)
    strength = _crop(strength, strength > FAINT)
    scale = min(
        BOX / SIDE * side / length
        for side, length in zip(shape, strength.shape, strict=True)
    )
    box = [max(1, round(scale * length)) for length in strength.shape]
    small = _resized(strength, box, Image.Resampling.BICUBIC).clip(0)
    framed = np.zeros(shape, np.uint8)
    top, left = (
        int(np.clip(round(CENTRE / SIDE * side - middle), 0, side - length))
        for side, length, middle in zip(shape, box, _centre(small), strict=True)
    )
    framed[top : top + box[0], left : left + box[1]] = np.rint(
        255 / small.max() * small
    )
    steps.append(f"ink scaled to {box[1]}x{box[0]}, centred in {shape[1]}x{shape[0]}")
    return framed


def _cut_out(ink, digit):
    """A digit and the soft edges of its strokes, from 0 to 1."""
    rows, columns = (np.flatnonzero(digit.any(axis)) for axis in (1, 0))
    # A fiftieth of the digit, but one pixel of a small picture at least.
    edge = max(1, 0.02 * max(np.ptp(rows), np.ptp(columns)))
    near = morphology.isotropic_dilation(digit, edge) & (digit | ~ink.mask)
    near &= ink.contrast >= ink.floor
    full = np.percentile(ink.contrast[digit], FULL_INK)
    strength = np.where(near, ink.contrast / full, 0).clip(0, 1)
    return _crop(strength, near)


def _enlarge(strength):
    """Small ink with more points, so that its strokes can be measured."""
    strength = np.pad(strength, 1)
    scale = FINE * BOX / max(strength.shape)
    if scale <= 1:
        return strength
    shape = [round(scale * length) for length in strength.shape]
    return _resized(strength, shape, Image.Resampling.BILINEAR)


def _thicken(strength, steps):
    mask = strength > 0.5
    pixel = max(_crop(mask, mask).shape) / BOX
    missing = (LEAST_STROKE * pixel - stroke_width(mask)) / 2
    if missing <= 0:
        return strength
    steps.append("strokes thickened")
    margin = int(np.ceil(missing)) + 1
    mask, strength = np.pad(mask, margin), np.pad(strength, margin)
    # Half a point: a distance counts from the middle of the outermost one.
    return np.maximum(strength, morphology.isotropic_dilation(mask, missing + 0.5))


def _crop(image, mask):
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(image, shape, filter):
    picture = Image.fromarray(image.astype(np.float32))
    return np.asarray(picture.resize(shape[::-1], filter), float)


def _centre(image):
    return [
        np.average(np.arange(length), weights=image.sum(axis=1 - axis))
        for axis, length in enumerate(image.shape)
    ]
