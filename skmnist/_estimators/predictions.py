"""What a fitted network says of images: labels, probabilities, logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from skmnist._estimators.image_checks import check_images
from skmnist._estimators.pixel_range import warn_of_other_pixels
from skmnist._estimators.training_data import as_images
from skmnist._training.memory_map import find_memory_map

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Predictions:
    """A mixin of the methods that predict, for a classifier that owns a net."""

    net_: Any
    classes_: np.ndarray
    _move_if_asked: Any

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the label of every image.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Labels, of the dtype of those in `fit`.
        """
        positions = self._logits(X).argmax(dim=1).numpy()
        return self.classes_[positions]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the probability of every class for every image.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Softmax of the logits, in the order of ``classes_``, computed in float64.
        """
        return self._logits(X).softmax(dim=1, dtype=torch.float64).numpy()

    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the logarithm of the probability of every class.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``, computed in float64; finite where the
            probability underflows.
        """
        return self._logits(X).log_softmax(dim=1, dtype=torch.float64).numpy()

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute the logits, the inputs of the softmax.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
            In the order of ``classes_``. For two classes the second one's logit
            minus the first one's: positive where the second is predicted.
        """
        logits = self._logits(X).numpy()
        return logits if logits.shape[1] > 2 else logits[:, 1] - logits[:, 0]

    def _logits(self, X):
        images, memory_map = self._images_of(X)
        return self.net_._logits(images, memory_map)

    def _images_of(self, X):
        """Images to predict as a tensor, and the memory map that they lie in."""
        if not hasattr(self, "net_"):
            # Not asked first: it takes as long as a layer of a small network.
            check_is_fitted(self, "net_")
        pixels, _, _ = check_images(self, X, reset=False)
        warn_of_other_pixels(self, pixels)
        self._move_if_asked()
        return as_images(self, pixels), find_memory_map(pixels)
