"""Callbacks of skorch, and of one's own: when they are called, and what they can do."""

import numpy as np
import pytest
import torch
from acting_callbacks import HOOKS, Act, Recorder, Start, fail
from plain_training import (
    OPTIMIZERS,
    STEPS,
    assert_close,
    assert_same,
    conv,
    fit_both,
    mlp,
    plain_mlp,
    skorch_twin,
    weights_of,
)
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, roc_auc_score
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    LRScheduler,
)
from skorch.helper import predefined_split
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")


def test_hooks_history_and_weights_are_those_of_skorch(bits):
    X, X_val, y, y_val = bits
    ours, theirs = Recorder(), Recorder()
    start = Start()
    clf = mlp(optimizer="sgd", weight_decay=0, shuffle=False, max_epochs=2)
    # A number of batches that divides the images: skorch's last one would be small.
    clf.set_params(batch_size=50)
    clf.set_params(callbacks=[start, ours]).fit(X, y, X_val=X_val, y_val=y_val)
    images, valid = X[:, None].astype(np.float32), X_val[:, None].astype(np.float32)
    split = predefined_split(
        torch.utils.data.TensorDataset(*map(torch.tensor, (valid, y_val)))
    )
    net = skorch_twin(
        plain_mlp(), max_epochs=2, train_split=split, callbacks=[("recorder", theirs)]
    )
    net.set_params(batch_size=50).initialize()
    with torch.no_grad():
        for mine, first in zip(net.module_.parameters(), start.weights, strict=True):
            mine.copy_(first)
    net.partial_fit(images, y)

    assert ours.calls == theirs.calls
    assert_close(
        weights_of(clf), [w.detach().numpy() for w in net.module_.parameters()]
    )
    for key in ("epoch", "train_loss", "valid_loss", "valid_acc", "train_batch_count"):
        np.testing.assert_allclose(
            clf.history_[:, key], net.history_[:, key], rtol=1e-5, err_msg=key
        )
    for key in ("train_loss_best", "valid_loss_best", "valid_acc_best"):
        assert clf.history_[:, key] == net.history_[:, key]
    for key in ("train_loss", "train_batch_size"):
        ours = [row[key] for row in clf.history_[-1, "batches"] if key in row]
        theirs = [row[key] for row in net.history_[-1, "batches"] if key in row]
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


class EveryBatch(Callback):
    """Sends the epoch down the path with batch hooks, and does nothing."""

    def on_batch_end(self, net, **kwargs):
        pass


@pytest.mark.parametrize("make", [mlp, conv])
def test_batch_hooks_change_nothing(make, bits):
    X, X_val, y, y_val = bits
    params = {"dropout": 0.2, "augment": "shift", "lr_schedule": "onecycle"}
    fast, hooked = (
        make(max_epochs=2, callbacks=callbacks, **params).fit(
            X, y, X_val=X_val, y_val=y_val
        )
        for callbacks in (None, [EveryBatch])
    )
    assert_same(fast, hooked)
    assert fast.loss_curve_ == hooked.loss_curve_
    assert fast.validation_scores_ == hooked.validation_scores_


def test_gradients_can_be_clipped(bits):
    X, _, y, _ = bits
    clf = mlp(optimizer="sgd", weight_decay=0.01, precision="float64")
    clf.set_params(callbacks=[GradientNormClipping(0.1)], micro_batch_size=30)

    def clip(weights):
        nn.utils.clip_grad_norm_(weights, 0.1)

    assert_close(*fit_both(clf, plain_mlp(), OPTIMIZERS["sgd"], X, y, before_step=clip))


@pytest.mark.parametrize("use_caching", [True, False])
def test_epoch_scoring_scores_the_validation_images(use_caching, bits):
    X, X_val, y, y_val = bits
    labels = np.array([f"digit {k}" for k in range(10)])
    scorings = ["accuracy", "neg_log_loss", "roc_auc_ovr"]
    clf = mlp(
        max_epochs=2,
        callbacks=[
            EpochScoring(scoring, use_caching=use_caching, lower_is_better=False)
            for scoring in scorings
        ],
    ).fit(X, labels[y], X_val=X_val, y_val=labels[y_val])
    proba = clf.predict_proba(X_val)
    expected = [
        clf.score(X_val, labels[y_val]),
        -log_loss(y_val, proba),
        roc_auc_score(y_val, proba, multi_class="ovr"),
    ]
    last = [clf.history_[-1, scoring] for scoring in scorings]
    np.testing.assert_allclose(last, expected, rtol=1e-5)


