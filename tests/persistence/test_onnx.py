"""ONNX files say what the estimators say."""

import pickle
import sys

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.persistence import export_onnx

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
quantization = pytest.importorskip("onnxruntime.quantization")


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


@pytest.mark.parametrize(
    ("as_dtype", "expected"),
    [
        (lambda X: X, "tensor(uint8)"),
        (lambda X: X > 100, "tensor(uint8)"),
        (lambda X: X / 255, "tensor(float)"),
        (lambda X: torch.tensor(X) / 255, "tensor(float)"),
        (lambda X: X.astype(int) * 1000, "tensor(float)"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("make", [LinearClassifier, MLPClassifier, ConvNetClassifier])
def test_the_file_takes_the_pixels_of_the_fit(make, as_dtype, expected, few, tmp_path):
    X, _, y, _ = few
    path = tmp_path / "model.onnx"
    clf = pickle.loads(pickle.dumps(make().fit(as_dtype(X[:60]), y[:60])))
    export_onnx(clf, path)
    (images,) = onnxruntime.InferenceSession(path).get_inputs()
    assert images.type == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "clf",
    [
        LinearClassifier(),
        MLPClassifier(random_state=0),
        ConvNetClassifier(max_epochs=4, random_state=0),
        ConvNetClassifier((ConvLayer(8, batch_norm=True), 8), random_state=0),
    ],
    ids=["linear", "mlp", "conv", "norm"],
)
def test_files_can_be_quantized(clf, digits, tmp_path):
    X, X_test, y, _ = digits
    plain, small = tmp_path / "plain.onnx", tmp_path / "small.onnx"
    export_onnx(clf.fit(X, y), plain)
    quantization.quantize_dynamic(plain, small)
    assert small.stat().st_size < 0.5 * plain.stat().st_size
    label, _ = onnxruntime.InferenceSession(small).run(None, {"images": X_test})
    assert np.mean(label != clf.predict(X_test)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clf", "most_errors"), [(MLPClassifier, 165), (ConvNetClassifier, 90)]
)
def test_quantized_defaults_are_as_good_on_mnist(clf, most_errors, mnist, tmp_path):
    X, X_test, y, y_test = mnist
    plain, small = tmp_path / "plain.onnx", tmp_path / "small.onnx"
    export_onnx(clf(random_state=0).fit(X, y), plain)
    quantization.quantize_dynamic(plain, small)
    label, _ = onnxruntime.InferenceSession(small).run(None, {"images": X_test})
    assert (label != y_test).sum() <= most_errors


def test_what_is_made_of_other_estimators_is_refused_with_what_to_do(few, tmp_path):
    X, _, y, _ = few
    flat = X.reshape(len(X), -1)
    clf = MLPClassifier((8,), max_epochs=1)
    refused = {
        "Pass its best_estimator_": GridSearchCV(clf, {"lr": [0.1]}, cv=2),
        "the classifier's own pixel_scaling": make_pipeline(StandardScaler(), clf),
        r"calibrated_classifiers_\[0\], the \.estimator": CalibratedClassifierCV(
            clf, cv=2
        ),
    }
    for message, estimator in refused.items():
        with pytest.raises(TypeError, match=message):
            export_onnx(estimator.fit(flat, y), tmp_path / "model.onnx")
    with pytest.raises(TypeError, match=r"Got a GaussianNB instead\.$"):
        export_onnx(GaussianNB().fit(flat, y), tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
