"""Optimisers and schedules, on their own and in a training."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from acting_callbacks import Rates
from plain_training import STEPS, N, assert_close, fit_both, mlp, plain_mlp
from sklearn.metrics import log_loss
from torch import nn
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from skmnist._training.optimizers import make_schedule, optimizer_arguments, take_step

pytestmark = pytest.mark.usefixtures("one_thread")


def settings(optimizer, **further):
    return SimpleNamespace(
        optimizer=optimizer,
        momentum=0.9,
        weight_decay=0.1,
        optimizer_params=further or None,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", {"momentum": 0.9, "weight_decay": 0.1, "fused": True}),
        ("adam", {"weight_decay": 0.1, "fused": True}),
        ("adamw", {"weight_decay": 0.1, "fused": True}),
        ("rmsprop", {"momentum": 0.9, "weight_decay": 0.1}),
        (torch.optim.LBFGS, {}),
        (torch.optim.Rprop, {}),
    ],
)
def test_an_optimizer_is_given_what_it_takes(name, expected):
    _, arguments = optimizer_arguments(settings(name), "Estimator")
    assert arguments == expected


def test_a_class_that_takes_anything_is_given_anything():
    class Custom(torch.optim.SGD):
        def __init__(self, params, lr, **kwargs):
            super().__init__(params, lr, **kwargs)

    _, arguments = optimizer_arguments(settings(Custom, nesterov=True), "Estimator")
    assert arguments == {"nesterov": True}


@pytest.mark.parametrize("further", [{"lr": 1}, {"params": []}, {"betas_": (0, 0)}])
def test_what_an_optimizer_does_not_take_is_refused(further):
    with pytest.raises(ValueError, match="'optimizer_params' parameter of Estimator"):
        optimizer_arguments(settings("adam", **further), "Estimator")


def test_a_class_that_is_no_optimizer_is_refused():
    with pytest.raises(ValueError, match="must be a subclass of"):
        optimizer_arguments(settings(dict), "Estimator")


def rates(name, n_steps, n_taken):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make_schedule(name, optimizer, n_steps, lr_decay=0.5, tol=0.1)
    taken = []
    for _ in range(n_taken):
        taken.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(*([1.0] if name == "plateau" else []))
    return taken


def test_schedules_do_what_their_names_say():
    assert rates("exponential", 0, 3) == [1, 0.5, 0.25]
    assert rates("plateau", 0, 4) == pytest.approx([1, 1, 1, 0.2])
    assert rates("cosine", 4, 5)[::2] == pytest.approx([1, 0.5, 0])
    onecycle = rates("onecycle", 100, 100)
    assert onecycle[0] == pytest.approx(1 / 25)
    assert max(onecycle) == pytest.approx(1)
    assert onecycle.index(max(onecycle)) == 29
    assert onecycle[-1] < 1e-4


def test_one_cycle_of_a_single_step_still_learns():
    assert rates("onecycle", 1, 1)[0] > 0.1


def test_no_schedule_is_none():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    assert make_schedule(None, optimizer, 10, lr_decay=0.5, tol=0.1) is None


def quadratic(make=torch.optim.SGD):
    """A weight of 1, an optimiser of it, and the closure that gives its gradient."""
    weight = torch.ones(1, requires_grad=True)

    def closure():
        weight.grad = 2 * weight.detach()
        return weight.detach() ** 2

    return weight, make([weight], lr=0.25), closure


def test_a_step_is_the_optimizers_own():
    weight, optimizer, closure = quadratic()
    take_step(optimizer, closure)
    assert weight.item() == 0.5


@pytest.mark.parametrize(
    "register",
    [
        lambda optimizer, hook: optimizer.register_step_pre_hook(hook),
        lambda optimizer, hook: optimizer.register_step_post_hook(hook),
        lambda _, hook: register_optimizer_step_pre_hook(hook),
        lambda _, hook: register_optimizer_step_post_hook(hook),
    ],
)
def test_hooks_of_a_step_are_called(register):
    _, optimizer, closure = quadratic()
    calls = []
    handle = register(optimizer, lambda *_: calls.append(1))
    try:
        take_step(optimizer, closure)
    finally:
        handle.remove()
    take_step(optimizer, closure)
    assert calls == [1]


def test_a_step_replaced_on_the_instance_is_the_one_called():
    weight, optimizer, closure = quadratic()
    optimizer.step = lambda closure: calls.append(closure)
    calls = []
    take_step(optimizer, closure)
    assert calls == [closure]
    assert weight.item() == 1


def test_a_scheduler_sees_the_first_step(recwarn):
    weight, optimizer, closure = quadratic()
    scheduler = make_schedule("exponential", optimizer, 2, lr_decay=0.5, tol=0)
    for _ in range(2):
        take_step(optimizer, closure)
        scheduler.step()
    assert weight.item() == (1 - 2 * 0.25) * (1 - 2 * 0.125)
    assert not recwarn.list


def test_an_optimizer_of_ones_own_is_stepped_too():
    class Own(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            loss = closure()
            for group in self.param_groups:
                for weight in group["params"]:
                    weight.sub_(group["lr"] * weight.grad)
            return loss

    weight, optimizer, closure = quadratic(Own)
    take_step(optimizer, closure)
    assert weight.item() == 0.5


# -- in a training --


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
