"""The shape in which images are seen: channels, flat rows, slips."""

import warnings

import numpy as np
import pytest
from every_estimator import N, every_estimator, linear, mlp

from skmnist import ConvNetClassifier
from skmnist._estimators.image_shapes import find_image_shape

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("n_features", "own", "requested", "shape"),
    [
        (784, None, None, (1, 28, 28)),
        (783, None, None, (1, 1, 783)),
        (1, None, None, (1, 1, 1)),
        (784, (1, 14, 56), None, (1, 14, 56)),
        (784, None, (14, 56), (1, 14, 56)),
        (784, None, [4, 14, 14], (4, 14, 14)),
        (784, (1, 28, 28), (28, 28), (1, 28, 28)),
        (12, None, (np.int64(3), 2, 2), (3, 2, 2)),
    ],
)
def test_flat_rows_are_seen_in_the_shape_that_fits(n_features, own, requested, shape):
    assert find_image_shape(mlp(), n_features, own, requested) == shape


@every_estimator
def test_sides_that_could_be_either_are_read_channels_first(make, images, labels):
    clf = make().fit(images[:, :3, np.newaxis].repeat(3, axis=2)[..., :4], labels)
    assert clf.image_shape_ == (3, 3, 4)


@every_estimator
def test_channels_last_with_alpha_are_refused(make, images, labels):
    X = np.repeat(images[..., np.newaxis], 4, axis=3)
    with pytest.raises(ValueError, match=r"\(28, 28, 4\).* alpha.*X\[\.\.\., :3\]"):
        make().fit(X, labels)
    clf = make().fit(X[..., :3], labels)
    with pytest.raises(ValueError, match="alpha"):
        clf.predict(X)
    assert make().fit(X.transpose(0, 3, 1, 2), labels).image_shape_ == (4, 28, 28)


def test_another_number_of_channels_last_is_asked_about(images, labels):
    X = np.stack([images, images], axis=3)
    question = r"28 channels of 28x2 pixels. .* X.transpose\(0, 3, 1, 2\)"
    for make in (linear, mlp):
        with pytest.warns(UserWarning, match=question):
            make().fit(X, labels)
    clf = mlp().fit(X.transpose(0, 3, 1, 2), labels)
    assert clf.image_shape_ == (2, 28, 28)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for clear in ((28, 28, 28), (2, 28, 28), (3, 3, 2), (28, 2, 28)):
            assert find_image_shape(clf, 0, clear) == clear


def test_an_image_shape_with_channels_last_is_refused(images, labels):
    X = np.repeat(images[..., np.newaxis], 3, axis=3)
    clf = ConvNetClassifier(image_shape=(28, 28, 3))
    for form in (X, X.reshape(N, -1)):
        with pytest.raises(ValueError, match=r"such as \(3, 28, 28\).*Got \(28, "):
            clf.fit(form, labels)


def test_flat_colour_rows_are_no_strip_to_convolutions(images, labels):
    flat = np.tile(images.reshape(N, -1), 3)
    with pytest.raises(ValueError, match=r"image_shape=\(3, 28, 28\)"):
        ConvNetClassifier().fit(flat, labels)
    for shape in ((3, 28, 28), (1, 1, 2352)):
        clf = ConvNetClassifier((2,), (), image_shape=shape, max_epochs=1)
        assert clf.fit(flat, labels).image_shape_ == shape
    assert mlp().fit(flat, labels).n_features_in_ == 2352


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_label_among_the_pixels_is_asked_for(images, labels):
    X = np.c_[labels, images.reshape(N, -1)]
    question = "rows of 785 pixels, one more than images of 28x28 .* labels still among"
    with pytest.raises(ValueError, match=question):
        ConvNetClassifier().fit(X, labels)
    for make in (linear, mlp):
        with pytest.warns(UserWarning, match=question):
            make().fit(X, labels)
    few = np.c_[labels, images[:, 3, :4]]  # 5 features may be anything
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        ConvNetClassifier((2,), (), max_epochs=1).fit(few, labels)
