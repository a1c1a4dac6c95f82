"""What networks and studies share: an estimator of a report, and its data."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import PredefinedSplit, train_test_split

import skmnist

# What the reports' settings are made for: the size of MNIST's training set, of
# which `n_validation` is a part, and of its images.
MNIST_TRAINING_IMAGES = 60_000
MNIST_IMAGE_SHAPE = (28, 28)


# X_train, X_test, y_train, y_test
Data: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]


class Images(NamedTuple):
    """The images of a run, by what they are for."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray
    scored: str  # what is scored while training: "validation" or "test"

    def as_one(self):
        """Join training and test images, as scikit-learn's searches want them.

        Returns X, y, and the one split that tells them apart again.
        """
        fold = np.repeat([-1, 0], [len(self.y_train), len(self.y_test)])
        X = np.concatenate([self.X_train, self.X_test])
        y = np.concatenate([self.y_train, self.y_test])
        return X, y, PredefinedSplit(fold)


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """An estimator with the settings of a report, and how it treats its data."""

    _estimators: ClassVar[tuple[str, ...]]

    name: str
    source: str
    estimator: str
    settings: dict[str, Any] = field(default_factory=dict)
    n_validation: int = 0
    note: str = ""

    def __post_init__(self):
        if self.estimator not in self._estimators:
            raise ValueError(
                f"The 'estimator' parameter of {type(self).__name__} must be one of "
                f"{', '.join(map(repr, self._estimators))}. Got {self.estimator!r} "
                "instead."
            )

    def make_estimator(self, **overrides: Any) -> Any:
        """Make an unfitted estimator with the report's settings.

        Parameters
        ----------
        **overrides : dict
            Parameters of the estimator that replace the report's.

        Returns
        -------
        estimator : estimator
            An instance of the class that ``estimator`` names.
        """
        return getattr(skmnist, self.estimator)(**(self.settings | overrides))


def split_images(setting, data, random_state):
    """The images of a run: with the report's validation images, or the test images."""
    if not isinstance(data, tuple | list) or len(data) != 4:
        length = f" of length {len(data)}" if isinstance(data, tuple | list) else ""
        raise ValueError(
            "Expected data as a tuple (X_train, X_test, y_train, y_test), which "
            f"fetch_mnist(split=True) returns. Got {type(data).__name__}{length}."
        )
    X_train, X_test, y_train, y_test = map(np.asarray, data)
    for X in (X_train, X_test):
        if X.shape[1:] not in (MNIST_IMAGE_SHAPE, (1, *MNIST_IMAGE_SHAPE), (28 * 28,)):
            raise ValueError(
                f"{setting.name} is made for images of 28x28 pixels. Got X of shape "
                f"{X.shape} instead. For other sizes, use make_estimator()."
            )
    X_test = X_test.reshape(len(X_test), *X_train.shape[1:])
    unknown = np.setdiff1d(y_test, y_train)
    if len(unknown):
        raise ValueError(
            f"The labels in y_test must be among those in y_train. Got "
            f"{unknown.tolist()} instead."
        )
    if not setting.n_validation:
        return Images(X_train, y_train, X_test, y_test, X_test, y_test, "test")
    X_train, X_val, y_train, y_val = train_test_split(
        X_train,
        y_train,
        test_size=setting.n_validation / MNIST_TRAINING_IMAGES,
        stratify=y_train,
        random_state=random_state,
    )
    return Images(X_train, y_train, X_test, y_test, X_val, y_val, "validation")
