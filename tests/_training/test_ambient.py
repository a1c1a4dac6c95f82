"""torch's modes, which are the caller's, change nothing of what is computed."""

import contextlib
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from skmnist import ConvLayer, ConvNetClassifier, MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV
from skmnist.persistence import export_onnx

pytestmark = pytest.mark.usefixtures("one_thread")


@contextlib.contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


AMBIENT = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    # Stands for an accelerator that the caller has made the default.
    "another device": lambda: torch.device("meta"),
    "another dtype": default_dtype,
}


def mlp(**params):
    params = {"max_epochs": 2, "dropout": 0.2, "augment": "affine"} | params
    return MLPClassifier((16,), random_state=0, **params)


def conv(**params):
    layers = ConvLayer(4, batch_norm=True), ConvLayer(4, kernel_size=2)
    params = {"max_epochs": 2, "dropout": 0.2, "augment": "shift"} | params
    return ConvNetClassifier(layers, (8,), random_state=0, **params)


def rounded(**params):
    return mlp(precision="bfloat16", **params)


def state():
    made = torch.empty(0)
    return (
        torch.is_autocast_enabled("cpu"),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        made.device,
        made.dtype,
    )


@pytest.mark.parametrize("ambient", AMBIENT)
@pytest.mark.parametrize("make", [mlp, conv, rounded])
def test_fits_and_predictions_are_those_without(make, ambient, few):
    X, X_test, y, y_test = few
    weights = np.arange(len(y)) % 3
    plain = make().fit(X, y, weights, X_val=X_test, y_val=y_test)
    stream = make().partial_fit(X, y, classes=np.arange(10)).partial_fit(X, y)
    with AMBIENT[ambient]():
        before = state()
        clf = make().fit(X, y, weights, X_val=X_test, y_val=y_test)
        proba, logits = clf.predict_proba(X_test), plain.decision_function(X_test)
        summary = plain.summary()
        copy = pickle.loads(pickle.dumps(plain))
        further = make().partial_fit(X, y, classes=np.arange(10)).partial_fit(X, y)
        assert state() == before
    np.testing.assert_array_equal(proba, plain.predict_proba(X_test))
    np.testing.assert_array_equal(logits, plain.decision_function(X_test))
    assert summary == plain.summary()
    assert clf.history_[:, "valid_loss"] == plain.history_[:, "valid_loss"]
    for model, expected in ((copy, plain), (further, stream)):
        np.testing.assert_array_equal(
            model.predict_proba(X_test), expected.predict_proba(X_test)
        )
    # Weights that were made in inference mode could not be trained further.
    copy.set_params(warm_start=True).fit(X, y)


@pytest.mark.parametrize("ambient", AMBIENT)
def test_a_model_that_was_moved_trains_on_as_without(ambient, few):
    X, X_test, y, _ = few
    plain, clf = (mlp().partial_fit(X, y, classes=np.arange(10)) for _ in range(2))
    # For torch another device than "cpu", and there on every machine.
    plain.set_params(device="cpu:0").predict(X_test)
    with AMBIENT[ambient]():
        clf.set_params(device="cpu:0").predict(X_test)
    np.testing.assert_array_equal(
        clf.partial_fit(X, y).predict_proba(X_test),
        plain.partial_fit(X, y).predict_proba(X_test),
    )


@pytest.mark.parametrize("ambient", AMBIENT)
def test_batched_searches_are_those_without(ambient, few):
    X, _, y, _ = few
    search = BatchedGridSearchCV(mlp(), {"lr": [1e-3, 1e-2]}, cv=2)
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    with AMBIENT[ambient]():
        scores = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, expected)


def test_onnx_files_are_those_without(few, tmp_path):
    pytest.importorskip("onnxscript", reason="needs the extra 'onnx'")
    onnxruntime = pytest.importorskip("onnxruntime")
    X, X_test, y, _ = few
    clf = mlp().fit(X, y)
    with contextlib.ExitStack() as ambient:  # all at once, as an export takes seconds
        for mode in AMBIENT.values():
            ambient.enter_context(mode())
        export_onnx(clf, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    _, proba = session.run(None, {"images": X_test})
    np.testing.assert_allclose(proba, clf.predict_proba(X_test), atol=1e-5)


# -- the module's own mode ----------------------------------------------------

LEFT_IN_TRAINING = {
    "all": lambda clf, X: clf.module_.train(),
    "one layer": lambda clf, X: clf.module_.layers[-2].train(),
    "by skorch": lambda clf, X: clf.net_.forward(X[:, None], training=True),
}


@pytest.mark.parametrize("leave", LEFT_IN_TRAINING)
@pytest.mark.parametrize("make", [mlp, conv])
def test_a_module_that_was_left_in_training_mode_predicts_as_before(make, leave, few):
    X, X_test, y, _ = few
    clf = make(dropout=0.5).fit(X, y)
    logits, summary = clf.decision_function(X_test), clf.summary()
    norms = [m for m in clf.module_.modules() if isinstance(m, nn.BatchNorm2d)]
    means = [norm.running_mean.clone() for norm in norms]
    if leave == "by skorch" and norms:
        pytest.skip("moves the statistics itself, which is what it was asked for")
    LEFT_IN_TRAINING[leave](clf, X)
    assert clf.summary() == summary
    np.testing.assert_array_equal(clf.decision_function(X_test), logits)
    LEFT_IN_TRAINING[leave](clf, X)
    np.testing.assert_allclose(clf.decision_function(X_test[:1]), logits[:1], atol=1e-5)
    for norm, mean in zip(norms, means, strict=True):
        assert torch.equal(norm.running_mean, mean)


@pytest.mark.parametrize("make", [mlp, conv])
def test_predictions_amid_a_training_leave_its_mode_alone(make, few):
    X, X_test, y, _ = few

    def predict_elsewhere(images):
        with ThreadPoolExecutor(1) as pool:
            once, again = pool.map(clf.decision_function, [X_test] * 2)
        np.testing.assert_array_equal(once, again)  # no dropout
        return images

    expected = make(augment=lambda images: images).fit(X, y)
    clf = make(augment=predict_elsewhere)
    clf.fit(X, y)
    np.testing.assert_array_equal(
        clf.decision_function(X_test), expected.decision_function(X_test)
    )


def test_dropout_is_found_by_tools_that_look_for_torchs(few):
    X, X_test, y, _ = few
    clf = mlp(dropout=0.3).fit(X, y)
    found = [m for m in clf.module_.modules() if isinstance(m, nn.Dropout)]
    assert [m.p for m in found] == [0.3]
    # Monte-Carlo dropout (Gal and Ghahramani, 2016), as such tools do it.
    images = torch.tensor(X_test[:, None])
    for layer in found:
        layer.train()
    with torch.no_grad():
        first, second = clf.module_(images), clf.module_(images)
    assert not torch.equal(first, second)
    mask = found[0](torch.ones(20_000))
    assert set(mask.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).item()}
    assert abs(float((mask == 0).float().mean()) - 0.3) < 0.02
