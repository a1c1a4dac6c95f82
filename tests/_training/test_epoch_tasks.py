"""scikit-learn's callbacks reach through searches and pipelines into the epochs."""

import gc
import weakref

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")


def mlp(**params):
    params = {"hidden_layer_sizes": (8,), "max_epochs": 3, "lr": 0.004} | params
    return MLPClassifier(**{"random_state": 0} | params)


def conv():
    return ConvNetClassifier((2,), max_epochs=3, random_state=0)


class Recorder:
    """What is told to a callback, in order."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.events = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.events.append(("end", context.task_name, context.task_id))
        self.data = X, y, metadata
        self.fitted = fitted_estimator
        return context.task_name == "epoch" and context.task_id == self.stop_after


class StopInSecondEpoch(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("make", [mlp, conv])
def test_every_epoch_is_a_task_of_the_fit(make, few):
    X, _, y, _ = few
    recorder = Recorder()
    clf = make().set_callbacks(recorder).fit(X, y)
    epochs = [(end, "epoch", i) for i in range(3) for end in ("begin", "end")]
    fit = [("begin", "fit", 0), *epochs, ("end", "fit", 0)]
    assert recorder.events == ["setup", *fit, "teardown"]
    assert recorder.data[0] is X
    assert recorder.data[1] is y
    assert recorder.data[2] is None
    np.testing.assert_array_equal(recorder.fitted.predict(X), clf.predict(X))


def test_callbacks_change_nothing(few):
    X, _, y, _ = few
    plain = mlp().fit(X, y)
    told = mlp().set_callbacks(Recorder()).fit(X, y)
    np.testing.assert_array_equal(told.predict_proba(X), plain.predict_proba(X))


def test_a_callback_can_end_the_training(few):
    X, _, y, _ = few
    clf = mlp().set_callbacks(Recorder(stop_after=1)).fit(X, y)
    assert clf.n_epochs_ == 2


def test_an_epoch_that_is_broken_off_ends_its_task(few):
    X, _, y, _ = few
    recorder = Recorder()
    clf = mlp(callbacks=[StopInSecondEpoch()]).set_callbacks(recorder).fit(X, y)
    epochs = [(end, "epoch", i) for i in range(2) for end in ("begin", "end")]
    fit = [("begin", "fit", 0), *epochs, ("end", "fit", 0)]
    assert recorder.events == ["setup", *fit, "teardown"]
    assert clf.n_epochs_ == 1


def test_sample_weights_are_told(few):
    X, _, y, _ = few
    recorder, weights = Recorder(), np.ones(len(y))
    mlp().set_callbacks(recorder).fit(X, y, sample_weight=weights)
    assert recorder.data[2]["sample_weight"] is weights


@pytest.mark.parametrize(
    ("clf", "n_labels"), [(mlp(lr=1e30), None), (LinearClassifier(), -1)]
)
def test_a_failed_fit_is_torn_down_and_leaves_nothing(clf, n_labels, few):
    X, _, y, _ = few
    recorder = Recorder()
    clf = clone(clf).set_callbacks(recorder)
    before = set(vars(clf))
    with pytest.raises(ValueError, match=r"diverged|inconsistent"):
        clf.fit(X, y[:n_labels])
    assert recorder.events[-1] == "teardown"
    assert set(vars(clf)) == before


def test_bad_data_begin_no_task(few):
    X, _, y, _ = few
    recorder = Recorder()
    with pytest.raises(ValueError, match="inconsistent"):
        mlp().set_callbacks(recorder).fit(X, y[:-1])
    assert recorder.events == ["setup", "teardown"]


def test_the_data_are_let_go_of(few):
    X, _, y, _ = few
    X = X.copy()
    clf = mlp().set_callbacks(callback.ScoringMonitor(scoring="accuracy")).fit(X, y)
    held = weakref.ref(X)
    del X
    gc.collect()
    assert held() is None
    assert clf.n_epochs_ == 3


def test_the_solver_of_the_linear_classifier_is_told_of(few):
    X, _, y, _ = few
    recorder = Recorder()
    LinearClassifier(max_iter=5, tol=10).set_callbacks(recorder).fit(X, y)
    names = [event[1] for event in recorder.events if event[0] == "begin"]
    assert names[:2] == ["fit", "fit"]
    assert "lbfgs-iter" in names


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_of_every_epoch_of_a_search_are_read_afterwards(n_jobs, few):
    X, _, y, _ = few
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = make_pipeline(FunctionTransformer(), mlp().set_callbacks(monitor))
    grid = {"mlpclassifier__lr": [1e-3, 1e-2]}
    with parallel_config("loky", inner_max_num_threads=1):
        search = GridSearchCV(clf, grid, cv=2, n_jobs=n_jobs).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    fits = 2 * 2 + 1
    assert len(rows) == 3 * fits
    assert sorted({row["task_id"] for row in rows}) == [0, 1, 2]
    last = [row["accuracy"] for row in rows if row["parent_task_id_path"][0] == 0]
    assert search.best_score_ <= max(last) <= 1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_nested_display_of_search_fit_and_epochs(n_jobs, few, capfd):
    pytest.importorskip("rich", reason="needs the extra 'progress'")
    X, _, y, _ = few
    search = GridSearchCV(mlp(), {"lr": [1e-3, 1e-2]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar())
    with parallel_config("loky", inner_max_num_threads=1):
        search.fit(X, y)
    lines = [line.split("━")[0].strip() for line in capfd.readouterr().out.splitlines()]
    assert "GridSearchCV - fit" in lines
    assert "GridSearchCV - search #0" in lines
    nested = "GridSearchCV - candidate-split-evaluation | MLPClassifier - fit #"
    assert {f"{nested}{i}" for i in range(4)} <= set(lines)
    assert "GridSearchCV - refit-with-best-params | MLPClassifier - fit #1" in lines
