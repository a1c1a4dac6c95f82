"""What the README says of others, on their code."""

import inspect

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.utils.estimator_checks import check_estimator
from skorch import NeuralNetClassifier

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

OURS = [LinearClassifier, MLPClassifier, ConvNetClassifier]


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


def failed_checks(estimator):
    found = check_estimator(estimator, on_fail=None, on_skip=None)
    return [result["check_name"] for result in found if result["status"] == "failed"]


@pytest.mark.filterwarnings("ignore")
def test_some_of_scikit_learns_checks_fail_on_skorch_and_none_on_its_own_mlp():
    assert len(failed_checks(skorch_net())) > 5
    assert failed_checks(SklearnMLP(max_iter=20)) == []


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


def test_weights_and_devices():
    def has(thing, name):
        return name in inspect.signature(thing).parameters

    assert all(has(cls.fit, "sample_weight") for cls in (*OURS, SklearnMLP))
    assert not has(NeuralNetClassifier.fit, "sample_weight")
    assert all(has(cls, "class_weight") for cls in OURS)
    assert "class_weight" not in skorch_net().get_params()
    assert not has(SklearnMLP, "class_weight")
    assert has(MLPClassifier, "device")
    assert "device" in skorch_net().get_params()
    assert not has(SklearnMLP, "device")


@pytest.mark.filterwarnings("ignore")
def test_scikeras(few):
    """Not installed by any extra: with TensorFlow it is larger than all the rest."""
    keras = pytest.importorskip("keras", reason="needs keras, TensorFlow and scikeras")
    wrappers = pytest.importorskip("scikeras.wrappers", reason="needs scikeras")

    def build(meta):
        shape, n_classes = meta["X_shape_"][1:], meta["n_classes_"]
        dense = keras.layers.Dense(n_classes, activation="softmax")
        layers = [keras.layers.Input(shape), keras.layers.Flatten(), dense]
        return keras.Sequential(layers)

    loss = "sparse_categorical_crossentropy"
    clf = wrappers.KerasClassifier(build, loss=loss, epochs=1, verbose=0)
    X, _, y, _ = few
    labels = np.array([f"digit {k}" for k in y])
    weights = np.ones(len(y))
    assert clf.fit(X, labels, sample_weight=weights).predict(X[:1])[0][:5] == "digit"
    assert "class_weight" in clf.get_params()
    assert "device" not in clf.get_params()
    assert len(failed_checks(clf)) > 3
