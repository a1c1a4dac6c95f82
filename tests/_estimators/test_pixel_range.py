"""Pixels in another range than those of the fit."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from every_estimator import N, every_estimator, networks
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("one_thread")

FRACTIONS = {
    "float32": lambda X: (X / 255).astype(np.float32),
    "float64 rows": lambda X: X.reshape(N, -1) / 255,
    "tensor": lambda X: torch.tensor(X) / 255,
    "frame": lambda X: pd.DataFrame(X.reshape(N, -1) / 255),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", FRACTIONS)
@every_estimator
def test_pixels_in_another_range_than_the_fits_are_warned_of(
    make, form, images, labels
):
    fractions = FRACTIONS[form](images)
    whole, parts = make().fit(images, labels), make().fit(fractions, labels)
    with pytest.warns(UserWarning, match=r"to 0\.498039, but .* to 127: .*Mult"):
        whole.predict(fractions)
    with pytest.warns(UserWarning, match=r"to 127, but .* to 0\.498039: .*Divide"):
        parts.predict(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        whole.predict(images)
        whole.predict(images.astype(float))
        whole.predict(np.zeros((2, 784)))  # blank in either range
        parts.predict(fractions)


@networks
def test_further_training_on_another_range_is_warned_of(make, images, labels):
    message = "are 0 to 0.498039, but .* pixels of 0 to 127"
    clf = make(warm_start=True).fit(images, labels)
    with pytest.warns(UserWarning, match=message):
        clf.fit(images / 255, labels)
    clf = make().partial_fit(images, labels, classes=np.arange(10))
    with pytest.warns(UserWarning, match=message):
        clf.partial_fit(images / 255, labels)
    with pytest.warns(UserWarning, match=message):
        make().fit(images, labels, X_val=images / 255, y_val=labels)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@every_estimator
def test_standardised_pixels_are_in_no_range_of_their_own(make, images, labels):
    X = StandardScaler().fit_transform(images.reshape(N, -1).astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make().fit(X, labels).predict(X * 300)
        make().fit(X * 300, labels).predict(X / 300)
