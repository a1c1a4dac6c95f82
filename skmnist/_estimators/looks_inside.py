"""What a fitted network knows besides its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skmnist._estimators.label_checks import encode_labels
from skmnist._estimators.rules import POSITIVE_INT, RANDOM_STATE, parameter_error
from skmnist._estimators.seeds import draw_seed
from skmnist._training.ambient import in_own_torch_state
from skmnist._training.inside import (
    convolutions,
    features,
    has_dropout,
    saliency,
    sample_logits,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmnist._typing import RandomState


class LooksInside(TransformerMixin):
    """A mixin of methods that look into the network of a classifier."""

    net_: Any
    _images_of: Any

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Compute the activations before the last layer.

        They describe an image in fewer numbers than its pixels, for another classifier
        or other classes.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            The inputs of the layer that makes the logits; where there are no hidden
            layers, the scaled pixels.

        Raises
        ------
        ValueError
            For a module of yours without a layer that has a matrix of weights.
        """
        images, memory_map = self._images_of(X)
        if self.net_.module_.last_layer is None:
            raise ValueError(
                "transform needs a network that ends in a layer with a matrix of "
                "weights, such as torch.nn.Linear. None of the layers of "
                f"{type(self.net_.module_.network).__name__} has one."
            )
        return features(self.net_, images, memory_map).numpy()

    @property
    def _n_features_out(self):
        """How many numbers `transform` gives, for `get_feature_names_out`."""
        return self.net_.module_.n_units

    def sample_proba(
        self, X: ArrayLike, n_samples: int = 30, random_state: RandomState = None
    ) -> np.ndarray:
        """Predict probabilities several times, with dropout as in training.

        Their spread shows what the network is unsure of [1]_.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.
        n_samples : int, default=30
            How many times.
        random_state : int, RandomState instance or None, default=None
            Governs what is dropped.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_images, n_classes)
            In the order of ``classes_``. Their mean over the first axis is a
            prediction.

        Raises
        ------
        ValueError
            For a network without dropout, or a parameter that is not as documented.

        References
        ----------
        .. [1] Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016.
        """
        rules = {"n_samples": POSITIVE_INT, "random_state": RANDOM_STATE}
        given = {"n_samples": n_samples, "random_state": random_state}
        for name, rule in rules.items():
            if not rule.accepts(given[name]):
                raise parameter_error("sample_proba", name, rule.expected, given[name])
        images, memory_map = self._images_of(X)
        if not has_dropout(self.net_.module_):
            raise ValueError(
                "sample_proba needs a network with dropout, without which all samples "
                f"would be the same. This {type(self).__name__} has none: fit it with "
                "dropout=0.2, or with layers of torch.nn.Dropout in the module."
            )
        seed = draw_seed(random_state)
        samples = sample_logits(self.net_, images, int(n_samples), seed, memory_map)
        return np.stack([logits.double().softmax(1).numpy() for logits in samples])

    @in_own_torch_state
    def _saliency(self, X, labels=None, method="auto"):
        """How much every pixel speaks for a label, and the labels.

        Parameters
        ----------
        X : array-like
            Images, in one of the shapes that `fit` takes.
        labels : array-like of shape (n_samples,) or None
            What it may speak for; None for the predictions.
        method : {"auto", "gradient", "grad_cam"}

        Returns
        -------
        maps : ndarray of shape (n_samples, height, width)
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self, "net_")
        there = bool(convolutions(self.net_.module_))
        if method == "grad_cam" and not there:
            raise ValueError(
                "The method 'grad_cam' needs a network with convolutions. This "
                f"{type(self).__name__} has none: use method='gradient'."
            )
        labels = self.predict(X) if labels is None else np.asarray(labels)
        check_consistent_length(X, labels)
        targets = torch.from_numpy(encode_labels(labels, self.classes_, "labels"))
        images, _ = self._images_of(X)
        by_convolution = there and method != "gradient"
        return saliency(self.net_, images, targets, by_convolution).numpy(), labels
