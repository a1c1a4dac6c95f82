"""One training of an estimator at a time. No torch."""

from __future__ import annotations

import functools
import os
import threading
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from skmnist._typing import Function

# By process, as a fork copies it, and the id of an estimator the thread that trains it
# now. Not on the estimator, where copies and pickles would take it along.
_trained_by: dict[tuple[int, int], tuple[int]] = {}


def one_training(method: Function) -> Function:
    """Refuse to train an estimator that another thread is training.

    Both would change the same weights at once: the result would depend on chance, and
    the memory may be corrupted. It is the outermost decorator, as others clear up
    after a call that failed, which here are the first thread's affairs.

    Raises
    ------
    RuntimeError
        For the thread that comes second.
    """

    @functools.wraps(method)
    def trained_alone(estimator, *args, **kwargs):
        key, me = (os.getpid(), id(estimator)), (threading.get_ident(),)
        first = _trained_by.setdefault(key, me)  # in one step: only one can be first
        if first != me:
            raise RuntimeError(
                f"This {type(estimator).__name__} is being trained by another thread. "
                "Train one after the other, or give each thread its own: "
                "sklearn.base.clone(estimator), or copy.deepcopy(estimator) to go on "
                "from where it stands."
            )
        try:
            return method(estimator, *args, **kwargs)
        finally:
            if first is me:
                del _trained_by[key]

    return cast("Function", trained_alone)
