"""Trainings with callbacks that learn: broken off and resumed, as if they were not."""

import collections
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    Initializer,
    LRScheduler,
    ParamMapper,
    ProgressBar,
    Unfreezer,
)
from skorch.utils import freeze_parameter, unfreeze_parameter
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel

from skmnist import ConvLayer, ConvNetClassifier, MLPClassifier
from skmnist._training.checkpoint import OLD_SIGNATURE, SIGNATURE, read_checkpoint
from skmnist.datasets import load_digits28

pytestmark = pytest.mark.usefixtures("one_thread")

EPOCHS = 6


def mlp(callbacks, **params):
    params = {"lr": 0.01, "max_epochs": EPOCHS, "random_state": 0} | params
    return MLPClassifier(
        (16,), batch_size=64, lr_schedule=None, callbacks=callbacks, **params
    )


class Break(Callback):
    """Breaks off at the begin of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("broken off")


class Average(Callback):
    """Ends with the mean of the weights after every epoch."""

    def on_train_begin(self, net, **kwargs):
        self.average_ = AveragedModel(net.module_)
        self.net_ = net

    def on_epoch_end(self, net, **kwargs):
        self.average_.update_parameters(net.module_)

    def on_train_end(self, net, **kwargs):
        net.module_.load_state_dict(self.average_.module.state_dict())


class Tally:
    def __init__(self):
        self.total = 0


class Everything(Callback):
    """Has a state of every kind, all of which decides what is learned."""

    def __init__(self, factor=1.0, seen=None):
        self.factor = factor
        self.seen = [] if seen is None else seen

    def on_train_begin(self, net, **kwargs):
        self.generators = (
            torch.Generator().manual_seed(0),
            np.random.default_rng(0),
            np.random.RandomState(0),
            random.Random(0),
        )
        self.temperature = torch.nn.Parameter(torch.ones(()))
        self.optimizer = torch.optim.Adam([self.temperature], 0.1)
        self.last = collections.deque(maxlen=2)
        self.names, self.counts = set(), collections.Counter()
        self.scores = np.zeros(2, dtype=np.float32)
        self.by_epoch = collections.defaultdict(list)
        self.tally = Tally()
        self.itself = self
        self.handle = net.module_.register_forward_hook(lambda *args: None)
        self.log = print

    def on_grad_computed(self, net, named_parameters, **kwargs):
        of_torch, new, old, plain = self.generators
        self.optimizer.zero_grad()
        (torch.rand((), generator=of_torch) + self.temperature).backward()
        self.optimizer.step()
        draws = [self.temperature.item(), new.random(), old.rand(), plain.random()]
        state = (
            len(self.last) + len(self.names) + self.counts.total() + self.tally.total
        )
        factor = np.prod(draws) * self.factor + 1e-3 * (state + self.scores.sum())
        for _, weights in named_parameters:
            weights.grad *= factor

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        self.factor *= 0.9
        self.seen.append(epoch)
        self.last.append(epoch)
        self.names.add(f"epoch {epoch}")
        self.counts["epochs"] += 1
        self.scores += 1
        self.by_epoch[epoch % 2].append(epoch)
        self.tally.total += epoch
        net.history.record("seen", list(self.seen))
        net.history.record("by_epoch", {k: list(v) for k, v in self.by_epoch.items()})

    def on_train_end(self, net, **kwargs):
        self.handle.remove()


class OwnState(Callback):
    """Says itself what its state is."""

    def __init__(self):
        self.lock = threading.Lock()
        self.n = 0

    def state_dict(self):
        return {"n": self.n}

    def load_state_dict(self, state):
        self.n = state["n"]

    def on_epoch_end(self, net, **kwargs):
        self.n += 1
        net.history.record("n", self.n)


class Given(Callback):
    """Learns in what it was given."""

    def __init__(self, tally, average, log):
        self.tally = tally
        self.average = average
        self.log = log

    def on_epoch_end(self, net, **kwargs):
        self.tally.total += 1
        self.average.update_parameters(net.module_.layers[1])
        self.log.append(self.tally.total)
        net.history.record("given", list(self.log))

    def on_train_end(self, net, **kwargs):
        net.module_.layers[1].load_state_dict(self.average.module.state_dict())


def every_other(net):
    return freeze_parameter if len(net.history) % 2 else unfreeze_parameter


def schedule(policy, **params):
    return lambda folder: mlp([LRScheduler(policy, **params)])


def run_of(*callbacks):
    return lambda folder: mlp([make() for make in callbacks])


RUNS = {
    "WarmRestartLR": schedule("WarmRestartLR", max_lr=0.01, base_period=2),
    "StepLR": schedule("StepLR", step_size=2, gamma=0.5),
    "MultiStepLR": schedule("MultiStepLR", milestones=[2, 4]),
    "ExponentialLR": schedule("ExponentialLR", gamma=0.7),
    "CosineAnnealingLR": schedule("CosineAnnealingLR", T_max=EPOCHS),
    "LambdaLR": schedule("LambdaLR", lr_lambda=lambda epoch: 0.8**epoch),
    "ReduceLROnPlateau": schedule("ReduceLROnPlateau", patience=1, threshold=9),
    "CyclicLR by steps": schedule(
        "CyclicLR",
        base_lr=0.001,
        max_lr=0.01,
        step_size_up=3,
        cycle_momentum=False,
        step_every="batch",
    ),
    "OneCycleLR by steps": schedule(
        lr_scheduler.OneCycleLR, max_lr=0.02, total_steps=24, step_every="batch"
    ),
    "ReduceLROnPlateau by steps": schedule(
        "ReduceLROnPlateau", patience=1, step_every="batch"
    ),
    "LinearLR": schedule(lr_scheduler.LinearLR, total_iters=4),
    "CosineAnnealingWarmRestarts": schedule(
        lr_scheduler.CosineAnnealingWarmRestarts, T_0=3
    ),
    "SequentialLR": schedule(
        lambda optimizer, last_epoch: lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.ConstantLR(optimizer, 0.1, 2),
                lr_scheduler.ExponentialLR(optimizer, 0.5),
            ],
            [3],
        )
    ),
    # Its best epoch is not its last, nor the last before it is broken off.
    "EarlyStopping": lambda folder: mlp(
        [EarlyStopping("valid_loss", patience=3, load_best=True)],
        lr=0.3,
        max_epochs=20,
    ),
    "Freezer": run_of(lambda: Freezer("layers.1.*")),
    "Freezer, Unfreezer": run_of(
        lambda: Freezer("layers.1.*", at=2), lambda: Unfreezer("layers.1.*", at=5)
    ),
    "ParamMapper": run_of(lambda: ParamMapper("layers.1.*", schedule=every_other)),
    "Initializer": run_of(
        lambda: Initializer("layers.*.weight", fn=lambda w: w.data.mul_(0.5), at=2)
    ),
    "Checkpoint": lambda folder: mlp(
        [Checkpoint("valid_loss_best", dirname=folder / "best", load_best=True)], lr=0.3
    ),
    "EpochScoring": run_of(
        lambda: EpochScoring("accuracy", lower_is_better=False, on_train=True),
        lambda: EpochScoring("neg_log_loss", lower_is_better=False),
    ),
    "BatchScoring": run_of(
        lambda: BatchScoring("accuracy", name="score", on_train=True),
        lambda: GradientNormClipping(0.1),
    ),
    "average": run_of(Average),
    "everything": run_of(Everything),
    "its own state": run_of(OwnState),
    "given": run_of(
        lambda: Given(Tally(), AveragedModel(torch.nn.Linear(784, 16)), [])
    ),
    "several": run_of(
        lambda: ("one", Everything()), lambda: ("two", Everything(0.5)), Average
    ),
    "batch normalisation": lambda folder: ConvNetClassifier(
        (ConvLayer(4, batch_norm=True),),
        (),
        max_epochs=EPOCHS,
        lr_schedule=None,
        callbacks=[Freezer("layers.0.*", at=2), Average()],
        random_state=0,
    ),
}


def fit(run):
    X, X_val, y, y_val = load_digits28(split=True)
    return run.fit(X[:200], y[:200], X_val=X_val[:50], y_val=y_val[:50])


def broken_off(name, folder, epoch):
    run = RUNS[name](folder)
    run.set_params(checkpoint=folder / "run", callbacks=[*run.callbacks, Break(epoch)])
    with pytest.raises(RuntimeError, match="broken off"):
        fit(run)
    return run


def resume(name, folder):
    return fit(RUNS[name](folder).set_params(checkpoint=folder / "run"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The run of a name that was never broken off, made once."""
    made = {}

    def make(name):
        if name not in made:
            made[name] = fit(RUNS[name](tmp_path_factory.mktemp("whole")))
        return made[name]

    return make


