"""Fixtures and settings of all tests."""

import os
import signal
from pathlib import Path

# scikit-learn skips its array API checks without this, and scipy reads it once.
os.environ["SCIPY_ARRAY_API"] = "1"
# Of several workers each has a thread: theirs would wait for each other on the cores.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib
import pytest
import torch
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from skmnist._command_line.reproduce import find_all, reproduce
from skmnist.datasets import fetch_mnist, load_digits28

matplotlib.use("Agg")

# A shell has what it runs in the background ignore Ctrl-C, which tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Of tests/test_fuzz.py: the same cases every time, or many that are new.
for name, changes in {
    "usual": {"max_examples": 100, "derandomize": True},
    "thorough": {"max_examples": 1000},
}.items():
    settings.register_profile(
        name, deadline=None, suppress_health_check=list(HealthCheck), **changes
    )
settings.load_profile("usual")

MNIST_HOME = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"


@pytest.fixture(scope="session")
def mnist_home():
    """The folder of the real MNIST files beside the checkout."""
    if not MNIST_HOME.is_dir():
        pytest.skip(f"needs the MNIST files in {MNIST_HOME}, which is not there")
    return MNIST_HOME


@pytest.fixture(scope="session")
def mnist(mnist_home):
    """X_train, X_test, y_train, y_test of MNIST; nobody may write to them."""
    arrays = fetch_mnist(data_home=mnist_home, split=True)
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture(scope="module")
def one_thread():
    """One thread for all: two of them wait for each other on cores that are busy."""
    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits():
    """X_train, X_test, y_train, y_test of the embedded digits, read-only."""
    arrays = load_digits28(split=True)
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture(scope="session")
def few(digits):
    """200 of the embedded digits to train on, 100 to test."""
    X_train, X_test, y_train, y_test = digits
    return X_train[:200], X_test[:100], y_train[:200], y_test[:100]


@pytest.fixture(scope="session")
def small(digits):
    """300 of the embedded digits to train on, all of theirs to test."""
    X_train, X_test, y_train, y_test = digits
    return X_train[:300], X_test, y_train[:300], y_test


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory):
    """A folder of all networks and studies, run on the embedded digits."""
    folder = tmp_path_factory.mktemp("reproduced")
    assert reproduce(find_all(["all"]), epochs=1, out=folder) == 0
    return folder
