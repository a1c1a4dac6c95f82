from skmnist import MLPClassifier
from skmnist._progress import EpochProgress


def test_bar_shows_epoch_loss_and_accuracy(digits, capsys):
    X_train, X_test, y_train, y_test = digits
    progress = EpochProgress("digits", 3)
    clf = MLPClassifier(max_epochs=3, random_state=0, callbacks=[progress])
    clf.fit(X_train[:200], y_train[:200], X_val=X_test, y_val=y_test)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "digits" in errors
    assert "3/3" in errors
    assert f"loss={clf.loss_curve_[-1]:.4f}" in errors
    assert f"accuracy={clf.validation_scores_[-1]:.2%}" in errors
