"""Searches that train candidates together where that is faster than one by one."""

from __future__ import annotations

import copy
import functools
import itertools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from skmnist._estimators.documentation import DocumentedOnSite
from skmnist._public import public
from skmnist.model_selection._fit_together import find_groups, fit_together, is_network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class _BatchedSearch(DocumentedOnSite, BaseEstimator):
    """What both searches share: all but where the candidates come from.

    The search is scikit-learn's own, from the parameter checks to the refit. For our
    networks it is given an estimator whose clones, where they were fitted together
    beforehand, need no further fit.
    """

    _fits: _Fits | None = None

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
            which those with one value per sample are split along with ``X``, and
            ``groups`` for the splitter.

        Returns
        -------
        self : object
            The search with its results.

        Raises
        ------
        ValueError
            Before any training: for a parameter that is not as documented, or a grid
            without candidates or with a parameter that the network does not have.
        """
        if not is_network(self.estimator):
            return super().fit(X, y, **params)
        search = copy.copy(self)
        search._fits = _Fits(self.estimator, X, y, params)
        search.estimator = search._fits.source
        if isinstance(search.cv, Iterator):
            # Read once, for scikit-learn's splits and the ones of the fits together.
            search.cv = list(search.cv)
        super(_BatchedSearch, search).fit(X, y, **params)
        for name, value in vars(search).items():
            if name[-1] == "_" and name[0] != "_":
                setattr(self, name, value)
        if self.scoring is None:
            # The search's own would keep the data.
            self.scorer_ = check_scoring(self.estimator)
        return self

    def _run_search(self, evaluate_candidates, *, callback_ctx=None):
        # scikit-learn before 1.9 neither hands it over nor takes it.
        context = {} if callback_ctx is None else {"callback_ctx": callback_ctx}
        if self._fits is not None:
            evaluate_candidates = functools.partial(self._evaluate, evaluate_candidates)
        super()._run_search(evaluate_candidates, **context)

    def _evaluate(self, evaluate_candidates, candidates, **context):
        """Fit together what can be, and leave the rest to scikit-learn."""
        candidates = list(candidates)
        _check_names(self.estimator, candidates)
        cv = self._fits.run(candidates, self.cv, self.n_jobs)
        return evaluate_candidates(candidates, cv=cv, **context)

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        if self._fits is not None:
            for position, seconds in self._fits.seconds.items():
                out[position]["fit_time"] = seconds
        return super()._format_results(candidate_params, n_splits, out, more_results)


class _Fits:
    """The fits that are done together before scikit-learn asks for them.

    Parameters
    ----------
    estimator : MLPClassifier or ConvNetClassifier
    X, y : array-like
    params : dict
        Those of the search's `fit`.

    Attributes
    ----------
    source : MLPClassifier or ConvNetClassifier
        The estimator that scikit-learn is given, to clone it for every fit.
    seconds : dict of int to float
        The time of each fit by its position in scikit-learn's order: candidate by
        candidate, and split by split for each.
    """

    def __init__(self, estimator, X, y, params):
        self.X, self.y = X, y
        self.params = dict(params)
        self.groups = self.params.pop("groups", None)
        self.estimator = clone(estimator)
        self.source = clone(estimator)
        self.source.__sklearn_clone__ = self._clone
        self.positions = None
        self.outcomes, self.seconds = {}, {}

    def __getstate__(self):
        # scikit-learn sends the search along with every fit to another process.
        return {}

    def run(self, candidates, cv, n_jobs):
        """Fit together what can be, in processes; return the splits to be used."""
        self.positions = itertools.count()
        cv = check_cv(cv, self.y, classifier=True)
        estimators = [
            clone(self.estimator).set_params(**clone(candidate, safe=False))
            for candidate in candidates
        ]
        groups = self._find_groups(estimators, n_jobs)
        if not groups:
            return cv
        splits = list(cv.split(self.X, self.y, self.groups))
        todo = list(itertools.product(range(len(splits)), groups))
        found = Parallel(n_jobs)(
            delayed(_fit)(
                [estimators[i] for i in group],
                *(self.X, self.y, self.params, np.asarray(splits[fold][0])),
            )
            for fold, group in todo
        )
        for (fold, group), (outcomes, seconds) in zip(todo, found, strict=True):
            for i, outcome in zip(group, outcomes, strict=True):
                position = i * len(splits) + fold
                self.outcomes[position], self.seconds[position] = outcome, seconds
        return check_cv(splits)

    def _find_groups(self, estimators, n_jobs):
        routed = get_config()["enable_metadata_routing"]
        if self.y is None or routed or not set(self.params) <= {"sample_weight"}:
            return []
        return find_groups(estimators, self.X, effective_n_jobs(n_jobs))

    def _clone(self):
        """What scikit-learn's `clone` makes of the source.

        Before the candidates are known, this is the source itself; after that, an
        estimator for each fit in order, and finally one for the refit.
        """
        if self.positions is None:
            return self.source
        estimator = clone(self.estimator)
        outcome = self.outcomes.pop(next(self.positions), None)
        if outcome is not None:
            estimator.fit = _Recall(estimator, outcome)
        return estimator


class _Recall:
    """The `fit` of an estimator whose fit has been done already.

    Parameters
    ----------
    estimator : MLPClassifier or ConvNetClassifier
        Unfitted; it becomes what was fitted.
    outcome : MLPClassifier, ConvNetClassifier or Exception
        What was fitted, or what the fit raised.
    """

    def __init__(self, estimator, outcome):
        self.estimator = estimator
        self.outcome = outcome

    def __call__(self, X, y, **params):
        del self.estimator.fit
        if isinstance(self.outcome, Exception):
            # Several estimators may have failed with the same error.
            raise self.outcome.with_traceback(None)
        vars(self.estimator).update(vars(self.outcome))
        return self.estimator


@public
class BatchedGridSearchCV(_BatchedSearch, GridSearchCV):
    """scikit-learn's `GridSearchCV`, training many networks as one.

    Candidates that differ only in ``lr``, ``weight_decay``, ``momentum``,
    ``lr_decay``, ``dropout`` or ``random_state`` are trained together where that is
    faster: small MLPs on a CPU, all networks on an accelerator. Their weights are
    stacked, and every batch is read once for all of them. All other candidates are
    trained one by one, as `GridSearchCV` trains them. So are all candidates with
    metadata routing enabled, and where `fit` is given more than ``sample_weight`` and
    ``groups`` (``X_val``, say).

    Scores agree with those of `GridSearchCV` up to rounding: each candidate has the
    initial weights, the batches and the optimiser that it would have alone.

    Parameters
    ----------
    estimator : estimator
        The estimator to search. One other than `MLPClassifier` and
        `ConvNetClassifier` is searched by `GridSearchCV` itself.
    param_grid : dict or list of dict
        Parameter names, each with a list of values to try.
    scoring : str, callable, list, tuple or dict, default=None
        How candidates are scored; None takes the estimator's `score`.
    n_jobs : int, default=None
        Number of processes. On a CPU each trains a share of the candidates together.
    refit : bool, str or callable, default=True
        Whether to train the best candidate on all data. A str names the score that
        decides, and a callable takes ``cv_results_`` and returns the best index.
    cv : int, splitter or iterable, default=None
        How the data are split; None means five stratified folds.
    verbose : int, default=0
        Verbosity level. The time that a level of 2 or more prints for a candidate
        that was trained with others is that of its scoring.
    pre_dispatch : int or str, default="2*n_jobs"
        How many candidates are sent to the processes ahead of time, to be scored or
        to be trained one by one.
    error_score : "raise" or float, default=numpy.nan
        The score of a candidate whose fit fails; "raise" raises its error instead.
    return_train_score : bool, default=False
        Whether to compute scores on the training parts too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As in `GridSearchCV`. Candidates that are trained together share the time of
        the fit equally.
    best_estimator_ : estimator
        The best candidate, trained on all data; only with ``refit``.
    best_score_ : float
        The mean score of the best candidate.
    best_params_ : dict
        The parameters of the best candidate.
    best_index_ : int
        The position of the best candidate in ``cv_results_``.
    scorer_ : callable or dict
        The scorer or scorers used.
    n_splits_ : int
        The number of splits.
    refit_time_ : float
        Seconds that the refit took.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        The labels, only with ``refit``.
    n_features_in_ : int
        Pixels per image, only with ``refit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names; only with ``refit``, and where ``X`` was a data frame.

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


