"""Batched searches give what scikit-learn's give."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skmnist import MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV

GRID = {"lr": [1e-4, 1e-2], "weight_decay": [0, 0.1]}


def mlp(**params):
    params = {"hidden_layer_sizes": (16,), "max_epochs": 3, "batch_size": 32} | params
    return MLPClassifier(**{"random_state": 0} | params)


def counting():
    """An augmentation that changes nothing, and the sizes of the batches it saw."""
    batches = []

    def count(images):
        batches.append(len(images))
        return images

    return count, batches


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


@pytest.mark.parametrize("validated", [False, True], ids=["together", "alone"])
def test_a_generator_draws_what_it_draws_for_randomized_search(validated, few):
    X, X_val, y, y_val = few
    fit = {"X_val": X_val, "y_val": y_val} if validated else {}
    settings = {"n_iter": 2, "cv": 2, "refit": False}

    def draw_twice(search):
        generator = np.random.RandomState(0)
        drawn = {"lr": loguniform(1e-4, 1e-1)}
        searches = [
            search(mlp(), drawn, random_state=generator, **settings).fit(X, y, **fit)
            for _ in range(2)
        ]
        return [found.cv_results_["params"] for found in searches]

    assert draw_twice(BatchedRandomizedSearchCV) == draw_twice(RandomizedSearchCV)


def test_a_generator_draws_the_same_for_other_estimators(few):
    X, _, y, _ = few
    settings = {"n_iter": 3, "cv": 2}
    drawn = {"C": loguniform(1e-4, 1e-1)}
    plain, batched = (
        cls(
            LogisticRegression(),
            drawn,
            random_state=np.random.RandomState(0),
            **settings,
        )
        for cls in (RandomizedSearchCV, BatchedRandomizedSearchCV)
    )
    X = X.reshape(len(X), -1) / 255
    assert_same_search(batched.fit(X, y), plain.fit(X, y))


@pytest.mark.parametrize(
    "splits",
    [
        [(list(range(150)), list(range(150, 200)))],
        [(np.arange(200) < 150, np.arange(200) >= 150)],
        [(np.arange(150, dtype=np.int32), np.arange(150, 200, dtype=np.int32))],
        [(range(150), range(150, 200))],
    ],
    ids=["lists", "masks", "int32", "ranges"],
)
def test_splits_in_any_form(splits, few):
    X, _, y, _ = few
    augment, batches = counting()
    clf = mlp(augment=augment, batch_size=50)
    batched = BatchedGridSearchCV(clf, GRID, cv=splits, refit=False).fit(X, y)
    assert batches == [50] * 9
    plain = GridSearchCV(clf, GRID, cv=splits, refit=False).fit(X, y)
    assert_same_search(batched, plain)


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


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_candidate_that_diverges_is_scored_as_failed(few):
    X, _, y, _ = few
    grid = {"lr": [1e-2, 1e30]}
    batched = BatchedGridSearchCV(mlp(optimizer="sgd"), grid, cv=2)
    with pytest.warns(FitFailedWarning, match="after epoch 1 the loss is"):
        batched.fit(X, y)
    assert np.isnan(batched.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert batched.best_params_ == {"lr": 1e-2}
    with pytest.raises(ValueError, match="training diverged"):
        batched.set_params(error_score="raise").fit(X, y)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_device_that_is_not_there_fails_alone(few):
    X, _, y, _ = few
    grid = {"device": ["cpu", "cuda:99"], "lr": [1e-3, 1e-2]}
    plain, batched = (
        cls(mlp(), grid, cv=2) for cls in (GridSearchCV, BatchedGridSearchCV)
    )
    for search in (plain, batched):
        with pytest.warns(FitFailedWarning, match="'cuda:99' instead"):
            search.fit(X, y)
    assert_same_search(batched, plain)


def test_a_failure_of_all_fits_is_shown_once(few):
    X, _, y, _ = few
    search = BatchedGridSearchCV(mlp(), GRID, cv=2)
    with pytest.raises(ValueError, match=r"(?s)All the 8 fits.*8 fits failed with"):
        search.fit(X, y, sample_weight=-np.ones(len(y)))


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


def test_steps_of_a_pipeline_are_swapped_as_by_scikit_learn(few):
    X, _, y, _ = few
    X = X.reshape(len(X), -1)
    pipeline = Pipeline([("clf", LogisticRegression())])
    grid = [{"clf": [SVC()], "clf__gamma": [1e-7, 1e-6]}, {"clf": [GaussianNB()]}]
    plain, batched = (
        cls(pipeline, grid, cv=2) for cls in (GridSearchCV, BatchedGridSearchCV)
    )
    plain.fit(X, y)
    batched.fit(X, y)
    for name in ("mean_test_score", "split1_test_score"):
        np.testing.assert_array_equal(
            batched.cv_results_[name], plain.cv_results_[name]
        )
    assert str(batched.best_params_) == str(plain.best_params_)


def test_scorers_are_given_the_fitted_estimator(few):
    X, _, y, _ = few
    seen = []

    def score(estimator, X, y):
        seen.append((type(estimator), vars(estimator).keys()))
        return estimator.score(X, y)

    plain, batched = (
        cls(mlp(), GRID, cv=2, scoring=score)
        for cls in (GridSearchCV, BatchedGridSearchCV)
    )
    assert_same_search(batched.fit(X, y), plain.fit(X, y))
    assert seen == [(MLPClassifier, vars(plain.best_estimator_).keys())] * 16


def test_a_callable_refit_sees_the_times_of_the_fits(few):
    X, _, y, _ = few
    seen = []

    def choose(results):
        seen.extend(results["mean_fit_time"])
        return 1

    batched = BatchedGridSearchCV(mlp(), GRID, cv=2, refit=choose).fit(X, y)
    assert seen == batched.cv_results_["mean_fit_time"].tolist()
    assert len(set(seen)) == 1
    assert batched.best_params_ == {"lr": 1e-4, "weight_decay": 0.1}


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


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scoring": "acuracy"}, "'scoring' parameter of BatchedGridSearchCV"),
        ({"scoring": ["accuracy", "f1_macro"]}, "refit must be set to a scorer key"),
        ({"error_score": "foo"}, "'error_score' parameter of BatchedGridSearchCV"),
        ({"refit": 3}, "'refit' parameter of BatchedGridSearchCV"),
        ({"verbose": "x"}, "'verbose' parameter of BatchedGridSearchCV"),
        ({"cv": 1}, "'cv' parameter of BatchedGridSearchCV"),
        ({"estimator": "x"}, "'estimator' parameter of BatchedGridSearchCV"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_options_are_refused_before_any_fit(params, message, few):
    X, _, y, _ = few
    augment, batches = counting()
    search = BatchedGridSearchCV(mlp(augment=augment), GRID).set_params(**params)
    with pytest.raises(ValueError, match=message):
        search.fit(X, y)
    assert batches == []


class WithItsOwnFit(MLPClassifier):
    def fit(self, X, y, sample_weight=None, **data):
        super().fit(X, y, sample_weight, **data)
        self.own_fit_ = True
        return self


class WithOtherParameters(MLPClassifier):
    def __init__(self, width=8, lr=0.01):
        super().__init__(hidden_layer_sizes=(width,), lr=lr, max_epochs=2)
        self.width = width
        self.random_state = 0

    def get_params(self, deep=True):
        return {"width": self.width, "lr": self.lr}

    def set_params(self, **params):
        self.__init__(**(self.get_params() | params))
        return self


class WithItsOwnPredict(MLPClassifier):
    def predict(self, X):
        return np.full(len(X), self.classes_[3])


class WithAnotherHook(MLPClassifier):
    def _module_arguments(self, image_shape, n_classes):
        arguments = super()._module_arguments(image_shape, n_classes)
        return arguments | {"hidden_layer_sizes": (2,)}


@pytest.mark.parametrize(
    "estimator",
    [
        WithItsOwnFit((8,), max_epochs=2, random_state=0),
        WithOtherParameters(),
        WithItsOwnPredict((8,), max_epochs=2, random_state=0),
        WithAnotherHook((8,), max_epochs=2, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_subclasses_are_fitted_one_by_one_as_they_are(estimator, few):
    X, _, y, _ = few
    grid = {"lr": [1e-3, 1e-2]}
    plain = GridSearchCV(estimator, grid, cv=2).fit(X, y)
    batched = BatchedGridSearchCV(estimator, grid, cv=2).fit(X, y)
    for key in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(batched.cv_results_[key], plain.cv_results_[key])
    best = batched.best_estimator_
    assert type(best) is type(estimator)
    assert hasattr(best, "own_fit_") == isinstance(estimator, WithItsOwnFit)
