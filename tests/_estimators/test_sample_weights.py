"""What a weight means: a zero is a row left out, an integer a row repeated."""

import numpy as np
import pytest
from sklearn.base import clone
from small_networks import N, conv, mlp

from skmnist import LinearClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

WEIGHTED = {
    # Of scikit-learn's solvers the one that float32 does not stop early.
    "linear": LinearClassifier(solver="newton-cholesky", pixel_scaling="standard"),
    "linear balanced": LinearClassifier(
        solver="newton-cholesky", class_weight="balanced"
    ),
    "mlp": mlp(pixel_scaling="standard", max_epochs=5),
    "mlp balanced": mlp(class_weight="balanced", optimizer="sgd", lr=0.01),
    "conv": conv(pixel_scaling="standard", max_epochs=5),
    "conv unit": conv(pixel_scaling="unit", optimizer="sgd", lr=0.01),
}


@pytest.fixture(scope="module")
def small(few):
    """The same digits at 7x7 pixels."""
    X, X_test, y, y_test = few
    return X[:, ::4, ::4], X_test[:, ::4, ::4], y, y_test


@pytest.mark.parametrize("name", WEIGHTED)
def test_zero_weight_is_a_row_left_out(name, small):
    X, X_test, y, _ = small
    weight = np.arange(N) % 3 * 0.5
    weight[y == 9] = 0
    kept = weight > 0
    weighted = clone(WEIGHTED[name]).fit(X, y, sample_weight=weight)
    without = clone(WEIGHTED[name]).fit(X[kept], y[kept], sample_weight=weight[kept])
    assert list(weighted.classes_) == list(range(9))
    np.testing.assert_array_equal(
        weighted.predict_proba(X_test), without.predict_proba(X_test)
    )


@pytest.mark.parametrize("name", WEIGHTED)
def test_integer_weight_is_a_row_repeated(name, small):
    X, X_test, y, _ = small
    times = np.random.RandomState(0).randint(0, 4, N)
    rows = np.repeat(np.arange(N), times)
    model = clone(WEIGHTED[name])
    if "linear" not in name:
        model.set_params(batch_size=len(rows))
    weighted = clone(model).fit(X, y, sample_weight=times)
    repeated = clone(model).fit(X[rows], y[rows])
    np.testing.assert_allclose(
        weighted.predict_proba(X_test), repeated.predict_proba(X_test), atol=1e-5
    )
