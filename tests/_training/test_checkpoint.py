"""Trainings that break off and go on, and files that are not theirs."""

import datetime
import functools
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback, EpochScoring
from torch.nn import functional as F

from skmnist import ConvLayer, ConvNetClassifier, MLPClassifier
from skmnist._training.checkpoint import (
    SIGNATURE,
    _digest,
    read_checkpoint,
)

N = 200

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # What torch says of some of the files that are not its own.
    pytest.mark.filterwarnings("ignore:Detected pickle protocol"),
]


def mlp(**params):
    params = {"random_state": 0, "max_epochs": 4, "lr": 0.01} | params
    return MLPClassifier(**{"hidden_layer_sizes": (16,), "batch_size": 64} | params)


class Break(Callback):
    """Raises, or does something else, at one hook of one epoch."""

    def __init__(self, epoch, hook="on_epoch_begin", action=None):
        self.epoch = epoch
        self.action = action
        setattr(self, hook, self._act)

    def _act(self, net, **kwargs):
        if len(net.history) == self.epoch:
            if self.action is None:
                raise RuntimeError("broken off")
            self.action()

    # Named in the class, where the net looks for batch hooks.
    def on_batch_end(self, net, **kwargs):
        pass


class CountEpochs(Callback):
    def __init__(self):
        self.n = 0

    def on_epoch_begin(self, net, **kwargs):
        self.n += 1


class Score(Callback):
    """Records what scikit-learn's scorers give: a NumPy number."""

    def on_epoch_end(self, net, **kwargs):
        net.history.record("score", np.float64(len(net.history)))


def accuracy(net, X, y):
    """A NumPy number, as most scores are."""
    return np.mean(np.asarray(y) == net.predict(X))


def assert_same_training(a, b):
    weights = a.module_.state_dict(), b.module_.state_dict()
    assert weights[0].keys() == weights[1].keys()
    for name in weights[0]:
        assert torch.equal(weights[0][name], weights[1][name]), name
    assert a.loss_curve_ == b.loss_curve_
    assert a.validation_scores_ == b.validation_scores_
    assert a.best_epoch_ == b.best_epoch_
    assert a.n_epochs_ == b.n_epochs_


NOISE = functools.partial(F.dropout, p=0.1)

RUNS = {
    "onecycle": mlp(lr_schedule="onecycle"),
    "cosine": mlp(lr_schedule="cosine", optimizer="sgd"),
    "exponential": mlp(lr_schedule="exponential", optimizer="rmsprop"),
    "plateau": mlp(lr_schedule="plateau", tol=100, optimizer="adam"),
    "dropout": mlp(dropout=0.3, lr_schedule=None),
    "callable": mlp(augment=NOISE),
    "shift": ConvNetClassifier(
        (4,), (), augment="shift", max_epochs=4, batch_size=64, random_state=0
    ),
    "affine": ConvNetClassifier(
        (ConvLayer(4, batch_norm=True),),
        (),
        augment="affine",
        max_epochs=4,
        random_state=0,
    ),
    # Stops after an epoch that is not its best.
    "early stopping": mlp(
        early_stopping=True,
        n_iter_no_change=4,
        max_epochs=30,
        lr_schedule=None,
    ),
    "scoring": mlp(
        callbacks=[EpochScoring(accuracy, on_train=True, use_caching=False)]
    ),
    "LBFGS": mlp(
        optimizer=torch.optim.LBFGS,
        optimizer_params={"max_iter": 3},
        precision="float64",
    ),
    "bfloat16": mlp(precision="bfloat16"),
}


def uninterrupted(name, few):
    X, _, y, _ = few
    return clone(RUNS[name]).fit(X, y)


# -- breaking off and going on --


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("name", RUNS)
def test_training_goes_on_where_it_broke_off(name, hook, few, tmp_path):
    X, _, y, _ = few
    path = tmp_path / "run"
    run = clone(RUNS[name]).set_params(checkpoint=path)
    for epoch in (1, 2, 4):
        broken = clone(run)
        broken.set_params(callbacks=[*(run.callbacks or []), Break(epoch, hook)])
        with pytest.raises(RuntimeError, match="broken off"):
            broken.fit(X, y)
        with pytest.raises(NotFittedError):
            broken.predict(X)
    assert os.listdir(tmp_path) == ["run"]
    assert_same_training(run.fit(X, y), uninterrupted(name, few))


