"""The epoch against a plain PyTorch loop; schedules, callbacks, interruptions."""

import math
import os
import pickle
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    LoadInitState,
    LRScheduler,
)
from skorch.exceptions import SkorchTrainingImpossibleError
from skorch.helper import predefined_split
from torch import nn
from torch.nn import functional as F

from skmnist import ConvLayer, ConvNetClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

N, BATCH = 200, 64
STEPS = math.ceil(N / BATCH)


@pytest.fixture(scope="module")
def bits(digits):
    """Black-and-white digits: pixels that every float holds exactly."""
    X, X_val, y, y_val = digits
    return [(X[:N] > 127) * np.uint8(1), (X_val[:50] > 127) * np.uint8(1)] + [
        y[:N],
        y_val[:50],
    ]


class Start(Callback):
    """Keeps what a training starts from, and asks for no batch hooks."""

    def on_train_begin(self, net, **kwargs):
        self.weights = [w.detach().clone() for w in net.module_.parameters()]
        self.generator = torch.Generator()
        self.generator.set_state(net._generator.get_state())


class Recorder(Callback):
    """Keeps the calls of all hooks, in order."""

    def __init__(self):
        self.calls = []

    def _record(hook):
        def method(self, net, training=None, **kwargs):
            mode = net.module_.training if hook == "on_batch_end" else None
            self.calls.append((hook, len(net.history), training, mode))

        return method

    on_train_begin = _record("on_train_begin")
    on_epoch_begin = _record("on_epoch_begin")
    on_batch_begin = _record("on_batch_begin")
    on_grad_computed = _record("on_grad_computed")
    on_batch_end = _record("on_batch_end")
    on_epoch_end = _record("on_epoch_end")
    on_train_end = _record("on_train_end")


class EveryBatch(Callback):
    """Sends the epoch down the path with batch hooks, and does nothing."""

    def on_batch_end(self, net, **kwargs):
        pass


class Act(Callback):
    """Does something at the second call of one hook (the first of on_train_...)."""

    def __init__(self, hook, action):
        self.left = 1 if hook.startswith("on_train") else 2
        self.action = action
        setattr(self, hook, self._act)

    def _act(self, net, **kwargs):
        self.left -= 1
        if self.left == 0:
            self.action()

    # Named in the class, where the net looks for batch hooks.
    def on_batch_begin(self, net, **kwargs):
        pass


HOOKS = [
    *("on_train_begin", "on_epoch_begin", "on_batch_begin", "on_grad_computed"),
    *("on_batch_end", "on_epoch_end", "on_train_end"),
]


def fail():
    raise ValueError("a callback's own error")


def mlp(**params):
    params = {"lr": 0.01, "lr_schedule": None, "max_epochs": 1} | params
    return MLPClassifier(
        (16,), batch_size=BATCH, pixel_scaling=None, random_state=0, **params
    )


def conv(**params):
    params = {
        "conv_layers": (4,),
        "lr": 0.01,
        "lr_schedule": None,
        "max_epochs": 1,
    } | params
    return ConvNetClassifier(
        hidden_layer_sizes=(),
        batch_size=BATCH,
        pixel_scaling=None,
        random_state=0,
        **params,
    )


def plain_mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))


def plain_conv():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(4 * 14 * 14, 10)),
    )


def plain_batch_norm():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 14 * 14, 10)),
    )


