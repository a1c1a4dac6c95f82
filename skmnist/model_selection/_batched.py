"""Searches that train candidates together where that is faster than one by one."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    check_cv,
)
from sklearn.utils import _safe_indexing

from skmnist._documentation import DocumentedOnSite
from skmnist._fit_together import find_groups, fit_together

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class _BatchedSearch(DocumentedOnSite, BaseEstimator):
    """What both searches share: all but where the candidates come from."""

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Train and score all candidates, and refit the best one.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that the estimator takes.
        y : array-like of shape (n_samples,)
            Labels.
        **params : dict of str -> object
            As in scikit-learn's searches: parameters of the estimator's `fit`, of
            which those with a value a sample are split as ``X`` is, and ``groups``
            for the splitter.

        Returns
        -------
        self : object
            The search with its results.

        Raises
        ------
        ValueError
            For a grid without candidates, or with a parameter that the estimator
            does not have.
        """
        candidates = list(self._candidates())
        _check_names(self.estimator, candidates)
        estimators = [_make(self.estimator, candidate) for candidate in candidates]
        groups = find_groups(estimators, X, effective_n_jobs(self.n_jobs))
        routed = get_config()["enable_metadata_routing"]
        known = set(params) <= {"sample_weight", "groups"}
        if y is None or not groups or not known or routed:
            return super().fit(X, y, **params)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, params.pop("groups", None)))
        fits = _Fits(candidates, estimators, groups)
        fits.run(X, y, [train for train, _ in splits], params, self.n_jobs)
        search = GridSearchCV(
            _Recalled(self.estimator, fits),
            [{name: [value] for name, value in c.items()} for c in candidates],
            scoring=self.scoring,
            refit=self.refit,
            cv=splits,
            verbose=self.verbose,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
        )
        search.set_callbacks(*getattr(self, "_skl_callbacks", ()))
        search.fit(X, y, rows=np.arange(np.shape(y)[0]), **params)
        self._take_over(search, fits.seconds)
        return self

    def _take_over(self, search, seconds):
        """Make the results of a search our own, with the times of the real fits."""
        found = {n: v for n, v in vars(search).items() if n[-1] == "_" and n[0] != "_"}
        vars(self).update(found)
        self.cv_results_["mean_fit_time"] = np.mean(seconds, axis=0)
        self.cv_results_["std_fit_time"] = np.std(seconds, axis=0)
        if self.refit:
            self.best_estimator_ = search.best_estimator_.fitted_
        if self.scoring is None:
            # The search's own would keep all that was fitted.
            self.scorer_ = check_scoring(self.estimator)


class _Fits:
    """The fits of all candidates on each training part, together or one by one.

    Parameters
    ----------
    candidates : list of dict
        Their parameters.
    estimators : list of estimator
        One a candidate, unfitted.
    groups : list of list of int
        The positions of those that are fitted together.
    """

    def __init__(self, candidates, estimators, groups):
        self.names = [_name(candidate) for candidate in candidates]
        self.estimators = estimators
        grouped = {i for group in groups for i in group}
        alone = [[i] for i in range(len(estimators)) if i not in grouped]
        self.tasks = [*groups, *alone]
        self.outcomes = {}

    def run(self, X, y, folds, params, n_jobs):
        """Fit all candidates on the rows of each fold, in processes.

        Parameters
        ----------
        X, y : array-like
        folds : list of ndarray of int
        params : dict
            The weights of the rows, if any.
        n_jobs : int or None
        """
        weights = params.get("sample_weight")
        found = Parallel(n_jobs)(
            delayed(_fit)([self.estimators[i] for i in task], X, y, weights, rows)
            for rows in folds
            for task in self.tasks
        )
        self.seconds = np.zeros((len(folds), len(self.estimators)))
        todo = itertools.product(range(len(folds)), self.tasks)
        for (fold, task), (outcomes, seconds) in zip(todo, found, strict=True):
            self.seconds[fold, task] = seconds
            for i, outcome in zip(task, outcomes, strict=True):
                self.outcomes[self.names[i], folds[fold].tobytes()] = outcome

    def recall(self, candidate, rows):
        """What a fit on some rows came to: an estimator, or what it raised."""
        return self.outcomes.get((_name(candidate), rows.tobytes()))


