"""Weights drawn as images."""

import numpy as np
import pytest
from drawn import NAN, titles_of
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.displays import FilterDisplay


def test_a_linear_model_shows_one_image_a_class(X_y):
    X, y = X_y
    model = LogisticRegression(max_iter=500).fit(X[:300] / 16, y[:300] + 10)
    display = FilterDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.filters, model.coef_.reshape(10, 1, 8, 8))
    assert titles_of(display) == [str(label) for label in range(10, 20)]


def test_of_two_classes_the_weights_are_those_of_the_second(X_y):
    X, y = X_y
    model = LinearClassifier().fit(X[:100], np.where(y[:100] > 4, "high", "low"))
    assert titles_of(FilterDisplay.from_estimator(model)) == ["low"]


def test_weights_that_belong_to_no_class_have_no_names(X_y):
    X, y = X_y
    # One against one: a row for every pair of classes, and of three as many as classes.
    for n_classes, n_rows in ((10, 45), (3, 3)):
        known = y < n_classes
        model = SVC(kernel="linear").fit(X[known][:300], y[known][:300])
        assert titles_of(FilterDisplay.from_estimator(model)) == [""] * n_rows
    regression = LinearRegression().fit(X, y)
    assert titles_of(FilterDisplay.from_estimator(regression)) == [""]
    binary = SVC(kernel="linear").fit(X[y < 2], y[y < 2])
    assert titles_of(FilterDisplay.from_estimator(binary)) == ["1"]


def test_the_colour_scale_has_zero_in_its_middle():
    display = FilterDisplay(np.array([[[[-3.0, 1.0]]], [[[0.5, 2.0]]]])).plot()
    assert [image.get_clim() for image in display.images_] == [(-3, 3), (-3, 3)]
    assert display.colorbar_.ax.get_ylabel() == "Weight"


def test_a_convolution_shows_its_filters(network):
    display = FilterDisplay.from_estimator(network)
    weights = next(p for p in network.module_.parameters() if p.ndim == 4)
    np.testing.assert_array_equal(display.filters, weights.detach().cpu().numpy())


def test_dense_weights_have_the_shape_of_the_image(X_y):
    X, y = X_y
    network = MLPClassifier(hidden_layer_sizes=(70,), max_epochs=1, random_state=0)
    network.fit(X[:100].reshape(-1, 4, 16), y[:100])
    display = FilterDisplay.from_estimator(network)
    assert display.filters.shape == (64, 1, 4, 16)
    assert display.ax_.get_title() == "64 of 70 filters"
    assert len(FilterDisplay.from_estimator(network, n_filters=70).images_) == 70


def test_the_channels_of_a_filter_stand_side_by_side():
    filters = np.arange(1.0, 13.0).reshape(1, 3, 2, 2)
    (image,) = FilterDisplay(filters).plot().images_
    np.testing.assert_array_equal(
        image.get_array().filled(NAN),
        [[1, 2, NAN, 5, 6, NAN, 9, 10], [3, 4, NAN, 7, 8, NAN, 11, 12]],
    )


def test_an_estimator_without_weights_is_refused(bayes):
    with pytest.raises(TypeError, match=r"'coef_'.*Got GaussianNB"):
        FilterDisplay.from_estimator(bayes)
    with pytest.raises(NotFittedError):
        FilterDisplay.from_estimator(ConvNetClassifier())
