"""Pixels of another kind than the fit's: another range, or light for dark."""

import contextlib
import math

import numpy as np

from skmnist._training.memory_map import PageReleaser, find_memory_map
from skmnist._warn import warn

# Rows that are looked at, spread over all of them, and how few say what all are like.
ROWS, FEW_ROWS = 250, 20

# 255 and 1 are far apart. What a pixel of either may be by mistakes of rounding, of
# interpolation, or by another number of greys (16 in scikit-learn's digits), is not.
FAR = 10

# Below 0 by more than a mistake of interpolation.
BELOW = -0.1

WHOLE = frozenset(
    map(np.dtype, ("uint8", "uint16", "uint32", "int8", "int16", "int32", "int64"))
)


def remember_pixels(estimator, rows):
    """Keep on an estimator what kind of pixels it was fitted on."""
    lowest, highest = _range(rows)
    estimator._pixel_range_ = lowest, highest
    estimator._highest_pixel_ = None if lowest < 0 else highest
    estimator._light_ground_ = lowest >= 0 and mostly_light(rows, highest)
    estimator._only_ground_ = None
    if lowest >= 0 and len(rows) >= FEW_ROWS:
        estimator._only_ground_ = _only_ground(rows, highest, clear=0.5)
    estimator._pixel_dtype_ = str(rows.dtype).removeprefix("torch.")


def highest_pixel(rows):
    """The highest value in some of the rows, or None where there are negative ones.

    Then they were standardised, or are no pixels, and nothing can be said of others.
    """
    lowest, highest = _range(rows)
    return None if lowest < 0 else highest


def mostly_light(rows, highest):
    """Whether most pixels of some of the rows are light: the images are on paper."""
    with _some(rows) as some:
        return 2 * int((some > highest / 2).sum()) > math.prod(some.shape)


def warn_of_other_pixels(estimator, rows, name="X"):
    """Warn of pixels in another range than the fit's, and of light for dark.

    Parameters
    ----------
    estimator : fitted estimator
    rows : ndarray or tensor of shape (n_samples, n_features)
    name : str
        Of the argument that they came in.
    """
    known = getattr(estimator, "_pixel_range_", None)
    if known is None or _look_usual(estimator, rows):
        return
    found = _range(rows)
    kinds = {_kind(*known), _kind(*found)}
    owner = type(estimator).__name__
    if len(kinds) == 2 and "whole" in kinds and None not in kinds:
        if min(known[0], found[0]) < BELOW:
            advice = "Scale both alike: leave it to the estimator, or to a Pipeline."
        else:
            verb = "Multiply" if found[1] < known[1] else "Divide"
            advice = (
                f"{verb} {name} by 255, or by what else makes them pixels of that "
                "range."
            )
        warn(
            f"The pixels in {name} are {found[0]:.3g} to {found[1]:g}, but {owner} was "
            f"fitted on pixels of {known[0]:.3g} to {known[1]:g}: what it says of them "
            f"means little. {advice}"
        )
        return
    ground = estimator._only_ground_
    if ground and _only_ground(rows, known[1], clear=0.75) not in (ground, None):
        other = {"dark": "light", "light": "dark"}[ground]
        warn(
            f"The images in {name} are mostly {other}, but {owner} was fitted on "
            f"images that were all mostly {ground}: what it says of them means little. "
            f"If dark and light are exchanged, pass {known[1]:g} - {name}."
        )


def _look_usual(estimator, rows):
    """Whether a single look finds whole numbers, some of them ink, on the fit's ground.

    It takes a quarter of the time of the rest, and a prediction of one image may not
    take much.
    """
    lowest, highest = estimator._pixel_range_
    if lowest < 0 or highest <= 2 * FAR or rows.dtype not in WHOLE:
        return False
    # Of few rows the pages are about to be read in any case.
    rows_of = contextlib.nullcontext if len(rows) <= ROWS else _some
    with rows_of(rows) as some:
        # Beside an int, the pixels are not made floats first.
        n_light = np.count_nonzero(some > int(highest / 2))
    if n_light == 0:
        return False
    ground = estimator._only_ground_
    return ground is None or (ground == "light") == (2 * n_light > some.size)


def _range(rows):
    with _some(rows) as some:
        return float(some.min()), float(some.max())


def _kind(lowest, highest):
    """The kind of range, where it is one of those that people have."""
    if lowest < BELOW and highest <= FAR:
        return "standardised"
    if lowest < 0 or highest == 0:
        return None
    return "fractions" if highest <= 1 else "whole" if highest > FAR else None


def _only_ground(rows, highest, clear):
    """What most pixels of each image are, "dark" or "light"; None where they differ.

    So many of them, as a share, make it clear.
    """
    with _some(rows) as some:
        shares = (some > highest / 2).sum(1) / some.shape[1]
        if shares.max() < 1 - clear:
            return "dark"
        return "light" if shares.min() > clear else None


@contextlib.contextmanager
def _some(rows):
    """Rows spread over all; the pages of a file that they are on are released."""
    yield rows[:: max(1, len(rows) // ROWS)]
    PageReleaser(find_memory_map(rows)).release()
