"""The estimators in scikit-learn's searches, pipelines and other tools."""

import threading

import numpy as np
import pytest
import torch
from joblib import parallel_config
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    PredefinedSplit,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch.callbacks import Callback
from small_networks import conv, mlp

from skmnist import ConvLayer, LinearClassifier

N = 200


@pytest.fixture(autouse=True)
def as_many_threads_in_workers(one_thread):
    with parallel_config("loky", inner_max_num_threads=1):
        yield


def linear(**params):
    return LinearClassifier(0.01, **params)


# -- searches --

GRID = {"lr": [1e-4, 1e-2], "weight_decay": [0, 0.01]}
DISTRIBUTIONS = {"lr": loguniform(1e-4, 1e-1), "weight_decay": [0, 0.01]}


@pytest.mark.parametrize(
    "run",
    [
        lambda clf, n_jobs: GridSearchCV(clf, GRID, cv=2, n_jobs=n_jobs),
        lambda clf, n_jobs: RandomizedSearchCV(
            clf, DISTRIBUTIONS, n_iter=3, cv=2, n_jobs=n_jobs, random_state=0
        ),
    ],
    ids=["grid", "randomized"],
)
@pytest.mark.parametrize("make", [mlp, conv])
def test_search_in_two_processes_gives_the_scores_of_one(make, run, few):
    X, X_test, y, _ = few
    one, two = (run(make(), n_jobs).fit(X, y) for n_jobs in (1, 2))
    for key in ("split0_test_score", "split1_test_score", "rank_test_score"):
        np.testing.assert_array_equal(one.cv_results_[key], two.cv_results_[key])
    assert one.best_params_ == two.best_params_
    np.testing.assert_array_equal(one.predict_proba(X_test), two.predict_proba(X_test))
    assert one.cv_results_["std_test_score"].shape == (len(one.cv_results_["params"]),)


def test_cross_validation_in_two_processes_gives_the_scores_of_one(few):
    X, _, y, _ = few
    scorers = ["accuracy", "neg_log_loss", "roc_auc_ovr"]
    one, two = (
        cross_validate(
            mlp(), X, y, cv=2, scoring=scorers, return_train_score=True, n_jobs=n_jobs
        )
        for n_jobs in (1, 2)
    )
    for scorer in scorers:
        for part in ("train", "test"):
            key = f"{part}_{scorer}"
            np.testing.assert_array_equal(one[key], two[key])


def test_scores_of_a_search_are_those_of_fits_by_hand(few):
    X, _, y, _ = few
    folds = StratifiedKFold(2)
    search = GridSearchCV(mlp(), {"lr": [1e-4, 1e-2]}, cv=folds).fit(X, y)
    for lr, scores in zip((1e-4, 1e-2), split_scores(search), strict=True):
        for (train, test), score in zip(folds.split(X, y), scores, strict=True):
            clf = mlp(lr=lr).fit(X[train], y[train])
            assert score == accuracy_score(y[test], clf.predict(X[test]))


def split_scores(search):
    names = [f"split{k}_test_score" for k in range(search.n_splits_)]
    return np.array([search.cv_results_[name] for name in names]).T


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (
            conv(),
            {
                "conv_layers": [
                    (),
                    (4,),
                    (ConvLayer(4, kernel_size=5), 8),
                    [ConvLayer(4, pool=None, batch_norm=True)],
                ]
            },
        ),
        (conv(), {"hidden_layer_sizes": [(), (8,), [8, 4]]}),
        (mlp(), {"hidden_layer_sizes": [(), (8,), (8, 4)], "pixel_scaling": [None]}),
        (mlp(), {"optimizer": ["sgd", torch.optim.NAdam], "class_weight": [{3: 2.0}]}),
        (linear(), {"C": [0.01, 0.1], "pixel_scaling": ["unit"]}),
    ],
    ids=["ConvLayer", "dense of conv", "dense", "optimizer", "linear"],
)
def test_network_can_be_searched(estimator, grid, few):
    X, _, y, _ = few
    name = next(iter(grid))
    before = [repr(value) for value in grid[name]]
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_[name] in grid[name]
    assert [repr(value) for value in grid[name]] == before


def test_predefined_fold_of_a_search_is_the_validation_data(few):
    X, X_val, y, y_val = few
    fold = np.repeat([-1, 0], [N, 100])
    search = GridSearchCV(
        mlp(), {"lr": [1e-4, 1e-2]}, cv=PredefinedSplit(fold), refit=False
    )
    search.fit(np.concatenate([X, X_val]), np.concatenate([y, y_val]))
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        clf = mlp(**params).fit(X, y, X_val=X_val, y_val=y_val)
        assert score == pytest.approx(clf.validation_scores_[-1])


