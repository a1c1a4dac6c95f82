"""Ctrl-C while a network is trained."""

import os
import pickle
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from acting_callbacks import HOOKS, Act, Recorder, Start
from plain_training import assert_same, mlp, weights_of
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

pytestmark = pytest.mark.usefixtures("one_thread")


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


WITHIN_TRAINING = [hook for hook in HOOKS if hook != "on_train_begin"]


@pytest.mark.parametrize("hook", WITHIN_TRAINING)
def test_ctrl_c_leaves_the_model_as_trained_so_far(hook, bits):
    X, _, y, _ = bits
    start, last = Start(), Recorder()
    interrupting = Act(hook, press_ctrl_c)
    clf = mlp(max_epochs=3, callbacks=[start, interrupting, last])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    n_epochs = {"on_epoch_begin": 1, "on_epoch_end": 2, "on_train_end": 3}
    assert clf.n_epochs_ == n_epochs.get(hook, 0)
    moved = any(
        not np.array_equal(a, b)
        for a, b in zip(start.weights, weights_of(clf), strict=True)
    )
    assert moved
    assert pickle.loads(pickle.dumps(clf.set_params(callbacks=None))).predict(X).any()
    # As in skorch, callbacks are told of the end.
    if hook != "on_train_end":
        assert last.calls[-1][0] == "on_train_end"


def test_ctrl_c_before_the_training_leaves_the_estimator_unfitted(bits):
    X, _, y, _ = bits
    clf = mlp(callbacks=[Act("on_train_begin", press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


class StopAtEpoch(Callback):
    def __init__(self, epoch, action):
        self.epoch = epoch
        self.action = action

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            self.action()


def test_ctrl_c_goes_back_to_the_best_weights_of_early_stopping(bits):
    X, X_val, y, y_val = bits
    stop = StopAtEpoch(4, press_ctrl_c)
    clf = mlp(max_epochs=20, early_stopping=True, lr=0.03, callbacks=[stop])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.n_epochs_ == 4
    best = max(clf.validation_scores_[:3])  # the last was not judged any more
    assert clf.validation_scores_[clf.best_epoch_ - 1] == best
    assert clf.score(X_val, y_val) == pytest.approx(best)


def test_training_goes_on_after_ctrl_c(tmp_path, bits):
    X, _, y, _ = bits
    whole = mlp(max_epochs=5).fit(X, y)
    clf = mlp(max_epochs=5, checkpoint=tmp_path / "training")
    clf.set_params(callbacks=[StopAtEpoch(2, press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert_same(clf.set_params(callbacks=None).fit(X, y), whole)
    clf = mlp(max_epochs=3, lr_schedule=None, warm_start=True)
    clf.set_params(callbacks=[StopAtEpoch(2, press_ctrl_c)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    clf.set_params(callbacks=None).fit(X, y)
    assert clf.n_epochs_ == 5


def test_ctrl_c_may_have_a_handler_of_the_program_s_own(bits):
    X, _, y, _ = bits

    def handler(signum, frame):  # as the one that asyncio installs
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    try:
        clf = mlp(max_epochs=2, callbacks=[Act("on_epoch_end", press_ctrl_c)])
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_a_stream_as_it_was(bits):
    X, _, y, _ = bits
    clf = mlp().partial_fit(X, y, classes=range(10))
    proba, losses = clf.predict_proba(X), clf.loss_curve_
    clf.net_.callbacks_.append(("act", Act("on_batch_end", press_ctrl_c)))
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)
    assert clf.loss_curve_ == losses


def test_ctrl_c_of_a_terminal_raises_in_fit():
    program = """
from skorch.callbacks import Callback
from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

class Announce(Callback):
    def on_epoch_begin(self, net, **kwargs):
        print("epoch", len(net.history), flush=True)

X, y = load_digits28(return_X_y=True)
clf = MLPClassifier((8,), max_epochs=10**6, callbacks=[Announce])
try:
    clf.fit(X, y)
except KeyboardInterrupt:
    print(f"interrupted after {clf.n_epochs_} epochs, {len(clf.predict(X))} labels")
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        for line in process.stdout:
            if line == "epoch 3\n":
                process.send_signal(signal.SIGINT)
                break
        rest, _ = process.communicate(timeout=60)
    assert re.search(r"interrupted after ([2-9]|\d\d+) epochs, 1797 labels\n$", rest)
    assert process.returncode == 0
