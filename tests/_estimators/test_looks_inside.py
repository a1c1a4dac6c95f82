"""What a fitted network knows besides its predictions."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

from skmnist import ConvNetClassifier, MLPClassifier, ModuleClassifier
from skmnist._training import micro_batches

pytestmark = pytest.mark.usefixtures("one_thread")


class Own(nn.Module):
    """A convolution last but one, and dropout of torch's own."""

    def __init__(self, image_shape, n_classes):
        super().__init__()
        self.head = nn.Linear(6, n_classes)
        self.body = nn.Sequential(
            nn.Conv2d(image_shape[0], 6, 5, 2), nn.BatchNorm2d(6), nn.Dropout2d(0.3)
        )

    def forward(self, x):
        return self.head(self.body(x).relu().mean((2, 3)))


class ByHand(nn.Module):
    """Its weights are no layer's."""

    def __init__(self, image_shape, n_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_classes, image_shape[2]))

    def forward(self, x):
        return F.linear(x.mean((1, 2)), self.weight)


@pytest.fixture(scope="module")
def fitted(few):
    X, _, y, _ = few
    settings = {"max_epochs": 3, "random_state": 0}
    models = {
        "mlp": MLPClassifier((16, 8), dropout=0.2, **settings),
        "softmax": MLPClassifier((), **settings),
        "conv": ConvNetClassifier((4, 6), (12,), dropout=0.2, **settings),
        "own": ModuleClassifier(Own, **settings),
    }
    return {name: model.fit(X, y) for name, model in models.items()}


UNITS = {"mlp": 8, "softmax": 784, "conv": 12, "own": 6}


def last_weights(clf):
    layer = clf.module_.last_layer
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


# -- activations --


@pytest.mark.parametrize("name", UNITS)
def test_the_last_layer_makes_the_logits_of_the_activations(name, fitted, few):
    clf, (_, X_test, _, _) = fitted[name], few
    activations = clf.transform(X_test)
    assert activations.shape == (100, UNITS[name])
    weight, bias = last_weights(clf)
    np.testing.assert_allclose(
        activations @ weight.T + bias, clf.decision_function(X_test), atol=1e-4
    )


def test_activations_of_many_images_are_those_of_few(fitted, few, monkeypatch):
    clf, (_, X_test, _, _) = fitted["conv"], few
    whole = clf.transform(X_test)
    monkeypatch.setattr(micro_batches, "CACHE_BYTES", 1)
    np.testing.assert_allclose(clf.transform(X_test), whole, atol=1e-6)


@pytest.mark.parametrize("name", UNITS)
def test_activations_are_the_same_whatever_mode_the_module_is_in(name, fitted, few):
    clf, (_, X_test, _, _) = pickle.loads(pickle.dumps(fitted[name])), few
    before = clf.transform(X_test)
    clf.module_.train()
    np.testing.assert_array_equal(clf.transform(X_test), before)
    assert clf.module_.training
    assert not any(layer._forward_hooks for layer in clf.module_.modules())


def test_activations_have_names(fitted, few):
    clf, (_, X_test, _, _) = fitted["conv"], few
    names = clf.get_feature_names_out()
    assert list(names[:2]) == ["convnetclassifier0", "convnetclassifier1"]
    frame = pickle.loads(pickle.dumps(clf)).set_output(transform="pandas")
    assert list(frame.transform(X_test).columns) == list(names)


def test_a_frozen_network_is_a_step_of_a_pipeline(digits):
    X, X_test, y, y_test = digits
    low = y < 5
    clf = ConvNetClassifier(random_state=0, max_epochs=10).fit(X[low], y[low])
    pipe = make_pipeline(FrozenEstimator(clf), LogisticRegression(max_iter=1000))
    pipe.fit(X[~low], y[~low])
    assert pipe.score(X_test[y_test > 4], y_test[y_test > 4]) > 0.85


def normalised(image_shape, n_classes):
    head = nn.utils.parametrizations.weight_norm(nn.Linear(5, n_classes))
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(5), nn.ReLU(), head)