def test_only_the_epochs_that_are_missing_are_trained(few, tmp_path):
    X, _, y, _ = few
    run = mlp(checkpoint=str(tmp_path / "run"), callbacks=[Break(3)])
    with pytest.raises(RuntimeError):
        run.fit(X, y)
    counted = CountEpochs()
    done = run.set_params(callbacks=[counted]).fit(X, y)
    assert counted.n == 2
    assert done.n_epochs_ == 4


@pytest.mark.parametrize("name", ["onecycle", "early stopping", "affine"])
def test_training_that_is_done_is_not_done_again(name, few, tmp_path):
    X, _, y, _ = few
    run = clone(RUNS[name]).set_params(checkpoint=tmp_path / "run")
    first = clone(run).fit(X, y)
    counted = CountEpochs()
    assert_same_training(run.set_params(callbacks=[counted]).fit(X, y), first)
    assert counted.n == 0


@pytest.mark.parametrize("epoch", [1, 2, 3, 4, 5])
def test_early_stopping_goes_on_from_any_epoch(epoch, few, tmp_path):
    X, _, y, _ = few
    whole = uninterrupted("early stopping", few)
    assert whole.n_epochs_ > max(epoch, whole.best_epoch_)
    run = clone(RUNS["early stopping"]).set_params(checkpoint=tmp_path / "run")
    with pytest.raises(RuntimeError):
        clone(run).set_params(callbacks=[Break(epoch, "on_epoch_end")]).fit(X, y)
    assert_same_training(run.fit(X, y), whole)


@pytest.mark.parametrize("name", ["onecycle", "dropout", "shift", "early stopping"])
def test_run_without_a_seed_goes_on_with_the_one_it_drew(name, few, tmp_path):
    X, _, y, _ = few
    done, half = tmp_path / "done", tmp_path / "half"
    run = clone(RUNS[name]).set_params(random_state=None)
    copy = Break(3, action=lambda: shutil.copy(done, half))
    whole = clone(run).set_params(checkpoint=done, callbacks=[copy]).fit(X, y)
    assert_same_training(run.set_params(checkpoint=half).fit(X, y), whole)


def test_random_state_instance_goes_on_with_the_seed_it_gave(few, tmp_path):
    X, _, y, _ = few
    broken = mlp(checkpoint=tmp_path / "run", callbacks=[Break(3)])
    with pytest.raises(RuntimeError):
        broken.set_params(random_state=np.random.RandomState(5)).fit(X, y)
    run = mlp(checkpoint=tmp_path / "run", random_state=np.random.RandomState(5))
    whole = mlp(random_state=np.random.RandomState(5)).fit(X, y)
    assert_same_training(run.fit(X, y), whole)


def test_validation_data_and_weights_belong_to_the_run(few, tmp_path):
    X, X_val, y, y_val = few
    data = X, y, np.linspace(0, 2, N)
    valid = {"X_val": X_val, "y_val": y_val}
    run = mlp(class_weight="balanced", checkpoint=tmp_path / "run")
    with pytest.raises(RuntimeError):
        clone(run).set_params(callbacks=[Break(3)]).fit(*data, **valid)
    whole = clone(run).set_params(checkpoint=None).fit(*data, **valid)
    assert_same_training(run.fit(*data, **valid), whole)


def test_numpy_s_numbers_come_back_as_python_s(few, tmp_path):
    X, _, y, _ = few
    betas = {"betas": (np.float64(0.9), np.float64(0.99))}
    things = (np.float64(1.5), 2, [np.True_])
    run = mlp(checkpoint=tmp_path / "run", optimizer_params=betas)
    with pytest.raises(RuntimeError):
        clone(run).set_params(callbacks=[Record(things), Break(3)]).fit(X, y)
    run.fit(X, y)
    assert run.history_[1, "thing"] == (1.5, 2, [True])
    assert_same_training(run, clone(run).set_params(checkpoint=None).fit(X, y))


