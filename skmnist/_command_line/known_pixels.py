"""What pixels a model knows: how high, and whether its images are on light paper."""

from typing import NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skmnist._estimators.pixel_range import highest_pixel, mostly_light
from skmnist._extras import import_extra
from skmnist.datasets import load_digits28

Image = import_extra("PIL.Image", "pictures", "Reading a picture")

# The ranges that people have: fractions, scikit-learn's digits, eight and 16 bits.
HIGHEST = (1, 16, 255, 65535)

# Two ranges are told apart by their highest pixels: what is further than this from one
# is nearer to another.
FAR = 4

# Next to half of the range, the mean of all pixels does not tell light from dark.
UNSURE = 0.02


class KnownPixels(NamedTuple):
    """What is known of the images of a model's training; None is not known."""

    highest: int | None
    light_paper: bool | None


def find_entrance(estimator):
    """The part of a model that takes the pixels as they come."""
    estimator = _unwrap(estimator)
    if isinstance(estimator, Pipeline):
        return find_entrance(_steps(estimator)[0])
    return estimator


def find_known_pixels(estimator, shape):
    """What a model, whatever is around it, tells of the pixels that it was fitted on.

    Our estimators remember it. A scaler in front of one has statistics that tell it; of
    one that has none, it is tried which pictures become what the estimator remembers.

    Raises
    ------
    ValueError
        If some were below 0, which no picture has.
    """
    estimator = _unwrap(estimator)
    if not isinstance(estimator, Pipeline):
        return _of_own_memory(estimator)
    *before, last = _steps(estimator)
    if not before:
        return find_known_pixels(last, shape)
    known = _by_statistics(find_entrance(before[0]))
    if None not in known:
        return known
    tried = _by_trying(before, _unwrap(last), shape)
    return known if tried.light_paper is None else tried


def _unwrap(estimator):
    """The estimator inside a search or a calibration."""
    if hasattr(estimator, "best_estimator_"):
        return _unwrap(estimator.best_estimator_)
    if hasattr(estimator, "calibrated_classifiers_"):
        return _unwrap(estimator.calibrated_classifiers_[0].estimator)
    return estimator


def _steps(pipeline):
    return [step for _, step in pipeline.steps if step not in (None, "passthrough")]


def _of_own_memory(estimator):
    highest = getattr(estimator, "_highest_pixel_", 0)
    if highest is None:
        raise _below_zero(estimator)
    light_paper = getattr(estimator, "_light_ground_", None)
    if highest:
        return KnownPixels(_range_of(highest), light_paper)
    # A pickle of an earlier version: by the statistics of its pixels.
    return KnownPixels(_range_of_scaling(estimator), light_paper)


def _range_of_scaling(estimator):
    if getattr(estimator, "pixel_scaling", None) is None:
        return None
    if hasattr(estimator, "module_"):
        scaling = estimator.module_.scaling
        shift, factor = scaling.shift.cpu().numpy(), scaling.factor.cpu().numpy()
    else:
        shift, factor = map(np.asarray, estimator._scaling)
    # The highest pixel, or with "standard" what is one deviation above the mean.
    return 1 if (shift + 1 / factor).max() < 1.01 else 255


def _by_statistics(scaler):
    """What a fitted transformer of scikit-learn's keeps of the pixels."""
    if hasattr(scaler, "data_min_"):  # of MinMaxScaler
        low, highest = scaler.data_min_.min(), scaler.data_max_.max()
        # Near the edge, where no ink was, both are the paper.
        typical = (scaler.data_min_ + scaler.data_max_) / 2
    else:
        # Of StandardScaler, PCA and others; the median, of RobustScaler.
        names = ("mean_", "center_")
        found = (getattr(scaler, name, None) for name in names)
        typical = next((array for array in found if array is not None), None)
        if typical is None:
            return KnownPixels(None, None)
        low, highest = np.min(typical), np.max(typical)
    if low < 0:
        raise _below_zero(scaler)
    highest = _range_of(highest) if highest > 0 else None
    if highest is None:
        return KnownPixels(None, None)
    lightness = np.mean(typical) / highest
    unsure = abs(lightness - 0.5) < UNSURE
    return KnownPixels(highest, None if unsure else bool(lightness > 0.5))


def _by_trying(before, last, shape):
    """Make digits of all kinds into what the last step gets, and compare."""
    nothing = KnownPixels(None, None)
    highest = getattr(last, "_highest_pixel_", None)
    light = getattr(last, "_light_ground_", None)
    if not highest or light is None:
        return nothing
    digits = _some_digits(shape)
    fits = []
    for most in HIGHEST:
        for light_paper in (False, True):
            rows = most * (1 - digits if light_paper else digits)
            for step in before:
                rows = step.transform(rows)
            rows = np.asarray(rows)
            own = highest_pixel(rows)
            near = own and highest / FAR < own < highest * FAR
            if near and mostly_light(rows, own) == light:
                fits.append((KnownPixels(most, light_paper), rows))
    if len({known.light_paper for known, _ in fits}) != 1:
        return nothing
    (known, rows), *others = fits
    if not others:
        return known
    # Where all ranges become the same, any does.
    same = all(np.allclose(rows, other) for _, other in others)
    return known._replace(highest=255) if same else nothing


def _some_digits(shape):
    """Rows of light ink on a dark ground, as fractions."""
    X, _ = load_digits28(return_X_y=True)
    size = shape[:0:-1]
    images = [np.asarray(Image.fromarray(image).resize(size)) for image in X[:20]]
    grey = np.stack(images)[:, None] / np.float32(255)
    return np.repeat(grey, shape[0], axis=1).reshape(len(grey), -1)


def _range_of(highest):
    """The range that pixels up to this are of."""
    return next((most for most in HIGHEST if highest <= most), None)


def _below_zero(estimator):
    return ValueError(
        f"the {type(estimator).__name__} that gets the pixels was fitted on some below "
        "0, which were scaled before. Put the scaler into a pipeline with the model, "
        "so that pictures are scaled too; or say what its pixels were by --paper and "
        "--pixels"
    )
