"""One training of an estimator at a time. No torch."""

import contextlib
import os
import threading

# By the id of an estimator the process and the thread that train it now. Not on the
# estimator, where copies and pickles would take it along.
_trained_by: dict[int, tuple[int, int]] = {}


@contextlib.contextmanager
def one_training(estimator):
    """Refuse to train an estimator that another thread is training.

    Both would change the same weights at once: the result would depend on chance, and
    the memory may be corrupted.

    Raises
    ------
    RuntimeError
        For the thread that comes second.
    """
    key, me = id(estimator), (os.getpid(), threading.get_ident())
    first = _trained_by.setdefault(key, me)  # one step, so that only one can be first
    if first[0] == me[0] and first != me:
        raise RuntimeError(
            f"This {type(estimator).__name__} is being trained by another thread. "
            "Train one after the other, or give each thread its own: "
            "sklearn.base.clone(estimator), or copy.deepcopy(estimator) to go on from "
            "where it stands."
        )
    # What a fork has copied of another process's trainings says nothing here.
    outermost = first is me or first[0] != me[0]
    _trained_by[key] = me
    try:
        yield
    finally:
        if outermost:
            del _trained_by[key]
