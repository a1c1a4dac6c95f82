"""What is known of a fitted network, and of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from skmnist._training.ambient import in_own_torch_state
from skmnist._training.modules import summarize

if TYPE_CHECKING:
    import numpy as np
    import torch
    from skorch.history import History

    from skmnist._training.modules import ModelSummary


if TYPE_CHECKING:
    fitted_property = property
else:

    class fitted_property(property):
        """A property that only a fitted network has."""

        def __get__(self, network, owner=None):
            if network is not None and not hasattr(network, "net_"):
                raise AttributeError(
                    f"{type(network).__name__!r} object has no attribute "
                    f"{self.fget.__name__!r} before it is fitted: call fit first."
                )
            return super().__get__(network, owner)


class FittedNetwork:
    """A mixin of fitted attributes that are read off the net of a classifier."""

    net_: Any
    image_shape_: tuple[int, int, int]
    n_features_in_: int
    feature_names_in_: np.ndarray
    best_epoch_: int | None

    @in_own_torch_state
    def summary(self) -> ModelSummary:
        """Describe the network layer by layer.

        Returns
        -------
        summary : tuple of (layer, output_shape, n_parameters)
            Printed as an aligned table. Output shapes are per image, channels
            first.
        """
        check_is_fitted(self, "net_")
        return summarize(self.net_._predicting_module(), self.image_shape_)

    @fitted_property
    def module_(self) -> torch.nn.Module:
        """The network: from raw pixels to logits."""
        return self.net_.module_

    @fitted_property
    def history_(self) -> History:
        """Everything that was recorded, epoch by epoch."""
        return self.net_.history_

    @fitted_property
    def device_(self) -> str:
        """The device that the model is on."""
        return self.net_.device

    @fitted_property
    def n_parameters_(self) -> int:
        """The number of weights and biases."""
        return sum(weights.numel() for weights in self.module_.parameters())

    @fitted_property
    def n_epochs_(self) -> int:
        """Epochs trained, over all calls that continued the same training.

        One that a callback broke off is in the history, and not counted.
        """
        return len(self.loss_curve_)

    @fitted_property
    def loss_curve_(self) -> list[float]:
        """The mean training loss of every epoch, in nats if it is cross-entropy."""
        return [row["train_loss"] for row in self.history_ if "train_loss" in row]

    @fitted_property
    def training_scores_(self) -> list[float]:
        """The accuracy on the training images while they were trained on, by epoch."""
        return [row["train_acc"] for row in self.history_ if "train_acc" in row]

    @fitted_property
    def validation_scores_(self) -> list[float] | None:
        """The validation accuracy after every epoch that had one, or None."""
        return [row["valid_acc"] for row in self.history_ if "valid_acc" in row] or None
