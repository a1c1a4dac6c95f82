"""Prediction sets of MAPIE from the networks' probabilities."""

import numpy as np
import pytest

from skmnist import ConvNetClassifier

pytest.importorskip("mapie", reason="needs the extra 'test-downstream'")
from mapie.classification import SplitConformalClassifier

pytestmark = pytest.mark.downstream


@pytest.mark.parametrize("score", ["lac", "aps"])
def test_prediction_sets_reach_their_coverage(score, digits):
    X, X_test, y, y_test = digits
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    # Few images, so that the network errs and the sets have work to do.
    clf = ConvNetClassifier((8,), (), max_epochs=10, random_state=0)
    clf.fit(X[:300], y[:300])
    mapie = SplitConformalClassifier(
        clf, confidence_level=0.9, conformity_score=score, prefit=True, random_state=0
    )
    mapie.conformalize(X[300:], y[300:])
    labels, sets = mapie.predict_set(X_test)
    np.testing.assert_array_equal(labels, clf.predict(X_test))
    assert sets.shape == (len(X_test), 10, 1)
    covered = sets[np.arange(len(y_test)), y_test, 0].mean()
    # Three standard errors of a share of 0.9 among these images are 0.046.
    assert covered > 0.9 - 0.046
    assert sets.sum(axis=1).mean() < 5
