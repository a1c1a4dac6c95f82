"""random_state: the same model everywhere, and nobody else's generators touched."""

import functools
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from small_networks import assert_same, conv, mlp
from torch.nn import functional as F

from skmnist import ConvLayer

pytestmark = pytest.mark.usefixtures("one_thread")
# What a batch is given to draws from torch's global generator; a partial, so that
# it can be pickled into another process.
NOISE = functools.partial(F.dropout, p=0.1)
RANDOM_MODELS = {
    "plain": mlp(),
    "stopped": mlp(dropout=0.2, early_stopping=True, max_epochs=4),
    "shift": conv(dropout=0.2, augment="shift", early_stopping=True),
    "affine": conv(augment="affine", lr_schedule=None),
    "callable": mlp(augment=NOISE, dropout=0.2, optimizer="sgd"),
    "batch norm": conv(conv_layers=(ConvLayer(4, batch_norm=True),)),
}
CASES = [*((name, 1) for name in RANDOM_MODELS), ("stopped", 2), ("affine", 2)]
FIT_ELSEWHERE = """
import sys, joblib, numpy, torch
models, cases, X, y = joblib.load(sys.argv[1])
proba = {}
for name, n_threads in cases:
    torch.set_num_threads(n_threads)
    torch.manual_seed(7), torch.rand(5), numpy.random.rand(5)
    proba[name, n_threads] = models[name].fit(X, y).predict_proba(X)
joblib.dump(proba, sys.argv[2])
"""


@pytest.fixture(scope="module")
def elsewhere(few, tmp_path_factory):
    """What RANDOM_MODELS predict where another process fitted them."""
    X, _, y, _ = few
    folder = tmp_path_factory.mktemp("elsewhere")
    joblib.dump((RANDOM_MODELS, CASES, X, y), folder / "task")
    subprocess.run(
        [sys.executable, "-c", FIT_ELSEWHERE, folder / "task", folder / "done"],
        check=True,
    )
    return joblib.load(folder / "done")


@pytest.fixture
def threads():
    """Sets the number of threads, for one test."""
    yield torch.set_num_threads
    torch.set_num_threads(1)


@pytest.mark.parametrize(("name", "n_threads"), CASES)
def test_int_seed_gives_the_same_model_bit_for_bit(
    name, n_threads, few, elsewhere, threads
):
    X, _, y, _ = few
    threads(n_threads)
    first = clone(RANDOM_MODELS[name]).fit(X, y)
    torch.manual_seed(1), torch.rand(3), np.random.seed(1), random.seed(1)  # noqa: NPY002
    second = clone(RANDOM_MODELS[name]).fit(X, y)
    assert_same(first, second, X)
    assert first.loss_curve_ == second.loss_curve_
    np.testing.assert_array_equal(first.predict_proba(X), elsewhere[name, n_threads])
    other = clone(first).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize("name", ["stopped", "affine", "callable"])
def test_default_dtype_of_the_caller_changes_nothing(name, few):
    X, _, y, _ = few
    usual = clone(RANDOM_MODELS[name]).fit(X, y)
    torch.set_default_dtype(torch.float64)
    try:
        assert_same(clone(RANDOM_MODELS[name]).fit(X, y), usual, X)
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def global_state():
    name, keys, *position = np.random.get_state()  # noqa: NPY002
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": (name, keys.tolist(), position),
        "python": random.getstate(),
        "dtype": torch.get_default_dtype(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "mkldnn": torch.backends.mkldnn.enabled,
        "denormal": torch.tensor(1e-40).mul(1).item() == 0,
        "gradients": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize("random_state", [0, None, "instance"])
@pytest.mark.parametrize("name", RANDOM_MODELS)
def test_global_state_is_left_as_found(name, random_state, few):
    X, _, y, _ = few
    if random_state == "instance":
        random_state = np.random.RandomState(0)
    clf = clone(RANDOM_MODELS[name]).set_params(random_state=random_state)
    # torch sets an environment variable when it makes its first optimiser.
    torch.optim.AdamW([torch.zeros(1)])
    before = global_state()
    clf.fit(X, y).partial_fit(X, y).predict(X)
    after = global_state()
    assert [key for key in before if before[key] != after[key]] == []


def test_random_state_instance_is_drawn_from(few):
    X, _, y, _ = few
    shared = np.random.RandomState(0)
    first, second = (mlp(random_state=shared).fit(X, y) for _ in range(2))
    again = mlp(random_state=np.random.RandomState(0)).fit(X, y)
    assert_same(first, again, X)
    assert not np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_no_random_state_is_a_new_model_every_time(few):
    X, _, y, _ = few
    first, second = (mlp(random_state=None).fit(X, y) for _ in range(2))
    assert not np.array_equal(first.predict_proba(X), second.predict_proba(X))


def test_fits_in_threads_equal_fits_alone(few):
    X, _, y, _ = few
    models = [RANDOM_MODELS[name] for name in ("stopped", "affine")]
    alone = [clone(model).fit(X, y) for model in models]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda model: clone(model).fit(X, y), models))
    for one, other in zip(alone, together, strict=True):
        assert_same(one, other, X)
