"""Fairness constraints of fairlearn on the networks."""

import numpy as np
import pytest
from sklearn.base import clone

from skmnist import ConvNetClassifier

pytest.importorskip("fairlearn", reason="needs the extra 'test-downstream'")
from fairlearn.metrics import demographic_parity_difference
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import DemographicParity, ExponentiatedGradient

pytestmark = [
    pytest.mark.downstream,
    # fairlearn 0.15's own, of pandas 3.
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::FutureWarning"),
]


@pytest.fixture(scope="module")
def groups(digits):
    """Images, whether each is even, and a group that holds most even digits."""
    X, _, y, _ = digits
    even = (y % 2 == 0).astype(int)
    random = np.random.RandomState(0)
    heavy = random.rand(len(y)) < np.where(even, 0.75, 0.25)
    return np.where(heavy[:, None, None], np.maximum(X, 60), X), even, heavy


@pytest.fixture(scope="module")
def unfair(groups):
    X, even, _ = groups
    return ConvNetClassifier((4,), (), max_epochs=5, random_state=0).fit(X, even)


def assert_halves_the_gap(unfair, labels, groups):
    X, even, heavy = groups
    gaps = [
        demographic_parity_difference(even, predicted, sensitive_features=heavy)
        for predicted in (unfair.predict(X), labels)
    ]
    assert gaps[1] < gaps[0] / 2


def test_exponentiated_gradient_narrows_the_gap_between_the_groups(unfair, groups):
    X, even, heavy = groups
    fair = ExponentiatedGradient(clone(unfair), DemographicParity(), max_iter=5)
    fair.fit(X, even, sensitive_features=heavy)
    assert_halves_the_gap(unfair, fair.predict(X, random_state=0), groups)


def test_thresholds_for_the_groups_are_found_in_the_probabilities(unfair, groups):
    X, even, heavy = groups
    fair = ThresholdOptimizer(
        estimator=unfair, prefit=True, predict_method="predict_proba"
    )
    fair.fit(X, even, sensitive_features=heavy)
    labels = fair.predict(X, sensitive_features=heavy, random_state=0)
    assert_halves_the_gap(unfair, labels, groups)