def without_times(history):
    return [{k: v for k, v in row.items() if k != "dur"} for row in history]


def assert_same_training(run, whole):
    weights = run.module_.state_dict(), whole.module_.state_dict()
    for name, expected in weights[1].items():
        assert torch.equal(weights[0][name], expected), name
    frozen = [
        [w.requires_grad for w in clf.module_.parameters()] for clf in (run, whole)
    ]
    assert frozen[0] == frozen[1]
    assert without_times(run.history_) == without_times(whole.history_)
    assert run.best_epoch_ == whole.best_epoch_


@pytest.mark.parametrize("name", RUNS)
def test_training_goes_on_where_it_broke_off(name, uninterrupted, tmp_path):
    whole = uninterrupted(name)
    for epoch in (1, 2, 4, 5):
        broken_off(name, tmp_path, epoch)
    assert_same_training(resume(name, tmp_path), whole)


BREAK_OFF = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
import test_callback_state as here

for i, name in enumerate(here.RUNS):
    folder = Path(sys.argv[2]) / str(i)
    folder.mkdir()
    here.broken_off(name, folder, 4)
"""


@pytest.fixture(scope="module")
def another_process_s(tmp_path_factory):
    """A folder of runs that another process broke off."""
    folder = tmp_path_factory.mktemp("broken_off")
    script = [sys.executable, "-c", BREAK_OFF, Path(__file__).parent, folder]
    subprocess.run(script, check=True)
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_training_of_another_process_goes_on(name, another_process_s, uninterrupted):
    folder = another_process_s / str(list(RUNS).index(name))
    assert_same_training(resume(name, folder), uninterrupted(name))


def test_same_callbacks_go_on_after_an_epoch_that_was_not_saved(
    uninterrupted, tmp_path
):
    run = RUNS["everything"](tmp_path).set_params(checkpoint=tmp_path / "run")
    own, breaking = run.callbacks[0], Break(3)
    run.set_params(callbacks=[own, breaking])
    with pytest.raises(RuntimeError, match="broken off"):
        fit(run)
    own.factor, own.seen[:] = 0.0, [99]  # what a broken epoch may leave behind
    fit(run.set_params(callbacks=[own]))
    assert_same_training(run, uninterrupted("everything"))


def test_arguments_of_a_callback_are_those_of_the_resumed_run(tmp_path):
    broken_off("EarlyStopping", tmp_path, 3)
    run = RUNS["EarlyStopping"](tmp_path)
    stopping = EarlyStopping("valid_loss", patience=1000)
    run.set_params(checkpoint=tmp_path / "run", callbacks=[stopping], max_epochs=20)
    assert fit(run).n_epochs_ == 20
    assert stopping.patience == 1000


def test_file_is_read_without_code(tmp_path):
    broken_off("everything", tmp_path, 4)
    content = (tmp_path / "run").read_bytes()
    assert content.startswith(SIGNATURE)
    # read_checkpoint lets torch read tensors and containers alone (weights_only).
    assert read_checkpoint(tmp_path / "run")["callbacks"]


# -- what cannot be saved --


class Locked(Callback):
    def on_train_begin(self, net, **kwargs):
        self.lock = threading.Lock()


class InAList(Callback):
    def on_train_begin(self, net, **kwargs):
        self.parts = {"all": [1, iter([2])]}


class Dates(Callback):
    def on_train_begin(self, net, **kwargs):
        self.days = np.zeros(2, "datetime64[D]")


class Drawing(Callback):
    def on_train_begin(self, net, **kwargs):
        self.figure = Figure()


class Late(Callback):
    """Makes what it learns with when the training has begun."""

    def on_epoch_begin(self, net, **kwargs):
        self.average = AveragedModel(net.module_)


class CountEpochs(Callback):
    def __init__(self):
        self.n = 0

    def on_epoch_begin(self, net, **kwargs):
        self.n += 1


@pytest.mark.parametrize(
    ("callback", "found"),
    [
        (Locked, r"lock, a lock"),
        (InAList, r"parts.all\[1\], a list_iterator"),
        (Dates, "days, an array of dtype datetime64.*"),
        (Drawing, r"figure\..*"),
    ],
)
def test_state_that_cannot_be_saved_is_refused_before_training(
    callback, found, few, tmp_path
):
    X, _, y, _ = few
    counted = CountEpochs()
    run = mlp([callback(), counted], checkpoint=tmp_path / "run")
    message = rf"callback {callback.__name__} .*\({found}\).* state_dict\(\)"
    with pytest.raises(ValueError, match=message):
        run.fit(X, y)
    assert counted.n == 0
    assert os.listdir(tmp_path) == []
    run.set_params(checkpoint=None).fit(X, y)


def test_state_that_is_made_too_late_is_refused(few, tmp_path):
    X, _, y, _ = few
    run = mlp([Late()], checkpoint=tmp_path / "run")
    with pytest.raises(ValueError, match=r"Late .*average, an object made after"):
        run.fit(X, y)


class Tells(Callback):
    def __init__(self, lock):
        self.lock = lock


def test_what_a_callback_was_given_need_not_be_saved(few, tmp_path, capfd):
    X, _, y, _ = few
    run = mlp([Tells(threading.Lock()), ProgressBar()], checkpoint=tmp_path / "run")
    assert run.fit(X, y).n_epochs_ == EPOCHS


# -- files and models of before --


def test_checkpoint_of_an_earlier_version_is_refused(few, tmp_path):
    X, _, y, _ = few
    broken_off("Freezer", tmp_path, 3)
    path = tmp_path / "run"
    content = path.read_bytes()
    path.write_bytes(OLD_SIGNATURE + content[len(SIGNATURE) :])
    with pytest.raises(ValueError, match="written by an earlier version of skmnist"):
        mlp(None, checkpoint=path).fit(X, y)
    assert path.read_bytes().startswith(OLD_SIGNATURE)