def test_numbers_of_a_callback_s_own_come_back(few, tmp_path):
    X, _, y, _ = few
    run = mlp(checkpoint=tmp_path / "run", callbacks=[Score()])
    with pytest.raises(RuntimeError):
        clone(run).set_params(callbacks=[Score(), Break(3)]).fit(X, y)
    assert run.fit(X, y).history_[:, "score"] == [1, 2, 3, 4]


def test_warm_start_goes_on_after_its_checkpoint(few, tmp_path):
    X, _, y, _ = few
    warm = mlp(warm_start=True)
    kept = mlp(warm_start=True, checkpoint=tmp_path / "run")
    for _ in range(2):
        warm.fit(X, y)
        kept.fit(X, y)
    assert kept.n_epochs_ == warm.n_epochs_ == 8


def test_warm_start_that_breaks_off_goes_on_where_it_stood(few, tmp_path):
    X, _, y, _ = few
    whole = mlp(warm_start=True).fit(X, y).fit(X, y)
    run = mlp(warm_start=True, checkpoint=tmp_path / "run").fit(X, y)
    with pytest.raises(RuntimeError):
        run.set_params(callbacks=[Break(7)]).fit(X, y)
    assert run.n_epochs_ == 4
    counted = CountEpochs()
    assert_same_training(run.set_params(callbacks=[counted]).fit(X, y), whole)
    assert counted.n == 2


KILLED = """
import os, signal, sys, joblib, torch
from skorch.callbacks import Callback

class Kill(Callback):
    def __init__(self, action):
        self.action = action
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            self.action()

def fail():
    raise RuntimeError("broken off")

torch.set_num_threads(int(sys.argv[2]))
run, with_callable, X, y = joblib.load(sys.argv[1])
try:
    with_callable.set_params(callbacks=[Kill(fail)]).fit(X, y)
except RuntimeError:
    pass
run.set_params(callbacks=[Kill(lambda: os.kill(os.getpid(), signal.SIGKILL))])
run.fit(X, y)
"""


@pytest.fixture(scope="module")
def killed(few, tmp_path_factory):
    """The checkpoints of two runs of another process, which is killed."""
    X, _, y, _ = few
    folder = tmp_path_factory.mktemp("killed")
    runs = [
        clone(RUNS[name]).set_params(checkpoint=folder / name)
        for name in ("shift", "callable")
    ]
    joblib.dump((*runs, X, y), folder / "task")
    n_threads = str(torch.get_num_threads())
    process = subprocess.run(
        [sys.executable, "-c", KILLED, folder / "task", n_threads], check=False
    )
    assert process.returncode == -signal.SIGKILL
    assert sorted(os.listdir(folder)) == [".shift.lock", "callable", "shift", "task"]
    return folder


@pytest.mark.parametrize("name", ["shift", "callable"])
def test_training_of_a_killed_process_goes_on(name, killed, few):
    X, _, y, _ = few
    counted = CountEpochs()
    run = clone(RUNS[name]).set_params(checkpoint=killed / name, callbacks=[counted])
    assert_same_training(run.fit(X, y), uninterrupted(name, few))
    assert counted.n == 2


# -- another run's checkpoint --


