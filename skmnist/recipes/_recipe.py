"""A report's network: what it is, how it was trained, and what was published."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skmnist._public import public
from skmnist.recipes._recorders import TrainingAccuracy
from skmnist.recipes._setting import Data, Setting, split_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from skorch.callbacks import Callback


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class Recipe(Setting):
    """A network of a report, and the figures that the report gives for it.

    Parameters
    ----------
    name : str
        ``report/network``.
    source : str
        Where it was published.
    estimator : {"LinearClassifier", "MLPClassifier", "ConvNetClassifier"}
        The class of the network.
    settings : dict, default={}
        The parameters of that class, except those left at their defaults.
    n_validation : int, default=0
        How many of MNIST's 60,000 training images the report held out; of other
        data it is the same share.
    note : str, default=""
        What a reader of the figures should know.
    n_parameters : int
        The weights and biases of the network on images of 28x28 pixels.
    published : dict of str to dict of int to float
        Figures by metric ("test_accuracy", "train_accuracy" in percent,
        "test_loss", "train_loss" in nats) and epoch, counted from 1.
    independent : dict or None, default=None
        The same, from an independent run of the same setting, where the published
        figures are an artefact; None where they are not.
    shows : tuple of str, default=("test_accuracy",)
        The metrics that the report lists by epoch, in its order.
    shows_layers : bool, default=False
        Whether the report lists the layers with their parameters.

    Raises
    ------
    ValueError
        For an unknown estimator.

    Examples
    --------
    >>> from skmnist.recipes import get_recipe
    >>> recipe = get_recipe("dm566-2022/mlp-100")
    >>> recipe.make_estimator(max_epochs=1).hidden_layer_sizes
    (100,)
    """

    _estimators: ClassVar = ("LinearClassifier", "MLPClassifier", "ConvNetClassifier")

    n_parameters: int
    published: dict[str, dict[int, float]]
    independent: dict[str, dict[int, float]] | None = None
    shows: tuple[str, ...] = ("test_accuracy",)
    shows_layers: bool = False

    def run(
        self,
        data: Data,
        *,
        epochs: int | None = None,
        random_state: int = 0,
        device: str | torch.device = "auto",
        callbacks: Sequence[Callback] = (),
    ) -> RecipeResult:
        """Train on the given data, and score after every epoch.

        Parameters
        ----------
        data : tuple (X_train, X_test, y_train, y_test)
            Images of 28x28 pixels and their labels, as
            ``fetch_mnist(split=True)`` returns them.
        epochs : int, default=None
            The number of epochs, instead of the report's. The linear baseline has
            none.
        random_state : int, default=0
            For the network, and for the choice of validation images.
        device : str or torch.device, default="auto"
            Where the network is trained; the linear baseline runs on the CPU.
        callbacks : sequence of skorch callbacks, default=()
            For example one that shows the progress of the training.

        Returns
        -------
        result : RecipeResult
            The fitted estimator, its figures, and the published ones beside them.

        Raises
        ------
        ValueError
            For data of another form, or images of another size.
        """
        images = split_images(self, data, random_state)
        start = time.perf_counter()
        if self.estimator == "LinearClassifier":
            estimator = self.make_estimator(random_state=random_state)
            figures = {}
            estimator.fit(images.X_train, images.y_train)
        else:
            changed = {} if epochs is None else {"max_epochs": epochs}
            recorders = [TrainingAccuracy()] if self._has_training_accuracy else []
            estimator = self.make_estimator(
                random_state=random_state,
                device=device,
                callbacks=[*recorders, *callbacks],
                **changed,
            )
            estimator.fit(
                images.X_train, images.y_train, X_val=images.X_val, y_val=images.y_val
            )
            estimator.set_params(callbacks=None)
            figures = read_figures(estimator.history_, images.scored)
        seconds = time.perf_counter() - start
        if "test_accuracy" not in figures:
            figures |= final_figures(estimator, images.X_test, images.y_test)
        return RecipeResult(
            recipe=self,
            estimator=estimator,
            figures=figures,
            n_epochs=getattr(estimator, "n_epochs_", 1),
            n_train=len(images.y_train),
            n_test=len(images.y_test),
            random_state=random_state,
            fit_seconds=seconds,
        )

    @property
    def _has_training_accuracy(self):
        """Whether the report has it: it costs a pass over all images per epoch."""
        return "train_accuracy" in {*self.shows, *self.published}


def read_figures(history, scored):
    """Figures by metric and epoch from a skorch history."""
    names = {
        "train_loss": ("train_loss", 1),
        "train_acc_after": ("train_accuracy", 100),
        "valid_loss": (f"{scored}_loss", 1),
        "valid_acc": (f"{scored}_accuracy", 100),
    }
    return {
        name: {row["epoch"]: factor * row[key] for row in history}
        for key, (name, factor) in names.items()
        if key in history[0]
    }


def final_figures(estimator, X_test, y_test):
    """The test figures of a fitted estimator, under its last epoch."""
    last = getattr(estimator, "n_epochs_", 1)
    log_proba = estimator.predict_log_proba(X_test)
    targets = np.searchsorted(estimator.classes_, y_test)
    right = log_proba.argmax(axis=1) == targets
    loss = -log_proba[np.arange(len(targets)), targets].mean()
    return {
        "test_accuracy": {last: 100 * float(right.mean())},
        "test_loss": {last: float(loss)},
    }


@public
@dataclass(frozen=True, eq=False)
class RecipeResult:
    """The result of running a recipe.

    Parameters
    ----------
    recipe : Recipe
        The recipe that was run.
    estimator : estimator
        The fitted estimator.
    figures : dict of str to dict of int to float
        By metric and epoch, as ``recipe.published``: losses in nats, accuracies in
        percent, of the training, validation and test images. The training accuracy
        is among them if the report has it.
    n_epochs : int
        Epochs trained.
    n_train, n_test : int
        Images trained on, and tested on.
    random_state : int
        The seed of the run.
    fit_seconds : float
        The time of the training, including the scoring after every epoch.
    """

    recipe: Recipe
    estimator: Any
    figures: dict[str, dict[int, float]]
    n_epochs: int
    n_train: int
    n_test: int
    random_state: int
    fit_seconds: float

    @property
    def n_parameters(self) -> int:
        """The weights and biases of the fitted network."""
        return self.estimator.n_parameters_

    @property
    def test_accuracy(self) -> float:
        """The accuracy on the test images after the last epoch, in percent."""
        return self.figures["test_accuracy"][self.n_epochs]

    def comparison(
        self,
    ) -> list[tuple[str, int, float, float | None, float | None]]:
        """Set the published figures beside the measured ones.

        Returns
        -------
        rows : list of tuple (metric, epoch, published, independent, measured)
            One per published figure; None where there is no figure of an independent
            run, or this run had fewer epochs.
        """
        independent = self.recipe.independent or {}
        return [
            (
                metric,
                epoch,
                value,
                independent.get(metric, {}).get(epoch),
                self.figures.get(metric, {}).get(epoch),
            )
            for metric, values in self.recipe.published.items()
            for epoch, value in values.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all figures in plain types, as for a JSON file.

        Returns
        -------
        figures : dict
            Everything but the estimator and the settings.
        """
        return {
            "recipe": self.recipe.name,
            "source": self.recipe.source,
            "note": self.recipe.note,
            "random_state": self.random_state,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "n_epochs": self.n_epochs,
            "n_parameters": self.n_parameters,
            "fit_seconds": self.fit_seconds,
            "test_accuracy": self.test_accuracy,
            "published": self.recipe.published,
            "independent": self.recipe.independent,
            "figures": self.figures,
        }
