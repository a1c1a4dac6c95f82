"""Attributions of captum through the torch module."""

import pytest
import torch

from skmnist import ConvLayer, ConvNetClassifier, MLPClassifier

pytest.importorskip("captum", reason="needs the extra 'test-downstream'")
from captum.attr import DeepLift, IntegratedGradients, LayerGradCam, Saliency

pytestmark = pytest.mark.downstream


@pytest.fixture(scope="module", params=[MLPClassifier, ConvNetClassifier])
def explained(request, small):
    """A module, ten images as it takes them, and the classes to explain."""
    X, X_test, y, _ = small
    clf = request.param(max_epochs=3, random_state=0).fit(X, y)
    return module_images_and_classes(clf, X_test)


def module_images_and_classes(clf, X_test):
    images = torch.from_numpy(X_test[:10, None]).float()
    return clf.module_, images, torch.from_numpy(clf.predict(X_test[:10]))


def assert_sums_to_the_difference(method, module, images, classes, tolerance):
    blank = torch.zeros_like(images)
    attributions = method.attribute(images, blank, target=classes)
    assert attributions.shape == images.shape
    with torch.no_grad():
        moved = (module(images) - module(blank)).gather(1, classes[:, None])[:, 0]
    found = attributions.sum((1, 2, 3)).to(moved.dtype)
    torch.testing.assert_close(found, moved, rtol=0, atol=tolerance)


def test_integrated_gradients_sum_to_the_difference_of_logits(explained):
    method = IntegratedGradients(explained[0])  # an integral in 50 steps
    assert_sums_to_the_difference(method, *explained, tolerance=0.02)


@pytest.mark.parametrize(
    "clf",
    [
        MLPClassifier((32,), max_epochs=3, random_state=0),
        ConvNetClassifier(
            (ConvLayer(8, pool="avg"),), (16,), max_epochs=3, random_state=0
        ),
    ],
)
def test_deeplift_is_exact_without_maximum_pooling(clf, small):
    X, X_test, y, _ = small
    explained = module_images_and_classes(clf.fit(X, y), X_test)
    method = DeepLift(explained[0])
    assert_sums_to_the_difference(method, *explained, tolerance=1e-4)


def test_saliency_is_the_size_of_the_gradient(explained):
    module, images, classes = explained
    found = Saliency(module).attribute(images, target=classes)
    pixels = images.clone().requires_grad_()
    module(pixels).gather(1, classes[:, None]).sum().backward()
    torch.testing.assert_close(found, pixels.grad.abs())


def test_class_activation_map_of_a_layer_has_the_size_of_the_layer(small):
    X, X_test, y, _ = small
    clf = ConvNetClassifier((8, 16), (), max_epochs=3, random_state=0).fit(X, y)
    convolutions = [m for m in clf.module_.modules() if isinstance(m, torch.nn.Conv2d)]
    images = torch.from_numpy(X_test[:10, None]).float()
    maps = LayerGradCam(clf.module_, convolutions[-1]).attribute(images, target=3)
    assert maps.shape == (10, 1, 14, 14)