def test_search_passes_validation_data_on(few):
    X, X_val, y, y_val = few
    search = GridSearchCV(mlp(), {"lr": [1e-4, 1e-2]}, cv=2)
    search.fit(X, y, X_val=X_val, y_val=y_val)
    best = search.best_estimator_
    assert best.validation_scores_[-1] == pytest.approx(best.score(X_val, y_val))


def test_halving_gives_the_better_candidates_more_epochs(few):
    X, _, y, _ = few
    rates = {"lr": [1e-5, 1e-4, 1e-3, 1e-2]}
    search = HalvingGridSearchCV(
        mlp(), rates, cv=2, factor=2, resource="max_epochs", max_resources=4, n_jobs=2
    ).fit(X, y)
    assert search.n_resources_ == [1, 2, 4]
    assert search.n_candidates_ == [4, 2, 1]
    assert search.best_estimator_.n_epochs_ == 4
    by_hand = GridSearchCV(mlp(max_epochs=1), rates, cv=search.cv).fit(X, y)
    assert sorted(search.cv_results_["mean_test_score"][:4]) == sorted(
        by_hand.cv_results_["mean_test_score"]
    )


@pytest.mark.filterwarnings("ignore::FutureWarning:optuna")
@pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental")
def test_optuna_searches_distributions(few):
    optuna = pytest.importorskip("optuna", reason="needs optuna-integration")
    from optuna_integration import OptunaSearchCV

    X, X_test, y, y_test = few
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=0)
    )
    search = OptunaSearchCV(
        mlp(),
        {"lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)},
        cv=2,
        n_trials=4,
        study=study,
    ).fit(X, y)
    assert 1e-4 <= search.best_params_["lr"] <= 1e-1
    by_hand = mlp(**search.best_params_).fit(X, y)
    assert search.score(X_test, y_test) == by_hand.score(X_test, y_test)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_candidate_that_diverges_is_scored_as_failed_in_another_process(few):
    X, _, y, _ = few
    search = GridSearchCV(mlp(optimizer="sgd"), {"lr": [1e-2, 1e30]}, cv=2, n_jobs=2)
    with pytest.warns(FitFailedWarning, match="after epoch 1 the loss is"):
        search.fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


# -- searches that cannot be --


class HoldsALock(Callback):
    def __init__(self):
        self.lock = threading.Lock()


def test_callback_that_cannot_be_sent_to_a_process_is_refused_before_any_fit(few):
    X, _, y, _ = few
    search = GridSearchCV(mlp(callbacks=[HoldsALock()]), GRID, cv=2, n_jobs=2)
    with pytest.raises(TypeError, match=r"cannot pickle '_thread.lock' object"):
        search.fit(X, y)
    assert not hasattr(search, "cv_results_")


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"rate": [1]}, "Invalid parameter 'rate' for estimator MLPClassifier"),
        ({"lr": []}, "non-empty sequence"),
        ([], "empty"),
    ],
)
def test_grids_that_cannot_be_searched_are_refused(grid, message, few):
    X, _, y, _ = few
    with pytest.raises(ValueError, match=message):
        GridSearchCV(mlp(), grid, cv=2).fit(X, y)


# -- pipelines and meta-estimators --


@pytest.mark.parametrize(
    "first", [StandardScaler(), PCA(30, random_state=0), FunctionTransformer()]
)
def test_mlp_takes_what_a_transformer_gives(first, digits):
    X, X_test, y, y_test = digits
    X, X_test = X[:500].reshape(500, -1), X_test.reshape(len(X_test), -1)
    y = y[:500]
    clf = mlp(hidden_layer_sizes=(64,), max_epochs=10)
    model = make_pipeline(first, clf).fit(X, y)
    assert model.score(X_test, y_test) > 0.7
    by_hand = clone(clf).fit(clone(first).fit_transform(X), y)
    np.testing.assert_array_equal(
        model.predict_proba(X_test), by_hand.predict_proba(model[0].transform(X_test))
    )


