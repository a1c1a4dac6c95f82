import numpy as np
import pytest

from skmnist import MLPClassifier


def expected_stop(scores, patience, tol):
    """The epoch at which to stop, and the best one, by hand."""
    best, best_epoch, misses = -np.inf, None, 0
    for epoch, score in enumerate(scores, start=1):
        misses = 0 if score > best + tol else misses + 1
        if score > best:
            best, best_epoch = score, epoch
        if misses == patience:
            return epoch, best_epoch
    return len(scores), best_epoch


@pytest.mark.parametrize("patience", [1, 2, 4])
@pytest.mark.parametrize("tol", [0, 0.01, 0.5])
def test_stops_where_the_scores_say(patience, tol, digits):
    X_train, X_test, y_train, y_test = digits
    clf = MLPClassifier(
        (16,), lr_schedule=None, lr=0.01, max_epochs=15, random_state=0, verbose=0
    )
    X, y = X_train[:200], y_train[:200]
    scores = clf.fit(X, y, X_val=X_test, y_val=y_test).validation_scores_
    stop, best = expected_stop(scores, patience, tol)
    clf.set_params(early_stopping=True, n_iter_no_change=patience, tol=tol)
    clf.fit(X, y, X_val=X_test, y_val=y_test)
    assert clf.validation_scores_ == scores[:stop]
    assert (clf.n_epochs_, clf.best_epoch_) == (stop, best)
    assert clf.score(X_test, y_test) == pytest.approx(scores[best - 1])


def test_the_kept_copy_of_the_weights_is_let_go(digits):
    X_train, _, y_train, _ = digits
    clf = MLPClassifier((16,), early_stopping=True, max_epochs=2)
    clf.fit(X_train[:200], y_train[:200])
    kept = [getattr(cb, "best_weights_", None) for _, cb in clf.net_.callbacks_]
    assert kept == [None] * len(kept)
