"""Whole estimators in files that hold no code, by skops."""

from __future__ import annotations

import os
import sys
import traceback
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from sklearn import metrics

from skmnist._extras import import_extra
from skmnist._files import write_whole
from skmnist._public import public

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.base import BaseEstimator

    from skmnist._typing import FilePath

# What scikit-learn's estimators hold and skops does not know, by module: Python classes
# whose state is data, and functions of arrays. Not here, on purpose: compiled classes
# and those that walk memory by the numbers in their state (Tree, TreePredictor, KDTree,
# BallTree and their distances), since a file could make them read anywhere.
SCIKIT_LEARNS = {
    "calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "callback._progressbar": "ProgressBar",
    "feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "feature_selection._univariate_selection": (
        "chi2 f_classif f_regression r_regression"
    ),
    "gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "gaussian_process.kernels": (
        "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern "
        "Product RBF RationalQuadratic Sum WhiteKernel"
    ),
    "metrics._scorer": "_CurveScorer _MultimetricScorer _PassthroughScorer _Scorer",
    "model_selection._search_successive_halving": (
        "HalvingGridSearchCV HalvingRandomSearchCV"
    ),
    "model_selection._split": (
        "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut "
        "LeavePGroupsOut LeavePOut PredefinedSplit RepeatedKFold "
        "RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold "
        "StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper"
    ),
    "multiclass": "_ConstantPredictor",
    "neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "utils._bunch": "Bunch",
    "utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
}


def _metrics():
    """The full names of scikit-learn's metrics of labels and scores."""
    functions = filter(isfunction, (getattr(metrics, n) for n in metrics.__all__))
    return sorted(
        f"{function.__module__}.{function.__name__}"
        for function in functions
        # Those make scorers and distances, some of functions that they are given.
        if function.__module__.rpartition(".")[2] not in ("_scorer", "pairwise")
    )


#: Names of the types that `load` trusts besides those of skops: our classes, what
#: their parameters may be, and what scikit-learn's estimators are made of. For other
#: loaders of skops files, such as MLflow's. A class of an optimiser is no more than
#: named in a file. scipy's distributions must not be added: they run code that is in
#: their state.
TRUSTED_TYPES: tuple[str, ...] = (
    "skmnist.ConvLayer",
    "skmnist.ConvNetClassifier",
    "skmnist.LinearClassifier",
    "skmnist.MLPClassifier",
    "skmnist.ModuleClassifier",
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
    *(
        f"sklearn.{module}.{name}"
        for module, names in SCIKIT_LEARNS.items()
        for name in names.split()
    ),
    *_metrics(),
)


@public
def save(
    estimator: BaseEstimator, path: FilePath, *, trusted: Sequence[str] = ()
) -> None:
    """Write an estimator to a file that holds no executable code.

    A zip archive of JSON and NumPy arrays in the format of skops [1]_. The file is
    written whole or not at all.

    Parameters
    ----------
    estimator : estimator
        One of skmnist's, fitted or not, or one of scikit-learn's around it: a
        `Pipeline`, a search, a calibrated, stacked or voting classifier.
    path : str or path
        The file; skops suggests the ending ``.skops``. An existing file is replaced.
    trusted : sequence of str, default=()
        Full names of further types that may be written, such as those of callbacks.
        Whoever opens the file must pass them to `load` too.

    Raises
    ------
    ModuleNotFoundError
        Without skops: ``pip install "skmnist[skops]"``.
    TypeError
        For an estimator with a part that `load` would refuse: of a type that is not
        trusted, or one that cannot be read back at all, such as a lambda.
    OSError
        For a file that cannot be written.

    Notes
    -----
    Trusted are the types of skops, which are most of scikit-learn's, and those of
    `TRUSTED_TYPES`. Forests, gradient boosting and nearest neighbours hold compiled
    trees, which are not among them: a file could be made so that its trees read memory
    anywhere, and end the process [2]_.

    References
    ----------
    .. [1] https://skops.readthedocs.io/en/stable/persistence.html
    .. [2] https://github.com/scikit-learn/scikit-learn/pull/34558

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
        # Some parts, lambdas for one, are written but cannot be read.
        skops.loads(content, trusted=sorted(named))
    except Exception as error:
        name = type(estimator).__name__
        if _ran_too_deep(error):
            raise TypeError(
                f"This {name} has a part that refers back to itself, as after "
                "set_fit_request, which skops cannot write."
            ) from error
        raise TypeError(
            f"This {name} has a part that cannot be saved without executable code: "
            f"{error}"
        ) from error
    strange = sorted(named - {*TRUSTED_TYPES, *trusted})
    if strange:
        raise TypeError(
            f"This {type(estimator).__name__} holds types that load does not trust by "
            f"default: {strange}. If whoever opens the file can trust it, pass "
            f"trusted={strange} to save and to load."
        )
    write_whole(path, lambda file: file.write(content))


@public
def load(path: FilePath, *, trusted: Sequence[str] = ()) -> Any:
    """Read an estimator from a file, without running any code of the file's.

    Only the types of skmnist's estimators, of scikit-learn's (but not of its compiled
    trees), and of NumPy's arrays are made. A file that names any other is refused
    before anything is imported or made for it.

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
        strange = set(skops.get_untrusted_types(data=content))
        strange -= {*TRUSTED_TYPES, *trusted}
        if not strange:
            return skops.loads(content, trusted=[*TRUSTED_TYPES, *trusted])
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


def _ran_too_deep(error):
    """Whether an error comes from where Python's stack ends.

    It need not be a RecursionError: where skops tries one way after another, another
    error may be the last.
    """
    n_frames = sum(1 for _ in traceback.walk_tb(error.__traceback__))
    return n_frames > sys.getrecursionlimit() / 2
