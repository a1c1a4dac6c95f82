"""FilterDisplay: the first layer's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist._public import public

from ._style import as_images, check_number, draw_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage
    from sklearn.base import BaseEstimator

    from skmnist._typing import ImageShape

# More than these cannot be told apart in a figure of README size.
MOST_FILTERS = 64


@public
class FilterDisplay:
    """First-layer filters, or dense weights in the shape of the image.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    filters : ndarray of shape (n_filters, channels, height, width)
        The weights. The channels of a filter are drawn side by side.
    names : list of str, default=None
        What to write above each filter.
    n_total : int, default=None
        How many filters there are in all, if these are only some of them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes that hold the grid.
    figure_ : matplotlib Figure
        Their figure.
    images_ : list of matplotlib AxesImage
        The filters, each in its own axes inside ``ax_``.
    colorbar_ : matplotlib Colorbar
        The scale, shared by all filters, with 0 in the middle.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist.displays import FilterDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> linear = LogisticRegression(max_iter=2000).fit(X[:500] / 16, y[:500])
    >>> display = FilterDisplay.from_estimator(linear)
    >>> display.filters.shape
    (10, 1, 8, 8)
    """

    ax_: Axes
    figure_: Any  # of an axes in a subfigure, that
    images_: list[AxesImage]
    colorbar_: Colorbar

    def __init__(
        self,
        filters: np.ndarray,
        *,
        names: Sequence[str] | None = None,
        n_total: int | None = None,
    ) -> None:
        self.filters = filters
        self.names = names
        self.n_total = n_total

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        n_filters: int | None = None,
        image_shape: ImageShape | None = None,
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "RdBu_r",
    ) -> Self:
        """Draw the weights of a fitted estimator's first layer.

        Parameters
        ----------
        estimator : estimator
            Fitted. The weights of a linear model are its ``coef_``, with one image
            per class (for `SVC`, per pair of classes); those of a network
            (``module_``) are the filters of the first convolution, or the weights
            of every unit of the first dense layer.
        n_filters : int, default=None
            How many to show, starting with the first; by default up to 64.
        image_shape : tuple (height, width) or (channels, height, width), default=None
            The shape of dense weights; by default the estimator's ``image_shape_``,
            or a square.
        ax, n_columns, cmap :
            As in :meth:`plot`.

        Returns
        -------
        FilterDisplay

        Raises
        ------
        NotFittedError
            For an estimator that has not been fitted.
        TypeError
            For an estimator without such weights.
        ValueError
            For weights that do not fit the image shape, or if `n_filters` or
            `n_columns` is not a positive int.
        """
        check_number(cls.__name__, "n_filters", n_filters, optional=True)
        check_is_fitted(estimator)
        weights, names = _first_weights(estimator)
        if weights.ndim == 2:
            if image_shape is None:
                image_shape = getattr(estimator, "image_shape_", None)
            weights = as_images(weights, image_shape)
        filters = weights.reshape(-1, *(1, *weights.shape[1:])[-3:])
        shown = filters[: MOST_FILTERS if n_filters is None else n_filters]
        names = None if names is None else names[: len(shown)]
        return cls(shown, names=names, n_total=len(filters)).plot(
            ax=ax, n_columns=n_columns, cmap=cmap
        )

    def plot(
        self,
        *,
        ax: Axes | None = None,
        n_columns: int | None = None,
        cmap: str = "RdBu_r",
    ) -> Self:
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw the whole grid in; by default a new figure of the
            grid's size. They get a title if not all filters are shown.
        n_columns : int, default=None
            Filters per row; by default as many as make them largest.
        cmap : str, default="RdBu_r"
            A diverging colour map.

        Returns
        -------
        FilterDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        # Channels side by side, with a blank column between them.
        gap = [(0, 0), (0, 0), (0, 0), (0, 1)]
        channels = np.pad(np.asarray(self.filters, float), gap, constant_values=np.nan)
        tiles = np.concatenate(list(channels.swapaxes(0, 1)), axis=2)[:, :, :-1]
        names = self.names if self.names is not None else [""] * len(tiles)
        limit = np.nanmax(np.abs(tiles))
        look = {"cmap": cmap, "vmin": -limit, "vmax": limit}
        self.ax_, self.images_ = draw_grid(
            ax, type(self).__name__, tiles, names, n_columns, **look
        )
        for image in self.images_:
            image.axes.set_facecolor("0.6")  # seen through the blank columns
        self.figure_ = self.ax_.figure
        self.colorbar_ = self.figure_.colorbar(
            self.images_[0], ax=self.ax_, label="Weight"
        )
        if self.n_total is not None and self.n_total > len(tiles):
            self.ax_.set_title(f"{len(tiles)} of {self.n_total:,} filters")
        return self


def _first_weights(estimator):
    """Find the weights of the first layer, and the class of each row if it has one."""
    if hasattr(estimator, "coef_"):
        weights = np.atleast_2d(estimator.coef_)
        return weights, _find_names(estimator, len(weights))
    if hasattr(estimator, "module_"):
        for weights in estimator.module_.parameters():
            if weights.ndim in (2, 4):
                return weights.detach().cpu().numpy(), None
    raise TypeError(
        "Expected an estimator with 'coef_', or with a 'module_' whose first weights "
        f"belong to a dense layer or a convolution. Got {type(estimator).__name__}, "
        "which has neither. For a pipeline, pass its last step."
    )


def _find_names(estimator, n_rows):
    """Find the class that each row of ``coef_`` belongs to, or None."""
    names = [str(label) for label in getattr(estimator, "classes_", ())]
    if len(names) == 2 and n_rows == 1:
        return names[1:]  # the one row speaks for the second class
    # SVC and NuSVC, which alone have this parameter, have a row per pair of classes.
    if len(names) != n_rows or hasattr(estimator, "decision_function_shape"):
        return None
    return names