def test_epoch_scoring_scores_the_training_images(bits):
    X, _, y, _ = bits
    scoring = EpochScoring("accuracy", on_train=True, use_caching=False, name="score")
    clf = mlp(max_epochs=2, callbacks=[scoring]).fit(X, y)
    assert clf.history_[-1, "score"] == pytest.approx(clf.score(X, y))


def test_scoring_by_a_function_needs_no_class_names(bits):
    X, X_val, y, y_val = bits

    def n_right(net, X, y):
        return int((net.predict(X) == y).sum())

    clf = mlp(callbacks=[EpochScoring(n_right)]).fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.history_[-1, "n_right"] == round(50 * clf.score(X_val, y_val))


def test_batch_scoring_scores_every_batch(bits):
    X, _, y, _ = bits
    clf = mlp(callbacks=[BatchScoring("accuracy", name="score", on_train=True)])
    batches = clf.fit(X, y).history_[-1, "batches"]
    assert len([row for row in batches if "score" in row]) == STEPS


def test_early_stopping_of_skorch_stops(bits):
    X, _, y, _ = bits
    stopping = EarlyStopping("train_loss", patience=2, threshold=100)
    clf = mlp(max_epochs=20, callbacks=[stopping]).fit(X, y)
    assert clf.n_epochs_ == 3
    assert_same(clf, mlp(max_epochs=3).fit(X, y))


def test_stopping_callback_lets_the_others_finish(bits):
    X, _, y, _ = bits
    last = Recorder()
    stopping = EarlyStopping("train_loss", patience=1, threshold=100)
    mlp(max_epochs=20, callbacks=[stopping, last]).fit(X, y)
    assert [hook for hook, *_ in last.calls[-2:]] == ["on_epoch_end", "on_train_end"]


def request_a_stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("hook", HOOKS)
def test_stop_is_heeded_wherever_it_is_requested(hook, early_stopping, bits):
    X, _, y, _ = bits
    clf = mlp(max_epochs=5, early_stopping=early_stopping)
    clf.set_params(callbacks=[Act(hook, request_a_stop)]).fit(X, y)
    assert clf.n_epochs_ < 5 or hook == "on_train_end"
    assert np.isfinite(clf.predict_proba(X)).all()


def test_learning_rate_scheduler_of_skorch_sets_the_rate(bits):
    X, _, y, _ = bits
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    clf = mlp(max_epochs=3, callbacks=[schedule]).fit(X, y)
    np.testing.assert_allclose(clf.history_[:, "lr"], [0.01, 0.005, 0.0025])


def test_layers_can_be_frozen(bits):
    X, _, y, _ = bits
    start = Start()
    clf = mlp(callbacks=[start, Freezer("layers.1.*")]).fit(X, y)
    kept = [
        np.array_equal(a, b)
        for a, b in zip(start.weights, weights_of(clf), strict=True)
    ]
    assert kept == [True, True, False, False]


def test_checkpoint_of_skorch_saves(tmp_path, bits):
    X, _, y, _ = bits
    saving = Checkpoint(monitor="train_loss_best", dirname=tmp_path)
    clf = mlp(max_epochs=2, callbacks=[saving]).fit(X, y)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, weight in clf.module_.state_dict().items():
        torch.testing.assert_close(saved[name], weight, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["early_stopping", "checkpoint"])
def test_callback_may_have_any_name(name, tmp_path, bits):
    X, _, y, _ = bits
    clf = mlp(callbacks=[(name, GradientNormClipping(1.0))])
    assert clf.fit(X, y).best_epoch_ is None
    clf.set_params(early_stopping=True, checkpoint=tmp_path / "file")
    assert clf.fit(X, y).best_epoch_ == 1


@pytest.mark.parametrize("hook", HOOKS)
def test_error_in_a_callback_comes_out_of_fit(hook, bits):
    X, _, y, _ = bits
    clf = mlp(max_epochs=2, callbacks=[Act(hook, fail)])
    with pytest.raises(ValueError, match="a callback's own error"):
        clf.fit(X, y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_scheduler_of_skorch_runs_in_a_warm_start(bits):
    X, _, y, _ = bits
    clf = mlp(max_epochs=3, warm_start=True)
    clf.set_params(callbacks=[LRScheduler("StepLR", step_size=1, gamma=0.5)])
    rates = np.array(clf.fit(X, y).fit(X, y).history_[:, "lr"])
    assert len(rates) == 6
    np.testing.assert_allclose(rates[4:] / rates[3:-1], 0.5)
