"""scikit-learn's callbacks, which follow a fit as a tree of tasks. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.callback import CallbackSupportMixin

__all__ = ["CallbackSupportMixin", "callback_data", "with_callbacks"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])

    def with_callbacks(method: Method) -> Method:
        """scikit-learn's decorator has no types: behind it `fit` would have none."""
else:
    from sklearn.callback import with_callbacks


def callback_data(X, y, sample_weight):
    """What scikit-learn's callbacks are told of the data of a fit."""
    weighted = sample_weight is not None
    metadata = {"sample_weight": sample_weight} if weighted else None
    return {"X": X, "y": y, "metadata": metadata}
