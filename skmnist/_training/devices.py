"""Where a model runs and in which precision: "auto" and friends."""

import multiprocessing
import re

import torch


def available_devices():
    """The devices of this machine, the best one first."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]


def find_device(device, owner="estimator"):
    """The torch device that a `device` parameter means.

    Parameters
    ----------
    device : str or torch.device
        "auto" is the best there is: a CUDA device, else Apple's MPS, else the CPU.
        Where there are several CUDA devices, the worker processes of a search take
        them in turn, and the main process the current one.
    owner : str
        The name of the class whose parameter it is, for the error message.

    Raises
    ------
    ValueError
        For a word that names no device, a device that this machine lacks, or CUDA in
        a process that was forked after its parent had started CUDA.
    """
    there = available_devices()
    expected = f"'auto' or one of the devices here ({', '.join(map(repr, there))})"
    error = ValueError(
        f"The 'device' parameter of {owner} must be {expected}. Got {device!r} instead."
    )
    if isinstance(device, str) and device == "auto":
        device = there[0]
        if torch.cuda.is_available():
            name = multiprocessing.current_process().name
            device = turn(name, torch.cuda.device_count()) or "cuda"
    elif not isinstance(device, (str, torch.device)):
        raise error
    try:
        found = torch.device(device)
    except RuntimeError:
        raise error from None
    if found.type == "cuda" and found.index is None and torch.cuda.is_available():
        found = torch.device("cuda", torch.cuda.current_device())
    if str(found).removesuffix(":0") not in {name.removesuffix(":0") for name in there}:
        raise error
    if found.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise ValueError(
            f"The 'device' parameter of {owner} cannot be {str(found)!r} in a process "
            "that was forked from one that uses CUDA. Use joblib's backend 'loky', "
            "its default, which starts processes afresh."
        )
    return found


def turn(process_name, n_devices):
    """The CUDA device that is a worker process's by its number, or None.

    Parameters
    ----------
    process_name : str
        Those of workers end in their number: "LokyProcess-3".
    n_devices : int
    """
    number = re.search(r"-(\d+)$", process_name)
    return f"cuda:{(int(number[1]) - 1) % n_devices}" if number else None


def find_precision(precision, device, owner="estimator"):
    """The dtype of the weights, and of autocast or None without it.

    "bfloat16" keeps float32 weights and computes in bfloat16 by autocast;
    "auto" does so where the hardware computes in bfloat16 natively.
    """
    if precision == "float64":
        if device.type == "mps":
            raise ValueError(
                f"The 'precision' parameter of {owner} must not be 'float64' on the "
                "device 'mps', which has no float64. Use 'float32', or device='cpu'."
            )
        return torch.float64, None
    if precision == "auto":
        precision = "bfloat16" if has_native_bfloat16(device) else "float32"
    return torch.float32, torch.bfloat16 if precision == "bfloat16" else None


def has_native_bfloat16(device):
    """Whether the hardware multiplies bfloat16 matrices itself."""
    if device.type == "cuda":
        # Compute capability 8 (Ampere) is the first with bfloat16 tensor cores.
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type == "cpu":
        capabilities = _cpu_capabilities()
        # Of x86, the first two; of ARM, the others.
        names = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
        return any(capabilities.get(name) for name in names)
    return False


def _cpu_capabilities():
    if hasattr(torch.cpu, "get_capabilities"):
        return torch.cpu.get_capabilities()
    # torch 2.6 has no such function, and can only be asked for this (2.13 has both).
    return {"avx512_bf16": torch.cpu._is_avx512_bf16_supported()}