@pytest.fixture
def saved(few, tmp_path):
    """A checkpoint after two of four epochs."""
    X, _, y, _ = few
    path = tmp_path / "run"
    with pytest.raises(RuntimeError):
        mlp(checkpoint=path, callbacks=[Break(3)]).fit(X, y)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.5}, r"lr: 0\.01 in the checkpoint, 0\.5 now"),
        ({"hidden_layer_sizes": (17,)}, r"hidden_layer_sizes: \(16,\) .* \(17,\) now"),
        ({"max_epochs": 5}, "max_epochs: 4 in the checkpoint, 5 now"),
        ({"random_state": 1}, "random_state: 0 in the checkpoint, 1 now"),
        ({"early_stopping": True}, "early_stopping: False .* True now"),
        ({"optimizer": torch.optim.NAdam}, "optimizer: 'adamw' .*NAdam"),
        ({"optimizer_params": {"eps": 1e-3}}, "optimizer_params: None"),
        ({"precision": "float64"}, "precision: 'float32' .* 'float64' now"),
        ({"augment": NOISE}, "augment: None in the checkpoint"),
    ],
)
def test_other_parameters_are_refused_by_name(change, message, saved, few):
    X, _, y, _ = few
    before = saved.read_bytes()
    run = mlp(checkpoint=saved, callbacks=[Break(1)]).set_params(**change)
    with pytest.raises(ValueError, match=rf"another run.*{message}") as error:
        run.fit(X, y)
    assert str(saved) in str(error.value)
    with pytest.raises(NotFittedError):
        run.predict(X)
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y: (np.where(X[3, 14, 14] == X, X, X // 2 * 2), y),
        lambda X, y: (X[::-1], y[::-1]),
        lambda X, y: (X[:-1], y[:-1]),
        lambda X, y: (X.astype(float), y),
        lambda X, y: (X, np.roll(y, 1)),
        lambda X, y: (X, y, np.ones(N)),
        lambda X, y: (X, y, np.arange(N)),
    ],
    ids=["pixels", "order", "fewer", "dtype", "labels", "weights", "zero weight"],
)
def test_other_data_are_refused(change, saved, few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match=r"another run.*\btraining data\b"):
        mlp(checkpoint=saved, callbacks=[Break(1)]).fit(*change(X, y))


def test_validation_data_of_no_other_run_are_refused(saved, few):
    X, X_val, y, y_val = few
    with pytest.raises(ValueError, match="another run"):
        mlp(checkpoint=saved).fit(X, y, X_val=X_val, y_val=y_val)


def test_checkpoint_of_another_class_is_refused(saved, few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match=r"another run.*conv_layers"):
        ConvNetClassifier(checkpoint=saved).fit(X, y)


@pytest.mark.parametrize(
    "change",
    [
        {"verbose": 1},
        {"device": "cpu"},
        {"callbacks": [CountEpochs()]},
        {"warm_start": True},
        {"lr": np.float64(0.01), "hidden_layer_sizes": [np.int64(16)]},
    ],
)
def test_what_changes_no_weights_may_change(change, saved, few):
    X, _, y, _ = few
    run = mlp(checkpoint=saved).set_params(**change).fit(X, y)
    assert_same_training(run, mlp().fit(X, y))


# -- files that are damaged, foreign or hostile --