class _Recalled(BaseEstimator):
    """An estimator whose fit has been done already, unless it is the refit.

    So the splitting, scoring, ranking and refitting are scikit-learn's own.
    """

    def __init__(self, estimator, fits):
        self.estimator = estimator
        self.fits = fits
        self.candidate = {}

    def __sklearn_clone__(self):
        return _Recalled(clone(self.estimator), self.fits)

    def get_params(self, deep=True):
        return self.estimator.get_params(deep)

    def set_params(self, **params):
        self.estimator.set_params(**params)
        self.candidate = params
        return self

    def fit(self, X, y, rows, **params):
        outcome = self.fits.recall(self.candidate, rows)
        if outcome is None:
            outcome = self.estimator.fit(X, y, **params)
        if isinstance(outcome, Exception):
            raise outcome
        self.fitted_ = outcome
        return self

    def __getattr__(self, name):
        # What is asked of a fitted estimator: predictions, classes_, score.
        if name == "fitted_" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(vars(self).get("fitted_", self.estimator), name)

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()


class BatchedGridSearchCV(_BatchedSearch, GridSearchCV):
    """scikit-learn's `GridSearchCV` that trains many networks as one.

    Candidates that differ only in ``lr``, ``weight_decay``, ``momentum``,
    ``lr_decay``, ``dropout`` or ``random_state`` are trained together where that is
    faster: on a CPU small MLPs, on an accelerator all networks. Their weights are
    stacked, and every batch is read once for all of them. All other candidates, and
    all of other estimators, are trained one by one as by `GridSearchCV`.

    Scores agree with those of `GridSearchCV` up to rounding: each candidate has the
    initial weights, the batches and the optimiser that it would have alone. With
    metadata routing enabled, and where `fit` is given more than ``sample_weight`` and
    ``groups`` (``X_val``, say), it is `GridSearchCV` itself.

    Parameters
    ----------
    estimator : estimator
        What is searched: `MLPClassifier` or `ConvNetClassifier`, or any other, which
        is searched as by `GridSearchCV`.
    param_grid : dict or list of dict
        Names of parameters to lists of values.
    scoring : str, callable, list, tuple or dict, default=None
        What the candidates are judged by; None takes the estimator's `score`.
    n_jobs : int, default=None
        Processes. On a CPU each trains a part of the candidates together.
    refit : bool, str or callable, default=True
        Whether the best candidate is trained on all data; it is an ordinary
        estimator then. A str names the score that decides.
    cv : int, splitter or iterable, default=None
        How the data are split; None is five stratified folds.
    verbose : int, default=0
        How much is printed.
    pre_dispatch : int or str, default="2*n_jobs"
        How many fits are sent to processes ahead of time, when all candidates are
        trained one by one.
    error_score : "raise" or float, default=numpy.nan
        The score of a candidate whose fit fails.
    return_train_score : bool, default=False
        Whether the training parts are scored too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As of `GridSearchCV`. The time of a fit that was done together with others
        is its share.
    best_estimator_ : estimator
        The best candidate, trained on all data; with ``refit`` only.
    best_score_ : float
        The mean score of the best candidate.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its position in ``cv_results_``.
    scorer_ : callable or dict
        What judged.
    n_splits_ : int
        The number of splits.
    refit_time_ : float
        Seconds that the refit took.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        The labels, with ``refit`` only.
    n_features_in_ : int
        Pixels per image, with ``refit`` only.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``X`` was a data frame and ``refit`` is not False.

    See Also
    --------
    BatchedRandomizedSearchCV : Candidates drawn from distributions.
    skmnist.displays.ParameterSweepDisplay : The results as a picture.

    Examples
    --------
    >>> from skmnist import MLPClassifier
    >>> from skmnist.datasets import load_digits28
    >>> from skmnist.model_selection import BatchedGridSearchCV
    >>> X, _, y, _ = load_digits28(split=True)
    >>> clf = MLPClassifier((32,), max_epochs=5, random_state=0)
    >>> grid = {"lr": [1e-4, 1e-2], "weight_decay": [0, 1e-2]}
    >>> search = BatchedGridSearchCV(clf, grid, cv=2).fit(X, y)
    >>> search.best_params_["lr"]
    0.01
    """

    def _candidates(self):
        return ParameterGrid(self.param_grid)


