"""Where the ink of a picture is, and which of it makes a digit."""

import itertools
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

# ... and where no more than this share of the picture's edge is other than paper: a
# digit that is cut off there covers less, a shadow more.
MOST_OF_EDGE = 0.25

# Nine tenths of an edge without shadows vary by less than this share of all greys.
EVEN_EDGE = 0.1

# The disks that details are looked for with, in pixels of the thumbnail, the share of
# all contrast that is enough, and the pixels that a stroke has at least: fewer may be
# the tip of a corner.
DISKS = (1, 2, 3, 4, 6, 8, 12)
MOST_CONTRAST = 0.75
STROKE = 30

# Where dark and light details are this alike in contrast (black loops of a digit on
# white and the white in them), the larger area decides which of them is paper.
ALIKE = 0.8

# Dark details explain a picture better than light ones by this factor, or not at all: a
# photograph's grain has slopes everywhere.
CLEARLY_MORE = 1.1

# The least light in a shadow, as a share of the most light on the paper: ink in deeper
# ones is not made stronger than this allows, nor is their noise.
DEEPEST_SHADOW = 1 / 4

# Ink stands out by more than this many standard deviations of the paper's noise, so
# that next to no pixel of paper does (6 in 100,000 of a normal one), and by more grey
# levels than the blocks of a JPEG or a gradient's remains do.
NOISES = 4
LEAST_CONTRAST = 10

# Shares of the picture's longer side, and of a digit's. What is smaller is paper's
# grain and dust: on a page that was photographed upright, a digit of handwriting is
# twice as large. In a small picture, no digit is as small as these pixels.
LEAST_SIZE = 1 / 40
TOO_SMALL = 4

# A form's border: straight pieces of this share of the picture or more (it may be
# askew), which make up this much of a side, near the picture's edge.
RULE_LENGTH = 0.25
RULE_COVER = 0.6
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
    least = max(NOISES * noise, LEAST_CONTRAST)
    contrast = contrast.clip(0)
    stands_out = contrast >= least
    if uneven and dark_on_light:
        # Ink swallows a share of the light, and there is less of it in a shadow.
        light = 255 - paper
        contrast *= light.max() / light.clip(max(1, DEEPEST_SHADOW * light.max()))
    high = max(filters.threshold_otsu(contrast), least)
    low = max(high / 2, least)
    mask = filters.apply_hysteresis_threshold(contrast * stands_out, low, high)
    return Ink(contrast, mask, low / 2, dark_on_light, uneven)


def _even_paper(greys):
    """The grey of paper that is darker than its ink, or None if it varies."""
    is_ink = greys > filters.threshold_otsu(greys)
    if _edge(is_ink).mean() > MOST_OF_EDGE:
        return None
    paper, ink = greys[~is_ink], greys[is_ink]
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
    """Whether thin things are darker than what is around them.

    The stronger details decide. Where a shadow crosses the picture's edge, the thinnest
    that show most of the contrast do: strokes are thinner than the corners and the
    spots of light that shadows leave, which may be stronger.
    """
    if np.ptp(np.quantile(_edge(greys), [0.05, 0.95])) <= EVEN_EDGE * np.ptp(greys):
        dark, light = _details(greys, radius, 1)
    else:
        most = max(_details(greys, radius, STROKE))
        radii = [*(step for step in DISKS if step < radius), radius]
        all_details = (_details(greys, step, STROKE) for step in radii)
        dark, light = next(d for d in all_details if max(d) >= MOST_CONTRAST * most)
    if light < ALIKE * dark or _dark_explains_more(greys, radius):
        return True
    if dark < ALIKE * light:
        return False
    bright = greys > filters.threshold_otsu(greys)
    return bright.mean() + _edge(bright).mean() > 1


def _details(greys, radius, n_pixels):
    """How strong dark and light details are that are thinner than a disk."""
    return [
        np.sort(signal - _open(signal, radius), axis=None)[-n_pixels:].mean()
        for signal in (-greys, greys)
    ]


