"""Grids of images: samples, mistakes, their titles and scales."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from drawn import titles_of
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from skmnist.displays import ImageGridDisplay


def test_samples_are_the_first_images_with_their_predictions(bayes, X_y):
    X, y = X_y[0][1000:], X_y[1][1000:]
    display = ImageGridDisplay.from_estimator(bayes, X, y, n_images=8)
    np.testing.assert_array_equal(display.images, X[:8].reshape(8, 8, 8))
    np.testing.assert_array_equal(display.y_pred, bayes.predict(X[:8]))
    np.testing.assert_array_equal(display.indices, range(8))
    assert len(display.images_) == 8
    np.testing.assert_array_equal(display.images_[3].get_array(), display.images[3])
    assert titles_of(display)[0] == "1 ✓\n100.0 %"


def test_mistakes_come_in_order_of_confidence_in_the_wrong_label(X_y):
    X, y = X_y
    model = LogisticRegression(C=0.01).fit(X[:300] / 16, y[:300])
    X, y = X[300:] / 16, y[300:]
    proba = model.predict_proba(X)
    predicted = proba.argmax(axis=1)
    mistakes = np.flatnonzero(predicted != y)
    expected = sorted(mistakes, key=lambda i: -proba[i, predicted[i]])[:10]
    display = ImageGridDisplay.from_estimator(model, X, y, kind="mistakes", n_images=10)
    np.testing.assert_array_equal(display.indices, expected)
    worst = expected[0]
    assert titles_of(display)[0] == (
        f"{y[worst]} → {predicted[worst]}\n{100 * proba[worst].max():.1f} %"
    )


def test_right_and_wrong_differ_in_more_than_colour():
    X, y_true, y_pred = np.zeros((2, 4, 4)), ["cat", "dog"], ["cat", "cat"]
    display = ImageGridDisplay.from_predictions(X, y_true, y_pred)
    assert titles_of(display) == ["cat ✓", "dog → cat"]
    right, wrong = (image.axes.spines["left"] for image in display.images_)
    assert (right.get_linestyle(), wrong.get_linestyle()) == ("solid", "--")


def test_probabilities_of_all_labels_may_be_passed():
    proba = np.array([[0.4, 0.6], [0.9, 0.1]])
    display = ImageGridDisplay.from_predictions(
        np.zeros((2, 9)), [0, 1], [1, 0], proba, kind="mistakes"
    )
    np.testing.assert_array_equal(display.indices, [1, 0])
    np.testing.assert_array_equal(display.y_proba, [0.9, 0.6])


def test_a_classifier_without_probabilities_shows_mistakes_as_they_come(X_y):
    X, y = X_y
    model = RidgeClassifier().fit(X[:200], y[:200])
    display = ImageGridDisplay.from_estimator(model, X, y, kind="mistakes")
    expected = np.flatnonzero(model.predict(X) != y)[:16]
    np.testing.assert_array_equal(display.indices, expected)
    assert display.y_proba is None


def test_no_mistakes_is_said_on_the_axes(X_y):
    X, y = X_y
    display = ImageGridDisplay.from_predictions(X, y, y, kind="mistakes")
    (text,) = display.ax_.texts
    assert text.get_text() == "No mistakes among 1,797 images"
    assert display.images_ == []


def test_flat_images_take_the_shape_of_the_estimator_or_the_one_given(network, X_y):
    X, y = X_y
    shown = ImageGridDisplay.from_estimator(network, X, y, n_images=3)
    assert shown.images.shape == (3, *network.image_shape_)
    shown = ImageGridDisplay.from_images(X[:3], image_shape=(4, 16))
    assert shown.images.shape == (3, 4, 16)


def test_frames_tensors_and_single_channels_are_images_too(X_y):
    torch = pytest.importorskip("torch")
    X = X_y[0][:4]
    for form in (pd.DataFrame(X), torch.tensor(X), X.reshape(4, 1, 8, 8)):
        display = ImageGridDisplay.from_images(form)
        np.testing.assert_array_equal(
            display.images_[1].get_array(), X[1].reshape(8, 8)
        )


def test_three_channels_are_drawn_in_colour():
    X = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    display = ImageGridDisplay.from_images(X.astype(np.uint8))
    np.testing.assert_array_equal(
        display.images_[0].get_array(), X[0].transpose(1, 2, 0)
    )
    display = ImageGridDisplay.from_images(X / 7 - 3)
    assert display.images_[0].get_array().min() == 0
    assert display.images_[1].get_array().max() == 1
    # In these dtypes 127 - -128 overflows, and True - False is an error.
    X = np.repeat([[-128], [0], [127]], 4, axis=1).reshape(1, 3, 2, 2)
    (image,) = ImageGridDisplay.from_images(X.astype(np.int8)).images_
    np.testing.assert_allclose(image.get_array()[0, 0], [0, 128 / 255, 1])
    (image,) = ImageGridDisplay.from_images(X > 0).images_
    np.testing.assert_array_equal(image.get_array()[0, 0], [0, 0, 1])


def test_all_images_have_one_scale_of_brightness():
    display = ImageGridDisplay.from_images(np.arange(8.0).reshape(2, 2, 2))
    assert [image.get_clim() for image in display.images_] == [(0, 7), (0, 7)]


@pytest.mark.parametrize("n_images", [1, 7, 16])
@pytest.mark.parametrize("names", ["0123456789", ["Ankle boot", "T-shirt/top"] * 5])
def test_a_grid_stays_inside_its_axes_and_titles_do_not_overlap(X_y, n_images, names):
    labels = [names[i] for i in X_y[1][:n_images]]
    figure = Figure(figsize=(11, 9), layout="constrained")
    ax = figure.subplots(2, 2)[1, 0]
    display = ImageGridDisplay.from_predictions(
        X_y[0][:n_images], labels, labels[::-1], np.ones(n_images), ax=ax
    )
    figure.draw_without_rendering()
    boxes = [image.axes.title.get_window_extent() for image in display.images_]
    boxes += [image.get_window_extent() for image in display.images_]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    outside = ax.get_window_extent().padded(1)
    assert all(outside.contains(*corner) for box in boxes for corner in box.corners())


def test_the_number_of_columns_can_be_set(X_y):
    display = ImageGridDisplay.from_images(X_y[0][:6], n_columns=2)
    display.figure_.draw_without_rendering()
    lefts = {round(image.get_window_extent().x0) for image in display.images_}
    assert len(lefts) == 2


@pytest.mark.parametrize(
    ("X", "settings", "message"),
    [
        (
            np.zeros((2, 10)),
            {},
            r"Expected 9 features .* \(3, 3\). Got 10.*image_shape",
        ),
        (np.zeros((2, 9)), {"image_shape": (2, 4)}, "Expected 8 features"),
        (np.zeros(4), {}, r"Got an array of shape \(4,\)"),
        (np.zeros((2, 2, 4, 4)), {}, "1 or 3 channels"),
        (np.zeros((2, 9)), {"labels": [1]}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_images_is_refused(X, settings, message):
    with pytest.raises(ValueError, match=message):
        ImageGridDisplay.from_images(X, **settings)


def test_an_unknown_kind_of_grid_is_refused(bayes, X_y):
    with pytest.raises(ValueError, match="'kind' parameter of ImageGridDisplay"):
        ImageGridDisplay.from_estimator(bayes, *X_y, kind="errors")


def test_probabilities_of_another_shape_are_refused(X_y):
    X, y = X_y[0][:4], X_y[1][:4]
    with pytest.raises(ValueError, match=r"\(4, n_classes\).*Got shape \(4, 2, 2\)"):
        ImageGridDisplay.from_predictions(X, y, y, np.zeros((4, 2, 2)))
