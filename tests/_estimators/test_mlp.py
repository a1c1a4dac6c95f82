"""MLPClassifier: its parameters, its network and its part in a comparison."""

import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch import nn

from skmnist import MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


def fitted(digits, *args, **params):
    params = {"max_epochs": 1, "random_state": 0} | params
    return MLPClassifier(*args, **params).fit(digits[0][:80], digits[2][:80])


# The networks of the five reports: what they are, and their published counts.
@pytest.mark.parametrize(
    ("hidden_layer_sizes", "activation", "n_parameters"),
    [
        ((128,), "relu", 101_770),  # dat565-2024 mlp-128
        ((500, 300), "relu", 545_810),  # dat565-2024 mlp-500-300
        ((300,), "sigmoid", 238_510),  # dl-2020 mlp-300-sigmoid
        ((64, 64), "relu", 55_050),  # dat565-2023 and dat405-2023 mlp-64-64
        ((), "relu", 7_850),  # dm566-2022 softmax
        ((100,), "relu", 78_500 + 1_010),  # dm566-2022 mlp-100
        ((100, 100), "relu", 78_500 + 10_100 + 1_010),  # dm566-2022 mlp-100-100
        ((300, 500), "relu", 235_500 + 150_500 + 5_010),  # dat405-2023 l2-factor
    ],
)
def test_every_mlp_of_the_reports_has_its_parameter_count(
    hidden_layer_sizes, activation, n_parameters, digits
):
    clf = fitted(digits, hidden_layer_sizes, activation=activation)
    assert clf.n_parameters_ == n_parameters
    assert clf.summary().n_parameters == n_parameters


@pytest.mark.parametrize("sizes", [(), (12,), (12, 7), [12, 7], np.array([12, 7])])
def test_logits_are_those_of_the_plain_torch_sequence(sizes, digits):
    clf = fitted(digits, sizes, activation="tanh", pixel_scaling="unit")
    layers, width = [nn.Flatten()], 784
    for size in [*map(int, sizes)]:
        layers += [nn.Linear(width, size), nn.Tanh()]
        width = size
    plain = nn.Sequential(*layers, nn.Linear(width, 10))
    for ours, theirs in zip(clf.module_.parameters(), plain.parameters(), strict=True):
        theirs.data.copy_(ours.data)
    images = digits[1][:50]
    with torch.no_grad():
        logits = plain(torch.tensor(images / np.float32(255)).float())
    assert_allclose(clf.decision_function(images), logits, rtol=1e-4, atol=1e-5)
    assert_allclose(clf.predict_proba(images), logits.softmax(1), rtol=1e-4, atol=1e-6)
    assert_array_equal(clf.predict(images), logits.argmax(1))


def test_colour_images_are_scaled_by_channel_and_flattened(digits):
    X = np.stack([digits[0][:80], 200 - digits[0][:80] // 2, digits[0][:80] // 5], 1)
    clf = MLPClassifier((8,), max_epochs=2, random_state=0).fit(X, digits[2][:80])
    assert clf.image_shape_ == (3, 28, 28)
    assert clf.n_parameters_ == 3 * 784 * 8 + 8 + 90
    scaled = clf.module_.scaling(torch.tensor(X))
    assert_allclose(scaled.mean((0, 2, 3)), 0, atol=1e-5)
    assert_allclose(scaled.std((0, 2, 3)), 1, atol=1e-4)
    assert_array_equal(clf.predict(X), clf.predict(X.reshape(80, -1)))


@pytest.mark.parametrize(
    "sizes", [None, 100, (0,), (-3,), (10, 0), (2.0,), (True,), "10", np.array(3)]
)
def test_bad_hidden_layers_are_refused_before_training(sizes, digits):
    clf = MLPClassifier(sizes)
    message = (
        "The 'hidden_layer_sizes' parameter of MLPClassifier must be a tuple of "
        f"positive ints, () for no hidden layer. Got {sizes!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        clf.fit(digits[0][:20], digits[2][:20])
    assert not hasattr(clf, "classes_")


def test_the_default_learns_the_digits(digits):
    X, X_test, y, y_test = digits
    assert MLPClassifier(random_state=0).fit(X, y).score(X_test, y_test) > 0.9


def test_only_what_is_changed_is_in_the_repr():
    assert repr(MLPClassifier()) == "MLPClassifier()"
    clf = MLPClassifier((3,), lr=0.5)
    assert repr(clone(clf)) == "MLPClassifier(hidden_layer_sizes=(3,), lr=0.5)"
