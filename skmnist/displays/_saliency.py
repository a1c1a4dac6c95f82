"""SaliencyDisplay: which pixels spoke for a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist._public import public

from ._style import as_images, check_number, check_option, draw_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

Method: TypeAlias = Literal["auto", "gradient", "grad_cam"]


@public
class SaliencyDisplay:
    """Images, and over them how much each pixel speaks for a label.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or \
            (n_images, channels, height, width)
        Pixels on any scale. Channels are averaged, so that colours are those of the
        maps alone.
    maps : ndarray of shape (n_images, height, width)
        How much every pixel counts, 0 or more. Each map is drawn on its own scale.
    labels : ndarray of shape (n_images,), default=None
        What the pixels speak for, written above each image.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes that hold the grid.
    figure_ : matplotlib Figure
        Their figure.
    images_ : list of matplotlib AxesImage
        The images, each in its own axes inside ``ax_``.
    maps_ : list of matplotlib AxesImage
        The maps, each over its image.

    Examples
    --------
    >>> from skmnist import ConvNetClassifier
    >>> from skmnist.datasets import load_digits28
    >>> from skmnist.displays import SaliencyDisplay
    >>> X_train, X_test, y_train, _ = load_digits28(split=True)
    >>> clf = ConvNetClassifier((8, 8), random_state=0).fit(X_train, y_train)
    >>> display = SaliencyDisplay.from_estimator(clf, X_test[:6])
    >>> display.maps.shape
    (6, 28, 28)
    """

    ax_: Axes
    figure_: Any  # of an axes in a subfigure, that
    images_: list[AxesImage]
    maps_: list[AxesImage]

    def __init__(
        self,
        images: np.ndarray,
        maps: np.ndarray,
        *,
        labels: np.ndarray | None = None,
    ) -> None:
        self.images = images
        self.maps = maps
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        method: Method = "auto",
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "YlOrRd",
    ) -> Self:
        """Draw which pixels speak for a fitted network's predictions.

        Parameters
        ----------
        estimator : MLPClassifier, ConvNetClassifier or ModuleClassifier
            Fitted.
        X : array-like of shape (n_images, n_features), \
                (n_images, height, width) or (n_images, channels, height, width)
            Images in a form that the estimator takes.
        labels : array-like of shape (n_images,), default=None
            What the pixels may speak for; by default the predictions.
        method : {"auto", "gradient", "grad_cam"}, default="auto"
            "gradient" is the size of the derivative of the label's logit by each
            pixel [1]_; "grad_cam" the maps of the last convolution, weighted by their
            derivatives [2]_, which is coarse where that convolution sees a small
            image; "auto" is "grad_cam" where there are convolutions.
        ax, n_columns, cmap :
            As in :meth:`plot`.

        Returns
        -------
        SaliencyDisplay

        Raises
        ------
        NotFittedError
            For an estimator that has not been fitted.
        TypeError
            For an estimator that is none of these networks.
        ValueError
            For an unknown `method`, "grad_cam" without convolutions, labels that are
            no classes or do not go with the images, or if `n_columns` is not a positive
            int.

        References
        ----------
        .. [1] Simonyan et al., "Deep inside convolutional networks: visualising image
           classification models and saliency maps" (2013), arXiv:1312.6034.
        .. [2] Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
           gradient-based localization", ICCV 2017.
        """
        check_option(cls.__name__, "method", method, get_args(Method))
        check_number(cls.__name__, "n_columns", n_columns, optional=True)
        if not hasattr(estimator, "_saliency"):
            raise TypeError(
                "Expected an MLPClassifier, ConvNetClassifier or ModuleClassifier. Got "
                f"{type(estimator).__name__} instead. For a pipeline, pass its last "
                "step, and X as that step is given it."
            )
        check_is_fitted(estimator)
        maps, names = estimator._saliency(X, labels, method)
        images = as_images(X).reshape(-1, *estimator.image_shape_)
        return cls(images, maps, labels=names).plot(
            ax=ax, n_columns=n_columns, cmap=cmap
        )

    def plot(
        self,
        *,
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "YlOrRd",
    ) -> Self:
        """Draw the images in greys, and the maps over them.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw the whole grid in; by default a new figure of the
            grid's size.
        n_columns : int, default=None
            Images per row; by default as many as make them largest.
        cmap : str, default="YlOrRd"
            The colours of the maps, from little, which is also transparent, to much.

        Returns
        -------
        SaliencyDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        tiles = np.asarray(self.images, float)
        tiles = tiles.mean(axis=1) if tiles.ndim == 4 else tiles
        titles = [""] * len(tiles)
        if self.labels is not None:
            titles = [str(label) for label in self.labels]
        # Pale, so that the maps stand out.
        low, high = tiles.min(), tiles.max()
        pale = {"cmap": "gray_r", "vmin": low, "vmax": low + 2 * (high - low) or 1}
        self.ax_, self.images_ = draw_grid(
            ax, type(self).__name__, tiles, titles, n_columns, **pale
        )
        self.figure_ = self.ax_.figure
        self.maps_ = []
        for image, heat in zip(self.images_, self.maps, strict=True):
            opacity = heat / (heat.max() or 1)
            look = {"cmap": cmap, "vmin": 0, "alpha": opacity}
            self.maps_.append(image.axes.imshow(heat, **look))
        return self
