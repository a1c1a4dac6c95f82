"""scikit-learn's callbacks, which follow a fit as a tree of tasks. No torch."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

__all__ = ["CallbackSupportMixin", "callback_data", "with_callbacks"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeVar

    from sklearn.callback import CallbackSupportMixin

    Method = TypeVar("Method", bound=Callable[..., Any])

    def with_callbacks(method: Method) -> Method:
        """scikit-learn's decorator has no types: behind it `fit` would have none."""
else:
    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    # The stand-ins go with the last scikit-learn before 1.9.
    except ModuleNotFoundError:

        def with_callbacks(method):
            """Leave `fit` as it is."""
            return method

        class CallbackSupportMixin:
            """An estimator whose tasks nobody follows."""

            def set_callbacks(self, *callbacks: Any) -> NoReturn:
                """Say what callbacks need.

                Parameters
                ----------
                *callbacks : object
                    Callbacks of scikit-learn 1.9 or later.

                Raises
                ------
                ImportError
                    Always.
                """
                from sklearn import __version__

                raise ImportError(
                    f"{type(self).__name__}.set_callbacks needs scikit-learn 1.9 or "
                    f"later; this is {__version__}."
                )

            def _init_callback_context(self, max_subtasks=None):
                return _UnfollowedTask()

        class _UnfollowedTask:
            def subcontext(self, task_name):
                return self

            def propagate_callback_context(self, estimator):
                return nullcontext()

            def call_on_fit_task_begin(self, **data):
                pass

            def call_on_fit_task_end(self, **data):
                pass


def callback_data(X, y, sample_weight):
    """What scikit-learn's callbacks are told of the data of a fit."""
    weighted = sample_weight is not None
    metadata = {"sample_weight": sample_weight} if weighted else None
    return {"X": X, "y": y, "metadata": metadata}
