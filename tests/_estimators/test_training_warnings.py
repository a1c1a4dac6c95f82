"""Trainings that end well in form, and went wrong."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from small_networks import mlp

pytestmark = pytest.mark.usefixtures("one_thread")


def absolute_error(logits, targets):
    one_hot = torch.nn.functional.one_hot(targets, logits.shape[1])
    return 10 + (logits - one_hot).abs().sum(1)


def test_a_network_that_learns_nothing_is_warned_of(few):
    X, _, y, _ = few
    with pytest.warns(
        ConvergenceWarning, match=r"epoch 4.*2\.303 is .*it is 30\)"
    ) as found:
        clf = mlp(lr=30, max_epochs=4, batch_size=16).fit(X, y)
    assert found[0].filename == __file__
    assert clf.score(X, y) < 0.3
    with pytest.warns(ConvergenceWarning, match="say nothing of the labels"):
        mlp(max_epochs=13, lr=0.5).fit(np.zeros_like(X), y)


def test_a_network_that_learns_is_not(few):
    X, _, y, _ = few
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mlp(max_epochs=13).fit(X, y)
        mlp(lr=30, max_epochs=12).fit(X, y)  # of 48 steps
        mlp(lr=30, max_epochs=1, batch_size=2).fit(X, y)  # with nothing to compare
        mlp(loss=absolute_error, max_epochs=13).fit(X, y)  # on another scale


@pytest.mark.parametrize("schedule", ["onecycle", "cosine"])
def test_a_stop_at_a_high_learning_rate_is_warned_of(schedule, few):
    X, _, y, _ = few
    clf = mlp(max_epochs=40, early_stopping=True, n_iter_no_change=2, tol=0.5)
    with pytest.warns(UserWarning, match=f"epoch 3 of 40.*'{schedule}'.*'plateau'"):
        clf.set_params(lr_schedule=schedule).fit(X, y)


def test_a_stop_at_a_low_one_is_not(few):
    X, _, y, _ = few
    clf = mlp(max_epochs=20, early_stopping=True, tol=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.set_params(n_iter_no_change=19).fit(X, y)  # of the last epoch
        assert clf.n_epochs_ == 20
        clf.set_params(lr_schedule="plateau", n_iter_no_change=2).fit(X, y)
        assert clf.n_epochs_ == 3
        clf.set_params(lr_schedule=None).fit(X, y)