def test_the_last_layer_may_be_parametrised(few):
    X, X_test, y, _ = few
    clf = ModuleClassifier(normalised, max_epochs=1, random_state=0).fit(X, y)
    assert clf.transform(X_test).shape == (100, 5)
    assert clf.summary().n_parameters == clf.n_parameters_
    twin = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(twin.predict_proba(X), clf.predict_proba(X))


def test_a_module_without_a_last_layer_says_so(few):
    X, _, y, _ = few
    clf = ModuleClassifier(ByHand, max_epochs=1).fit(X, y)
    assert clf.predict(X).shape == (200,)
    with pytest.raises(ValueError, match="None of the layers of ByHand"):
        clf.transform(X)


# -- samples --


@pytest.mark.parametrize("name", ["mlp", "conv", "own"])
def test_samples_are_drawn_with_dropout(name, fitted, few):
    clf, (_, X_test, _, _) = fitted[name], few
    before = clf.predict_proba(X_test), torch.get_rng_state()
    proba = clf.sample_proba(X_test, 200, random_state=0)
    assert proba.shape == (200, 100, 10)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=2), 1)
    assert proba.std(axis=0).max() > 1e-3
    np.testing.assert_allclose(proba.mean(axis=0), before[0], atol=0.15)
    np.testing.assert_array_equal(clf.predict_proba(X_test), before[0])
    assert torch.equal(torch.get_rng_state(), before[1])
    again = clf.sample_proba(X_test, 3, random_state=0)
    np.testing.assert_array_equal(again, proba[:3])
    other = clf.sample_proba(X_test, 3, random_state=1)
    assert not np.array_equal(other, again)


def test_samples_of_an_mlp_are_those_by_hand(few):
    X, X_test, y, _ = few
    clf = MLPClassifier((16,), dropout=0.5, max_epochs=3, random_state=0).fit(X, y)
    samples = clf.sample_proba(X_test, 500, random_state=0)
    activations = clf.transform(X_test)
    weight, bias = last_weights(clf)
    rng = np.random.default_rng(0)
    by_hand = []
    for _ in range(500):
        kept = activations * 2 * rng.integers(0, 2, activations.shape)
        logits = torch.from_numpy(kept @ weight.T + bias)
        by_hand.append(logits.softmax(1).numpy())
    np.testing.assert_allclose(samples.mean(0), np.mean(by_hand, 0), atol=0.06)
    np.testing.assert_allclose(samples.std(0), np.std(by_hand, 0), atol=0.06)


def test_samples_without_dropout_are_refused(fitted, few):
    with pytest.raises(
        ValueError, match=r"MLPClassifier has none: fit it with dropout"
    ):
        fitted["softmax"].sample_proba(few[1])
    message = "The 'n_samples' parameter of sample_proba must be a positive int. Got 0"
    with pytest.raises(ValueError, match=message):
        fitted["mlp"].sample_proba(few[1], 0)
    with pytest.raises(ValueError, match="'random_state' parameter of sample_proba"):
        fitted["mlp"].sample_proba(few[1], random_state=-1)


@pytest.mark.parametrize("method", ["transform", "sample_proba", "_saliency"])
def test_nothing_is_seen_before_the_fit(method, few):
    with pytest.raises(NotFittedError):
        getattr(MLPClassifier(dropout=0.1), method)(few[1])


# -- saliency --


@pytest.mark.parametrize("name", UNITS)
def test_gradients_are_those_of_finite_differences(name, fitted, few):
    X, X_test, y, _ = few
    clf = type(fitted[name])(**fitted[name].get_params() | {"precision": "float64"})
    clf.fit(X, y)
    # No two pixels are the same: where they are, pooling has no derivative.
    images = np.maximum(X_test[:3], np.random.default_rng(0).uniform(0, 9, (28, 28)))
    maps, labels = clf._saliency(images, method="gradient")
    np.testing.assert_array_equal(labels, clf.predict(images))
    for row, column in [(14, 14), (7, 20)]:
        more, less = (images.copy() for _ in range(2))
        more[:, row, column] += 1e-6
        less[:, row, column] -= 1e-6
        change = (clf.decision_function(more) - clf.decision_function(less)) / 2e-6
        expected = np.abs(change[range(3), labels])
        np.testing.assert_allclose(maps[:, row, column], expected, atol=1e-7)


