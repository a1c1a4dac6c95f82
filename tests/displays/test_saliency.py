"""What speaks for a prediction."""

import pytest
from drawn import titles_of

from skmnist.displays import SaliencyDisplay


def test_saliency_lies_over_the_images(network, X_y):
    X = X_y[0][:5]
    display = SaliencyDisplay.from_estimator(network, X)
    assert display.images.shape[0] == len(display.maps) == len(display.maps_) == 5
    assert display.maps.min() >= 0
    assert titles_of(display) == [str(label) for label in network.predict(X)]
    for image, heat in zip(display.images_, display.maps_, strict=True):
        assert heat.axes is image.axes
        assert heat.get_array().shape == image.get_array().shape


def test_saliency_of_given_labels_and_method(network, X_y):
    X = X_y[0][:5]
    label = network.classes_[1]
    display = SaliencyDisplay.from_estimator(
        network, X, [label] * 5, method="gradient", n_columns=1
    )
    assert titles_of(display) == [str(label)] * 5


def test_saliency_of_other_estimators_and_methods_is_refused(network, bayes, X_y):
    X = X_y[0][:5]
    with pytest.raises(TypeError, match="Got GaussianNB instead"):
        SaliencyDisplay.from_estimator(bayes, X)
    with pytest.raises(ValueError, match="'method' parameter of SaliencyDisplay"):
        SaliencyDisplay.from_estimator(network, X, method="lime")
