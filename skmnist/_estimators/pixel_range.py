"""Pixels of 0 to 255, and of 0 to 1: a model of the one is wrong on the other."""

import contextlib
import math
import warnings

import numpy as np

from skmnist._training.memory_map import PageReleaser, find_memory_map

# Rows that are looked at, spread over all of them.
ROWS = 250

# 255 and 1 are far apart. What a pixel of either may be by mistakes of rounding, of
# interpolation, or by another number of greys (16 in scikit-learn's digits), is not.
FAR = 10

WHOLE = frozenset(
    map(np.dtype, ("uint8", "uint16", "uint32", "int8", "int16", "int32", "int64"))
)


def remember_pixels(estimator, rows):
    """Keep on an estimator what kind of pixels it was fitted on."""
    highest = highest_pixel(rows)
    estimator._highest_pixel_ = highest
    estimator._light_ground_ = highest is not None and mostly_light(rows, highest)
    estimator._pixel_dtype_ = str(rows.dtype).removeprefix("torch.")


def highest_pixel(rows):
    """The highest value in some of the rows, or None where there are negative ones.

    Then they were standardised, or are no pixels, and nothing can be said of others.
    """
    with _some(rows) as some:
        return None if some.min() < 0 else float(some.max())


def mostly_light(rows, highest):
    """Whether most pixels of some of the rows are light: the images are on paper."""
    with _some(rows) as some:
        return 2 * int((some > highest / 2).sum()) > math.prod(some.shape)


@contextlib.contextmanager
def _some(rows):
    """Rows spread over all; the pages of a file that they are on are released."""
    yield rows[:: max(1, len(rows) // ROWS)]
    PageReleaser(find_memory_map(rows)).release()


def warn_of_other_range(estimator, rows, stacklevel):
    """Warn where pixels are fractions and the fit's were whole numbers, or reversed."""
    fitted = getattr(estimator, "_highest_pixel_", None)
    # The usual case costs no look at the pixels.
    if not fitted or (fitted > 1 and rows.dtype in WHOLE):
        return
    highest = highest_pixel(rows)
    if not highest:
        return
    too_low, too_high = fitted > FAR and highest <= 1, fitted <= 1 and highest > FAR
    if not (too_low or too_high):
        return
    warnings.warn(
        f"The pixels in X are 0 to {highest:g}, but {type(estimator).__name__} was "
        f"fitted on pixels of 0 to {fitted:g}: what it says of them means little. "
        f"{'Multiply' if too_low else 'Divide'} X by 255, or by what else makes them "
        "pixels of that range.",
        UserWarning,
        stacklevel=stacklevel,
    )
