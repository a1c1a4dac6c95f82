"""ImageGridDisplay: sample images, predictions and mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
from sklearn.utils import check_consistent_length

from skmnist._public import public

from ._style import as_images, check_number, check_option, draw_grid, find_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

    from skmnist._typing import ImageShape

Kind: TypeAlias = Literal["samples", "mistakes"]

KINDS = get_args(Kind)
ARROW, CHECK_MARK = "\N{RIGHTWARDS ARROW}", "\N{CHECK MARK}"
# Green and vermilion of Okabe & Ito, darkened for small print.
RIGHT, WRONG = "#007A59", "#B84A00"


@public
class ImageGridDisplay:
    """Images in a grid, with the label and the prediction of each above it.

    Use :meth:`from_estimator`, :meth:`from_predictions` or :meth:`from_images` to
    make one. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or \
            (n_images, channels, height, width)
        Pixels on any scale; one channel is drawn in greys, three in colour.
    y_true : ndarray of shape (n_images,), default=None
        The labels.
    y_pred : ndarray of shape (n_images,), default=None
        The predicted labels. Correct ones get a check mark; wrong ones get an arrow
        from the label and, if some are correct, a dashed frame.
    y_proba : ndarray of shape (n_images,), default=None
        The probability of each predicted label.
    indices : ndarray of shape (n_images,), default=None
        Positions of these images in the input.
    empty_message : str, default="No images"
        What to write when there is no image to show.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes that hold the grid.
    figure_ : matplotlib Figure
        Their figure.
    images_ : list of matplotlib AxesImage
        The images, each in its own axes inside ``ax_``.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skmnist.displays import ImageGridDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> nb = GaussianNB().fit(X[:1000], y[:1000])
    >>> display = ImageGridDisplay.from_estimator(nb, X, y, kind="mistakes", n_images=8)
    >>> display.images_[0].axes.get_title().splitlines()
    ['9 → 7', '100.0 %']
    """

    ax_: Axes
    figure_: Any  # of an axes in a subfigure, that
    images_: list[AxesImage]

    def __init__(
        self,
        images: np.ndarray,
        *,
        y_true: np.ndarray | None = None,
        y_pred: np.ndarray | None = None,
        y_proba: np.ndarray | None = None,
        indices: np.ndarray | None = None,
        empty_message: str = "No images",
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.y_proba = y_proba
        self.indices = indices
        self.empty_message = empty_message

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        kind: Kind = "samples",
        n_images: int = 16,
        **settings: Any,
    ) -> Self:
        """Draw images with the predictions of a fitted classifier.

        Parameters
        ----------
        estimator : classifier
            Fitted. Probabilities are shown if it has ``predict_proba``.
        X : array-like of shape (n_samples, n_features), \
                (n_samples, height, width) or (n_samples, channels, height, width)
            Images in a form that the estimator takes.
        y : array-like of shape (n_samples,)
            Their labels.
        kind, n_images, **settings :
            As in :meth:`from_predictions`, except that `image_shape` is by default
            the estimator's ``image_shape_``.

        Returns
        -------
        ImageGridDisplay

        Raises
        ------
        ValueError
            For an unknown `kind`, arrays that do not go together, or if `n_images` or
            `n_columns` is not a positive int.
        """
        check_option(cls.__name__, "kind", kind, KINDS)
        check_number(cls.__name__, "n_images", n_images)
        check_consistent_length(X, y)
        if kind == "samples":
            # Arrays, frames and lists can all be sliced, which ArrayLike does not say.
            X, y = X[:n_images], y[:n_images]  # type: ignore[index]
        y_pred, y_proba = np.asarray(estimator.predict(X)), None
        if hasattr(estimator, "predict_proba"):
            # The column of the predicted label, which is not that of the largest
            # probability for a classifier with a tuned threshold.
            columns = np.searchsorted(estimator.classes_, y_pred)
            y_proba = estimator.predict_proba(X)[np.arange(len(y_pred)), columns]
        shape = getattr(estimator, "image_shape_", None)
        settings = {"image_shape": shape, **settings}
        return cls.from_predictions(
            X, y, y_pred, y_proba, kind=kind, n_images=n_images, **settings
        )

    @classmethod
    def from_predictions(
        cls,
        X: ArrayLike,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        y_proba: ArrayLike | None = None,
        *,
        kind: Kind = "samples",
        n_images: int = 16,
        image_shape: ImageShape | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "gray_r",
    ) -> Self:
        """Draw images with given predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), \
                (n_samples, height, width) or (n_samples, channels, height, width)
            Images.
        y_true, y_pred : array-like of shape (n_samples,)
            Their labels and predicted labels.
        y_proba : array-like of shape (n_samples,) or (n_samples, n_classes), \
                default=None
            The probability of each predicted label, or those of all labels, from
            which the largest is taken. Without it, mistakes are not sorted.
        kind : {"samples", "mistakes"}, default="samples"
            The first images, or those that are misclassified, with the highest
            probability of the wrong label first.
        n_images : int, default=16
            The maximum number of images to show.
        image_shape : tuple (height, width) or (channels, height, width), default=None
            Needed only for flat images that are not square.
        ax, n_columns, cmap :
            As in :meth:`plot`.

        Returns
        -------
        ImageGridDisplay

        Raises
        ------
        ValueError
            For an unknown `kind`, arrays that do not go together, or if `n_images` or
            `n_columns` is not a positive int.
        """
        check_option(cls.__name__, "kind", kind, KINDS)
        check_number(cls.__name__, "n_images", n_images)
        check_consistent_length(X, y_true, y_pred, y_proba)
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        if y_proba is not None:
            y_proba = np.asarray(y_proba)
            if y_proba.ndim not in (1, 2):
                n = len(y_proba)
                raise ValueError(
                    f"Expected y_proba of shape ({n},), the probability of each "
                    f"predicted label, or ({n}, n_classes). Got shape {y_proba.shape}."
                )
            y_proba = y_proba.max(axis=1) if y_proba.ndim == 2 else y_proba
        shown = np.arange(len(y_true))
        if kind == "mistakes":
            shown = np.flatnonzero(y_true != y_pred)
            if y_proba is not None:
                shown = shown[np.argsort(-y_proba[shown], kind="stable")]
        shown = shown[:n_images]
        return cls(
            as_images(X, image_shape)[shown],
            y_true=y_true[shown],
            y_pred=y_pred[shown],
            y_proba=None if y_proba is None else y_proba[shown],
            indices=shown,
            empty_message=f"No {kind} among {len(y_true):,} images",
        ).plot(ax=ax, n_columns=n_columns, cmap=cmap)

    @classmethod
    def from_images(
        cls,
        X: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        image_shape: ImageShape | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "gray_r",
    ) -> Self:
        """Draw all the given images, with their labels if there are any.

        Parameters
        ----------
        X : array-like of shape (n_images, n_features), \
                (n_images, height, width) or (n_images, channels, height, width)
            Images.
        labels : array-like of shape (n_images,), default=None
            What to write above each image.
        image_shape, ax, n_columns, cmap :
            As in :meth:`from_predictions`.

        Returns
        -------
        ImageGridDisplay

        Raises
        ------
        ValueError
            For images and labels that differ in number, images of ambiguous shape, or
            if `n_columns` is not a positive int.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skmnist.displays import ImageGridDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> display = ImageGridDisplay.from_images(X[:10], y[:10])
        >>> display.images.shape
        (10, 8, 8)
        """
        check_consistent_length(X, labels)
        images = as_images(X, image_shape)
        display = cls(
            images,
            y_true=None if labels is None else np.asarray(labels),
            indices=np.arange(len(images)),
        )
        return display.plot(ax=ax, n_columns=n_columns, cmap=cmap)

    def plot(
        self,
        *,
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "gray_r",
    ) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw the whole grid in; by default a new figure of the
            grid's size. Their title is left for the caller to set.
        n_columns : int, default=None
            Images per row; by default as many as make them largest.
        cmap : str, default="gray_r"
            The colour map of images with one channel. In the default one 0 is white,
            as for ink on paper.

        Returns
        -------
        ImageGridDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        name = type(self).__name__
        if len(self.images) == 0:
            self.ax_, self.images_ = find_axes(ax, name), []
            self.ax_.set_axis_off()
            self.ax_.annotate(
                self.empty_message,
                (0.5, 0.5),
                xycoords="axes fraction",
                ha="center",
                va="center",
            )
        else:
            tiles = _as_tiles(np.asarray(self.images))
            # One scale for all, so that brightness can be compared.
            look = {"cmap": cmap, "vmin": tiles.min(), "vmax": tiles.max()}
            self.ax_, self.images_ = draw_grid(
                ax, name, tiles, self._titles(), n_columns, **look
            )
            self._mark_predictions()
        self.figure_ = self.ax_.figure
        return self

    def _titles(self):
        n = len(self.images)
        if self.y_true is None:
            return [""] * n
        if self.y_pred is None:
            return [str(label) for label in self.y_true]
        titles = [
            f"{true} {CHECK_MARK}" if true == pred else f"{true} {ARROW} {pred}"
            for true, pred in zip(self.y_true, self.y_pred, strict=True)
        ]
        if self.y_proba is None:
            return titles
        pairs = zip(titles, self.y_proba, strict=True)
        return [f"{title}\n{100 * proba:.1f} %" for title, proba in pairs]

    def _mark_predictions(self):
        if self.y_pred is None:
            return
        right = np.asarray(self.y_true) == np.asarray(self.y_pred)
        for image, is_right in zip(self.images_, right, strict=True):
            image.axes.title.set_color(RIGHT if is_right else WRONG)
            # If all are wrong, frames would say nothing.
            if not is_right and right.any():
                image.axes.spines[:].set(color=WRONG, linewidth=2, linestyle="--")


def _as_tiles(images):
    """Bring images into the form of `imshow`: (n, height, width[, 3])."""
    if images.ndim == 3:
        return images
    if images.shape[1] == 1:
        return images[:, 0]
    if images.shape[1] != 3:
        raise ValueError(
            f"Expected images with 1 or 3 channels. Got shape {images.shape}: select "
            "channels first, as in X[:, :1]."
        )
    if images.dtype != np.uint8:
        # In their own dtype differences of bools fail, and those of int8 overflow.
        images = images.astype(float)
        low, high = images.min(), images.max()
        images = (images - low) / ((high - low) or 1)
    return images.transpose(0, 2, 3, 1)
