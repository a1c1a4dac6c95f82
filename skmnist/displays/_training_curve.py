"""TrainingCurveDisplay: loss or accuracy, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist._public import public

from ._style import check_option, draw_legend, find_axes, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

Metric: TypeAlias = Literal["loss", "accuracy"]
History: TypeAlias = Sequence[Mapping[str, Any]]

# What the history calls a metric, the axis label, and the factor to its unit.
METRICS = {
    "loss": ("loss", "Cross-entropy loss (nats)", 1),
    "accuracy": ("acc", "Accuracy (%)", 100),
}


@public
class TrainingCurveDisplay:
    """Loss or accuracy per epoch, for training and validation.

    Use :meth:`from_estimator`, :meth:`from_histories` or :meth:`from_arrays` to
    make one. All parameters are stored as attributes. One display draws one metric
    in one Axes: make two to show loss beside accuracy.

    Parameters
    ----------
    x : ndarray of shape (n_points,)
        The epochs.
    train, valid : dict of str to ndarray of shape (n_runs, n_points)
        The curves by name, in nats or as fractions; NaN where a run has no value. A
        curve of several runs is drawn as their mean and a band of one standard
        deviation (with ``ddof=0``) to either side.
    metric : {"loss", "accuracy"}, default="loss"
        Which of the two the numbers are.
    x_label : str, default="Epoch"
        The label of the x axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    lines_ : list of matplotlib Line2D
        The training curves, then the validation curves.
    bands_ : list of matplotlib PolyCollection
        The bands of those curves that have several runs.

    Examples
    --------
    >>> from skmnist.displays import TrainingCurveDisplay
    >>> display = TrainingCurveDisplay.from_arrays(
    ...     train=[1.15, 0.61, 0.50], valid=[0.72, 0.57, 0.49], metric="loss"
    ... )
    >>> [line.get_label() for line in display.lines_]
    ['training', 'validation']
    """

    ax_: Axes
    figure_: Any  # of an axes in a subfigure, that
    lines_: list[Line2D]
    bands_: list[PolyCollection]

    def __init__(
        self,
        *,
        x: np.ndarray,
        train: dict[str, np.ndarray],
        valid: dict[str, np.ndarray],
        metric: Metric = "loss",
        x_label: str = "Epoch",
    ) -> None:
        self.x = x
        self.train = train
        self.valid = valid
        self.metric = metric
        self.x_label = x_label

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator
        | Sequence[BaseEstimator]
        | Mapping[str, BaseEstimator | Sequence[BaseEstimator]],
        *,
        metric: Metric = "loss",
        ax: Axes | None = None,
    ) -> Self:
        """Draw what fitted estimators recorded while they were trained.

        Parameters
        ----------
        estimator : estimator, list of estimators, or dict of str to either
            Fitted networks, or others that keep their training in ``history_``. A
            list holds repeated runs of one setting: a mean and a band. A dict gives
            a curve for each of its names.
        metric, ax :
            As in :meth:`from_histories`.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        NotFittedError
            For an estimator that has not been fitted.
        TypeError
            For an estimator that keeps no history.
        ValueError
            For an unknown metric, or one that no history has.
        """
        if isinstance(estimator, Mapping):
            histories = {name: _read_history(item) for name, item in estimator.items()}
        else:
            histories = _read_history(estimator)
        return cls.from_histories(histories, metric=metric, ax=ax)

    @classmethod
    def from_histories(
        cls,
        histories: History
        | Sequence[History]
        | Mapping[str, History | Sequence[History]],
        *,
        metric: Metric = "loss",
        ax: Axes | None = None,
    ) -> Self:
        """Draw histories that were kept from training.

        Parameters
        ----------
        histories : history, list of histories, or dict of str to either
            A history is a list with a dict per epoch, such as a
            `skorch.history.History`, from which the keys ``train_loss``,
            ``valid_loss``, ``train_acc`` and ``valid_acc`` are read. A list of
            histories holds repeated runs of one setting.
        metric : {"loss", "accuracy"}, default="loss"
            What to draw.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        ValueError
            For an unknown metric, or one that no history has.

        Examples
        --------
        >>> from skmnist.displays import TrainingCurveDisplay
        >>> fast = [{"train_loss": 0.9}, {"train_loss": 0.4}]
        >>> slow = [{"train_loss": 2.1}, {"train_loss": 1.8}]
        >>> display = TrainingCurveDisplay.from_histories({"0.1": fast, "0.01": slow})
        >>> display.train["0.01"]
        array([[2.1, 1.8]])
        """
        check_option(cls.__name__, "metric", metric, METRICS)
        key = METRICS[metric][0]
        named = {
            name: [item] if _is_history(item) else item
            for name, item in _by_name(histories).items()
        }
        train, valid = _collect(named, f"train_{key}"), _collect(named, f"valid_{key}")
        if not train and not valid:
            raise ValueError(
                f"Expected 'train_{key}' or 'valid_{key}' in the histories, but none "
                "has either. Validation figures are recorded by a fit with "
                "early_stopping=True or with X_val and y_val."
            )
        return cls.from_arrays(train, valid, metric=metric, ax=ax)

    @classmethod
    def from_arrays(
        cls,
        train: ArrayLike | Mapping[str, ArrayLike] | None = None,
        valid: ArrayLike | Mapping[str, ArrayLike] | None = None,
        *,
        metric: Metric = "loss",
        x: ArrayLike | None = None,
        x_label: str = "Epoch",
        ax: Axes | None = None,
    ) -> Self:
        """Draw numbers from anywhere.

        Parameters
        ----------
        train, valid : array-like of shape (n_points,) or (n_runs, n_points), or \
                dict of str to such, default=None
            Losses in nats or accuracies as fractions of 1. Runs may differ in
            length: each counts in the mean as far as it goes.
        metric : {"loss", "accuracy"}, default="loss"
            Which of the two the numbers are.
        x : array-like of shape (n_points,), default=None
            Where the points lie; by default at 1, 2, 3 …
        x_label : str, default="Epoch"
            The label of the x axis.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        ValueError
            For an unknown metric, curves of another shape, no numbers at all,
            accuracies above 1, or an `x` of another length.
        """
        check_option(cls.__name__, "metric", metric, METRICS)
        training, validation = (
            {name: _as_runs(curve) for name, curve in _by_name(curves).items()}
            for curves in (train, valid)
        )
        curves = [*training.values(), *validation.values()]
        runs = [run for curve in curves for run in curve]
        n_points = max(map(len, runs), default=0)
        if n_points == 0:
            raise ValueError(
                "Expected at least one curve of at least one point. Got none: pass "
                "train, valid or both."
            )
        if metric == "accuracy" and any((run > 1).any() for run in runs):
            raise ValueError(
                "Expected accuracies as fractions of 1. Got some above 1: divide "
                "percentages by 100."
            )
        points = np.arange(1, n_points + 1) if x is None else np.asarray(x)
        if points.shape != (n_points,):
            raise ValueError(
                f"Expected x of shape ({n_points},), a value for each point of the "
                f"longest curve. Got shape {points.shape}."
            )
        return cls(
            x=points,
            train={name: _pad(runs, n_points) for name, runs in training.items()},
            valid={name: _pad(runs, n_points) for name, runs in validation.items()},
            metric=metric,
            x_label=x_label,
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw the curves, training dashed if there is validation too.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; by default those of a new figure.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = find_axes(ax, type(self).__name__)
        from matplotlib.ticker import MaxNLocator

        self.figure_ = self.ax_.figure
        self.lines_: list[Line2D] = []
        self.bands_: list[PolyCollection] = []
        names = list(dict.fromkeys([*self.train, *self.valid]))
        for subset, curves in self._subsets().items():
            for name, runs in curves.items():
                style = self._style(names, name, subset)
                label = f"{name}, {subset}" if len(names) > 1 else subset
                self._draw_curve(runs, label, style)
        if np.issubdtype(np.asarray(self.x).dtype, np.integer):
            locator = MaxNLocator(integer=True, min_n_ticks=1)
            self.ax_.xaxis.set_major_locator(locator)
        self.ax_.set(xlabel=self.x_label, ylabel=METRICS[self.metric][1])
        self.ax_.grid(alpha=0.3)
        handles = self._legend_handles(names)
        draw_legend(self.ax_, len(handles) > 5, handles=handles)
        return self

    def _subsets(self):
        subsets = {"training": self.train, "validation": self.valid}
        return {subset: curves for subset, curves in subsets.items() if curves}

    def _style(self, names, name, subset):
        subsets = list(self._subsets())
        i = names.index(name) if len(names) > 1 else subsets.index(subset)
        dashed = subset == "training" and len(subsets) > 1
        style = {"linestyle": "--" if dashed else "-", "markersize": 4}
        return series_style(i) | style

    def _draw_curve(self, runs, label, style):
        # Masked, because np.nanmean warns where no run has a value.
        values = np.ma.masked_invalid(METRICS[self.metric][2] * runs)
        mean, std = (f(axis=0).filled(np.nan) for f in (values.mean, values.std))
        every = max(1, len(mean) // 10)
        self.lines_ += self.ax_.plot(
            self.x, mean, label=label, markevery=every, **style
        )
        if len(runs) > 1:
            look = {"color": style["color"], "alpha": 0.2, "linewidth": 0}
            band = self.ax_.fill_between(self.x, mean - std, mean + std, **look)
            self.bands_.append(band)

    def _legend_handles(self, names):
        """Make an entry per name and per line style: fewer than one per line."""
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        handles = list(self.lines_)
        if len(names) > 1:
            handles = [
                Line2D([], [], **series_style(i), markersize=4, label=name)
                for i, name in enumerate(names)
            ]
            if len(self._subsets()) > 1:
                handles += [
                    Line2D([], [], color="0.3", linestyle=style, label=subset)
                    for subset, style in (("training", "--"), ("validation", "-"))
                ]
        if self.bands_:
            handles.append(Patch(color="0.8", label="± 1 standard deviation"))
        return handles


def _read_history(estimator):
    """Read the history of an estimator, or of each in a list."""
    if isinstance(estimator, list | tuple):
        return [_read_history(item) for item in estimator]
    check_is_fitted(estimator)
    if not hasattr(estimator, "history_"):
        raise TypeError(
            f"Expected an estimator that keeps its training in 'history_'. Got "
            f"{type(estimator).__name__}, which does not. For a pipeline, pass "
            "its last step."
        )
    return estimator.history_


def _by_name(values):
    if isinstance(values, Mapping):
        return values
    return {} if values is None else {"run": values}


def _is_history(item):
    return len(item) > 0 and isinstance(item[0], Mapping)


def _collect(named, key):
    """Read a key from the histories of every name that has it, NaN where missing."""
    return {
        name: [[row.get(key, np.nan) for row in history] for history in histories]
        for name, histories in named.items()
        if any(key in row for history in histories for row in history)
    }


def _as_runs(curve):
    """Turn one run, or several of any lengths, into a list of float arrays."""
    try:
        array = np.asarray(curve, dtype=float)
    except ValueError:  # runs of several lengths make no array
        runs = [np.asarray(run, dtype=float) for run in curve]
    else:
        runs = list(array) if array.ndim == 2 else [array]
    for run in runs:
        if run.ndim != 1:
            raise ValueError(
                "Expected a curve of shape (n_points,) or (n_runs, n_points), or a "
                f"list of runs. Got a run of shape {run.shape}."
            )
    return runs


def _pad(runs, n_points):
    blank = {"constant_values": np.nan}
    return np.array([np.pad(run, (0, n_points - len(run)), **blank) for run in runs])
