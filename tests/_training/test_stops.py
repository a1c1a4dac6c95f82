"""Callbacks that stop a training within an epoch, or load one to go on with."""

import numpy as np
import pytest
import torch
from acting_callbacks import Act, Rates, Recorder, Start, fail
from plain_training import (
    STEPS,
    assert_close,
    assert_same,
    mlp,
    plain_mlp,
    skorch_twin,
    weights_of,
)
from skorch.callbacks import Callback, Checkpoint, LoadInitState

pytestmark = pytest.mark.usefixtures("one_thread")


class StopAt(Callback):
    """Asks for a stop at one call of one hook, as skorch's callbacks do or as ours."""

    def __init__(self, hook, call, raises=True):
        self.left = call
        self.raises = raises
        setattr(self, hook, self._act)

    def _act(self, net, **kwargs):
        self.left -= 1
        if self.left == 0:
            net.stop_requested_ = True
            if self.raises:
                raise KeyboardInterrupt

    # Named in the class, where the net looks for batch hooks.
    def on_batch_end(self, net, **kwargs):
        pass


def fit_skorch_too(clf, make_callback, X, y):
    """Stock skorch, trained with the callback from the first weights of ours."""
    start, mine, theirs = Start(), Recorder(), Recorder()
    # Batches that divide the images: skorch's last one would be small.
    size = len(X) // STEPS
    clf.set_params(optimizer="sgd", weight_decay=0, shuffle=False, batch_size=size)
    clf.set_params(callbacks=[start, mine, make_callback()]).fit(X, y)
    net = skorch_twin(
        plain_mlp(),
        max_epochs=clf.max_epochs,
        train_split=None,
        callbacks=[("recorder", theirs), ("stop", make_callback())],
    )
    net.set_params(batch_size=size).initialize()
    with torch.no_grad():
        for own, first in zip(net.module_.parameters(), start.weights, strict=True):
            own.copy_(first)
    net.partial_fit(X[:, None].astype(np.float32), y)
    assert mine.calls == theirs.calls
    assert_close(
        weights_of(clf), [w.detach().numpy() for w in net.module_.parameters()]
    )
    return net


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize(
    ("hook", "call"),
    [
        ("on_epoch_begin", 1),
        ("on_epoch_begin", 2),
        ("on_batch_begin", 1),
        ("on_batch_begin", STEPS + 2),
        ("on_grad_computed", STEPS + 3),
        ("on_batch_end", 1),
        ("on_batch_end", STEPS + 2),
        ("on_batch_end", 2 * STEPS),
    ],
)
def test_stop_within_an_epoch_is_obeyed_as_in_skorch(hook, call, raises, bits):
    X, _, y, _ = bits
    clf = mlp(max_epochs=4)
    if raises:
        net = fit_skorch_too(clf, lambda: StopAt(hook, call), X, y)
        assert len(clf.history_) == len(net.history)
        for mine, theirs in zip(clf.history_, net.history, strict=True):
            assert len(mine["batches"]) == len(theirs["batches"])
            assert ("train_loss" in mine) == ("train_loss" in theirs)
    else:
        clf.set_params(callbacks=[StopAt(hook, call, raises=False)]).fit(X, y)
    # The epoch that was broken off has a row, as in skorch, and no loss.
    whole = (call - 1) // (1 if hook == "on_epoch_begin" else STEPS)
    assert len(clf.history_) == whole + 1
    assert clf.n_epochs_ == len(clf.loss_curve_) == whole
    assert np.isfinite(clf.predict_proba(X)).all()


class RateFinder(Callback):
    """Raises the rate by half after every batch, and stops above 1."""

    def __init__(self):
        self.rates, self.losses = [], []

    def on_batch_end(self, net, training, loss, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])
        self.losses.append(loss.item())
        if self.rates[-1] > 1:
            raise KeyboardInterrupt
        for group in net.optimizer_.param_groups:
            group["lr"] *= 1.5


def test_learning_rate_finder_ends_where_it_does_in_skorch(bits):
    X, _, y, _ = bits
    mine, theirs = made = [RateFinder(), RateFinder()]
    left = list(made)
    fit_skorch_too(mlp(max_epochs=50), lambda: left.pop(0), X, y)
    assert mine.rates == theirs.rates
    assert 1 < mine.rates[-1] <= 1.5
    np.testing.assert_allclose(mine.losses, theirs.losses, rtol=1e-4)


def test_weights_that_a_finder_has_driven_to_infinity_are_an_error(bits):
    X, _, y, _ = bits

    class Overflow(Callback):
        def on_batch_end(self, net, **kwargs):
            net.module_.layers[1].weight.data.fill_(float("inf"))
            raise KeyboardInterrupt

    with pytest.raises(ValueError, match="diverged: after epoch 1 the weights are not"):
        mlp(callbacks=[Overflow()]).fit(X, y)


@pytest.mark.parametrize("lr_schedule", [None, "exponential", "onecycle", "cosine"])
def test_training_continues_from_a_state_that_a_callback_loads(
    lr_schedule, tmp_path, bits
):
    X, _, y, _ = bits
    params = {"shuffle": False, "lr_schedule": lr_schedule, "lr_decay": 0.5}
    clf, saving = mlp(max_epochs=2, **params), Checkpoint(None, dirname=tmp_path)
    rates = [Rates(), Rates()]
    for seen in rates:  # skorch's own example: the first finds nothing to load
        clf.set_params(callbacks=[saving, LoadInitState(saving), seen]).fit(X, y)
    assert clf.n_epochs_ == 4
    if lr_schedule in ("onecycle", "cosine"):
        # These are made for the epochs ahead.
        np.testing.assert_allclose(rates[1].rates, rates[0].rates)
        return
    seen = Rates()
    whole = mlp(max_epochs=4, callbacks=[seen], **params).fit(X, y)
    assert_same(clf, whole)
    assert clf.loss_curve_ == whole.loss_curve_
    assert clf.history_[:, "lr"] == whole.history_[:, "lr"]
    assert rates[0].rates + rates[1].rates == seen.rates


def test_loaded_training_that_breaks_off_is_resumed_from_its_checkpoint(tmp_path, bits):
    X, _, y, _ = bits
    saved = Checkpoint(None, dirname=tmp_path / "saved")
    mlp(max_epochs=2, callbacks=[saved]).fit(X, y)
    whole = mlp(max_epochs=3, callbacks=[LoadInitState(saved)]).fit(X, y)
    run = mlp(max_epochs=3, checkpoint=tmp_path / "run")
    run.set_params(callbacks=[LoadInitState(saved), Act("on_epoch_begin", fail)])
    with pytest.raises(ValueError, match="own error"):
        run.fit(X, y)
    run.set_params(callbacks=[LoadInitState(saved)]).fit(X, y)
    assert run.n_epochs_ == whole.n_epochs_ == 5
    assert_same(run, whole)