def fit_both(
    clf,
    module,
    make_optimizer,
    X,
    y,
    loss_weight=None,
    before_step=None,
    **fit_params,
):
    """The weights of our fit, and of a plain loop from the same first weights."""
    start = Start()
    clf.set_params(callbacks=[*(clf.callbacks or []), start]).fit(X, y, **fit_params)
    dtype = torch.float64 if clf.precision == "float64" else torch.float32
    images, targets = torch.tensor(X[:, None]).to(dtype), torch.tensor(y)
    weights = torch.ones(len(y)) if loss_weight is None else torch.tensor(loss_weight)
    weights, module = weights.to(dtype), module.to(dtype)
    # A row without weight is no part of a batch.
    images, targets, weights = (t[weights > 0] for t in (images, targets, weights))
    with torch.no_grad():
        for mine, first in zip(module.parameters(), start.weights, strict=True):
            mine.copy_(first)
    optimizer = make_optimizer(module.parameters())
    for _ in range(clf.max_epochs):
        rows = torch.arange(len(targets))
        if clf.shuffle:
            rows = torch.randperm(len(targets), generator=start.generator)
        for part in rows.tensor_split(math.ceil(len(rows) / clf.batch_size)):

            def closure(part=part):
                optimizer.zero_grad()
                losses = F.cross_entropy(
                    module(images[part]), targets[part], reduction="none"
                )
                loss = (losses * weights[part]).sum() / weights[part].sum()
                loss.backward()
                if before_step:
                    before_step(module.parameters())
                return loss

            optimizer.step(closure)
    module.eval()
    return weights_of(clf), [w.detach().numpy() for w in module.parameters()]


def weights_of(clf):
    return [w.detach().numpy() for w in clf.module_.parameters()]


def assert_close(ours, plain):
    tolerance = 1e-5 if ours[0].dtype == np.float32 else 1e-12
    for mine, other in zip(ours, plain, strict=True):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


def assert_same(a, b):
    for one, other in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_array_equal(one, other)


OPTIMIZERS = {
    "sgd": lambda w: torch.optim.SGD(w, 0.01, momentum=0.9, weight_decay=0.01),
    "adam": lambda w: torch.optim.Adam(w, 0.01, weight_decay=0.01),
    "adamw": lambda w: torch.optim.AdamW(w, 0.01, weight_decay=0.01),
    "rmsprop": lambda w: torch.optim.RMSprop(w, 0.01, momentum=0.9, weight_decay=0.01),
}


# -- the epoch --


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("make", "plain"), [(mlp, plain_mlp), (conv, plain_conv)], ids=["mlp", "conv"]
)
def test_epoch_equals_a_plain_loop(make, plain, optimizer, precision, bits):
    X, _, y, _ = bits
    clf = make(optimizer=optimizer, precision=precision, weight_decay=0.01)
    # Early steps of Adam and RMSprop are all but signs of the gradient, where
    # float32 differs in the last place and then by a whole step.
    lr_of_signs = 1e-4 if precision == "float32" and optimizer != "sgd" else 0.01
    clf.set_params(lr=lr_of_signs)

    def make_optimizer(weights):
        made = OPTIMIZERS[optimizer](weights)
        made.param_groups[0]["lr"] = lr_of_signs
        return made

    assert_close(*fit_both(clf, plain(), make_optimizer, X, y))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("micro_batch_size", ["auto", 1, 7, 1000])
def test_micro_batches_give_the_batch_s_own_steps(shuffle, micro_batch_size, bits):
    X, _, y, _ = bits
    clf = conv(
        shuffle=shuffle,
        micro_batch_size=micro_batch_size,
        optimizer="sgd",
        weight_decay=0.01,
        precision="float64",
        max_epochs=2,
    )
    assert_close(*fit_both(clf, plain_conv(), OPTIMIZERS["sgd"], X, y))


class ForwardSizes(Callback):
    """Keeps how many images go through the network at once."""

    def on_train_begin(self, net, **kwargs):
        self.sizes = []
        net.module_.register_forward_pre_hook(
            lambda module, args: self.sizes.append(len(args[0]))
        )


@pytest.mark.parametrize(
    ("batch_norm", "sizes"),
    [(False, [48, 2] * 4), (True, [50] * 4)],
)
def test_batch_norm_is_the_one_that_gets_whole_batches(batch_norm, sizes, bits):
    X, _, y, _ = bits
    seen = ForwardSizes()
    layers = (ConvLayer(4, batch_norm=batch_norm),)
    conv(conv_layers=layers, callbacks=[seen], micro_batch_size=48).fit(X, y)
    assert seen.sizes == sizes


