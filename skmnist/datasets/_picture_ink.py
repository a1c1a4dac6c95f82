"""Where the ink of a picture is, and which of it makes a digit."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

from skmnist._extras import import_extra

Image = import_extra("PIL.Image", "pictures", "Reading a picture")
filters, measure, morphology = (
    import_extra(f"skimage.{name}", "pictures", "Reading a picture")
    for name in ("filters", "measure", "morphology")
)

# The paper is looked for in a thumbnail of this many pixels, whose noise is averaged
# away; strokes are thinner than twice this share of its longer side.
THUMBNAIL = 100
PAPER_DISK = 1 / 6

# Paper is even where nine tenths of it vary by less than this share of the contrast.
MOST_UNEVEN = 0.25

# Where dark and light details are this alike in contrast (black loops of a digit on
# white and the white in them), the larger area decides which of them is paper.
ALIKE = 0.8

# Ink stands out by more than this many standard deviations of the paper's noise, so
# that next to no pixel of paper does (6 in 100,000 of a normal one), and by more grey
# levels than the blocks of a JPEG or a gradient's remains do.
NOISES = 4
LEAST_CONTRAST = 10

# Shares of the picture's longer side, and of a digit's. What is smaller is paper's
# grain and dust: on a page that was photographed upright, a digit of handwriting is
# twice as large.
LEAST_SIZE = 1 / 40

# A form's border: straight over this share of the picture, near its edge.
RULE_LENGTH = 0.4
RULE_MARGIN = 0.2

# Shares of a digit's size: what is smaller than this is a part of another digit, if it
# is near; parts above each other may be further away, as the bar of a 5.
PART_SIZE = 0.5
NEAR = 0.15
NEAR_ABOVE = 0.25
# ... if they share this much of the narrower one's width,
SHARED_WIDTH = 0.3
# and what has less than this share of the digit's area is a speck.
SPECK = 0.01


class Ink(NamedTuple):
    """The contrast of every pixel to the paper, and which pixels are ink."""

    contrast: np.ndarray
    mask: np.ndarray
    floor: float
    dark_on_light: bool
    uneven: bool


def find_ink(greys):
    """The ink of a grey picture, whatever the light on the paper.

    Uneven paper is what is left when a morphological opening has taken the strokes away
    (the top-hat transformation; Gonzalez and Woods, "Digital Image Processing", section
    9.8). Otsu's threshold and hysteresis, as in Canny's edges, tell the ink from it.
    """
    small = _thumbnail(greys)
    radius = max(1, round(PAPER_DISK * max(small.shape)))
    dark_on_light = _is_dark_on_light(small, radius)
    if dark_on_light:
        greys, small = 255 - greys, 255 - small
    paper = _even_paper(small)
    uneven = paper is None
    if uneven:
        paper = _resize(_open(small, radius), greys.shape)
    contrast = greys - paper
    contrast -= np.median(contrast)
    noise = 1.4826 * np.median(abs(contrast))  # the deviation, of a normal one
    contrast = contrast.clip(0)
    least = max(NOISES * noise, LEAST_CONTRAST)
    high = max(filters.threshold_otsu(contrast), least)
    low = max(high / 2, least)
    mask = filters.apply_hysteresis_threshold(contrast, low, high)
    return Ink(contrast, mask, low / 2, dark_on_light, uneven)


def _even_paper(greys):
    """The grey of paper that is darker than its ink, or None if it varies."""
    threshold = filters.threshold_otsu(greys)
    paper, ink = greys[greys <= threshold], greys[greys > threshold]
    grey = np.median(paper)
    spread = np.ptp(np.quantile(paper, [0.05, 0.95]))
    return grey if spread <= MOST_UNEVEN * (ink.mean() - grey) else None


def _thumbnail(greys):
    shrink = max(greys.shape) / THUMBNAIL
    if shrink <= 1:
        return greys
    return _resize(greys, [max(1, round(side / shrink)) for side in greys.shape])


def _resize(greys, shape):
    picture = Image.fromarray(greys.astype(np.float32))
    # Pillow's bilinear filter averages where it shrinks.
    return np.asarray(picture.resize(shape[::-1], Image.Resampling.BILINEAR), float)


def _open(greys, radius):
    """Without what is light and thinner than a disk."""
    around = np.pad(greys, radius, mode="edge")
    disk = morphology.disk(radius, decomposition="sequence")
    return morphology.opening(around, disk)[radius:-radius, radius:-radius]


def _is_dark_on_light(greys, radius):
    """Whether thin things are darker than what is around them."""
    light = (greys - _open(greys, radius)).max()
    dark = (-greys - _open(-greys, radius)).max()
    if min(dark, light) < ALIKE * max(dark, light):
        return dark > light
    bright = greys > filters.threshold_otsu(greys)
    border = np.r_[bright[0], bright[-1], bright[:, 0], bright[:, -1]]
    return bright.mean() + border.mean() > 1


def stroke_width(mask):
    """The mean width of strokes, in pixels.

    Across a stroke the mean distance from its edge is a quarter of its width.
    """
    distances = ndimage.distance_transform_edt(np.pad(mask, 1))
    return 4 * np.mean(distances[distances > 0] - 0.5)


class Digits(NamedTuple):
    """The digits of a picture, numbered 1 to n from left to right, on 0."""

    numbers: np.ndarray
    main: int
    n: int


def find_digits(ink):
    """Tell the digits of a picture from each other and from other marks.

    The main digit has the most ink, which counts the more the further it is from the
    picture's edge: what is cut off there belongs to a neighbour or to a form.
    """
    if not ink.mask.any():
        return Digits(ink.mask, 0, 0)
    mask = _without_rules(ink.mask)
    # Gaps that are smaller than a stroke is wide are a pen's or a threshold's.
    bridged = morphology.isotropic_dilation(mask, max(1, stroke_width(mask) / 2))
    labels = measure.label(bridged, connectivity=2) * mask
    weights = ndimage.sum_labels(
        ink.contrast * _depth(mask.shape), labels, np.arange(labels.max() + 1)
    )
    least = LEAST_SIZE * max(mask.shape)
    parts = [p for p in measure.regionprops(labels) if _size(p.bbox) > least]
    if not parts:
        return Digits(labels, 0, 0)
    main = max(parts, key=lambda part: weights[part.label])
    cut = _edges_touched(main, mask.shape)
    parts = [
        part
        for part in parts
        if part.area >= SPECK * main.area and _edges_touched(part, mask.shape) <= cut
    ]
    near = np.array([[_are_one(a.bbox, b.bbox) for a in parts] for b in parts])
    numbers = np.zeros(len(weights), int)
    numbers[[part.label for part in parts]] = 1 + connected_components(near)[1]
    return _in_order(numbers[labels], numbers[main.label])


def _in_order(numbers, main):
    """Drop what is much smaller than the main digit; count the others from the left."""
    boxes = {part.label: part.bbox for part in measure.regionprops(numbers)}
    large = [
        label
        for label, box in boxes.items()
        if _size(box) >= PART_SIZE * _size(boxes[main])
    ]
    large.sort(key=lambda label: boxes[label][1])
    order = np.zeros(max(boxes) + 1, int)
    order[large] = 1 + np.arange(len(large))
    return Digits(order[numbers], order[main], len(large))


def _without_rules(mask):
    """Ink without a form's border: two straight lines or more along the edges.

    A single one may be the bar of a 7 that was cut out closely.
    """
    rules = np.zeros_like(mask)
    n_rules = 0
    for axis, across in enumerate(mask.shape):
        along = mask.shape[1 - axis]
        length = max(3, round(RULE_LENGTH * along))
        straight = mask
        for step in (ndimage.minimum_filter1d, ndimage.maximum_filter1d):
            straight = step(straight, length, axis=1 - axis, mode="nearest")
        for part in measure.regionprops(measure.label(straight, connectivity=2)):
            start, stop = part.bbox[axis], part.bbox[axis + 2]
            reaches_edge = part.bbox[1 - axis] == 0 or part.bbox[3 - axis] == along
            margin = RULE_MARGIN * across
            at_side = min(start + stop, 2 * across - start - stop) < 2 * margin
            if reaches_edge and at_side and stop - start < margin:
                n_rules += 1
                rules[part.slice] |= part.image
    if n_rules < 2:
        return mask
    remains = mask & ~morphology.isotropic_dilation(rules, 1.5)  # with ragged edges
    return remains if remains.any() else mask


def _depth(shape):
    """The distance of every pixel from the picture's edge, as a share of its side."""
    rows, columns = (
        (np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / side
        for side in shape
    )
    return np.minimum.outer(rows, columns)


def _edges_touched(part, shape):
    """How many of a picture's edges, 0 to 4, a part of its ink touches."""
    top, left, bottom, right = part.bbox
    return sum([top == 0, left == 0, bottom == shape[0], right == shape[1]])


def _size(box):
    return max(box[2] - box[0], box[3] - box[1])


def _are_one(a, b):
    """Whether two parts, by their boxes, belong to the same digit."""
    above, beside = (max(a[i], b[i]) - min(a[i + 2], b[i + 2]) for i in (0, 1))
    small, large = sorted([_size(a), _size(b)])
    width = min(a[3] - a[1], b[3] - b[1])
    if -beside >= SHARED_WIDTH * width and above <= NEAR_ABOVE * large:
        return True
    return small < PART_SIZE * large and max(above, beside) <= NEAR * large
