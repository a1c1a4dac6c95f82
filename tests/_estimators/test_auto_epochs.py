"""max_epochs="auto": as many passes as on MNIST, and more on few images."""

import pytest
from sklearn.base import clone

from skmnist import ConvNetClassifier, MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("clf", "n_images", "n_epochs"),
    [
        (MLPClassifier((4,)), 64, 50),  # one batch of 64
        (MLPClassifier((4,)), 65, 25),
        (MLPClassifier((4,)), 1000, 10),
        (ConvNetClassifier((2,), ()), 190, 25),  # two batches of 128
        (ConvNetClassifier((2,), (), batch_size=10), 190, 4),
        (ConvNetClassifier((2,), (), max_epochs=3), 190, 3),
    ],
)
def test_few_images_get_fifty_steps(clf, n_images, n_epochs, digits):
    X, _, y, _ = digits
    clf = clone(clf).fit(X[:n_images], y[:n_images])
    assert clf.n_epochs_ == n_epochs


def test_rows_without_weight_do_not_count(digits):
    X, _, y, _ = digits
    weights = [1] * 64 + [0] * 200
    assert MLPClassifier((4,)).fit(X[:264], y[:264], weights).n_epochs_ == 50


def test_batched_searches_take_as_many(digits):
    X, _, y, _ = digits
    search = BatchedGridSearchCV(MLPClassifier((4,)), {"lr": [1e-3, 1e-2]}, cv=2)
    assert search.fit(X[:128], y[:128]).best_estimator_.n_epochs_ == 25


def test_small_sets_are_learned(digits):
    X, X_test, y, y_test = digits
    few, usual = (
        ConvNetClassifier(max_epochs=n, random_state=0).fit(X[:190], y[:190])
        for n in ("auto", 20)
    )
    assert few.score(X_test, y_test) > usual.score(X_test, y_test) - 0.02
