from types import SimpleNamespace

import pytest
import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from skmnist._training.optimizers import make_schedule, optimizer_arguments, take_step


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
