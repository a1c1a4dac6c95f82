"""A fit that fails, what a fit keeps, device and precision, and what is told."""

import gc
import re
import weakref

import numpy as np
import pytest
import torch
from skorch.callbacks import EpochScoring
from small_networks import FailAtBatch, N, assert_unfitted, conv, mlp, overfit

from skmnist import ConvNetClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "fail",
    [
        lambda clf, X, y: clf.set_params(batch_size=-1).fit(X, y),
        lambda clf, X, y: clf.set_params(device="abacus").fit(X, y),
        lambda clf, X, y: clf.set_params(optimizer_params={"no": 1}).fit(X, y),
        lambda clf, X, y: clf.fit(X, y[:-1]),
        lambda clf, X, y: clf.fit(X[:, 1:], y, X_val=X, y_val=y),
        lambda clf, X, y: clf.set_params(optimizer="sgd", lr=1e30).fit(X, y + 1),
        lambda clf, X, y: clf.set_params(callbacks=[FailAtBatch()]).fit(X[:, 1:], y),
        lambda clf, X, y: clf.partial_fit(X[:, 1:], y, classes=[1, 2]),
    ],
    ids=[
        *("parameter", "device", "optimizer_params", "lengths", "shapes", "diverging"),
        *("callback", "partial_fit"),
    ],
)
def test_fit_that_fails_leaves_the_estimator_as_it_was(fail, fitted, few):
    X, _, y, _ = few
    clf = mlp()
    if fitted:
        clf.fit(X, y)
        before = vars(clf).copy()
        proba = clf.predict_proba(X)
    with pytest.raises((ValueError, RuntimeError)):
        fail(clf, X, y)
    if not fitted:
        assert_unfitted(clf, X)
        return
    changed = {name for name in vars(clf) if vars(clf)[name] is not before.get(name)}
    assert changed <= set(clf.get_params())
    clf.set_params(device="auto")
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True, "class_weight": "balanced", "augment": "shift"},
        {
            "callbacks": [
                EpochScoring(lambda net, X, y: float(len(y)), name="n"),
                EpochScoring(lambda net, X, y: 1.0, name="m", use_caching=False),
            ]
        },
    ],
    ids=["plain", "early stopping", "scoring"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_no_training_data_is_kept(stream, params, few):
    X, X_val, y, y_val = few
    data = [X.copy(), X_val.copy(), np.linspace(0, 2, N)]
    references = [weakref.ref(array) for array in data]
    clf = mlp(**params)
    if stream:
        clf.partial_fit(data[0], y, range(10), data[2]).partial_fit(data[0], y)
    else:
        clf.fit(data[0], y, data[2], X_val=data[1], y_val=y_val)
    data.clear()
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


# -- device and precision --


def test_device_can_be_set_on_a_fitted_model(few):
    X, _, y, _ = few
    clf = mlp().fit(X, y)
    proba = clf.predict_proba(X)
    for device in ("cpu", torch.device("cpu"), "auto"):
        np.testing.assert_array_equal(
            clf.set_params(device=device).predict_proba(X), proba
        )
    assert torch.device(clf.device_).type == clf.module_.scaling.factor.device.type
    with pytest.raises(ValueError, match=r"'device' .*'abacus'"):
        clf.set_params(device="abacus").predict(X)
    np.testing.assert_array_equal(clf.set_params(device="cpu").predict_proba(X), proba)


@pytest.mark.parametrize("make", [mlp, conv])
def test_precisions_agree_to_rounding(make, few):
    X, X_test, y, _ = few
    exact, single, brain, auto = (
        make(precision=precision, optimizer="sgd", lr=0.01).fit(X, y)
        for precision in ("float64", "float32", "bfloat16", "auto")
    )
    proba = exact.predict_proba(X_test)
    assert proba.dtype == np.float64
    for clf, tolerance in ((single, 1e-5), (brain, 0.05), (auto, 0.05)):
        assert clf.decision_function(X_test).dtype == np.float32
        assert clf.predict_proba(X_test).dtype == np.float64
        np.testing.assert_allclose(clf.predict_proba(X_test), proba, atol=tolerance)
    assert np.abs(brain.predict_proba(X_test) - proba).max() > 1e-5


@pytest.mark.parametrize("weighted", [False, True])
def test_float64_scales_pixels_in_float64(weighted, few):
    X, X_test, y, _ = few
    weight = np.random.RandomState(0).uniform(0, 2, N) if weighted else None
    clf = mlp(precision="float64", pixel_scaling="standard", hidden_layer_sizes=())
    clf.fit(X, y, sample_weight=weight)
    pixels = X.reshape(N, -1).astype(float)
    mean = np.average(pixels.mean(axis=1), weights=weight)
    variance = np.average(((pixels - mean) ** 2).mean(axis=1), weights=weight)
    scaled = (X_test.reshape(100, -1) - mean) / np.sqrt(variance)
    coefficients, intercepts = (w.detach().numpy() for w in clf.module_.parameters())
    np.testing.assert_allclose(
        clf.decision_function(X_test), scaled @ coefficients.T + intercepts, rtol=1e-10
    )


# -- what is told --


def test_summary_is_the_layer_table_of_the_report(few):
    X, _, y, _ = few
    clf = conv(conv_layers=(16, 4), max_epochs=1).fit(X, y)
    summary = clf.summary()
    convolutions = [line for line in summary if line.n_parameters]
    assert [(shape, count) for _, shape, count in convolutions] == [
        ((16, 28, 28), 160),
        ((4, 14, 14), 580),
        ((10,), 1970),
    ]
    assert [line.layer.split()[0] for line in convolutions] == [
        "Conv2d",
        "Conv2d",
        "Linear",
    ]
    assert summary.n_parameters == clf.n_parameters_ == 2710
    table = str(summary)
    for text in ("160", "580", "1,970", "2,710", "(16, 28, 28)", "(10,)"):
        assert text in table
    assert len({len(line) for line in table.splitlines()}) == 1


def test_verbose_prints_the_table_of_skorch(few, capsys):
    X, X_val, y, y_val = few
    mlp(verbose=2, max_epochs=3).fit(X, y, X_val=X_val, y_val=y_val)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("epoch", "lr", "train_acc", "train_loss", "valid_acc", "valid_loss", "dur")
    ]
    assert [re.match(r"\s*(\d+)", line)[1] for line in lines[2:]] == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["loss_curve_", "module_", "n_epochs_", "device_"])
def test_what_a_fit_sets_is_asked_for_by_its_own_name_before(name):
    clf = MLPClassifier()
    assert not hasattr(clf, name)
    with pytest.raises(AttributeError, match=f"'MLPClassifier' .* '{name}' before"):
        getattr(clf, name)


def test_silent_without_verbose(few, capfd):
    X, _, y, _ = few
    overfit(n_iter_no_change=2).fit(X, y)
    mlp(lr_schedule="plateau").fit(X, y).partial_fit(X, y).predict(X)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetClassifier])
def test_missing_labels_are_asked_for_by_the_estimators_own_name(cls, few):
    message = f"This {cls.__name__} estimator requires y to be passed"
    for fit in (cls().fit, lambda X: cls().partial_fit(X, classes=[0, 1])):
        with pytest.raises(ValueError, match=message):
            fit(few[0])
