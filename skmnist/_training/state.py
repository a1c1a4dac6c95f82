"""Where a training stands: to go on from, to pickle, to go back to."""

import contextlib
import copy

import numpy as np
import torch

from skmnist._training.callback_state import CallbackStates


def training_state(net):
    """All that going on bitwise needs, as tensors, numbers and strings."""
    return {
        "module": net.module_.state_dict(),
        "frozen": [
            name
            for name, weights in net.module_.named_parameters()
            if not weights.requires_grad
        ],
        "history": list(net.history),
        "optimizer": net.optimizer_.state_dict(),
        "scheduler": net._scheduler.state_dict() if net._scheduler else None,
        "generator": net._generator.get_state(),
        "stop_requested": net.stop_requested_,
    }


def load_training_state(net, state):
    """Go on from what `training_state` gave."""
    net.module_.load_state_dict(state["module"])
    # A model that was saved by an earlier version has nothing frozen.
    frozen = state.get("frozen", ())
    for name, weights in net.module_.named_parameters():
        weights.requires_grad_(name not in frozen)
    net.history[:] = state["history"]
    if "optimizer" in state:
        net.optimizer_.load_state_dict(state["optimizer"])
        net._generator.set_state(state["generator"])
        net.stop_requested_ = state["stop_requested"]
        if state["scheduler"] is not None:
            if net._scheduler is None:
                net._start_schedule()
            net._scheduler.load_state_dict(state["scheduler"])


def portable_state(net, with_optimizer):
    """The state in NumPy arrays, for a pickle; the optimiser's if asked."""
    state = training_state(net)
    if with_optimizer:
        state["callbacks"] = _callback_states(net)
    else:
        state = {name: state[name] for name in ("module", "frozen", "history")}
    return {
        **_map_arrays(state, torch.Tensor, _to_numpy),
        # What callbacks recorded stays what it is.
        "history": state["history"],
        "device": net.device,
    }


def load_portable_state(net, state):
    """Take over what `portable_state` gave."""
    tensors = _map_arrays(state, np.ndarray, lambda a: torch.from_numpy(np.array(a)))
    load_training_state(net, {**tensors, "history": state["history"]})
    if "optimizer" in tensors:
        net._saved_callbacks = tensors.get("callbacks", {})


def _callback_states(net):
    if net._saved_callbacks is not None:
        return net._saved_callbacks
    try:
        return CallbackStates(net, net.callbacks_).save()
    except ValueError:
        # One has a state that no container holds: all are as they pickle themselves.
        return {}


@contextlib.contextmanager
def rolled_back_on_failure(net):
    """Undo, when anything is raised, what was trained since.

    Costs a copy of the weights and of the optimiser's state.
    """
    n_epochs, state = len(net.history), training_state(net)
    del state["history"]
    state = copy.deepcopy(state)
    try:
        yield
    except BaseException:
        load_training_state(net, {**state, "history": net.history[:n_epochs]})
        raise


def _to_numpy(tensor):
    # An array of its own: a view would pickle the memory of all it is a view of.
    return np.array(tensor.detach().cpu().numpy(), order="C")


def _map_arrays(value, array_type, convert):
    """Convert the arrays in nested dicts, lists and tuples."""
    if isinstance(value, array_type):
        return convert(value)
    if isinstance(value, dict):
        return {k: _map_arrays(v, array_type, convert) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_map_arrays(v, array_type, convert) for v in value)
    return value