def _dark_explains_more(greys, radius):
    """Whether the outlines of dark details hold more of all slopes than those of light.

    What thick dark strokes enclose is a light detail too, and a stronger one where they
    lie in a shadow, but it has the inner outlines only.
    """
    slopes = np.hypot(ndimage.sobel(greys, 0), ndimage.sobel(greys, 1))
    explained = []
    for signal in (-greys, greys):
        details = signal - _open(signal, radius)
        ink = details > filters.threshold_otsu(details)
        outlines = morphology.dilation(ink) & ~morphology.erosion(ink)
        explained.append(slopes[outlines].sum())
    dark, light = explained
    return dark > CLEARLY_MORE * light


def _edge(greys):
    return np.r_[greys[0], greys[-1], greys[:, 0], greys[:, -1]]


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

    Where a digit is joined to the picture's edges, and the stronger half of the ink is
    not, the other half is the lines of ruled paper.
    """
    digits = _digits_in(ink.contrast, ink.mask)
    if digits.n == 0 or _n_edges(digits.numbers == digits.main) < 2:
        return digits
    strong = ink.contrast > filters.threshold_otsu(ink.contrast[ink.mask])
    stronger = _digits_in(ink.contrast, strong)
    if stronger.n == 0 or _n_edges(stronger.numbers == stronger.main) > 0:
        return digits
    return stronger


def _digits_in(contrast, mask):
    """The digits of what is taken for ink.

    The main digit has the most ink, which counts the more the further it is from the
    picture's edge: what is cut off there belongs to a neighbour or to a form.
    """
    if not mask.any():
        return Digits(mask, 0, 0)
    mask = _without_rules(mask)
    # Gaps that are smaller than a stroke is wide are a pen's or a threshold's.
    bridged = morphology.isotropic_dilation(mask, max(1, stroke_width(mask) / 2))
    labels = measure.label(bridged, connectivity=2) * mask
    weights = ndimage.sum_labels(
        contrast * _depth(mask.shape), labels, np.arange(labels.max() + 1)
    )
    least = max(TOO_SMALL, LEAST_SIZE * max(mask.shape))
    parts = [p for p in measure.regionprops(labels) if _size(p.bbox) > least]
    if not parts:
        return Digits(labels, 0, 0)
    main = max(parts, key=lambda part: weights[part.label])
    cut = _n_edges(labels == main.label)
    parts = [
        part
        for part in parts
        if part.area >= SPECK * main.area and _n_edges(labels == part.label) <= cut
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
    """Ink without a form's border: straight lines along two of the edges or more.

    A single one may be the bar of a 7 that was cut out closely.
    """
    sides = []
    for axis, along in enumerate(mask.shape[::-1]):
        for lines in _lines_along_edges(mask, axis):
            covered = np.zeros(along, bool)
            for line in lines:
                covered[line.bbox[1 - axis] : line.bbox[3 - axis]] = True
            if covered.mean() >= RULE_COVER:
                sides.append(lines)
    if len(sides) < 2:
        return mask
    rules = np.zeros_like(mask)
    for line in itertools.chain(*sides):
        rules[line.slice] |= line.image
    remains = mask & ~morphology.isotropic_dilation(rules, 1.5)  # with ragged edges
    return remains if remains.any() else mask


def _lines_along_edges(mask, axis):
    """Straight pieces of ink that end at an edge, at either of two opposite sides.

    They are horizontal for axis 0, vertical for axis 1.
    """
    across, along = mask.shape[axis], mask.shape[1 - axis]
    length = max(3, round(RULE_LENGTH * along))
    straight = mask
    for step in (ndimage.minimum_filter1d, ndimage.maximum_filter1d):
        straight = step(straight, length, axis=1 - axis, mode="constant")
    sides = [], []
    for part in measure.regionprops(measure.label(straight, connectivity=2)):
        start, stop = part.bbox[axis], part.bbox[axis + 2]
        reaches_edge = part.bbox[1 - axis] == 0 or part.bbox[3 - axis] == along
        middle = (start + stop) / 2 / across
        at_side = min(middle, 1 - middle) < RULE_MARGIN
        if reaches_edge and at_side and stop - start < RULE_MARGIN * across:
            sides[middle > 0.5].append(part)
    return sides


def _depth(shape):
    """The distance of every pixel from the picture's edge, as a share of its side."""
    rows, columns = (
        (np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / side
        for side in shape
    )
    return np.minimum.outer(rows, columns)


def _n_edges(mask):
    """How many of a picture's edges, 0 to 4, a part of its ink touches."""
    return sum(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


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
