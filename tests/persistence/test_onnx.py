"""ONNX files say what the estimators say."""

import pickle
import sys

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.persistence import export_onnx

onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
quantization = pytest.importorskip("onnxruntime.quantization")


def run(path, X):
    return onnxruntime.InferenceSession(path).run(None, {"images": X})


def assert_says_the_same(clf, X, path, **options):
    export_onnx(clf, path, **options)
    label, probabilities = run(path, X)
    np.testing.assert_array_equal(label, clf.predict(X))
    np.testing.assert_allclose(probabilities, clf.predict_proba(X), atol=1e-5)


NORMALISED = "torch 2.6 does not find today's onnxscript's batch normalisation"


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
    if name == "every layer":
        pytest.importorskip("torch", "2.7", reason=NORMALISED)
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
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    model = make_pipeline(StandardScaler(), clf).fit(X.reshape(len(X), -1), y)
    message = r'a Pipeline needs skl2onnx, .* with: pip install "skmnist\[onnx\]"$'
    with pytest.raises(ModuleNotFoundError, match=message):
        export_onnx(model, tmp_path / "model.onnx")


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
@pytest.mark.parametrize(
    "make",
    [
        LinearClassifier,
        lambda: MLPClassifier((8,), max_epochs=1),
        lambda: ConvNetClassifier((4,), (), max_epochs=1),
    ],
    ids=["linear", "mlp", "conv"],
)
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
    if "batch_norm=True" in str(clf):
        pytest.importorskip("torch", "2.7", reason=NORMALISED)
    if isinstance(clf, ConvNetClassifier):
        pytest.importorskip("onnxruntime", "1.24", reason="has no such convolution")
    X, X_test, y, _ = digits
    plain, small = tmp_path / "plain.onnx", tmp_path / "small.onnx"
    export_onnx(clf.fit(X, y), plain)
    quantization.quantize_dynamic(plain, small)
    assert small.stat().st_size < 0.55 * plain.stat().st_size
    label, _ = onnxruntime.InferenceSession(small).run(None, {"images": X_test})
    assert np.mean(label != clf.predict(X_test)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "usual_errors"), [(MLPClassifier, 150), (ConvNetClassifier, 76)]
)
def test_quantized_defaults_are_as_good_on_mnist(make, usual_errors, mnist, tmp_path):
    X, X_test, y, y_test = mnist
    plain, small = tmp_path / "plain.onnx", tmp_path / "small.onnx"
    clf = make(random_state=0).fit(X, y)
    export_onnx(clf, plain)
    quantization.quantize_dynamic(plain, small)
    label, _ = onnxruntime.InferenceSession(small).run(None, {"images": X_test})
    errors, own_errors = (label != y_test).sum(), (clf.predict(X_test) != y_test).sum()
    assert abs(errors - own_errors) <= 10
    # The trainings of several seeds and machines differ by about a tenth.
    assert errors < 1.25 * usual_errors


def test_no_notes_on_inner_shapes_are_left_in_the_file(few, tmp_path):
    X, _, y, _ = few
    export_onnx(ConvNetClassifier((4,), (8,)).fit(X, y), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    assert not model.graph.value_info
    assert not any(function.value_info for function in model.functions)


def test_models_that_do_not_know_the_pixels_of_their_fit_take_uint8(few, tmp_path):
    X, X_test, y, _ = few
    clf = MLPClassifier((8,)).fit(X, y)
    del clf._pixel_dtype_  # as in a pickle of 0.1.0.dev0
    assert_says_the_same(clf, X_test, tmp_path / "model.onnx")


# -- Pipelines --


@pytest.mark.parametrize("labels", [None, "digit"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: make_pipeline(StandardScaler(), PCA(30), MLPClassifier()),
        lambda: make_pipeline(MinMaxScaler(clip=True), ConvNetClassifier((4,))),
        lambda: make_pipeline(PCA(30, whiten=True), LinearClassifier(tol=0.01)),
        lambda: make_pipeline(
            "passthrough", MinMaxScaler((-1, 1)), "passthrough", MLPClassifier((8,))
        ),
    ],
    ids=["standard, pca", "minmax", "whitened", "passthrough"],
)
def test_a_pipeline_says_the_same(make, labels, few, tmp_path):
    pytest.importorskip("skl2onnx", reason="needs the extra 'onnx'")
    X, X_test, y, _ = few
    X, X_test = (x.reshape(len(x), -1).astype("float32") for x in (X, X_test))
    y = np.array([f"{labels} {k}" for k in y]) if labels else y
    model = make()
    model[-1].set_params(random_state=0)
    assert_says_the_same(model.fit(X, y), X_test, tmp_path / "model.onnx")


def test_a_pipeline_of_what_cannot_be_converted_is_refused(few, tmp_path):
    pytest.importorskip("skl2onnx", reason="needs the extra 'onnx'")
    X, _, y, _ = few
    X, path = X.reshape(len(X), -1), tmp_path / "model.onnx"
    clf = MLPClassifier((8,), max_epochs=1)
    model = make_pipeline(FunctionTransformer(np.sqrt), clf).fit(X, y)
    with pytest.raises(TypeError, match="a step before its classifier that skl2onnx"):
        export_onnx(model, path)
    model = make_pipeline(StandardScaler(), clf).fit(X, y)
    with pytest.raises(ValueError, match="None or 'float32' for a Pipeline"):
        export_onnx(model, path, dtype="uint8")
    with pytest.raises(TypeError, match="a Pipeline that ends in a GaussianNB instead"):
        export_onnx(make_pipeline(StandardScaler(), GaussianNB()).fit(X, y), path)
    assert not path.exists()


def test_what_is_made_of_other_estimators_is_refused_with_what_to_do(few, tmp_path):
    X, _, y, _ = few
    flat = X.reshape(len(X), -1)
    clf = MLPClassifier((8,), max_epochs=1)
    refused = {
        "Pass its best_estimator_": GridSearchCV(clf, {"lr": [0.1]}, cv=2),
        "The calibration cannot be exported": CalibratedClassifierCV(clf, cv=2),
        "Got a VotingClassifier instead": VotingClassifier([("clf", clf)]),
    }
    for message, estimator in refused.items():
        with pytest.raises(TypeError, match=message):
            export_onnx(estimator.fit(flat, y), tmp_path / "model.onnx")
    with pytest.raises(TypeError, match=r"Got a GaussianNB instead\.$"):
        export_onnx(GaussianNB().fit(flat, y), tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
    # What the messages say to pass can be exported.
    for part in (
        refused["Pass its best_estimator_"].best_estimator_,
        refused["The calibration cannot be exported"]
        .calibrated_classifiers_[0]
        .estimator,
    ):
        export_onnx(part, tmp_path / "model.onnx")
