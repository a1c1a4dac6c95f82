"""Whole estimators in files that hold no code, by skops."""

from __future__ import annotations

import importlib
import os
import warnings
from inspect import isfunction
from typing import TYPE_CHECKING

from skmnist._extras import import_extra
from skmnist._files import write_whole
from skmnist._public import public

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.base import BaseEstimator

    from skmnist._typing import FilePath

#: Names of the types that files of skmnist's estimators hold and skops does not know:
#: our classes, and what their parameters may be. For other loaders of skops files, such
#: as MLflow's. A class of an optimiser is no more than named in a file. scipy's
#: distributions must not be added: they run code that is in their state.
TRUSTED_TYPES: tuple[str, ...] = (
    "skmnist.ConvLayer",
    "skmnist.ConvNetClassifier",
    "skmnist.LinearClassifier",
    "skmnist.MLPClassifier",
    "skmnist.model_selection.BatchedGridSearchCV",
    "skmnist.model_selection.BatchedRandomizedSearchCV",
    # As files of 0.1.0.dev0 call them.
    "skmnist._convnet.ConvLayer",
    "skmnist._convnet.ConvNetClassifier",
    "skmnist._linear.LinearClassifier",
    "skmnist._mlp.MLPClassifier",
    "skmnist.model_selection._batched.BatchedGridSearchCV",
    "skmnist.model_selection._batched.BatchedRandomizedSearchCV",
    "torch.device",
    *(
        f"torch.optim.{module}.{name}"
        for module, name in (
            *(("adadelta", "Adadelta"), ("adagrad", "Adagrad"), ("adam", "Adam")),
            *(("adamax", "Adamax"), ("adamw", "AdamW"), ("asgd", "ASGD")),
            *(("lbfgs", "LBFGS"), ("nadam", "NAdam"), ("radam", "RAdam")),
            *(("rmsprop", "RMSprop"), ("rprop", "Rprop"), ("sgd", "SGD")),
        )
    ),
)


@public
def save(estimator: BaseEstimator, path: FilePath) -> None:
    """Write an estimator to a file that holds no executable code.

    A zip archive of JSON and NumPy arrays in the format of skops [1]_. The file is
    written whole or not at all.

    Parameters
    ----------
    estimator : estimator
        One of skmnist's, fitted or not, or a `Pipeline` or search around one.
    path : str or path
        The file; skops suggests the ending ``.skops``. An existing file is replaced.

    Raises
    ------
    ModuleNotFoundError
        Without skops: ``pip install "skmnist[skops]"``.
    TypeError
        For an estimator with a part that could not be read back, such as a lambda.
    OSError
        For a file that cannot be written.

    Warns
    -----
    UserWarning
        For parts of types that `load` does not trust by itself, such as callbacks.

    References
    ----------
    .. [1] https://skops.readthedocs.io/en/stable/persistence.html

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmnist import MLPClassifier
    >>> from skmnist.datasets import load_digits28
    >>> from skmnist.persistence import load, save
    >>> X, X_test, y, y_test = load_digits28(split=True)
    >>> clf = MLPClassifier((32,), max_epochs=2, random_state=0).fit(X, y)
    >>> path = Path(tempfile.mkdtemp()) / "digits.skops"
    >>> save(clf, path)
    >>> bool((load(path).predict(X_test) == clf.predict(X_test)).all())
    True
    """
    skops = import_extra("skops.io", "skops", "save")
    try:
        content = skops.dumps(estimator)
        named = set(skops.get_untrusted_types(data=content))
        strange = _strange(named)
        # Some parts, lambdas for one, are written but cannot be read.
        skops.loads(content, trusted=sorted(named))
    except Exception as error:
        raise TypeError(
            f"This {type(estimator).__name__} has a part that cannot be saved without "
            f"executable code: {error}"
        ) from error
    if strange:
        warnings.warn(
            f"The file contains types that load does not trust by default. Read it "
            f"with load(path, trusted={sorted(strange)}).",
            UserWarning,
            stacklevel=2,
        )
    write_whole(path, lambda file: file.write(content))


@public
def load(path: FilePath, *, trusted: Sequence[str] = ()) -> BaseEstimator:
    """Read an estimator from a file, without running any code of the file's.

    Only the types of skmnist's estimators, of scikit-learn's, and of NumPy's arrays
    are made. A file that names any other is refused before anything is made of it.

    Parameters
    ----------
    path : str or path
        A file that `save` wrote.
    trusted : sequence of str, default=()
        Full names of other types that the file may hold. They are imported and
        filled with what the file says, so name only what you know.

    Returns
    -------
    estimator : estimator
        As it was when it was saved.

    Raises
    ------
    ModuleNotFoundError
        Without skops: ``pip install "skmnist[skops]"``.
    FileNotFoundError
        For a file that is not there.
    ValueError
        For a file that holds other types, or is damaged, or that `save` did not
        write.

    Warns
    -----
    UserWarning
        For an estimator that another version of skmnist saved.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmnist import MLPClassifier
    >>> from skmnist.persistence import load, save
    >>> path = Path(tempfile.mkdtemp()) / "digits.skops"
    >>> save(MLPClassifier((32,)), path)
    >>> load(path)
    MLPClassifier(hidden_layer_sizes=(32,))
    """
    skops = import_extra("skops.io", "skops", "load")
    with open(path, "rb") as file:
        content = file.read()
    name = repr(os.fspath(path))
    try:
        named = set(skops.get_untrusted_types(data=content))
        strange = _strange(named) - set(trusted)
        if not strange:
            return skops.loads(content, trusted=sorted(named))
    except Exception as error:
        raise ValueError(
            f"{name} is damaged, or not a file that skmnist.persistence.save wrote "
            f"({type(error).__name__}: {error})."
        ) from error
    raise ValueError(
        f"{name} holds types that are not trusted, {sorted(strange)}, and was not "
        "opened. If you know them and where the file comes from, pass their names as "
        "trusted."
    )


def _strange(names):
    """The names that are neither on our list nor of what scikit-learn defines."""
    return {n for n in names if n not in TRUSTED_TYPES and not _is_scikit_learns(n)}


def _is_scikit_learns(name):
    """Whether a name is that of a class, or a metric, that scikit-learn defines.

    skops knows the public classes; calibration, ensembles and searches hold private
    ones too. Their state is data like any other's: functions in it have names of their
    own, and of these only metrics are let through. What scikit-learn brings along of
    others (externals) is not its own.
    """
    module, _, attribute = name.rpartition(".")
    if not module.startswith("sklearn.") or module.startswith("sklearn.externals"):
        return False
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    is_metric = isfunction(found) and module.startswith("sklearn.metrics.")
    return (isinstance(found, type) or is_metric) and found.__module__ == module
