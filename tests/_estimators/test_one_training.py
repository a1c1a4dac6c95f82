"""Two threads that train one estimator: the second is refused, the first goes on."""

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from skorch.callbacks import Callback

from skmnist import MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


class Meanwhile(Callback):
    """Does something within the first epoch, in another thread."""

    def __init__(self, work):
        self.work = work
        self.outcome = None

    def on_epoch_begin(self, net, **kwargs):
        if self.outcome is None:
            with ThreadPoolExecutor(1) as pool:
                self.outcome = pool.submit(self.work).exception() or "done"


def trainings(clf, X, y):
    return {
        "fit": lambda: clf.fit(X, y),
        "partial_fit": lambda: clf.partial_fit(X, y, classes=np.arange(10)),
    }


@pytest.mark.parametrize("second", ["fit", "partial_fit"])
@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_the_second_thread_is_refused_and_the_first_unharmed(first, second, few):
    X, X_test, y, _ = few
    clf = MLPClassifier((8,), max_epochs=2, random_state=0)
    expected = clone(clf)
    trainings(expected, X, y)[first]()
    meanwhile = Meanwhile(lambda: trainings(clf, X, y)[second]())
    trainings(clf.set_params(callbacks=[meanwhile]), X, y)[first]()
    assert isinstance(meanwhile.outcome, RuntimeError)
    assert "being trained by another thread" in str(meanwhile.outcome)
    np.testing.assert_array_equal(
        clf.predict_proba(X_test), expected.predict_proba(X_test)
    )
    clf.set_params(callbacks=None)
    trainings(clf, X, y)[second]()  # afterwards it is free again
    pickle.loads(pickle.dumps(clf))


@pytest.mark.parametrize("second", ["fit", "partial_fit"])
def test_scikit_learns_callbacks_stay_with_the_first_thread(second, few):
    callback = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    X, _, y, _ = few
    clf = MLPClassifier((8,), max_epochs=3, random_state=0)
    meanwhile = Meanwhile(lambda: trainings(clf, X, y)[second]())
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf.set_params(callbacks=[meanwhile]).set_callbacks(monitor).fit(X, y)
    assert isinstance(meanwhile.outcome, RuntimeError)
    assert clf.n_epochs_ == 3
    plain = callback.ScoringMonitor(scoring="accuracy")
    clf.set_params(callbacks=None).set_callbacks(plain).fit(X, y)
    assert monitor.get_logs().data == plain.get_logs().data


def test_an_estimator_that_failed_can_be_trained_again(few):
    X, _, y, _ = few
    clf = MLPClassifier((8,), max_epochs=1)
    for _ in range(2):
        with pytest.raises(ValueError, match="inconsistent numbers"):
            clf.fit(X, y[:-1])
    clf.fit(X, y)


def test_many_threads_stream_into_one_estimator_without_harm(few):
    X, X_test, y, _ = few
    clf = MLPClassifier((64,), random_state=0)
    clf.partial_fit(X, y, classes=np.arange(10))
    start = threading.Barrier(4)

    def stream():
        start.wait()
        refused = 0
        for _ in range(25):
            try:
                clf.partial_fit(X, y)
            except RuntimeError:
                refused += 1
        return 25 - refused

    with ThreadPoolExecutor(4) as pool:
        done = sum(job.result() for job in [pool.submit(stream) for _ in range(4)])
    assert clf.n_epochs_ == 1 + done
    assert done > 0
    assert np.isfinite(clf.predict_proba(X_test)).all()


def test_threads_may_predict_from_one_estimator_at_once(few):
    X, X_test, y, _ = few
    clf = MLPClassifier((64,), dropout=0.2, random_state=0).fit(X, y)
    expected = clf.predict_proba(X_test)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(clf.predict_proba, X_test) for _ in range(100)]
        for job in jobs:
            np.testing.assert_array_equal(job.result(), expected)


def test_a_fit_within_a_fit_of_the_same_thread_does_not_wait_for_ever(few):
    X, _, y, _ = few
    clf = MLPClassifier((8,), max_epochs=1)

    class Again(Callback):
        done = False

        def on_train_end(self, net, **kwargs):
            if not self.done:
                type(self).done = True
                clf.partial_fit(X, y, classes=np.arange(10))

    clf.set_params(callbacks=[Again]).fit(X, y)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_process_that_was_forked_within_a_fit_may_train_too(few):
    X, _, y, _ = few
    clf = MLPClassifier((8,), max_epochs=1)
    codes = []

    class Fork(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if codes:
                return
            child = os.fork()
            if child == 0:
                codes.append(None)
                # In another thread than the one that was forked.
                with ThreadPoolExecutor(1) as pool:
                    error = pool.submit(clf.fit, X, y).exception()
                os._exit(0 if error is None else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    clf.set_params(callbacks=[Fork]).fit(X, y)
    assert codes == [0]