class BatchedRandomizedSearchCV(_BatchedSearch, RandomizedSearchCV):
    """scikit-learn's `RandomizedSearchCV` that trains many networks as one.

    Which candidates are trained together is said at `BatchedGridSearchCV`.

    Parameters
    ----------
    estimator : estimator
        What is searched: `MLPClassifier` or `ConvNetClassifier`, or any other, which
        is searched as by `RandomizedSearchCV`.
    param_distributions : dict or list of dict
        Names of parameters to distributions with an ``rvs`` method, or to lists of
        values.
    n_iter : int, default=10
        How many candidates are drawn.
    scoring : str, callable, list, tuple or dict, default=None
        What the candidates are judged by; None takes the estimator's `score`.
    n_jobs : int, default=None
        Processes. On a CPU each trains a part of the candidates together.
    refit : bool, str or callable, default=True
        Whether the best candidate is trained on all data; it is an ordinary
        estimator then. A str names the score that decides.
    cv : int, splitter or iterable, default=None
        How the data are split; None is five stratified folds.
    verbose : int, default=0
        How much is printed.
    pre_dispatch : int or str, default="2*n_jobs"
        How many fits are sent to processes ahead of time, when all candidates are
        trained one by one.
    random_state : int, RandomState instance or None, default=None
        Governs the drawing of candidates.
    error_score : "raise" or float, default=numpy.nan
        The score of a candidate whose fit fails.
    return_train_score : bool, default=False
        Whether the training parts are scored too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As of `RandomizedSearchCV`. The time of a fit that was done together with
        others is its share.
    best_estimator_ : estimator
        The best candidate, trained on all data; with ``refit`` only.
    best_score_ : float
        The mean score of the best candidate.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its position in ``cv_results_``.
    scorer_ : callable or dict
        What judged.
    n_splits_ : int
        The number of splits.
    refit_time_ : float
        Seconds that the refit took.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        The labels, with ``refit`` only.
    n_features_in_ : int
        Pixels per image, with ``refit`` only.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``X`` was a data frame and ``refit`` is not False.

    See Also
    --------
    BatchedGridSearchCV : All combinations of lists of values.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from skmnist import MLPClassifier
    >>> from skmnist.datasets import load_digits28
    >>> from skmnist.model_selection import BatchedRandomizedSearchCV
    >>> X, _, y, _ = load_digits28(split=True)
    >>> clf = MLPClassifier((32,), max_epochs=3, random_state=0)
    >>> search = BatchedRandomizedSearchCV(
    ...     clf, {"lr": loguniform(1e-4, 1e-1)}, n_iter=4, cv=2, random_state=0
    ... ).fit(X, y)
    >>> len(search.cv_results_["params"])
    4
    """

    def _candidates(self):
        return ParameterSampler(
            self.param_distributions, self.n_iter, random_state=self.random_state
        )


def _check_names(estimator, candidates):
    if not candidates:
        raise ValueError("There are no candidates: the grid of parameters is empty.")
    known = estimator.get_params()
    unknown = sorted({name for c in candidates for name in c} - set(known))
    if unknown:
        raise ValueError(
            f"{type(estimator).__name__} has no parameter {unknown[0]!r} to search. "
            f"It has {', '.join(sorted(known))}."
        )


def _make(estimator, params):
    return clone(estimator).set_params(**clone(params, safe=False))


def _fit(estimators, X, y, weights, rows):
    """Fit copies of some estimators; for each it or what it raised, and its seconds."""
    estimators = [clone(estimator) for estimator in estimators]
    data = [_safe_indexing(X, rows), _safe_indexing(y, rows)]
    if weights is not None:
        data.append(_safe_indexing(weights, rows))
    start = time.perf_counter()
    try:
        if len(estimators) > 1:
            failures = fit_together(estimators, *data)
        else:
            estimators[0].fit(*data)
            failures = [None]
    except Exception as error:
        failures = [error] * len(estimators)
    seconds = (time.perf_counter() - start) / len(estimators)
    return [f or e for f, e in zip(failures, estimators, strict=True)], seconds


def _name(candidate):
    return repr(sorted(candidate.items()))
