from types import SimpleNamespace

import pytest

from skmnist import MLPClassifier
from skmnist._command_line.progress import EpochProgress
from skmnist.recipes import list_recipes, list_studies


def test_bar_shows_epoch_loss_and_accuracy(digits, capsys):
    X_train, X_test, y_train, y_test = digits
    progress = EpochProgress("digits")
    clf = MLPClassifier(max_epochs=3, random_state=0, callbacks=[progress])
    clf.fit(X_train[:200], y_train[:200], X_val=X_test, y_val=y_test)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "digits" in errors
    assert "3/3" in errors
    assert f"loss {clf.loss_curve_[-1]:.3f}" in errors
    assert f"accuracy {clf.validation_scores_[-1]:.1%}" in errors


@pytest.mark.parametrize("name", [*list_recipes(), *list_studies()])
def test_bar_fits_a_terminal_of_80_columns(name):
    progress = EpochProgress(f"{name.rpartition('/')[2]}, seed 0")
    progress.on_train_begin(SimpleNamespace(max_epochs=10))
    row = {"train_loss": 2.3456, "valid_acc": 0.98765}
    progress.on_epoch_end(SimpleNamespace(history=[row]))
    progress.bar_.ncols = 80
    text = str(progress.bar_)
    progress.on_train_end(None)
    assert text.endswith("loss 2.346, accuracy 98.8%")
    assert len(text) <= 80
