"""ParameterSweepDisplay: how a score depends on one parameter or two."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist._public import public

from ._style import (
    check_option,
    draw_legend,
    find_axes,
    series_style,
    size_in_points,
    text_width,
)
from ._sweep_table import all_numbers, read_sweep, to_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.container import Container
    from matplotlib.image import AxesImage
    from matplotlib.text import Text
    from pandas import DataFrame
    from sklearn.base import BaseEstimator

Kind: TypeAlias = Literal["line", "bar", "heatmap"]

LINE_STYLES = ("-", "--", "-.", ":")
HATCHES = ("", "//", "..", "\\\\", "xx")
NUMBER_SIZE = 8  # points, of what is written in cells and on bars


@public
class ParameterSweepDisplay:
    """The scores of a search over one parameter, or over two.

    Use :meth:`from_search` or :meth:`from_cv_results` to make one. All parameters
    are stored as attributes. A score whose name contains "accuracy" is drawn in
    percent.

    Parameters
    ----------
    param : str
        The parameter along the x axis.
    values : list of length n_values
        Its values.
    mean, std : ndarray of shape (n_hues, n_values)
        Mean and standard deviation of the score over the splits; NaN where there is
        none.
    failed : ndarray of bool of shape (n_hues, n_values)
        The candidates that were tried but have no score because a fit failed.
    hue : str, default=None
        The second parameter: a line or a colour of bars for each of its values, or
        the y axis of a heat map.
    hue_values : list of length n_hues, default=(None,)
        Its values.
    score_name : str, default="Accuracy"
        What to call the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.
    series_ : list of matplotlib ErrorbarContainer or BarContainer
        The lines or bars, one per value of `hue`.
    image_, colorbar_ : matplotlib AxesImage and Colorbar, or None
        The heat map.
    texts_ : list of matplotlib Text
        The texts on bars, in cells and where a candidate failed.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skmnist.displays import ParameterSweepDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> grid = {"var_smoothing": [1e-6, 1e-4, 1e-2]}
    >>> search = GridSearchCV(GaussianNB(), grid).fit(X, y)
    >>> display = ParameterSweepDisplay.from_search(search)
    >>> display.ax_.get_xscale(), display.ax_.get_xlabel()
    ('log', 'var_smoothing')
    """

    ax_: Axes
    figure_: Any  # of an axes in a subfigure, that
    series_: list[Container]
    image_: AxesImage | None
    colorbar_: Colorbar | None
    texts_: list[Text]

    def __init__(
        self,
        *,
        param: str,
        values: Sequence[Any],
        mean: np.ndarray,
        std: np.ndarray,
        failed: np.ndarray,
        hue: str | None = None,
        hue_values: Sequence[Any] = (None,),
        score_name: str = "Accuracy",
    ) -> None:
        self.param = param
        self.values = values
        self.mean = mean
        self.std = std
        self.failed = failed
        self.hue = hue
        self.hue_values = hue_values
        self.score_name = score_name

    @classmethod
    def from_search(
        cls,
        search: BaseEstimator,
        *,
        score: str | None = None,
        score_name: str | None = None,
        **settings: Any,
    ) -> Self:
        """Draw the scores of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or the like
            Fitted.
        score : str, default=None
            A column of ``cv_results_``; by default the one that the search's `refit`
            names, or "mean_test_score".
        score_name : str, default=None
            What to call it; by default the search's `scoring`.
        **settings :
            `param`, `hue`, `kind` and `ax`, as in :meth:`from_cv_results`.

        Returns
        -------
        ParameterSweepDisplay

        Raises
        ------
        NotFittedError
            For a search that has not been fitted.
        ValueError
            As in :meth:`from_cv_results`.
        """
        check_is_fitted(search, "cv_results_")
        if score is None:
            refitted = f"mean_test_{getattr(search, 'refit', None)}"
            score = refitted if refitted in search.cv_results_ else "mean_test_score"
        scoring = getattr(search, "scoring", None)
        if score_name is None and score == "mean_test_score" and scoring is not None:
            score_name = to_words(scoring) if isinstance(scoring, str) else "Score"
        return cls.from_cv_results(
            search.cv_results_, score=score, score_name=score_name, **settings
        )

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any] | DataFrame,
        *,
        param: str | None = None,
        hue: str | None = None,
        score: str = "mean_test_score",
        score_name: str | None = None,
        kind: Kind | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw scores from the table of a search.

        If parameters besides `param` and `hue` were varied, the candidate with the
        largest score stands for all that share its values of these two.

        Parameters
        ----------
        cv_results : dict of arrays, or DataFrame
            As in ``GridSearchCV.cv_results_``.
        param : str, default=None
            The parameter along the x axis; by default the one that was varied. If two
            were, they are `param` and `hue`.
        hue : str, default=None
            A second parameter.
        score : str, default="mean_test_score"
            The column of the score. For a mean, the spread is read from the column
            that has "std" in place of "mean".
        score_name : str, default=None
            What to call it; by default its column in words. "mean_test_score" is
            taken to be an accuracy if all its values are between 0 and 1.
        kind : {"line", "bar", "heatmap"}, default=None
            As in :meth:`plot`.
        ax : matplotlib Axes, default=None
            As in :meth:`plot`.

        Returns
        -------
        ParameterSweepDisplay

        Raises
        ------
        ValueError
            For a parameter or a score that is not in the table, a `kind` that does not
            go with the parameters, or if it is not clear which parameter is meant.

        Examples
        --------
        >>> from skmnist.displays import ParameterSweepDisplay
        >>> cv_results = {
        ...     "param_lr": [0.01, 0.01, 0.1, 0.1],
        ...     "param_weight_decay": [0, 1e-4, 0, 1e-4],
        ...     "mean_test_score": [0.951, 0.952, 0.972, float("nan")],
        ... }
        >>> display = ParameterSweepDisplay.from_cv_results(cv_results)
        >>> [text.get_text() for text in display.texts_]
        ['95.1', '97.2', '95.2', 'failed']
        """
        table = read_sweep(cv_results, param, hue, score, score_name)
        return cls(**table).plot(kind=kind, ax=ax)

    def plot(self, *, kind: Kind | None = None, ax: Axes | None = None) -> Self:
        """Draw the scores.

        Error bars, and the numbers after ±, are one standard deviation over the
        splits to either side.

        Parameters
        ----------
        kind : {"line", "bar", "heatmap"}, default=None
            By default a heat map for two parameters, a line for one with numeric
            values, otherwise bars. A line's axis is logarithmic if the values are
            positive and span two decades.
        ax : matplotlib Axes, default=None
            The axes to draw on; by default those of a new figure.

        Returns
        -------
        ParameterSweepDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For an unknown `kind`, or a heat map of one parameter.
        """
        name = type(self).__name__
        check_option(name, "kind", kind, (None, "line", "bar", "heatmap"))
        if kind == "heatmap" and self.hue is None:
            raise ValueError(
                "Expected two parameters for a heat map. Got one: pass hue, or "
                "kind='line'."
            )
        if kind is None:
            one: Kind = "line" if all_numbers(self.values) else "bar"
            kind = one if self.hue is None else "heatmap"
        self.ax_ = find_axes(ax, name)
        self.figure_ = self.ax_.figure
        self.series_: list[Container] = []
        self.texts_: list[Text] = []
        self.image_ = self.colorbar_ = None
        self.ax_.set_xlabel(self.param)
        if kind == "heatmap":
            self._draw_heatmap()
        elif kind == "line":
            self._draw_lines()
        else:
            self._draw_bars()
        if kind != "heatmap" and self.hue is not None:
            crowded = kind == "bar" or len(self.mean) > 4
            draw_legend(self.ax_, crowded, title=self.hue)
        return self

    @property
    def _factor(self):
        return 100 if "accuracy" in self.score_name.lower() else 1

    @property
    def _has_spread(self):
        return np.nansum(self.std) > 0

    @property
    def _score_label(self):
        label = f"{self.score_name} (%)" if self._factor == 100 else self.score_name
        return f"{label}\nmean ± std over splits" if self._has_spread else label

    def _number(self, value):
        if np.isnan(value):
            return ""
        return f"{value:.1f}" if self._factor == 100 else f"{value:.3g}"

    def _draw_lines(self):
        x, scale = _find_positions(self.values)
        self.ax_.set_xscale("log" if scale == "log" else "linear")
        for i, mean in enumerate(self._factor * self.mean):
            errors = self._factor * self.std[i] if self._has_spread else None
            style = series_style(i) | {"linestyle": LINE_STYLES[i % len(LINE_STYLES)]}
            label = _format(self.hue_values[i])
            self.series_.append(
                self.ax_.errorbar(x, mean, errors, capsize=3, label=label, **style)
            )
        for place, failed in zip(x, self.failed.T, strict=True):
            which = [_format(self.hue_values[i]) for i in np.flatnonzero(failed)]
            if which:
                self._mark_failed(place, "" if failed.all() else f"{', '.join(which)} ")
        self.ax_.grid(alpha=0.3)
        self.ax_.set_ylabel(self._score_label)
        self._set_ticks(x, scale)

    def _draw_bars(self):
        n_hues, n_values = self.mean.shape
        x, width = np.arange(n_values), 0.8 / n_hues
        room = width * size_in_points(self.ax_)[0] / n_values
        for i, mean in enumerate(self._factor * self.mean):
            places = x + (i - (n_hues - 1) / 2) * width
            bars = self.ax_.bar(
                places,
                np.nan_to_num(mean),
                width,
                yerr=self._factor * self.std[i] if self._has_spread else None,
                capsize=min(3, room / 4),
                color=series_style(i)["color"],
                hatch=HATCHES[i % len(HATCHES)],
                edgecolor="white",
                label=_format(self.hue_values[i]),
            )
            self.series_.append(bars)
            numbers = [self._number(value) for value in mean]
            fit = max(text_width(number, NUMBER_SIZE) for number in numbers) < room
            look = {"fontsize": NUMBER_SIZE, "rotation": 0 if fit else 90}
            self.texts_ += self.ax_.bar_label(bars, numbers, padding=2, **look)
            for place in places[self.failed[i]]:
                self._mark_failed(place)
        self.ax_.set_ylabel(self._score_label)
        self._set_ticks(x, "categories")
        if self._factor == 100:
            self.ax_.set(ylim=(0, 115), yticks=range(0, 101, 20))
        else:
            self.ax_.margins(y=0.15)

    def _draw_heatmap(self):
        ax, mean = self.ax_, self._factor * self.mean
        self.image_ = ax.imshow(mean, cmap="cividis", aspect="auto", origin="lower")
        texts = self._cell_texts()
        self.colorbar_ = self.figure_.colorbar(self.image_, ax=ax)
        self.colorbar_.set_label(self._score_label, labelpad=10)
        ax.set_yticks(range(len(mean)), [_format(value) for value in self.hue_values])
        ax.set_ylabel(self.hue)
        self._set_ticks(np.arange(mean.shape[1]), "categories")
        for (i, j), value in np.ndenumerate(mean):
            if self.failed[i, j]:
                self._hatch_cell(i, j)
            elif not np.isnan(value):
                color = "white" if self.image_.norm(value) < 0.5 else "black"
                self._write(j, i, texts[i, j], color=color, va="center")

    def _cell_texts(self):
        """Write the scores, with their spread if the cells have room for it."""
        to_texts = np.vectorize(self._number, otypes=[object])
        numbers = to_texts(self._factor * self.mean)
        both = numbers + "\n± " + to_texts(self._factor * self.std)
        # The colour bar is going to take a fifth of the width.
        width, height = size_in_points(self.ax_) * [0.8, 1] / self.mean.shape[::-1]
        for texts, n_lines in ((both, 2), (numbers, 1)):
            widest = max(text_width(text, NUMBER_SIZE) for text in texts.flat)
            fit = widest < width and 1.4 * n_lines * NUMBER_SIZE < height
            if fit and (n_lines == 1 or self._has_spread):
                return texts
        return np.full(self.mean.shape, "", dtype=object)

    def _hatch_cell(self, i, j):
        from matplotlib.patches import Rectangle

        look = {"facecolor": "0.95", "edgecolor": "0.75", "hatch": "//"}
        self.ax_.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, **look))
        box = {"facecolor": "0.95", "edgecolor": "none", "pad": 1}
        self._write(j, i, "failed", bbox=box, va="center")

    def _mark_failed(self, x, which=""):
        """Write at the foot of the axes that a candidate failed."""
        foot = self.ax_.get_xaxis_transform()
        # A mark beside the text, because a text does not extend the axis.
        self.ax_.plot(x, 0.03, "x", color="0.3", transform=foot)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
        look = {"transform": foot, "rotation": 90, "va": "bottom", "bbox": box}
        self._write(x, 0.07, f"{which}failed", **look)

    def _write(self, x, y, text, **text_kw):
        text_kw |= {"ha": "center", "fontsize": NUMBER_SIZE}
        self.texts_.append(self.ax_.text(x, y, text, **text_kw))

    def _set_ticks(self, x, scale):
        """Label the values that were tried; many are slanted or left out."""
        labels = [_format(value) for value in self.values]
        widest = max(text_width(label, 10) for label in labels) + 6
        room = size_in_points(self.ax_)[0]
        if scale == "categories":
            slant = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
            fit = widest <= room / len(x)
            self.ax_.set_xticks(x, labels, **({} if fit else slant))
        elif len(x) > 1:
            at = np.log10(x) if scale == "log" else x
            if widest <= 0.9 * room * np.diff(at).min() / np.ptp(at):
                self.ax_.set_xticks(x, labels)
                self.ax_.minorticks_off()


def _find_positions(values):
    """Find where the values lie on the x axis, and its scale."""
    if not all_numbers(values):
        return np.arange(len(values)), "categories"
    positive = [value for value in values if value > 0]
    if positive and max(positive) >= 100 * min(positive):
        if len(positive) == len(values):
            return np.asarray(values, dtype=float), "log"
        # A zero, such as a weight_decay's, has no place on a logarithmic axis, and
        # the others would be crowded on a linear one.
        return np.arange(len(values)), "categories"
    return np.asarray(values, dtype=float), "linear"


def _format(value):
    """Write a parameter's value as a short label."""
    if isinstance(value, float):
        return re.sub(r"e(-?)\+?0*", r"e\1", f"{value:g}")
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return textwrap.fill(str(value), 24, break_long_words=False)
