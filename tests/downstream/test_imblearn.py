"""Resampling by imbalanced-learn before the networks."""

import numpy as np
import pytest
from sklearn.base import clone

from skmnist import ConvNetClassifier

pytest.importorskip("imblearn", reason="needs the extra 'test-downstream'")
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline

pytestmark = pytest.mark.downstream


@pytest.fixture
def rare(digits):
    """Flat rows of all digits, the eights and nines but ten."""
    X, X_test, y, y_test = digits
    keep = np.sort(
        np.concatenate(
            [np.flatnonzero(y == k)[: 10 if k > 7 else 90] for k in range(10)]
        )
    )
    return (
        X[keep].reshape(len(keep), -1),
        X_test.reshape(len(X_test), -1),
        y[keep],
        y_test,
    )


def test_oversampled_rows_are_images_to_the_network_in_a_pipeline(rare):
    X, X_test, y, y_test = rare
    clf = ConvNetClassifier((8,), (), max_epochs=10, random_state=0)
    pipeline = make_pipeline(RandomOverSampler(random_state=0), clf).fit(X, y)
    assert pipeline[-1].image_shape_ == (1, 28, 28)
    plain = clone(clf).fit(X, y)
    few = y_test > 7
    assert pipeline.score(X_test[few], y_test[few]) > plain.score(
        X_test[few], y_test[few]
    )
