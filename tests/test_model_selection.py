"""Batched searches give what scikit-learn's give."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist import MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV

GRID = {"lr": [1e-4, 1e-2], "weight_decay": [0, 0.1]}


def mlp(**params):
    params = {"hidden_layer_sizes": (16,), "max_epochs": 3, "batch_size": 32} | params
    return MLPClassifier(**{"random_state": 0} | params)


def assert_same_search(batched, plain):
    """Compare all results but the times."""
    assert list(batched.cv_results_) == list(plain.cv_results_)
    for name, expected in plain.cv_results_.items():
        found = batched.cv_results_[name]
        if name == "params":
            assert found == expected
        elif "time" not in name:
            np.testing.assert_array_equal(found, expected, err_msg=name)
    learned = {name for name in vars(plain) if name[-1] == "_"}
    assert learned == {name for name in vars(batched) if name[-1] == "_"}
    for name in ("best_index_", "best_params_", "n_splits_", "multimetric_"):
        assert getattr(batched, name, None) == getattr(plain, name, None)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"return_train_score": True, "cv": 2},
        {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"},
        {"refit": False},
        {"cv": StratifiedKFold(2, shuffle=True, random_state=1)},
    ],
    ids=str,
)
def test_scores_are_those_of_grid_search(params, few):
    X, X_test, y, _ = few
    plain = GridSearchCV(mlp(), GRID, **{"cv": 3} | params).fit(X, y)
    batched = BatchedGridSearchCV(mlp(), GRID, **{"cv": 3} | params).fit(X, y)
    if params.get("refit") == "neg_log_loss":
        for name in plain.cv_results_:
            if "neg_log_loss" in name and "rank" not in name:
                found = batched.cv_results_[name]
                np.testing.assert_allclose(found, plain.cv_results_[name], rtol=1e-5)
        return
    assert_same_search(batched, plain)
    if batched.refit:
        assert type(batched.best_estimator_) is MLPClassifier
        np.testing.assert_array_equal(
            batched.predict_proba(X_test), plain.predict_proba(X_test)
        )


def test_randomized_search(few):
    X, _, y, _ = few
    settings = {"n_iter": 4, "cv": 2, "random_state": 1}
    drawn = {"lr": loguniform(1e-4, 1e-1), "momentum": [0, 0.9]}
    plain = RandomizedSearchCV(mlp(optimizer="sgd"), drawn, **settings).fit(X, y)
    batched = BatchedRandomizedSearchCV(mlp(optimizer="sgd"), drawn, **settings)
    assert_same_search(batched.fit(X, y), plain)


def test_candidates_of_several_kinds(few):
    X, _, y, _ = few
    grid = [
        GRID,
        {"hidden_layer_sizes": [(8,), ()], "lr": [1e-3, 1e-2]},
        {"hidden_layer_sizes": [(900,)]},
        {"early_stopping": [True]},
    ]
    plain = GridSearchCV(mlp(), grid, cv=2).fit(X, y)
    batched = BatchedGridSearchCV(mlp(), grid, cv=2, n_jobs=2).fit(X, y)
    assert_same_search(batched, plain)


def test_sample_weights_and_groups(few):
    X, _, y, _ = few
    weights = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    fit = {"sample_weight": weights, "groups": np.arange(len(y)) % 7}
    plain = GridSearchCV(mlp(), GRID, cv=GroupKFold(2)).fit(X, y, **fit)
    batched = BatchedGridSearchCV(mlp(), GRID, cv=GroupKFold(2)).fit(X, y, **fit)
    assert_same_search(batched, plain)


def test_a_candidate_that_diverges_is_scored_as_failed(few):
    X, _, y, _ = few
    grid = {"lr": [1e-2, 1e30]}
    batched = BatchedGridSearchCV(mlp(optimizer="sgd"), grid, cv=2)
    with pytest.warns(FitFailedWarning, match="no longer finite after epoch 1"):
        batched.fit(X, y)
    assert np.isnan(batched.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert batched.best_params_ == {"lr": 1e-2}
    with pytest.raises(ValueError, match="no longer finite"):
        batched.set_params(error_score="raise").fit(X, y)


@pytest.mark.parametrize(
    "estimator",
    [GaussianNB(), make_pipeline(FunctionTransformer(), GaussianNB())],
    ids=["other", "pipeline"],
)
def test_other_estimators_are_searched_as_by_scikit_learn(estimator, few):
    X, _, y, _ = few
    X = X.reshape(len(X), -1)
    name = (
        "var_smoothing"
        if isinstance(estimator, GaussianNB)
        else "gaussiannb__var_smoothing"
    )
    grid = {name: [1e-3, 1e-1]}
    plain = GridSearchCV(estimator, grid, cv=2).fit(X, y)
    assert_same_search(BatchedGridSearchCV(estimator, grid, cv=2).fit(X, y), plain)


def test_time_is_shared_between_candidates(few):
    X, _, y, _ = few
    batched = BatchedGridSearchCV(mlp(), GRID, cv=2).fit(X, y)
    times = batched.cv_results_["mean_fit_time"]
    assert np.ptp(times) == 0
    assert times[0] > 0


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"rate": [1]}, "MLPClassifier has no parameter 'rate' to search"),
        ({"lr": []}, "'lr'"),
        ([], "empty"),
    ],
)
def test_bad_grids_are_refused_at_once(grid, message, few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match=message):
        BatchedGridSearchCV(mlp(), grid).fit(X, y)
