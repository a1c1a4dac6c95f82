"""What callbacks ask for that a training does not have is said before it begins."""

import pytest
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
)
from torch.optim.lr_scheduler import ReduceLROnPlateau

from skmnist import MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


def mlp(*callbacks, **params):
    params = {"max_epochs": 2, "lr_schedule": None, "random_state": 0} | params
    return MLPClassifier((8,), callbacks=list(callbacks), **params)


class Began(Callback):
    """As if of skorch, of whose callbacks it is known what they record."""

    __module__ = "skorch.callbacks"

    def on_train_begin(self, net, **kwargs):
        raise AssertionError("the training has begun")


class Own(Callback):
    def on_epoch_end(self, net, **kwargs):
        pass


class RecordsOwn(Callback):
    def on_epoch_end(self, net, **kwargs):
        net.history.record("valid_loss", 1.0)


@pytest.mark.parametrize(
    "lr_schedule", ["onecycle", "cosine", "exponential", "plateau"]
)
@pytest.mark.parametrize(
    "scheduler",
    [LRScheduler, LRScheduler("StepLR", step_size=1), ("mine", LRScheduler())],
)
def test_scheduler_beside_a_schedule_is_refused(lr_schedule, scheduler, few):
    X, _, y, _ = few
    clf = mlp(scheduler, Began(), lr_schedule=lr_schedule)
    message = f"'lr_schedule' parameter of MLPClassifier must be None .*{lr_schedule}"
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
    assert mlp(LRScheduler(), max_epochs=1).fit(X, y).n_epochs_ == 1


def test_schedules_that_a_stream_does_not_have_are_no_hindrance(few):
    X, _, y, _ = few
    scheduler = LRScheduler("StepLR", step_size=1)
    clf = mlp(scheduler, lr_schedule="onecycle")
    assert clf.partial_fit(X, y, classes=range(10)).n_epochs_ == 1
    clf = mlp(scheduler, lr_schedule="exponential")
    with pytest.raises(ValueError, match="must be None"):
        clf.partial_fit(X, y, classes=range(10))


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(),
        EarlyStopping,
        EarlyStopping("valid_acc", lower_is_better=False),
        Checkpoint(),
        Checkpoint("valid_acc_best"),
        LRScheduler(ReduceLROnPlateau, monitor="valid_loss"),
        LRScheduler("ReduceLROnPlateau", monitor="valid_acc"),
    ],
)
def test_monitor_of_a_validation_without_one_is_refused(callback, few):
    X, X_val, y, y_val = few
    clf = mlp(callback, Began())
    with pytest.raises(ValueError, match=r"monitors 'valid_.*X_val"):
        clf.fit(X, y)
    with pytest.raises(ValueError, match=r"monitors 'valid_.*X_val"):
        clf.partial_fit(X, y, classes=range(10))
    with pytest.raises(AssertionError, match="has begun"):
        clf.fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.raises(AssertionError, match="has begun"):
        clf.set_params(early_stopping=True).fit(X, y)


def test_monitor_of_a_score_goes_by_the_images_that_are_scored(few):
    X, _, y, _ = few
    stopping = EarlyStopping("score", lower_is_better=False)
    scored = EpochScoring("accuracy", name="score", lower_is_better=False)
    with pytest.raises(ValueError, match="monitors 'score'"):
        mlp(scored, stopping).fit(X, y)
    trained = EpochScoring("accuracy", name="score", on_train=True, use_caching=False)
    assert mlp(trained, stopping).fit(X, y).n_epochs_ == 2


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping("train_loss"),
        Checkpoint(None, f_params=None, f_optimizer=None, f_criterion=None),
        LRScheduler("StepLR", step_size=1, monitor="valid_loss"),
        LRScheduler(ReduceLROnPlateau, monitor=lambda net: 1.0),
    ],
)
def test_what_needs_no_validation_runs_without_one(callback, few, tmp_path):
    X, _, y, _ = few
    if isinstance(callback, Checkpoint):
        callback.dirname = str(tmp_path)
    assert mlp(callback).fit(X, y).n_epochs_ == 2


def test_figure_may_be_recorded_by_a_callback_of_the_user_s(few):
    X, _, y, _ = few
    assert mlp(RecordsOwn(), EarlyStopping()).fit(X, y).n_epochs_ == 2


@pytest.mark.parametrize("figure", ["valid_loss", "valid_los"])
def test_figure_that_nobody_recorded_is_named_all_the_same(figure, few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match=f"EarlyStopping monitors '{figure}'"):
        mlp(Own(), EarlyStopping(figure)).fit(X, y)