def test_batch_norm_learns_the_statistics_of_whole_batches(bits):
    X, _, y, _ = bits
    plain = plain_batch_norm()
    clf = conv(conv_layers=(ConvLayer(4, batch_norm=True),), micro_batch_size=16)
    clf.set_params(precision="float64", optimizer="sgd", weight_decay=0.01)
    assert_close(*fit_both(clf, plain, OPTIMIZERS["sgd"], X, y))
    ours = next(m for m in clf.module_.modules() if isinstance(m, nn.BatchNorm2d))
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(
            getattr(ours, name), getattr(plain[1], name), rtol=1e-12, atol=1e-12
        )
    with torch.no_grad():
        logits = plain(torch.tensor(X[:, None]).double()).numpy()
    np.testing.assert_allclose(clf.decision_function(X), logits, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("class_weight", [None, {3: 5.0, 7: 0.0}, "balanced"])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_weights_and_sample_weights_multiply(class_weight, weighted, bits):
    X, _, y, _ = bits
    own = np.random.RandomState(0).uniform(0.1, 3, N) if weighted else np.ones(N)
    if class_weight == "balanced":
        by_class = own.sum() / (10 * np.bincount(y, weights=own))
    else:
        by_class = np.array([(class_weight or {}).get(k, 1.0) for k in range(10)])
    clf = mlp(class_weight=class_weight, precision="float64", optimizer="sgd")
    clf.set_params(weight_decay=0.01)
    ours, plain = fit_both(
        clf,
        plain_mlp(),
        OPTIMIZERS["sgd"],
        X,
        y,
        loss_weight=own * by_class[y],
        sample_weight=own if weighted else None,
    )
    assert_close(ours, plain)


def test_weights_of_any_scale_train_the_same(bits):
    X, _, y, _ = bits
    weight = np.random.RandomState(0).uniform(0.1, 3, N)
    plain, tiny, huge = (
        mlp(optimizer="sgd").fit(X, y, sample_weight=weight * scale)
        for scale in (1, 2.0**-150, 2.0**120)
    )
    assert_close(weights_of(tiny), weights_of(plain))
    assert_close(weights_of(huge), weights_of(plain))


@pytest.mark.parametrize(("precision", "rtol"), [("float32", 1e-5), ("float64", 1e-9)])
def test_losses_are_means_over_all_images(precision, rtol, bits):
    X, X_val, y, y_val = bits
    clf = mlp(lr=1e-14, max_epochs=2, precision=precision)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    expected = log_loss(y, clf.predict_proba(X))
    np.testing.assert_allclose(clf.loss_curve_, [expected] * 2, rtol=rtol)
    expected = log_loss(y_val, clf.predict_proba(X_val))
    np.testing.assert_allclose(clf.history_[:, "valid_loss"], expected, rtol=rtol)


# -- optimisers --


class Signs(torch.optim.Optimizer):
    """Steps of one size against the sign of the gradient; takes no weight decay."""

    def __init__(self, params, lr, power=1):
        super().__init__(params, {"lr": lr, "power": power})

    @torch.no_grad()
    def step(self, closure=None):
        with torch.enable_grad():
            loss = None if closure is None else closure()
        for group in self.param_groups:
            for weight in group["params"]:
                weight -= group["lr"] ** group["power"] * weight.grad.sign()
        return loss


@pytest.mark.parametrize(
    ("params", "make_optimizer"),
    [
        (
            {"optimizer": "sgd", "optimizer_params": {"nesterov": True}},
            lambda w: torch.optim.SGD(w, 0.01, momentum=0.9, nesterov=True),
        ),
        (
            {"optimizer": "adam", "optimizer_params": {"betas": (0.5, 0.9)}},
            lambda w: torch.optim.Adam(w, 0.01, betas=(0.5, 0.9)),
        ),
        (
            {"optimizer": torch.optim.LBFGS, "optimizer_params": {"max_iter": 4}},
            lambda w: torch.optim.LBFGS(w, 0.01, max_iter=4),
        ),
        (
            {"optimizer": torch.optim.NAdam},
            lambda w: torch.optim.NAdam(w, 0.01),
        ),
        (
            {"optimizer": Signs, "optimizer_params": {"power": 2}},
            lambda w: Signs(w, 0.01, power=2),
        ),
    ],
    ids=["nesterov", "betas", "LBFGS", "NAdam", "own class"],
)
def test_optimizer_params_and_classes_reach_torch(params, make_optimizer, bits):
    X, _, y, _ = bits
    clf = mlp(precision="float64", weight_decay=0, max_epochs=2, **params)
    assert_close(*fit_both(clf, plain_mlp(), make_optimizer, X, y))


@pytest.mark.parametrize(
    "optimizer_params", [{"foreach": True}, {"fused": False}, {"amsgrad": True}]
)
def test_implementation_of_a_named_optimizer_can_be_chosen(optimizer_params, bits):
    X, _, y, _ = bits
    clf = mlp(optimizer="adam", optimizer_params=optimizer_params).fit(X, y)
    assert np.isfinite(clf.loss_curve_).all()


def test_unknown_optimizer_params_are_refused_by_name(bits):
    X, _, y, _ = bits
    with pytest.raises(ValueError, match=r"'optimizer_params'.*MLPC.*nestorov"):
        mlp(optimizer_params={"nestorov": True}).fit(X, y)


# -- schedules --


class Rates(Callback):
    """Keeps the learning rate of every step."""

    def __init__(self):
        self.rates = []

    def on_batch_begin(self, net, training, **kwargs):
        if training:
            self.rates.append(net.optimizer_.param_groups[0]["lr"])


def one_cycle(lr, n_steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, n_steps)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("lr_schedule", "expected"),
    [
        (None, lambda step: 0.01),
        ("onecycle", lambda step: one_cycle(0.01, 5 * STEPS)[step]),
        (
            "cosine",
            lambda step: 0.01 * (1 + math.cos(math.pi * step / (5 * STEPS))) / 2,
        ),
        ("exponential", lambda step: 0.01 * 0.9 ** (step // STEPS)),
        # With a tol out of reach only the first epoch is an improvement.
        ("plateau", lambda step: 0.01 * [1, 1, 1, 0.2, 0.2][step // STEPS]),
    ],
)
def test_learning_rate_follows_the_schedule(lr_schedule, expected, bits):
    X, _, y, _ = bits
    seen = Rates()
    clf = mlp(lr_schedule=lr_schedule, lr_decay=0.9, tol=100, callbacks=[seen])
    clf.set_params(max_epochs=5).fit(X, y)
    rates = [expected(step) for step in range(5 * STEPS)]
    np.testing.assert_allclose(seen.rates, rates, rtol=1e-9)
    np.testing.assert_allclose(clf.history_[:, "lr"], rates[::STEPS], rtol=1e-9)


def test_plateau_goes_by_the_validation_loss_where_there_is_one(bits):
    X, X_val, y, y_val = bits
    clf = mlp(lr_schedule="plateau", tol=0, max_epochs=5)
    assert clf.fit(X, y).history_[-1, "lr"] == 0.01
    wrong = (y_val + 5) % 10
    clf.fit(X, y, X_val=X_val, y_val=wrong)
    assert clf.history_[-1, "lr"] < 0.01


def test_one_step_alone_has_a_learning_rate(bits):
    X, _, y, _ = bits
    clf = mlp(lr_schedule="onecycle").set_params(batch_size=N)
    first = clf.fit(X, y).loss_curve_[0]
    assert log_loss(y, clf.predict_proba(X)) < first


# -- callbacks --


def skorch_twin(module, **params):
    """Stock skorch, its best and only defaults replaced by ours."""
    return NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.01,
        batch_size=BATCH,
        verbose=0,
        **params,
    )


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


# -- stopping within an epoch, and going on, as skorch does --


class StopAt(Callback):
    """Asks for a stop at one call of one hook, as skorch's callbacks do or as ours."""

    def __init__(self, hook, call, raises=True):
        self.left = call
        self.raises = raises
        setattr(self, hook, self._act)

    def _act(self, net, **kwargs):
        self.left -= 1
        if self.left == 0:
            net.stop_requested_ = True
            if self.raises:
                raise KeyboardInterrupt

    # Named in the class, where the net looks for batch hooks.
    def on_batch_end(self, net, **kwargs):
        pass


def fit_skorch_too(clf, make_callback, X, y):
    """Stock skorch, trained with the callback from the first weights of ours."""
    start, mine, theirs = Start(), Recorder(), Recorder()
    # Batches that divide the images: skorch's last one would be small.
    size = len(X) // STEPS
    clf.set_params(optimizer="sgd", weight_decay=0, shuffle=False, batch_size=size)
    clf.set_params(callbacks=[start, mine, make_callback()]).fit(X, y)
    net = skorch_twin(
        plain_mlp(),
        max_epochs=clf.max_epochs,
        train_split=None,
        callbacks=[("recorder", theirs), ("stop", make_callback())],
    )
    net.set_params(batch_size=size).initialize()
    with torch.no_grad():
        for own, first in zip(net.module_.parameters(), start.weights, strict=True):
            own.copy_(first)
    net.partial_fit(X[:, None].astype(np.float32), y)
    assert mine.calls == theirs.calls
    assert_close(
        weights_of(clf), [w.detach().numpy() for w in net.module_.parameters()]
    )
    return net


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize(
    ("hook", "call"),
    [
        ("on_epoch_begin", 1),
        ("on_epoch_begin", 2),
        ("on_batch_begin", 1),
        ("on_batch_begin", STEPS + 2),
        ("on_grad_computed", STEPS + 3),
        ("on_batch_end", 1),
        ("on_batch_end", STEPS + 2),
        ("on_batch_end", 2 * STEPS),
    ],
)
def test_stop_within_an_epoch_is_obeyed_as_in_skorch(hook, call, raises, bits):
    X, _, y, _ = bits
    clf = mlp(max_epochs=4)
    if raises:
        net = fit_skorch_too(clf, lambda: StopAt(hook, call), X, y)
        assert len(clf.history_) == len(net.history)
        for mine, theirs in zip(clf.history_, net.history, strict=True):
            assert len(mine["batches"]) == len(theirs["batches"])
            assert ("train_loss" in mine) == ("train_loss" in theirs)
    else:
        clf.set_params(callbacks=[StopAt(hook, call, raises=False)]).fit(X, y)
    # The epoch that was broken off has a row, as in skorch, and no loss.
    whole = (call - 1) // (1 if hook == "on_epoch_begin" else STEPS)
    assert len(clf.history_) == whole + 1
    assert clf.n_epochs_ == len(clf.loss_curve_) == whole
    assert np.isfinite(clf.predict_proba(X)).all()


class RateFinder(Callback):
    """Raises the rate by half after every batch, and stops above 1."""

    def __init__(self):
        self.rates, self.losses = [], []

    def on_batch_end(self, net, training, loss, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])
        self.losses.append(loss.item())
        if self.rates[-1] > 1:
            raise KeyboardInterrupt
        for group in net.optimizer_.param_groups:
            group["lr"] *= 1.5


def test_learning_rate_finder_ends_where_it_does_in_skorch(bits):
    X, _, y, _ = bits
    mine, theirs = made = [RateFinder(), RateFinder()]
    left = list(made)
    fit_skorch_too(mlp(max_epochs=50), lambda: left.pop(0), X, y)
    assert mine.rates == theirs.rates
    assert 1 < mine.rates[-1] <= 1.5
    np.testing.assert_allclose(mine.losses, theirs.losses, rtol=1e-4)


def test_weights_that_a_finder_has_driven_to_infinity_are_an_error(bits):
    X, _, y, _ = bits

    class Overflow(Callback):
        def on_batch_end(self, net, **kwargs):
            net.module_.layers[1].weight.data.fill_(float("inf"))
            raise KeyboardInterrupt

    with pytest.raises(ValueError, match="diverged: after epoch 1 the weights are not"):
        mlp(callbacks=[Overflow()]).fit(X, y)


@pytest.mark.parametrize("lr_schedule", [None, "exponential", "onecycle", "cosine"])
def test_training_continues_from_a_state_that_a_callback_loads(
    lr_schedule, tmp_path, bits
):
    X, _, y, _ = bits
    params = {"shuffle": False, "lr_schedule": lr_schedule, "lr_decay": 0.5}
    clf, saving = mlp(max_epochs=2, **params), Checkpoint(None, dirname=tmp_path)
    rates = [Rates(), Rates()]
    for seen in rates:  # skorch's own example: the first finds nothing to load
        clf.set_params(callbacks=[saving, LoadInitState(saving), seen]).fit(X, y)
    assert clf.n_epochs_ == 4
    if lr_schedule in ("onecycle", "cosine"):
        # These are made for the epochs ahead.
        np.testing.assert_allclose(rates[1].rates, rates[0].rates)
        return
    seen = Rates()
    whole = mlp(max_epochs=4, callbacks=[seen], **params).fit(X, y)
    assert_same(clf, whole)
    assert clf.loss_curve_ == whole.loss_curve_
    assert clf.history_[:, "lr"] == whole.history_[:, "lr"]
    assert rates[0].rates + rates[1].rates == seen.rates


def test_loaded_training_that_breaks_off_is_resumed_from_its_checkpoint(tmp_path, bits):
    X, _, y, _ = bits
    saved = Checkpoint(None, dirname=tmp_path / "saved")
    mlp(max_epochs=2, callbacks=[saved]).fit(X, y)
    whole = mlp(max_epochs=3, callbacks=[LoadInitState(saved)]).fit(X, y)
    run = mlp(max_epochs=3, checkpoint=tmp_path / "run")
    run.set_params(callbacks=[LoadInitState(saved), Act("on_epoch_begin", fail)])
    with pytest.raises(ValueError, match="own error"):
        run.fit(X, y)
    run.set_params(callbacks=[LoadInitState(saved)]).fit(X, y)
    assert run.n_epochs_ == whole.n_epochs_ == 5
    assert_same(run, whole)


def test_scheduler_of_skorch_runs_in_a_warm_start(bits):
    X, _, y, _ = bits
    clf = mlp(max_epochs=3, warm_start=True)
    clf.set_params(callbacks=[LRScheduler("StepLR", step_size=1, gamma=0.5)])
    rates = np.array(clf.fit(X, y).fit(X, y).history_[:, "lr"])
    assert len(rates) == 6
    np.testing.assert_allclose(rates[4:] / rates[3:-1], 0.5)


# -- the net as a user has it --


def test_net_predicts_as_the_estimator_does(bits):
    X, X_val, y, y_val = bits
    clf = mlp().fit(X, y)
    net, images = clf.net_, X_val[:, None]
    proba = net.predict_proba(images)
    np.testing.assert_allclose(proba, clf.predict_proba(X_val), rtol=1e-6)
    np.testing.assert_array_equal(net.predict(images), clf.predict(X_val))
    assert net.score(images, y_val) == clf.score(X_val, y_val)
    logits = net.forward(images).numpy()
    np.testing.assert_array_equal(logits, clf.decision_function(X_val))


def test_weights_of_the_net_are_saved_and_loaded(tmp_path, bits):
    X, X_val, y, _ = bits
    clf, other = mlp().fit(X, y), mlp(max_epochs=3).fit(X, y)
    files = {name: tmp_path / name for name in ("f_params", "f_optimizer", "f_history")}
    clf.net_.save_params(**files)
    other.net_.load_params(**files)
    assert_same(clf, other)
    assert other.n_epochs_ == 1
    twin = clone(clf.net_).initialize()
    twin.load_params(f_params=files["f_params"])
    np.testing.assert_array_equal(twin.predict(X_val[:, None]), clf.predict(X_val))


def test_parameters_of_the_net_can_be_read_and_set(bits):
    X, _, y, _ = bits
    net = mlp().fit(X, y).net_
    assert set(net.get_params(deep=False)) >= {"lr", "module", "batch_size", "device"}
    net.set_params(lr=0.5, verbose=0)
    assert net.optimizer_.param_groups[0]["lr"] == net.get_params()["lr"] == 0.5


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_loop"])
@pytest.mark.parametrize("of", [lambda net: net, clone], ids=["net", "clone"])
def test_net_alone_does_not_train_and_says_who_does(method, of, bits):
    X, _, y, _ = bits
    clf = mlp().fit(X, y)
    before = [weights.copy() for weights in weights_of(clf)]
    with pytest.raises(SkorchTrainingImpossibleError, match="call fit or partial_fit"):
        getattr(of(clf.net_), method)(X[:, None], y)
    for weights, other in zip(weights_of(clf), before, strict=True):
        np.testing.assert_array_equal(weights, other)


class TakesNames(Callback):
    """Puts what it likes onto the net, under names that anyone would choose."""

    def on_train_begin(self, net, **kwargs):
        for name in (
            *("batches", "train", "move", "logits", "augment", "shuffle", "schedule"),
            *("generator", "owner", "scheduler_", "weights_", "take_step", "epochs"),
        ):
            setattr(net, name, "a callback's own")


def test_names_on_the_net_are_the_callbacks_to_take(bits):
    X, _, y, _ = bits
    params = {"augment": "shift", "lr_schedule": "exponential"}
    taken, plain = (
        mlp(callbacks=callbacks, **params) for callbacks in ([TakesNames()], None)
    )
    for clf in (taken, plain):
        for _ in range(2):
            clf.partial_fit(X, y, classes=range(10))
    assert_same(taken, plain)
    assert_same(pickle.loads(pickle.dumps(taken)), plain)


def test_all_that_is_not_skorch_s_has_an_underscore(bits):
    X, _, y, _ = bits
    net = mlp().fit(X, y).net_
    twin = skorch_twin(plain_mlp()).initialize()
    own = {name for name in dir(net) if not name.startswith("_")} - set(dir(twin))
    # "classes_" is skorch's, once it knows them.
    assert own - {"classes_"} == {
        "stop_requested_",
        "optimizer__fused",
        "optimizer__weight_decay",
    }


# -- Ctrl-C --


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


WITHIN_TRAINING = [hook for hook in HOOKS if hook != "on_train_begin"]


@pytest.mark.parametrize("hook", WITHIN_TRAINING)
def test_ctrl_c_leaves_the_model_as_trained_so_far(hook, bits):
    X, _, y, _ = bits
    start, last = Start(), Recorder()
    interrupting = Act(hook, press_ctrl_c)
    clf = mlp(max_epochs=3, callbacks=[start, interrupting, last])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    n_epochs = {"on_epoch_begin": 1, "on_epoch_end": 2, "on_train_end": 3}
    assert clf.n_epochs_ == n_epochs.get(hook, 0)
    moved = any(
        not np.array_equal(a, b)
        for a, b in zip(start.weights, weights_of(clf), strict=True)
    )
    assert moved
    assert pickle.loads(pickle.dumps(clf.set_params(callbacks=None))).predict(X).any()
    # As in skorch, callbacks are told of the end.
    if hook != "on_train_end":
        assert last.calls[-1][0] == "on_train_end"


def test_ctrl_c_before_the_training_leaves_the_estimator_unfitted(bits):
    X, _, y, _ = bits
    clf = mlp(callbacks=[Act("on_train_begin", press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_ctrl_c_goes_back_to_the_best_weights_of_early_stopping(bits):
    X, X_val, y, y_val = bits
    stop = StopAtEpoch(4, press_ctrl_c)
    clf = mlp(max_epochs=20, early_stopping=True, lr=0.03, callbacks=[stop])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.n_epochs_ == 4
    best = max(clf.validation_scores_[:3])  # the last was not judged any more
    assert clf.validation_scores_[clf.best_epoch_ - 1] == best
    assert clf.score(X_val, y_val) == pytest.approx(best)


class StopAtEpoch(Callback):
    def __init__(self, epoch, action):
        self.epoch = epoch
        self.action = action

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            self.action()


def test_training_goes_on_after_ctrl_c(tmp_path, bits):
    X, _, y, _ = bits
    whole = mlp(max_epochs=5).fit(X, y)
    clf = mlp(max_epochs=5, checkpoint=tmp_path / "training")
    clf.set_params(callbacks=[StopAtEpoch(2, press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert_same(clf.set_params(callbacks=None).fit(X, y), whole)
    clf = mlp(max_epochs=3, lr_schedule=None, warm_start=True)
    clf.set_params(callbacks=[StopAtEpoch(2, press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    clf.set_params(callbacks=None).fit(X, y)
    assert clf.n_epochs_ == 5


def test_ctrl_c_may_have_a_handler_of_the_program_s_own(bits):
    X, _, y, _ = bits

    def handler(signum, frame):  # as the one that asyncio installs
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    try:
        clf = mlp(max_epochs=2, callbacks=[Act("on_epoch_end", press_ctrl_c)])
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_a_stream_as_it_was(bits):
    X, _, y, _ = bits
    clf = mlp().partial_fit(X, y, classes=range(10))
    proba, losses = clf.predict_proba(X), clf.loss_curve_
    clf.net_.callbacks_.append(("act", Act("on_batch_end", press_ctrl_c)))
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)
    assert clf.loss_curve_ == losses


def test_ctrl_c_of_a_terminal_raises_in_fit():
    program = """
from skorch.callbacks import Callback
from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

class Announce(Callback):
    def on_epoch_begin(self, net, **kwargs):
        print("epoch", len(net.history), flush=True)

X, y = load_digits28(return_X_y=True)
clf = MLPClassifier((8,), max_epochs=10**6, callbacks=[Announce])
try:
    clf.fit(X, y)
except KeyboardInterrupt:
    print(f"interrupted after {clf.n_epochs_} epochs, {len(clf.predict(X))} labels")
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        for line in process.stdout:
            if line == "epoch 3\n":
                process.send_signal(signal.SIGINT)
                break
        rest, _ = process.communicate(timeout=60)
    assert re.search(r"interrupted after ([2-9]|\d\d+) epochs, 1797 labels\n$", rest)
    assert process.returncode == 0


# -- divergence --


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 1e30), (torch.optim.SGD, 1e38)])
def test_diverging_training_says_where_and_what_to_try(optimizer, lr, bits):
    X, _, y, _ = bits
    clf = mlp(optimizer=optimizer, lr=lr, max_epochs=5)
    with pytest.raises(
        ValueError, match=r"diverged: after epoch [1-5] .* lr \(it is 1e\+3"
    ) as e:
        clf.fit(X, y)
    assert "pixel_scaling" in str(e.value)
    with pytest.raises(NotFittedError):
        clf.predict(X)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_search_scores_a_diverging_candidate_as_failed_and_goes_on(bits):
    X, _, y, _ = bits
    search = GridSearchCV(
        mlp(optimizer="sgd", max_epochs=5),
        {"lr": [1e30, 0.1]},
        cv=2,
        error_score=np.nan,
    )
    with pytest.warns(FitFailedWarning, match="2 fits failed"):
        search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[0])
    assert scores[1] > 0.5
    assert search.best_params_ == {"lr": 0.1}
