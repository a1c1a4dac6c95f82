"""What a `device` and a `precision` mean on this machine."""

import multiprocessing
import platform
import re
import time
from pathlib import Path

import pytest
import torch
from joblib import Parallel, delayed

from skmnist import ConvNetClassifier, MLPClassifier
from skmnist._training.devices import (
    available_devices,
    find_device,
    find_precision,
    has_native_bfloat16,
    turn,
)

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device"
)
without_accelerator = pytest.mark.skipif(
    available_devices() != ["cpu"], reason="is about machines with a CPU only"
)


def test_the_cpu_is_always_there_and_comes_last():
    assert available_devices()[-1] == "cpu"


@pytest.mark.parametrize("device", ["cpu", "cpu:0", CPU, torch.device("cpu", 0)])
def test_the_cpu_has_many_names(device, digits):
    assert find_device(device).type == "cpu"
    clf = MLPClassifier((), device=device, max_epochs=1)
    assert clf.fit(digits[0][:50], digits[2][:50]).device_.startswith("cpu")


@without_accelerator
def test_auto_is_the_cpu_where_there_is_nothing_better():
    assert find_device("auto") == CPU


@without_accelerator
@pytest.mark.parametrize(
    "device",
    [
        *("cuda", "cuda:1", "mps", "meta", "cpu:1", torch.device("cuda")),
        *("gpu", "", "Auto", "CPU", "cuda:-1", "cuda:x"),
        *(None, 0, 1.5, ["cpu"], torch.float32),
    ],
)
def test_a_device_that_is_not_there_is_refused_before_training(device, digits):
    message = (
        "The 'device' parameter of ConvNetClassifier must be 'auto' or one of the "
        f"devices here ('cpu'). Got {device!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        find_device(device, "ConvNetClassifier")
    clf = ConvNetClassifier((2,), (), device=device)
    with pytest.raises(ValueError, match=re.escape(message)):
        clf.fit(digits[0][:50], digits[2][:50])
    assert not hasattr(clf, "classes_")


@needs_cuda
def test_auto_and_cuda_are_the_current_cuda_device():
    current = torch.device("cuda", torch.cuda.current_device())
    assert find_device("auto") == find_device("cuda") == current
    assert find_device(torch.device("cuda")) == current


@pytest.mark.parametrize(
    ("process", "device"),
    [
        ("LokyProcess-1", "cuda:0"),
        ("LokyProcess-2", "cuda:1"),
        ("SpawnPoolWorker-12", "cuda:2"),
        ("LokyProcess-4", "cuda:0"),
        ("MainProcess", None),
        ("Dask Worker process (from Nanny)", None),
    ],
)
def test_worker_processes_take_three_devices_in_turn(process, device):
    assert turn(process, 3) == device


def test_worker_processes_have_numbers():
    names = Parallel(2)(delayed(process_name)(seconds) for seconds in [0.2] * 4)
    assert all(turn(name, 2) in {"cuda:0", "cuda:1"} for name in names)


def process_name(seconds):
    time.sleep(seconds)
    return multiprocessing.current_process().name


@needs_cuda
def test_cuda_in_a_fork_of_a_process_that_uses_it_is_refused():
    torch.zeros(1, device="cuda")
    with (
        multiprocessing.get_context("fork").Pool(1) as pool,
        pytest.raises(ValueError, match="forked from one that uses CUDA"),
    ):
        pool.apply(find_device, ["cuda"])


@needs_cuda
def test_a_cuda_device_beyond_the_last_is_refused():
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ValueError, match=f"'cuda:0'.*Got '{missing}' instead"):
        find_device(missing)


@pytest.mark.parametrize(
    ("precision", "weights", "autocast"),
    [
        ("float32", torch.float32, None),
        ("float64", torch.float64, None),
        ("bfloat16", torch.float32, torch.bfloat16),
    ],
)
def test_precision_is_the_type_of_weights_and_of_autocast(precision, weights, autocast):
    assert find_precision(precision, CPU) == (weights, autocast)


def test_float64_on_mps_is_refused_with_a_way_out():
    message = "'precision' parameter of MLPClassifier .*'mps'.* Use 'float32', or dev"
    with pytest.raises(ValueError, match=message):
        find_precision("float64", torch.device("mps"), "MLPClassifier")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 feature flags")
@pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc/cpuinfo")
def test_auto_precision_is_bfloat16_where_the_cpu_has_it():
    flags = set(Path("/proc/cpuinfo").read_text().split())
    native = bool(flags & {"avx512_bf16", "amx_bf16"})
    assert has_native_bfloat16(CPU) == native
    autocast = torch.bfloat16 if native else None
    assert find_precision("auto", CPU) == (torch.float32, autocast)


def test_unknown_hardware_has_no_native_bfloat16():
    assert not has_native_bfloat16(torch.device("mps"))


@needs_cuda
def test_auto_precision_on_cuda_is_bfloat16_from_ampere_on():
    device = torch.device("cuda")
    ampere = torch.cuda.get_device_properties(device).major >= 8
    assert has_native_bfloat16(device) == ampere


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16", "auto"])
def test_every_precision_learns_the_digits_and_says_probabilities(precision, digits):
    X, X_test, y, y_test = digits
    clf = MLPClassifier((32,), precision=precision, max_epochs=3, random_state=0)
    assert clf.fit(X, y).score(X_test, y_test) > 0.85
    proba = clf.predict_proba(X_test)
    assert proba.dtype == "float64"
    assert abs(proba.sum(axis=1) - 1).max() < 1e-6
