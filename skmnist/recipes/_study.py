"""A report's study: one setting, trained over and over with something varied."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, ParameterGrid, learning_curve
from skorch.callbacks import Callback

from skmnist._public import public
from skmnist.recipes._setting import Data, Setting, split_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

# A mean and a standard deviation, both in percent.
Figure: TypeAlias = tuple[float, float | None]

TRAINING_IMAGES = "training images"


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Study(Setting):
    """A setting of a report, and what the report varies of it.

    Either `grid` or `train_sizes` says what is varied. With neither, the study is
    of the spread between runs that differ only in their random numbers.

    Parameters
    ----------
    name : str
        ``report/study``.
    source : str
        Where it was published.
    estimator : {"MLPClassifier", "ConvNetClassifier"}
        The class of the network.
    settings : dict, default={}
        The parameters that are not varied, except those left at their defaults.
    n_validation : int, default=0
        How many of MNIST's 60,000 training images the report held out; of other
        data it is the same share.
    note : str, default=""
        What a reader of the figures should know.
    grid : dict of str to tuple, default={}
        Parameters of the estimator and the values they take, as in
        `sklearn.model_selection.GridSearchCV`.
    train_sizes : tuple of float, default=()
        Shares of the training images, as in
        `sklearn.model_selection.learning_curve`.
    n_repeats : int, default=1
        Runs of every candidate, with the seeds 0, 1, 2 …
    terms : dict of str to tuple (str, float), default={}
        What the report calls a parameter, if not by our name, and the factor that
        turns our value into the report's.
    curves : type, default=None
        A callback that records the curves that the report shows.
    chart : {"line", "bar", "heatmap"}, default=None
        How the report draws the accuracies; by default as suits what is varied.
    published : dict of value to tuple (mean, std), default={}
        Test accuracies in percent by the report's values of the one parameter that
        it varies; None for a deviation that it does not give.
    independent : dict of value to tuple (mean, std), default={}
        The same from independent runs, where the published ones are an artefact.
    finding : str, default=""
        What the report concludes.

    Raises
    ------
    ValueError
        For an unknown estimator, `grid` and `train_sizes` together, published figures
        of two parameters at once, or curves whose number of points would depend on
        what is varied.

    Examples
    --------
    >>> from skmnist.recipes import get_study
    >>> get_study("dl-2020/learning-rate").grid
    {'lr': (1e-05, 0.0001, 0.001, 0.01)}
    """

    # The baseline has no epochs, callbacks or device.
    _estimators: ClassVar = ("MLPClassifier", "ConvNetClassifier")

    grid: dict[str, tuple] = field(default_factory=dict)
    train_sizes: tuple[float, ...] = ()
    n_repeats: int = 1
    terms: dict[str, tuple[str, float]] = field(default_factory=dict)
    curves: type[Callback] | None = None
    chart: str | None = None
    published: dict[Any, Figure] = field(default_factory=dict)
    independent: dict[Any, Figure] = field(default_factory=dict)
    finding: str = ""

    def __post_init__(self):
        super().__post_init__()
        if self.grid and self.train_sizes:
            raise ValueError(
                f"{self.name} must vary either grid or train_sizes, not both."
            )
        n_varied = len(self.grid) + bool(self.train_sizes)
        if n_varied != 1 and (self.published or self.independent):
            raise ValueError(
                f"{self.name} varies {n_varied} parameters: published figures go with "
                "one."
            )
        fixed = () if self.curves is None else self.curves.depend_on
        if fixed and (self.train_sizes or {*self.grid} & {*fixed}):
            raise ValueError(
                f"{self.name} cannot record curves: their number of points would "
                "depend on what the study varies."
            )

    @property
    def varies(self) -> str:
        """What is varied, in the report's words."""
        if self.train_sizes:
            return TRAINING_IMAGES
        return ", ".join(self._in_terms(dict.fromkeys(self.grid, 0))) or "seed"

    def run(
        self,
        data: Data,
        *,
        epochs: int | None = None,
        n_repeats: int | None = None,
        n_jobs: int | None = None,
        device: str | torch.device = "auto",
        callbacks: Sequence[Callback] = (),
    ) -> StudyResult:
        """Train every candidate, and score it on the test images.

        A grid is searched by `sklearn.model_selection.GridSearchCV` with the test
        images as its one split and the seed as one more parameter; training sizes
        are varied by `sklearn.model_selection.learning_curve`.

        Parameters
        ----------
        data : tuple (X_train, X_test, y_train, y_test)
            Images of 28x28 pixels and their labels, as
            ``fetch_mnist(split=True)`` returns them.
        epochs : int, default=None
            The number of epochs, instead of the report's.
        n_repeats : int, default=None
            The number of runs of every candidate, instead of the study's.
        n_jobs : int, default=None
            How many networks are trained at once, as in scikit-learn.
        device : str or torch.device, default="auto"
            Where they are trained.
        callbacks : sequence of skorch callbacks, default=()
            For every fit, for example one that shows the progress of the training.

        Returns
        -------
        result : StudyResult
            The accuracies, and the published ones beside them.

        Raises
        ------
        ValueError
            For data of another form, images of another size, an `n_repeats` that is
            not a positive int, or if every fit fails.
        """
        n_repeats = self.n_repeats if n_repeats is None else n_repeats
        is_int = isinstance(n_repeats, Integral) and not isinstance(n_repeats, bool)
        if not is_int or n_repeats < 1:
            raise ValueError(
                "The 'n_repeats' parameter of Study must be a positive int. Got "
                f"{n_repeats!r} instead."
            )
        images = split_images(self, data, random_state=0)
        recorder = [self.curves()] if self.curves else []
        changed = {} if epochs is None else {"max_epochs": epochs}
        estimator = self.make_estimator(
            device=device, callbacks=[*recorder, *callbacks], **changed
        )
        measure = self._vary_size if self.train_sizes else self._search
        candidates, accuracies, curves, seconds = measure(
            estimator, images, n_repeats, n_jobs
        )
        return StudyResult(
            study=self,
            candidates=candidates,
            accuracies=accuracies,
            curves=curves,
            scored=images.scored,
            n_epochs=estimator.max_epochs,
            n_train=len(images.y_train),
            n_test=len(images.y_test),
            fit_seconds=seconds,
        )

    def _search(self, estimator, images, n_repeats, n_jobs):
        X, y, split = images.as_one()
        search = GridSearchCV(
            estimator,
            {**self.grid, "random_state": list(range(n_repeats))},
            scoring=partial(score_with_curves, self.curves),
            cv=split,
            refit=False,
            n_jobs=n_jobs,
        )
        # Scored after every epoch for the curves, and for whoever reads a progress
        # bar. With metadata routing a search would pass on only what was requested.
        with config_context(enable_metadata_routing=False):
            search.fit(X, y, X_val=images.X_val, y_val=images.y_val)
        table = search.cv_results_
        grid = list(ParameterGrid(self.grid))
        order, shape = order_runs(table["params"], grid), (len(grid), n_repeats)
        return (
            [self._in_terms(params) for params in grid],
            100 * table["mean_test_accuracy"][order].reshape(shape),
            read_curves(table, order, shape),
            table["mean_fit_time"][order].reshape(shape),
        )

    def _vary_size(self, estimator, images, n_repeats, n_jobs):
        X, y, split = images.as_one()
        accuracies, seconds = [], []
        for seed in range(n_repeats):
            sizes, _, scores, fit_seconds, _ = learning_curve(
                estimator.set_params(random_state=seed),
                X,
                y,
                train_sizes=list(self.train_sizes),
                cv=split,
                # Each repeat draws its own images, as well as its own weights.
                shuffle=True,
                random_state=seed,
                n_jobs=n_jobs,
                return_times=True,
            )
            accuracies.append(100 * scores[:, 0])
            seconds.append(fit_seconds[:, 0])
        candidates = [{TRAINING_IMAGES: int(size)} for size in sizes]
        return candidates, np.transpose(accuracies), {}, np.transpose(seconds)

    def _in_terms(self, params):
        """A candidate in the report's names and units."""
        in_terms = {}
        for name, value in params.items():
            term, factor = self.terms.get(name, (name, None))
            in_terms[term] = value if factor is None else factor * value
        return in_terms


