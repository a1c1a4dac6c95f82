"""skorch's nested names are refused with the names that the estimators have."""

import re

import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

MEANT = {
    "optimizer__betas": 'Pass optimizer_params={"betas": ...} instead.',
    "optimizer__momentum": "Pass momentum=... instead.",
    "iterator_train__batch_size": "Pass batch_size=... instead.",
    "module__width": "It has activation, augment",
}


@pytest.mark.parametrize("name", MEANT)
@pytest.mark.parametrize("cls", [MLPClassifier, ConvNetClassifier])
def test_a_nested_name_is_refused_with_what_is_meant(cls, name):
    message = f"{cls.__name__} has no parameter {name!r}: .* {re.escape(MEANT[name])}"
    with pytest.raises(ValueError, match=message):
        cls().set_params(**{name: 1})
    with pytest.raises(ValueError, match=message):
        make_pipeline(cls()).set_params(**{f"{cls.__name__.lower()}__{name}": 1})


def test_a_search_over_a_nested_name_says_so(few):
    X, _, y, _ = few
    search = GridSearchCV(MLPClassifier(max_epochs=1), {"optimizer__betas": [(0, 0)]})
    with pytest.raises(ValueError, match="Pass optimizer_params="):
        search.fit(X, y)


def test_the_linear_model_refuses_nested_names_too():
    with pytest.raises(ValueError, match=r"no parameter 'solver__m': .* It has C, "):
        LinearClassifier().set_params(solver__m=3)


def test_other_names_are_scikit_learns_own():
    with pytest.raises(ValueError, match="Invalid parameter 'speed'"):
        MLPClassifier().set_params(speed=3)
    assert MLPClassifier().set_params(lr=0.5, dropout=0.1).lr == 0.5


class Around(MLPClassifier):
    """A subclass with an estimator among its parameters."""

    def __init__(self, inner=None, lr=0.001):
        super().__init__(lr=lr)
        self.inner = inner


def test_estimators_among_the_parameters_of_a_subclass_are_reached():
    class Inner(BaseEstimator):
        def __init__(self, depth=1):
            self.depth = depth

    assert Around(Inner()).set_params(inner__depth=3).inner.depth == 3
