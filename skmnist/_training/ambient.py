"""torch's ambient state, which is the caller's: what is computed does not depend on it.

Modes that the caller is in (autocast, inference, no gradients, another default device)
are left for as long as we compute. So are the threads that a forked process lacks.
Global generators, which other people's code draws from, are lent and put back.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import threading
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

if TYPE_CHECKING:
    from skmnist._typing import Function

# The devices that autocast may be on for.
DEVICE_TYPES = ("cpu", "cuda", "mps")


class _Thread(threading.local):
    """The process in which this thread's number of threads is known to be right."""

    process = os.getpid()


_thread = _Thread()


def in_own_torch_state(function: Function) -> Function:
    """Have a function compute as in a fresh process, whatever its caller has set.

    The modes are those of the calling thread; they are as they were afterwards.
    """

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        survive_fork()
        if not (modes := _modes_to_undo()):
            return function(*args, **kwargs)
        with contextlib.ExitStack() as stack:
            for mode in modes:
                stack.enter_context(mode)
            return function(*args, **kwargs)

    return cast("Function", wrapper)


def _modes_to_undo():
    """Contexts that undo what the caller has set; usually none, and quickly so."""
    modes = [
        torch.autocast(kind, enabled=False)
        for kind in DEVICE_TYPES
        if torch.is_autocast_enabled(kind)
    ]
    if torch.is_inference_mode_enabled():
        modes.append(torch.inference_mode(False))
    if not torch.is_grad_enabled():
        modes.append(torch.enable_grad())
    # A new tensor says where tensors are made, for a third of what asking costs.
    if torch.empty(0).device.type != "cpu":
        modes.append(torch.device("cpu"))
    return modes


def draw_int(generator):
    """An int of 64 bits, as a seed for another generator."""
    draw = torch.empty((), dtype=torch.int64, device=generator.device)
    return int(draw.random_(generator=generator))


@contextlib.contextmanager
def drawing_from(seed, device=None):
    """Have code that is not ours draw from a seed, through the global generators.

    They are the caller's, and put back afterwards.

    Parameters
    ----------
    seed : int
    device : torch.device or None
        Where a module computes. None is for all else that code may do when it makes
        one: NumPy's and Python's generators and torch's default dtype count too.
    """
    generators = [torch.default_generator, *_generators_of(device)]
    before = [generator.get_state() for generator in generators]
    with contextlib.ExitStack() as stack:
        if device is None:
            stack.enter_context(_in_fresh_python(seed))
        for generator in generators:
            generator.manual_seed(seed)
        try:
            yield
        finally:
            for generator, state in zip(generators, before, strict=True):
                generator.set_state(state)


def _generators_of(device):
    """The global generators of an accelerator."""
    if device is None or device.type == "cpu":
        return []
    if device.type == "mps":
        return [torch.mps._get_default_mps_generator()]
    return [torch.cuda.default_generators[device.index or 0]]


@contextlib.contextmanager
def _in_fresh_python(seed):
    before = (
        random.getstate(),
        np.random.get_state(),  # noqa: NPY002
        torch.get_default_dtype(),
    )
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_default_dtype(before[2])


def survive_fork():
    """Use one thread in a process that was forked from one that had torch.

    torch's threads are OpenMP's, which are not there after a fork: the first loop that
    is shared out waits for them for ever. A single thread needs none of them. Their
    number is set for the calling thread alone, so every thread that computes needs it.
    """
    if os.getpid() != _thread.process:
        torch.set_num_threads(1)
        _thread.process = os.getpid()
