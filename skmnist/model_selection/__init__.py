"""Searches that train many candidates at once."""

from skmnist.model_selection._batched import (
    BatchedGridSearchCV,
    BatchedRandomizedSearchCV,
)

__all__ = ["BatchedGridSearchCV", "BatchedRandomizedSearchCV"]