def test_grad_cam_of_a_mean_over_maps_is_the_class_activation_map(fitted, few):
    # The network ends in the mean over positions of each map: Grad-CAM is then the
    # class activation map, of the weights of the last layer.
    X, X_test, y, _ = few
    clf = ModuleClassifier(Mean, max_epochs=3, random_state=0).fit(X, y)
    labels = np.full(100, 3)
    maps, _ = clf._saliency(X_test, labels)
    with torch.no_grad():
        inside = clf.module_.network[0](
            clf.module_.scaling(torch.tensor(X_test[:, None]))
        )
    weights = clf.module_.last_layer.weight[3].detach() / (24 * 24)
    expected = (inside * weights[:, None, None]).sum(1, keepdim=True).relu()
    expected = F.interpolate(expected, (28, 28), mode="bilinear")[:, 0]
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_grad_cam_is_of_the_maps_behind_the_activation(few):
    X, X_test, y, _ = few
    clf = ConvNetClassifier((8, 16), (32,), max_epochs=10, random_state=0).fit(X, y)
    maps, labels = clf._saliency(X_test)
    flatten = next(
        i for i, m in enumerate(clf.module_.layers) if isinstance(m, nn.Flatten)
    )
    pixels = clf.module_.scaling(torch.tensor(X_test[:, None]))
    inside = clf.module_.layers[:flatten](pixels).detach().requires_grad_()
    logits = clf.module_.layers[flatten:](inside)
    logits[range(100), torch.tensor(labels)].sum().backward()
    weights = inside.grad.mean((2, 3), keepdim=True)
    by_hand = (weights * inside.detach()).sum(1, keepdim=True).relu()
    by_hand = F.interpolate(by_hand, (28, 28), mode="bilinear")[:, 0]
    np.testing.assert_allclose(maps, by_hand, atol=1e-5 * float(by_hand.max()))
    # Before the activation, two of three images had no map at all.
    assert (maps.max((1, 2)) == 0).mean() < 0.1


def test_grad_cam_of_maps_without_positions_is_one_value(few):
    X, X_test, y, _ = few
    clf = ModuleClassifier(Whole, max_epochs=2, random_state=0).fit(X, y)
    maps, _ = clf._saliency(X_test)
    assert maps.shape == (100, 28, 28)
    assert (np.ptp(maps, axis=(1, 2)) < 1e-6).all()


class Whole(nn.Sequential):
    def __init__(self, image_shape, n_classes):
        super().__init__(
            nn.Conv2d(image_shape[0], 8, 28), nn.Flatten(), nn.Linear(8, n_classes)
        )


class Mean(nn.Sequential):
    def __init__(self, image_shape, n_classes):
        super().__init__(
            nn.Conv2d(image_shape[0], 4, 5),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, n_classes),
        )


def test_looking_changes_nothing(fitted, few):
    clf, (_, X_test, _, _) = fitted["conv"], few
    before = clf.predict_proba(X_test)
    gradients = [weights.grad.clone() for weights in clf.module_.parameters()]
    with torch.inference_mode():
        clf._saliency(X_test)
    for weights, gradient in zip(clf.module_.parameters(), gradients, strict=True):
        assert torch.equal(weights.grad, gradient)
    np.testing.assert_array_equal(clf.predict_proba(X_test), before)


def test_what_cannot_be_looked_at_is_refused(fitted, few):
    X_test = few[1]
    with pytest.raises(ValueError, match="use method='gradient'"):
        fitted["mlp"]._saliency(X_test, method="grad_cam")
    with pytest.raises(ValueError, match=r"labels contains labels .* \[12\]"):
        fitted["mlp"]._saliency(X_test, [12] * 100)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted["mlp"]._saliency(X_test, [1, 2])
