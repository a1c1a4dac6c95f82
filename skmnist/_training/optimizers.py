"""Optimisers and learning-rate schedules, from flat parameters to torch's objects."""

import inspect

import torch
from torch.optim import lr_scheduler
from torch.optim import optimizer as torch_optimizer

OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}

# They know the end of a training, and change the rate after every batch.
SCHEDULES_BY_STEP = ("onecycle", "cosine")


def optimizer_arguments(settings, owner):
    """The optimiser's class and its arguments but lr, from flat parameters.

    Raises
    ------
    ValueError
        For a class that is no optimiser, or an argument that it does not take.
    """
    optimizer = settings.optimizer
    named = isinstance(optimizer, str)
    optimizer_class = OPTIMIZERS[optimizer] if named else optimizer
    if not issubclass(optimizer_class, torch.optim.Optimizer):
        raise ValueError(
            f"The 'optimizer' parameter of {owner} must be a subclass of "
            f"torch.optim.Optimizer. Got {optimizer!r} instead."
        )
    known = inspect.signature(optimizer_class).parameters
    own = {"momentum": settings.momentum, "weight_decay": settings.weight_decay}
    further = settings.optimizer_params or {}
    if named:
        # Fused is one pass over all weights instead of a dozen small kernels.
        own["fused"] = not further.get("foreach")
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
    allowed = set(known) | (set(further) if takes_any else set())
    allowed -= {"params", "lr", "momentum", "weight_decay"}
    if not allowed.issuperset(further):
        raise ValueError(
            f"The 'optimizer_params' parameter of {owner} must hold arguments of "
            f"{optimizer_class.__name__} that {owner} does not take itself, of "
            f"{sorted(allowed)}. Got {sorted(set(further) - allowed)} instead."
        )
    own = {name: value for name, value in own.items() if name in known}
    return optimizer_class, own | further


def take_step(optimizer, closure):
    """Call the optimiser's step, without torch's wrapper where nothing needs that.

    The wrapper calls the hooks of the step and notes it for torch's profiler, be it
    on or off: 30 of the 600 µs of a step of an MLP of 100 units at batch 100 (two
    Zen 4 cores, torch 2.13).
    """
    own_step = vars(optimizer).get("step")
    # A scheduler replaces the method to see the first step, and no more than that.
    seen = hasattr(own_step, "_wrapped_by_lr_sched") and hasattr(
        optimizer, "_opt_called"
    )
    if (own_step is None or seen) and _is_unwatched(optimizer):
        return type(optimizer).step.__wrapped__(optimizer, closure)
    return optimizer.step(closure)


def _is_unwatched(optimizer):
    """Whether torch's wrapper around a step has nothing to do."""
    return (
        getattr(type(optimizer).step, "hooked", False)
        and not optimizer._optimizer_step_pre_hooks
        and not optimizer._optimizer_step_post_hooks
        and not torch_optimizer._global_optimizer_pre_hooks
        and not torch_optimizer._global_optimizer_post_hooks
    )


def plain_descent(optimizer, weights):
    """The parameter group of an optimiser that is no more than w -= lr * gradient.

    None for any other, where it has not all of these weights and no others, and where
    something looks at its steps, as a scheduler does.
    """
    first, *others = optimizer.param_groups
    plain = (
        type(optimizer) is torch.optim.SGD
        and "step" not in vars(optimizer)
        and _is_unwatched(optimizer)
        and not others
        and {id(w) for w in first["params"]} == {id(w) for w in weights}
        and not any(first[name] for name in ("momentum", "maximize", "differentiable"))
    )
    return first if plain else None


def make_schedule(name, optimizer, n_steps, *, lr_decay, tol):
    """The torch scheduler that changes the optimiser's learning rate, or None.

    "onecycle" and "cosine" are stepped after every batch, of which there are
    ``n_steps``; "exponential" and "plateau" after every epoch.
    """
    if name == "onecycle":
        # Smith & Topin, "Super-convergence" (2018), in torch's form. With one step
        # it would be all descent: a rate of nought.
        highest = [group["lr"] for group in optimizer.param_groups]
        return lr_scheduler.OneCycleLR(
            optimizer, highest, max(2, n_steps), cycle_momentum=False
        )
    if name == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    if name == "exponential":
        return lr_scheduler.ExponentialLR(optimizer, lr_decay)
    if name == "plateau":
        # scikit-learn's "adaptive": a fifth of the rate after two epochs in a row
        # without an improvement of tol.
        return lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.2, patience=1, threshold=tol, threshold_mode="abs"
        )
    return None
