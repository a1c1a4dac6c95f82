"""What a process that fits for days, or serves many threads, can rely on."""

import gc
import os
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

ESTIMATORS = {
    "linear": LinearClassifier(0.01),
    "mlp": MLPClassifier((64,), max_epochs=2, dropout=0.2, random_state=0),
    "conv": ConvNetClassifier((4,), (16,), max_epochs=1, augment="shift"),
}


def held():
    """What piles up when something is not given back."""
    gc.collect()
    process = psutil.Process()
    return {
        "memory": process.memory_info().rss,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "threads of the system": process.num_threads(),
        "processes": len(process.children(recursive=True)),
    }


@pytest.mark.parametrize("name", ESTIMATORS)
def test_two_hundred_fits_and_pickles_hold_no_more_than_twenty(name, few, tmp_path):
    X, X_test, y, _ = few
    clf = ESTIMATORS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(200):
            if name != "linear":
                clf.set_params(checkpoint=tmp_path / str(i) if i % 10 == 0 else None)
            copy = pickle.loads(pickle.dumps(clf.fit(X, y)))
            copy.predict(X_test)
            if i == 19:
                before = held()
    after = held()
    assert after.pop("memory") < 1.05 * before.pop("memory")
    # Less is no leak: a worker of an earlier test may have ended meanwhile.
    assert {name: n for name, n in after.items() if n > before[name]} == {}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_eight_threads_predict_what_one_does(name, few):
    X, X_test, y, _ = few
    clf = ESTIMATORS[name].set_params(random_state=0).fit(X, y)
    expected = clf.predict_proba(X_test)
    with ThreadPoolExecutor(8) as pool:
        for proba in pool.map(lambda _: clf.predict_proba(X_test), range(200)):
            np.testing.assert_array_equal(proba, expected)
