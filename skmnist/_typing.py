"""Names for the types that several signatures share; no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

# What a decorator is given and gives back: its signature is that of the function.
Function = TypeVar("Function", bound=Callable[..., Any])

FilePath: TypeAlias = str | os.PathLike[str]
ImageShape: TypeAlias = tuple[int, int] | tuple[int, int, int]
# X_train, X_test, y_train, y_test
Split: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
LayerSizes: TypeAlias = Sequence[int] | np.ndarray
RandomState: TypeAlias = int | np.random.RandomState | None
ClassWeight: TypeAlias = dict[Any, Any] | Literal["balanced"] | None
PixelScaling: TypeAlias = Literal["standard", "unit", "symmetric"] | None
Activation: TypeAlias = Literal[
    "relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity"
]
OptimizerName: TypeAlias = Literal["sgd", "adam", "adamw", "rmsprop"]
Schedule: TypeAlias = Literal["onecycle", "cosine", "exponential", "plateau"] | None
Precision: TypeAlias = Literal["float32", "float64", "bfloat16", "auto"]
