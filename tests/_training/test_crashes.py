"""Trainings that are killed, run out of disk, or get in each other's way."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from skmnist import MLPClassifier
from skmnist._training.checkpoint import read_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")


def mlp(**params):
    params = {"hidden_layer_sizes": (16,), "max_epochs": 4, "random_state": 0} | params
    return MLPClassifier(**params)


class At(Callback):
    """Does something at the end of an epoch."""

    def __init__(self, epoch, act):
        self.epoch = epoch
        self.act = act

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            self.act()


def fail():
    raise RuntimeError("broken off")


def assert_same_training(run, whole, X):
    for mine, other in zip(
        run.module_.parameters(), whole.module_.parameters(), strict=True
    ):
        assert torch.equal(mine, other)
    assert run.loss_curve_ == whole.loss_curve_
    assert run.validation_scores_ == whole.validation_scores_
    assert run.best_epoch_ == whole.best_epoch_
    np.testing.assert_array_equal(run.predict_proba(X), whole.predict_proba(X))


# -- kill -9 --

# Makes a child for every line that it reads, so that what a first fit imports is
# imported but once.
FITS_IN_CHILDREN = """
import os, sys, joblib, torch
torch.set_num_threads(1)
run, X, y, result = joblib.load(sys.argv[1])
path, epochs = run.checkpoint, run.max_epochs
run.set_params(checkpoint=path.with_name("first"), max_epochs=1).fit(X, y)
path.with_name("first").unlink()
run.set_params(checkpoint=path, max_epochs=epochs)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        joblib.dump(run.fit(X, y), result)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def server(digits, tmp_path):
    """A process that fits a large network, a fit at a time, and the network."""
    X, _, y, _ = digits
    run = mlp(
        hidden_layer_sizes=(500, 300),
        max_epochs=10,
        batch_size=64,
        early_stopping=True,
        augment="shift",
        dropout=0.1,
        checkpoint=tmp_path / "kept" / "run",
    )
    (tmp_path / "kept").mkdir()
    joblib.dump((run, X, y, tmp_path / "result"), tmp_path / "task")
    with subprocess.Popen(
        [sys.executable, "-c", FITS_IN_CHILDREN, tmp_path / "task"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process, run
        process.stdin.close()


def fit_in_child(process, seconds):
    """Whether a fit came to its end before it was killed."""
    print("fit", file=process.stdin, flush=True)
    child = int(process.stdout.readline())
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    status = int(process.stdout.readline())
    assert status in (0, signal.SIGKILL)
    return status == 0


def test_training_killed_at_any_moment_ends_as_if_it_had_not_been(
    server, digits, tmp_path
):
    process, run = server
    X, _, y, _ = digits
    whole = clone(run).set_params(checkpoint=None).fit(X, y)
    kept, moments = tmp_path / "kept", np.random.default_rng()
    n_kills = n_half_written = n_runs = 0
    while n_kills < 25:
        longest = 0.5
        while not fit_in_child(process, moments.uniform(0.02, longest)):
            n_kills += 1
            longest *= 1.1  # else a run on a busy machine might get nowhere
            n_half_written += len(list(kept.glob(".run." + "?" * 32)))
            read_checkpoint(kept / "run")  # whole, or not there
        assert os.listdir(kept) == ["run"]
        assert_same_training(joblib.load(tmp_path / "result"), whole, X)
        (kept / "run").unlink()
        n_runs += 1
    print(f"{n_runs} runs, {n_kills} kills, {n_half_written} of them amid a write")


# -- no room, no rights --


@pytest.fixture
def broken_off(few, tmp_path):
    """A run that broke off after two epochs, its checkpoint and what is in it."""
    X, _, y, _ = few
    path = tmp_path / "run"
    run = mlp(checkpoint=path, callbacks=[At(3, fail)])
    with pytest.raises(RuntimeError, match="broken off"):
        run.fit(X, y)
    return run.set_params(callbacks=None), path, path.read_bytes()


@contextlib.contextmanager
def files_no_longer_than(n_bytes):
    """What a full disk does, to this process alone."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_disk_that_is_full_leaves_the_checkpoint_before_it(broken_off, few):
    X, _, y, _ = few
    run, path, content = broken_off
    with (
        files_no_longer_than(len(content) // 2),
        pytest.raises(OSError, match=f"File too large: '{path}'"),
    ):
        run.fit(X, y)
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["run"]
    with pytest.raises(NotFittedError):
        run.predict(X)
    whole = mlp().fit(X, y)
    assert_same_training(run.fit(X, y), whole, X)


@contextlib.contextmanager
def without_rights():
    """Be nobody for a while, if root, to whom nothing is read-only."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_checkpoint_that_is_a_folder_is_named(few, tmp_path):
    X, _, y, _ = few
    with pytest.raises(IsADirectoryError, match=r"'checkpoint' .* this is a folder"):
        mlp(checkpoint=tmp_path).fit(X, y)
    assert os.listdir(tmp_path) == []


def test_folder_that_cannot_be_written_is_an_error_before_training(broken_off, few):
    X, _, y, _ = few
    run, _, content = broken_off
    folder = Path(tempfile.mkdtemp())  # pytest's own are closed to nobody
    (folder / "run").write_bytes(content)
    folder.chmod(0o555)
    run.set_params(checkpoint=folder / "run", callbacks=[At(3, fail)])
    try:
        with (
            without_rights(),
            pytest.raises(PermissionError, match="and can be written to") as error,
        ):
            run.fit(X, y)
        assert str(folder / "run") in str(error.value)
        assert os.listdir(folder) == ["run"]
        assert (folder / "run").read_bytes() == content
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


# -- two at once --

FIT = """
import sys, joblib
run, X, y = joblib.load(sys.argv[1])
run.fit(X, y)
"""


def fit_elsewhere(run, X, y, folder):
    """What a fit in another process came to."""
    joblib.dump((run, X, y), folder / "task")
    return subprocess.run(
        [sys.executable, "-c", FIT, folder / "task"],
        capture_output=True,
        text=True,
    )


def test_two_trainings_with_one_checkpoint_at_once_are_refused(few, tmp_path):
    X, _, y, _ = few
    path, refused = tmp_path / "run", []

    def fit_too():
        with pytest.raises(ValueError, match="is in use by another fit") as error:
            mlp(checkpoint=path).fit(X, y)
        refused.append(error.value)
        refused.append(fit_elsewhere(mlp(checkpoint=path), X, y, tmp_path).stderr)

    run = mlp(checkpoint=path, callbacks=[At(2, fit_too)]).fit(X, y)
    assert "is in use by another fit" in refused[1]
    assert_same_training(run, mlp().fit(X, y), X)
    assert_same_training(mlp(checkpoint=path).fit(X, y), run, X)
    assert sorted(os.listdir(tmp_path)) == ["run", "task"]


# -- more than there is --


def test_network_larger_than_memory_leaves_the_estimator_as_it_was(few):
    X, _, y, _ = few
    clf = mlp().fit(X, y)
    expected = clf.predict_proba(X)
    clf.set_params(hidden_layer_sizes=(10**6, 10**7))
    with pytest.raises(RuntimeError, match="allocate"):
        clf.fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
