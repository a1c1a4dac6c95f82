"""The progress bar over the epochs of a fit."""

import pickle
from types import SimpleNamespace

import pytest
from skorch.callbacks import Callback

from skmnist import MLPClassifier
from skmnist._training.progress import EpochProgress
from skmnist.recipes import list_recipes, list_studies


def fit(few, **params):
    X, X_val, y, y_val = few
    clf = MLPClassifier((8,), max_epochs=3, random_state=0, **params)
    return clf.fit(X, y, X_val=X_val, y_val=y_val)


def test_bar_shows_epoch_loss_and_accuracies(few, capsys):
    own = {"callbacks": [EpochProgress("MLPClassifier")]}
    for params in (own, {"verbose": 1}, {"verbose": True}):
        clf = fit(few, **params)
        output, errors = capsys.readouterr()
        assert output == ""
        assert "MLPClassifier" in errors
        assert "3/3" in errors
        assert f"loss {clf.loss_curve_[-1]:.3f}" in errors
        assert f"train {clf.training_scores_[-1]:.1%}" in errors
        assert f"valid {clf.validation_scores_[-1]:.1%}" in errors
        pickle.dumps(clf)


class BreakOff(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise RuntimeError("broken off")


def test_bar_of_a_training_that_is_resumed_goes_on(few, tmp_path, capsys):
    path = tmp_path / "training"
    with pytest.raises(RuntimeError, match="broken off"):
        fit(few, checkpoint=path, verbose=1, callbacks=[BreakOff()])
    capsys.readouterr()
    fit(few, checkpoint=path, verbose=1)
    errors = capsys.readouterr().err
    assert "3/3" in errors
    assert "1/3" not in errors


@pytest.mark.parametrize("name", [*list_recipes(), *list_studies()])
def test_bar_fits_a_terminal_of_80_columns(name):
    progress = EpochProgress(f"{name.rpartition('/')[2]}, seed 0")
    row = {"train_loss": 2.3456, "train_acc": 0.98765, "valid_acc": 1.0}
    net = SimpleNamespace(max_epochs=10, _epochs_left=1, history=[row])
    progress.on_train_begin(net)
    progress.on_epoch_begin(net)
    progress.on_epoch_end(net)
    progress.bar_.ncols = 80
    text = str(progress.bar_)
    progress.on_train_end(net)
    assert text.endswith("10/10 00:00, loss 2.346, train 98.8%, valid 100.0%")
    assert len(text) <= 80