@public
class BatchedRandomizedSearchCV(_BatchedSearch, RandomizedSearchCV):
    """scikit-learn's `RandomizedSearchCV`, training many networks as one.

    `BatchedGridSearchCV` says which candidates are trained together.

    Parameters
    ----------
    estimator : estimator
        The estimator to search. One other than `MLPClassifier` and
        `ConvNetClassifier` is searched by `RandomizedSearchCV` itself.
    param_distributions : dict or list of dict
        Parameter names, each with a distribution (an object with an ``rvs`` method)
        or a list of values to draw from.
    n_iter : int, default=10
        Number of candidates to draw.
    scoring : str, callable, list, tuple or dict, default=None
        How candidates are scored; None takes the estimator's `score`.
    n_jobs : int, default=None
        Number of processes. On a CPU each trains a share of the candidates together.
    refit : bool, str or callable, default=True
        Whether to train the best candidate on all data. A str names the score that
        decides, and a callable takes ``cv_results_`` and returns the best index.
    cv : int, splitter or iterable, default=None
        How the data are split; None means five stratified folds.
    verbose : int, default=0
        Verbosity level. The time that a level of 2 or more prints for a candidate
        that was trained with others is that of its scoring.
    pre_dispatch : int or str, default="2*n_jobs"
        How many candidates are sent to the processes ahead of time, to be scored or
        to be trained one by one.
    random_state : int, RandomState instance or None, default=None
        Determines which candidates are drawn.
    error_score : "raise" or float, default=numpy.nan
        The score of a candidate whose fit fails; "raise" raises its error instead.
    return_train_score : bool, default=False
        Whether to compute scores on the training parts too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As in `RandomizedSearchCV`. Candidates that are trained together share the
        time of the fit equally.
    best_estimator_ : estimator
        The best candidate, trained on all data; only with ``refit``.
    best_score_ : float
        The mean score of the best candidate.
    best_params_ : dict
        The parameters of the best candidate.
    best_index_ : int
        The position of the best candidate in ``cv_results_``.
    scorer_ : callable or dict
        The scorer or scorers used.
    n_splits_ : int
        The number of splits.
    refit_time_ : float
        Seconds that the refit took.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        The labels, only with ``refit``.
    n_features_in_ : int
        Pixels per image, only with ``refit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names; only with ``refit``, and where ``X`` was a data frame.

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


def _fit(estimators, X, y, params, rows):
    """Fit copies of estimators together: each, or what it raised; each one's time."""
    estimators = [clone(estimator) for estimator in estimators]
    params = _check_method_params(X, params, indices=rows)
    start = time.perf_counter()
    try:
        failures = fit_together(
            estimators, _safe_indexing(X, rows), _safe_indexing(y, rows), **params
        )
    except Exception as error:
        failures = [error] * len(estimators)
    seconds = (time.perf_counter() - start) / len(estimators)
    return [f or e for f, e in zip(failures, estimators, strict=True)], seconds
