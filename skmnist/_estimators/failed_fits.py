"""What a fit that fails leaves of itself: nothing. No torch."""

from contextlib import contextmanager


@contextmanager
def unchanged_on_failure(estimator):
    """Put an estimator's attributes back as they were when anything is raised."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
