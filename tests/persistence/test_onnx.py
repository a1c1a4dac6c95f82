"""ONNX files say what the estimators say."""

import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.persistence import export_onnx

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


def run(path, X):
    return onnxruntime.InferenceSession(path).run(None, {"images": X})


def assert_says_the_same(clf, X, path, **options):
    export_onnx(clf, path, **options)
    label, probabilities = run(path, X)
    np.testing.assert_array_equal(label, clf.predict(X))
    np.testing.assert_allclose(probabilities, clf.predict_proba(X), atol=1e-5)


ESTIMATORS = {
    "linear": LinearClassifier(0.001, tol=0.1, pixel_scaling="standard"),
    "mlp": MLPClassifier((64,), max_epochs=1, dropout=0.1),
    "conv": ConvNetClassifier(max_epochs=1, batch_size=256),
    "every layer": ConvNetClassifier(
        (
            ConvLayer(4, 4, batch_norm=True),
            ConvLayer(6, 5, padding="valid", pool="avg", pool_size=3, pool_stride=2),
            ConvLayer(8, stride=2, padding=2, pool=None),
        ),
        activation="gelu",
        max_epochs=1,
    ),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_ten_thousand_images_of_mnist(name, mnist, tmp_path):
    X, X_test, y, _ = mnist
    clf = ESTIMATORS[name].set_params(random_state=0).fit(X[:5000], y[:5000])
    assert_says_the_same(clf, X_test, tmp_path / "model.onnx")


@pytest.mark.parametrize("n_images", [1, 3, 100])
def test_any_number_of_images(n_images, few, tmp_path):
    X, X_test, y, _ = few
    clf = ConvNetClassifier((4,), (8,), random_state=0).fit(X, y)
    assert_says_the_same(clf, X_test[:n_images], tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "labels",
    [
        [f"digit {k}" for k in range(10)],
        [3 * k - 7 for k in range(10)],
        [False] * 5 + [True] * 5,
        [float(k) for k in range(10)],
        np.array([f"{k}" for k in range(10)], dtype=object),
    ],
    ids=lambda labels: type(labels[0]).__name__,
)
@pytest.mark.parametrize("make", [LinearClassifier, lambda: MLPClassifier((8,))])
def test_labels_of_any_kind(make, labels, few, tmp_path):
    X, X_test, y, _ = few
    clf = make().set_params(random_state=0).fit(X, np.asarray(labels)[y])
    assert_says_the_same(clf, X_test, tmp_path / "model.onnx")


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("make", [LinearClassifier, lambda: MLPClassifier((8,))])
def test_floats_of_colour_images(make, precision, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3, 5, 4)).astype("float32"), np.arange(60) % 3
    clf = make().set_params(random_state=0, precision=precision).fit(X, y)
    assert_says_the_same(clf, X, tmp_path / "model.onnx", dtype="float32")


def test_model_is_left_as_it_was(few, tmp_path):
    X, X_test, y, _ = few
    clf = MLPClassifier((8,), dropout=0.2, random_state=0).fit(X, y)
    before = clf.predict_proba(X_test)
    export_onnx(clf, tmp_path / "model.onnx")
    np.testing.assert_array_equal(clf.predict_proba(X_test), before)
    clf.partial_fit(X, y)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_what_cannot_be_exported_is_refused(few, tmp_path):
    X, _, y, _ = few
    path = tmp_path / "model.onnx"
    clf = MLPClassifier((8,)).fit(X, y)
    with pytest.raises(NotFittedError):
        export_onnx(MLPClassifier(), path)
    with pytest.raises(ValueError, match=r"must be one of .* Got 'int4' instead"):
        export_onnx(clf, path, dtype="int4")
    with pytest.raises(ValueError, match=r"'dtype' parameter of export_onnx must be"):
        export_onnx(clf, path, dtype=["uint8"])
    with pytest.raises(TypeError, match="Got a Pipeline instead"):
        export_onnx(make_pipeline(StandardScaler(), clf), path)
    assert not path.exists()


def test_a_missing_exporter_is_named_with_the_extra_that_installs_it(
    few, tmp_path, monkeypatch
):
    X, _, y, _ = few
    clf = MLPClassifier((8,)).fit(X, y)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    message = r'needs onnxscript, .* with: pip install "skmnist\[onnx\]"$'
    with pytest.raises(ModuleNotFoundError, match=message):
        export_onnx(clf, tmp_path / "model.onnx")
