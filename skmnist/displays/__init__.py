"""Figures of training, images, weights and searches, in scikit-learn's form.

A display holds data and draws itself with ``plot``. matplotlib is imported when
something is drawn, never before: ``pip install "skmnist[plot]"``.
"""

from ._filters import FilterDisplay
from ._image_grid import ImageGridDisplay
from ._parameter_sweep import ParameterSweepDisplay
from ._saliency import SaliencyDisplay
from ._training_curve import TrainingCurveDisplay

__all__ = [
    "FilterDisplay",
    "ImageGridDisplay",
    "ParameterSweepDisplay",
    "SaliencyDisplay",
    "TrainingCurveDisplay",
]
