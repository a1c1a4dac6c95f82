"""What the README says of others, on their code."""

import inspect
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.utils.estimator_checks import check_estimator
from skorch import NeuralNetClassifier

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

OURS = [LinearClassifier, MLPClassifier, ConvNetClassifier]
EXCUSED_IN_FLOAT32 = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_methods_subset_invariance",
}
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COUNTED = {"skorch": "skorch", "scikit-learn": "scikit-learn", "Keras": "keras"}
counts_are_of_these_versions = pytest.mark.skipif(
    any(
        f"{name} {version(package)}" not in README for name, package in COUNTED.items()
    ),
    reason="the README counts failed checks for other versions than are installed",
)


class Module(torch.nn.Module):
    """What skorch is given: a softmax regression of as many inputs as come."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.LazyLinear(10)

    def forward(self, X):
        return self.layer(X.float().flatten(1))


def skorch_net():
    return NeuralNetClassifier(
        Module,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=1,
        verbose=0,
        train_split=None,
    )


def build(meta):
    """What scikeras is given: the same for Keras."""
    import keras

    shape, n_classes = meta["X_shape_"][1:], meta["n_classes_"]
    dense = keras.layers.Dense(n_classes, activation="softmax")
    layers = [keras.layers.Input(shape), keras.layers.Flatten(), dense]
    return keras.Sequential(layers)


@pytest.fixture
def keras_classifier(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    from scikeras.wrappers import KerasClassifier

    loss = "sparse_categorical_crossentropy"
    return KerasClassifier(build, loss=loss, epochs=1, verbose=0)


def found_for(estimator):
    return check_estimator(estimator, on_fail=None, on_skip=None)


def failures(found):
    return [result["check_name"] for result in found if result["status"] == "failed"]


@counts_are_of_these_versions
@pytest.mark.filterwarnings("ignore")
def test_as_many_of_scikit_learns_checks_fail_as_the_readme_says(keras_classifier):
    row = re.search(r"\| scikit-learn's checks that fail \|(.*)\|", README)[1]
    told = [cell.strip() for cell in row.strip("| ").split("|")]
    in_float64, in_float32 = told.pop(0).split(", ")
    # Those of the networks, and that none fails in float64, are in test_common.py.
    found = found_for(OURS[0]())
    assert all(name in README for name in EXCUSED_IN_FLOAT32)
    assert set(failures(found)) <= EXCUSED_IN_FLOAT32
    assert in_float64 == "none in float64"
    assert in_float32 == f"1 or 2 of {len(found)} in float32"
    for estimator, cell in zip(
        [skorch_net(), SklearnMLP(max_iter=20), keras_classifier], told, strict=True
    ):
        found = found_for(estimator)
        failed = len(failures(found))
        if cell == "none":
            assert failed == 0
        else:
            number, total = (int(word) for word in cell.split(" of "))
            assert total == len(found)
            assert abs(number - failed) <= 1  # whether two fits agree is chance


def test_images_in_their_shape(few):
    X, _, y, _ = few
    skorch_net().fit(X, y).predict(X)
    for cls in OURS:
        cls().fit(X, y).predict(X)
    with pytest.raises(ValueError, match="dim 3"):
        SklearnMLP().fit(X, y)


def test_labels_that_are_strings(few):
    X, _, y, _ = few
    labels = np.array([f"digit {k}" for k in y])
    for clf in (MLPClassifier(max_epochs=1), SklearnMLP(max_iter=300)):
        clf.fit(X.reshape(len(X), -1), labels)
        assert clf.predict(X[:5].reshape(5, -1))[0].startswith("digit")
    with pytest.raises(Exception, match=r"str|convert"):
        skorch_net().fit(X, labels)


def test_convolutions_weights_and_devices():
    def has(thing, name):
        return name in inspect.signature(thing).parameters

    assert has(ConvNetClassifier, "conv_layers")
    assert not has(SklearnMLP, "conv_layers")
    assert all(has(cls.fit, "sample_weight") for cls in (*OURS, SklearnMLP))
    assert not has(NeuralNetClassifier.fit, "sample_weight")
    assert all(has(cls, "class_weight") for cls in OURS)
    assert "class_weight" not in skorch_net().get_params()
    assert not has(SklearnMLP, "class_weight")
    assert has(MLPClassifier, "device")
    assert "device" in skorch_net().get_params()
    assert not has(SklearnMLP, "device")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_scikeras(few, keras_classifier):
    X, _, y, _ = few
    labels = np.array([f"digit {k}" for k in y])
    weights = np.ones(len(y))
    clf = keras_classifier.fit(X, labels, sample_weight=weights)
    assert clf.predict(X[:1])[0].startswith("digit")
    assert "class_weight" in clf.get_params()
    assert "device" not in clf.get_params()
