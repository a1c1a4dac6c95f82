"""Label errors that cleanlab finds with the networks' probabilities."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

from skmnist import ConvNetClassifier

pytest.importorskip("cleanlab", reason="needs the extra 'test-downstream'")
from cleanlab.classification import CleanLearning
from cleanlab.filter import find_label_issues

pytestmark = pytest.mark.downstream


@pytest.fixture(scope="module")
def planted(digits):
    """Images, labels of which fifty are wrong, and which ones."""
    X, _, y, _ = digits
    random = np.random.RandomState(0)
    wrong = np.sort(random.choice(len(y), 50, replace=False))
    y = y.copy()
    y[wrong] = (y[wrong] + random.randint(1, 10, 50)) % 10
    return X, y, wrong


@pytest.fixture
def clf():
    return ConvNetClassifier((8,), (), max_epochs=10, random_state=0)


def assert_finds(found, wrong):
    assert np.isin(wrong, found).mean() >= 0.8
    assert np.isin(found, wrong).mean() >= 0.7


def test_planted_label_errors_are_found_in_held_out_probabilities(planted, clf):
    X, y, wrong = planted
    proba = cross_val_predict(clf, X, y, cv=5, method="predict_proba")
    assert_finds(np.flatnonzero(find_label_issues(y, proba)), wrong)


def test_clean_learning_trains_on_images_and_finds_planted_errors(planted, clf):
    X, y, wrong = planted
    issues = CleanLearning(clf, seed=0).find_label_issues(X, y)
    assert_finds(np.flatnonzero(issues["is_label_issue"]), wrong)