def test_pipeline_is_searched_by_flat_names(few):
    X, _, y, _ = few
    pipeline = make_pipeline(StandardScaler(), PCA(random_state=0), mlp())
    grid = {"pca__n_components": [5, 20], "mlpclassifier__lr": [0.004, 0.01]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X.reshape(N, -1), y)
    scores = search.cv_results_["mean_test_score"]
    assert np.ptp(scores) > 0
    assert search.best_params_ == search.cv_results_["params"][scores.argmax()]


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("flat", [False, True])
def test_probabilities_can_be_calibrated(method, flat, digits):
    if method == "temperature":
        pytest.importorskip("sklearn", "1.8", reason="began in scikit-learn 1.8")
    X, X_test, y, y_test = digits
    if flat:
        X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    clf = mlp(max_epochs=5, lr=0.02)
    model = CalibratedClassifierCV(clf, method=method, cv=3).fit(X[:500], y[:500])
    np.testing.assert_allclose(model.predict_proba(X_test).sum(axis=1), 1, rtol=1e-6)
    assert model.score(X_test, y_test) > 0.7


def test_predictions_of_cross_validation_are_out_of_fold(few):
    X, _, y, _ = few
    folds = StratifiedKFold(2)
    proba = cross_val_predict(mlp(), X, y, cv=folds, method="predict_proba")
    for train, test in folds.split(X, y):
        expected = mlp().fit(X[train], y[train]).predict_proba(X[test])
        np.testing.assert_array_equal(proba[test], expected)


# -- parameters --


@pytest.mark.parametrize(
    "estimator",
    [
        mlp(optimizer=torch.optim.LBFGS, optimizer_params={"max_iter": 3}),
        conv(conv_layers=(ConvLayer(3), 4), image_shape=(28, 28)),
        linear(tol=0.01),
    ],
)
def test_clone_has_the_parameters_and_nothing_learned(estimator, few):
    X, _, y, _ = few
    copy = clone(clone(estimator).fit(X, y))
    assert copy.get_params() == estimator.get_params()
    assert vars(copy).keys() == estimator.get_params().keys()
    changed = type(estimator)().set_params(**estimator.get_params())
    assert changed.get_params() == estimator.get_params()
    with pytest.raises(ValueError, match="has no parameter 'module__hidden'"):
        copy.set_params(module__hidden=3)


# -- metadata routing --


@pytest.mark.parametrize("make", [mlp, linear])
def test_pipeline_routes_sample_weight(make, few):
    X, X_test, y, _ = few
    X, X_test = X.reshape(N, -1), X_test.reshape(100, -1)
    weight = np.arange(N) % 3 * 1.0
    with config_context(enable_metadata_routing=True):
        last = make().set_fit_request(sample_weight=True)
        model = make_pipeline(FunctionTransformer(), last)
        model.fit(X, y, sample_weight=weight)
    by_hand = make().fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(
        model.predict_proba(X_test), by_hand.predict_proba(X_test)
    )


@pytest.mark.parametrize("make", [mlp, linear])
def test_search_routes_sample_weight_to_fit_and_score(make, few):
    X, _, y, _ = few
    weight = np.random.RandomState(0).randint(0, 3, N).astype(float)
    grid = {"pixel_scaling": ["unit", None]}
    folds = StratifiedKFold(2)
    with config_context(enable_metadata_routing=True):
        clf = make().set_fit_request(sample_weight=True)
        clf.set_score_request(sample_weight=True)
        search = GridSearchCV(clf, grid, cv=folds).fit(X, y, sample_weight=weight)
    for scaling, scores in zip(("unit", None), split_scores(search), strict=True):
        for (train, test), score in zip(folds.split(X, y), scores, strict=True):
            clf = make().set_params(pixel_scaling=scaling)
            clf.fit(X[train], y[train], sample_weight=weight[train])
            assert score == clf.score(X[test], y[test], sample_weight=weight[test])


def test_pipeline_transforms_the_validation_data_it_routes(few):
    X, X_val, y, y_val = (part.reshape(len(part), -1).squeeze() for part in few)
    scaler = StandardScaler()
    with config_context(enable_metadata_routing=True):
        last = mlp().set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(scaler, last, transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model[-1].validation_scores_[-1] == pytest.approx(model.score(X_val, y_val))


def test_partial_fit_takes_routed_weights():
    with config_context(enable_metadata_routing=True):
        clf = mlp().set_partial_fit_request(sample_weight=True, classes=True)
        routing = clf.get_metadata_routing()
    assert routing.partial_fit.requests == {"sample_weight": True, "classes": True}


def test_scorers_accept_the_estimators(few):
    X, X_test, y, y_test = few
    clf = mlp().fit(X, y)
    assert make_scorer(accuracy_score)(clf, X_test, y_test) == clf.score(X_test, y_test)
    for name in ("balanced_accuracy", "neg_log_loss", "top_k_accuracy"):
        assert np.isfinite(get_scorer(name)(clf, X_test, y_test))
