"""Searches on a Dask cluster: a real scheduler and two worker processes."""

import contextlib
import os
import signal
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from skorch.callbacks import Callback

from skmnist import MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV

distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")

GRID = {"lr": [1e-3, 1e-2], "weight_decay": [0, 0.01]}


@pytest.fixture
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


class Dies(Callback):
    """Kills its process after an epoch, in one of all processes."""

    def __init__(self, mark):
        self.mark = mark

    def on_epoch_end(self, net, **kwargs):
        with contextlib.suppress(FileExistsError):
            Path(self.mark).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)


def search(cv=3, **params):
    clf = MLPClassifier((16,), max_epochs=2, random_state=0, **params)
    return GridSearchCV(clf, GRID, cv=cv, refit=False)


def assert_same_scores(found, expected):
    assert found.best_params_ == expected.best_params_
    for key in (f"split{i}_test_score" for i in range(3)):
        np.testing.assert_array_equal(found.cv_results_[key], expected.cv_results_[key])


def test_scores_are_those_of_one_process(client, digits):
    X, _, y, _ = digits
    expected = search().fit(X, y)
    with parallel_config("dask", scatter=[X, y]):
        found = search().fit(X, y)
    assert_same_scores(found, expected)


def test_four_ways_of_searching_agree_on_mnist(client, mnist, one_thread):
    X, _, y, _ = mnist
    X, y = X[:3000], y[:3000]
    clf = MLPClassifier((32,), max_epochs=2, random_state=0)
    grid = {"lr": [1e-3, 3e-3, 1e-2], "weight_decay": [0, 0.01, 0.1]}
    one_process = GridSearchCV(clf, grid, cv=3).fit(X, y)
    two_processes = GridSearchCV(clf, grid, cv=3, n_jobs=2).fit(X, y)
    with parallel_config("dask", scatter=[X, y]):
        cluster = GridSearchCV(clf, grid, cv=3).fit(X, y)
    at_once = BatchedGridSearchCV(clf, grid, cv=3).fit(X, y)
    assert_same_scores(two_processes, one_process)
    assert_same_scores(cluster, one_process)
    assert at_once.best_params_ == one_process.best_params_
    for key in (f"split{i}_test_score" for i in range(3)):
        # Rounding may turn one prediction of the 1,000.
        np.testing.assert_allclose(
            at_once.cv_results_[key], one_process.cv_results_[key], atol=0.00101
        )


def test_the_data_are_sent_once_to_each_worker(client, digits):
    X, _, y, _ = digits
    with parallel_config("dask", scatter=[X, y]):
        search().fit(X, y)
    transfers = client.run(lambda dask_worker: list(dask_worker.transfer_incoming_log))
    for log in transfers.values():
        assert sum(entry["total"] >= X.nbytes for entry in log) <= 1


def test_a_worker_killed_during_the_search_loses_nothing(client, digits, tmp_path):
    X, _, y, _ = digits
    expected = search().fit(X, y)
    before = set(client.run(os.getpid).values())
    splits = list(StratifiedKFold(3).split(X, y))
    client.amm.stop()  # it would do away with all copies of the data but one
    with parallel_config("dask", scatter=[X, y, *chain(*splits)]):
        dies = Dies(str(tmp_path / "killed"))
        found = search(splits, callbacks=[dies]).fit(X, y)
    assert (tmp_path / "killed").exists()
    assert_same_scores(found, expected)
    assert set(client.run(os.getpid).values()) != before


def test_a_scheduler_that_is_not_there_is_an_error_at_once(digits):
    X, _, y, _ = digits
    with (
        pytest.raises(ValueError, match="first create a Dask Client"),
        parallel_config("dask"),
    ):
        search().fit(X, y)
    with pytest.raises(OSError, match="Timed out trying to connect"):
        distributed.Client("tcp://127.0.0.1:9", timeout="1s")