class RunsCode:
    """An object whose pickle makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def flip(content, at):
    return content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :]


def flip_a_weight(content, folder):
    state = read_checkpoint(folder / "run")
    weight = state["training"]["module"]["layers.1.weight"].numpy().tobytes()
    return flip(content, content.index(weight) + 3)


def torch_file(value):
    def make(content, folder):
        torch.save(value, folder / "other")
        return (folder / "other").read_bytes()

    return make


DAMAGES = {
    "empty": lambda content, folder: b"",
    "text": lambda content, folder: b"a file of mine\n",
    "table": lambda content, folder: b"a,b,c\n1,2,3\n",
    "image": lambda content, folder: b"\x89PNG\r\n\x1a\n" + bytes(200),
    "pickle": lambda content, folder: pickle.dumps({"run": {}, "seed": 0}),
    "zeros": lambda content, folder: bytes(len(content)),
    "one byte": lambda content, folder: content[:1],
    "half": lambda content, folder: content[: len(content) // 2],
    "three quarters": lambda content, folder: content[: 3 * len(content) // 4],
    "all but the end": lambda content, folder: content[:-1],
    "all but the beginning": lambda content, folder: content[100:],
    "a weight": flip_a_weight,
    "dict of torch": torch_file({"weights": torch.zeros(3)}),
    "dict like ours": torch_file({"run": {}, "seed": 0, "training": {}}),
    "list of torch": torch_file([1, 2]),
    "tensor of torch": torch_file(torch.zeros(3)),
    "number of torch": torch_file(0),
}


def assert_refused(path, X, y):
    content = path.read_bytes()
    run = mlp(checkpoint=path, callbacks=[Break(1)])
    with pytest.raises(ValueError, match="checkpoint") as error:
        run.fit(X, y)
    assert str(path) in str(error.value)
    with pytest.raises(NotFittedError):
        run.predict(X)
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_or_foreign_file_is_refused_and_kept(damage, saved, few):
    X, _, y, _ = few
    saved.write_bytes(DAMAGES[damage](saved.read_bytes(), saved.parent))
    assert_refused(saved, X, y)


def test_flipped_bit_is_harmless_or_refused(saved, few):
    X, _, y, _ = few
    whole, content = mlp().fit(X, y), saved.read_bytes()
    for at in np.random.RandomState(0).randint(len(content), size=25):
        saved.write_bytes(flip(content, at))
        run = mlp(checkpoint=saved)
        try:
            run.fit(X, y)
        except ValueError as error:
            assert "checkpoint" in str(error)  # noqa: PT017
        else:
            assert_same_training(run, whole)


@pytest.mark.parametrize("form", ["pickle", "torch", "joblib", "inside ours"])
def test_loading_runs_no_code(form, saved, few):
    X, _, y, _ = few
    trap = saved.parent / "the trap has sprung"
    hostile = RunsCode(str(trap))
    if form == "pickle":
        saved.write_bytes(pickle.dumps(hostile, protocol=2))
    elif form == "joblib":
        joblib.dump(hostile, saved)
    elif form == "torch":
        torch.save(hostile, saved)
    else:
        state = read_checkpoint(saved) | {"seed": hostile}
        content = torch_file(state)(None, saved.parent)
        saved.write_bytes(SIGNATURE + _digest(content) + content)
    assert_refused(saved, X, y)
    assert not trap.exists()


# -- writing --


def test_file_is_whole_at_every_moment(few, tmp_path):
    X, _, y, _ = few
    path, done, errors = tmp_path / "run", threading.Event(), []

    def read():
        while not done.is_set():
            try:
                read_checkpoint(path)
            except ValueError as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        mlp(max_epochs=20, checkpoint=path).fit(X, y)
    finally:
        done.set()
        reader.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["run"]


class Record(Callback):
    """Leaves a thing in the history of the second epoch."""

    def __init__(self, thing):
        self.thing = thing

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            net.history.record("thing", self.thing)


@pytest.mark.parametrize("thing", [print, np.ones(3), datetime.date(2026, 1, 1)])
def test_write_that_fails_leaves_the_file_before_it(thing, few, tmp_path):
    X, _, y, _ = few
    path, first = tmp_path / "run", tmp_path / "first"
    copy = Break(2, action=lambda: shutil.copy(path, first))
    run = mlp(checkpoint=path, callbacks=[copy, Record(thing)])
    name = r"state\['training'\]\['history'\]\[1\]\['thing'\]"
    kind = type(thing).__name__
    with pytest.raises(TypeError, match=f"Got a {kind} as {name} instead"):
        run.fit(X, y)
    assert sorted(os.listdir(tmp_path)) == ["first", "run"]
    assert path.read_bytes() == first.read_bytes()
    assert_same_training(mlp(checkpoint=path).fit(X, y), mlp().fit(X, y))


def test_folder_that_is_not_there_is_an_error_before_training(few, tmp_path):
    X, _, y, _ = few
    run = mlp(checkpoint=tmp_path / "no folder" / "run")
    counted = CountEpochs()
    with pytest.raises(OSError, match="no folder"):
        run.set_params(callbacks=[counted]).fit(X, y)
    assert counted.n == 0


def test_others_may_read_the_file_as_they_may_read_other_files(few, tmp_path):
    X, _, y, _ = few
    before = os.umask(0o022)
    try:
        mlp(checkpoint=tmp_path / "run", max_epochs=1).fit(X, y)
    finally:
        os.umask(before)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o644
