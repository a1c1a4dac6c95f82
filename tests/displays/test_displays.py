"""What holds of all displays."""

import subprocess
import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import make_cv_results
from matplotlib.figure import Figure
from sklearn.linear_model import RidgeClassifier

from skmnist.displays import (
    FilterDisplay,
    ImageGridDisplay,
    ParameterSweepDisplay,
    TrainingCurveDisplay,
)


def test_importing_the_displays_imports_neither_matplotlib_nor_torch():
    code = (
        "import sys, skmnist.displays; print({'matplotlib', 'torch'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).strip() == "set()"


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skmnist\[plot\]"'):
        TrainingCurveDisplay.from_arrays([1.0, 0.5])


def test_every_display_draws_on_given_axes_of_a_figure_without_pyplot(bayes, X_y):
    axes = Figure(layout="constrained").subplots(2, 2).ravel()
    displays = [
        TrainingCurveDisplay.from_arrays([1.0, 0.5], ax=axes[0]),
        ImageGridDisplay.from_images(X_y[0][:5], ax=axes[1]),
        FilterDisplay(np.ones((3, 1, 2, 2))).plot(ax=axes[2]),
        ParameterSweepDisplay.from_cv_results(
            make_cv_results([0.8, 0.9], lr=[1, 2]), ax=axes[3]
        ),
    ]
    assert [display.ax_ for display in displays] == list(axes)
    assert all(display.figure_ is axes[0].figure for display in displays)
    assert not plt.get_fignums()


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "2"])
def test_numbers_of_images_filters_and_columns_are_positive_ints(bayes, X_y, number):
    X, y = X_y[0][:20], X_y[1][:20]
    filters = FilterDisplay(np.ones((3, 1, 2, 2)))
    linear = RidgeClassifier().fit(X, y)
    for owner, name, call in (
        (
            "ImageGridDisplay",
            "n_images",
            partial(ImageGridDisplay.from_estimator, bayes, X, y),
        ),
        (
            "ImageGridDisplay",
            "n_images",
            partial(ImageGridDisplay.from_predictions, X, y, y),
        ),
        ("ImageGridDisplay", "n_columns", partial(ImageGridDisplay.from_images, X)),
        ("FilterDisplay", "n_filters", partial(FilterDisplay.from_estimator, linear)),
        ("FilterDisplay", "n_columns", filters.plot),
    ):
        with pytest.raises(ValueError) as caught:
            call(**{name: number})
        expected = "a positive int" + " or None" * (name != "n_images")
        assert str(caught.value) == (
            f"The {name!r} parameter of {owner} must be {expected}. "
            f"Got {number!r} instead."
        )