def order_runs(runs, grid):
    """Positions of a search's runs, sorted by candidate, then by seed."""
    places = []
    for run in runs:
        candidate = {name: value for name, value in run.items() if name in grid[0]}
        places.append((grid.index(candidate), run["random_state"]))
    return sorted(range(len(runs)), key=places.__getitem__)


def read_curves(table, order, shape):
    """The curves that `score_with_curves` put into the table of a search."""
    curves = {}
    for column, values in table.items():
        name = column.removeprefix("mean_test_")
        metric, is_point, _ = name.rpartition(" ")
        if name != column and is_point:
            curves.setdefault(metric, []).append(values[order])
    return {
        metric: np.stack(points, axis=-1).reshape(*shape, -1)
        for metric, points in curves.items()
    }


def score_with_curves(recorder, estimator, X, y):
    """The accuracy, and every point of the curves, as a search can tabulate them."""
    scores = {"accuracy": estimator.score(X, y)}
    if recorder is not None:
        for metric, values in recorder().curves(estimator.history_).items():
            scores |= {f"{metric} {i}": value for i, value in enumerate(values)}
    return scores


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class StudyResult:
    """The result of running a study.

    Parameters
    ----------
    study : Study
        The study that was run.
    candidates : list of dict
        What was varied, in the report's names and units.
    accuracies : ndarray of shape (n_candidates, n_repeats)
        On the test images, in percent; NaN for a fit that failed.
    curves : dict of str to ndarray of shape (n_candidates, n_repeats, n_points)
        "train_loss" and the like in nats, "valid_accuracy" and the like as
        fractions of 1.
    scored : {"validation", "test"}
        Which images the validation curves are of.
    n_epochs : int
        Epochs of every fit.
    n_train, n_test : int
        The largest number of images trained on, and the number tested on.
    fit_seconds : ndarray of shape (n_candidates, n_repeats)
        The time of each training, including the scoring for the curves.
    """

    study: Study
    candidates: list[dict[str, Any]]
    accuracies: np.ndarray
    curves: dict[str, np.ndarray]
    scored: str
    n_epochs: int
    n_train: int
    n_test: int
    fit_seconds: np.ndarray

    @property
    def n_repeats(self) -> int:
        """The number of runs of every candidate."""
        return self.accuracies.shape[1]

    @property
    def n_failed(self) -> int:
        """The number of fits that failed."""
        return int(np.isnan(self.accuracies).sum())

    @property
    def cv_results(self) -> dict[str, Any]:
        """The accuracies as a search has them, with the repeats as its splits.

        For `skmnist.displays.ParameterSweepDisplay.from_cv_results`; deviations are
        those of a sample (``ddof=1``), as in `comparison`.
        """
        return {
            **{
                f"param_{name}": [candidate[name] for candidate in self.candidates]
                for name in self.candidates[0]
            },
            "params": self.candidates,
            "mean_test_accuracy": self.accuracies.mean(axis=1) / 100,
            "std_test_accuracy": self._deviations() / 100,
        }

    def _deviations(self):
        """Sample standard deviations over the repeats; zeros for a single run."""
        if self.n_repeats == 1:
            return np.zeros(len(self.candidates))
        return self.accuracies.std(axis=1, ddof=1)

    def comparison(
        self,
    ) -> list[tuple[dict[str, Any], Figure | None, Figure | None, Figure]]:
        """Set the published figures beside the measured ones.

        Returns
        -------
        rows : list of tuple (candidate, published, independent, measured)
            One per candidate. The last three are each a mean and a standard deviation
            in percent, or None; the deviation is None for a single run or
            publication.
        """
        rows = []
        for candidate, runs, deviation in zip(
            self.candidates, self.accuracies, self._deviations(), strict=True
        ):
            published, independent = (
                figures.get(*candidate.values()) if figures else None
                for figures in (self.study.published, self.study.independent)
            )
            spread = float(deviation) if self.n_repeats > 1 else None
            measured = float(runs.mean()), spread
            rows.append((candidate, published, independent, measured))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return all figures in plain types, as for a JSON file.

        Returns
        -------
        figures : dict
            Everything but the settings.
        """
        return {
            "study": self.study.name,
            "source": self.study.source,
            "finding": self.study.finding,
            "note": self.study.note,
            "scored": self.scored,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "n_epochs": self.n_epochs,
            "candidates": [
                {name: plain(value) for name, value in candidate.items()}
                for candidate in self.candidates
            ],
            "accuracies": finite(self.accuracies),
            "fit_seconds": self.fit_seconds.tolist(),
            "published": list(self.study.published.items()),
            "independent": list(self.study.independent.items()),
            "curves": {name: finite(curve) for name, curve in self.curves.items()},
        }


def plain(value):
    """A parameter's value if JSON can hold it, otherwise its text."""
    items = value if isinstance(value, tuple) else (value,)
    simple = (bool, int, float, str, type(None))
    return value if all(isinstance(item, simple) for item in items) else str(value)


def finite(figures):
    """Nested lists of figures, with None for fits that failed."""
    return np.where(np.isnan(figures), None, figures).tolist()
