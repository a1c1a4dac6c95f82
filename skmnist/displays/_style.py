"""What the displays share: styles, axes to draw on, and a grid of small images."""

import math
from functools import partial
from numbers import Integral

import numpy as np

# Okabe & Ito, "Color Universal Design" (2008): colour-blind readers can tell these
# apart. Their yellow, which is lost on white paper, is left out.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
TITLE_SIZE = 9  # points, of what is written above a tile
README_SIZE = (6, 4)  # inches


def series_style(i):
    """Return colour and marker of the i-th series: 56 pairs before one recurs."""
    return {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}


def check_option(display, name, value, options):
    """Raise ValueError unless the value is one of the options."""
    # The options may be a dict, and the value something that has no hash.
    if not isinstance(value, str | None) or value not in options:
        expected = f"one of {', '.join(map(repr, options))}"
        raise _parameter_error(display, name, expected, value)


def check_number(display, name, value, *, optional=False):
    """Raise ValueError unless the value is a positive int, or None if optional."""
    if optional and value is None:
        return
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        expected = "a positive int or None" if optional else "a positive int"
        raise _parameter_error(display, name, expected, value)


def _parameter_error(display, name, expected, value):
    return ValueError(
        f"The {name!r} parameter of {display} must be {expected}. Got {value!r} "
        "instead."
    )


def find_axes(ax, display, figsize=README_SIZE):
    """Return the axes to draw on: those given, or the only ones of a new figure."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display}.plot needs matplotlib, which is not installed. Install it "
            'with: pip install "skmnist[plot]"'
        ) from error
    return plt.subplots(figsize=figsize, layout="constrained")[1]


def draw_legend(ax, crowded, **legend_kw):
    """Draw a legend, outside the axes if they are crowded and the layout makes room."""
    if crowded and ax.figure.get_layout_engine() is not None:
        legend_kw |= {"loc": "upper left", "bbox_to_anchor": (1, 1)}
    ax.legend(fontsize=9, **legend_kw)


def size_in_points(ax):
    """Return width and height of the axes in points, the unit of font sizes."""
    figure = ax.figure
    return ax.get_position().size * figure.bbox.size / figure.dpi * 72


def text_width(text, size):
    """Estimate the width of the longest line in points, without a renderer."""
    return 0.62 * size * max(map(len, text.split("\n")))


def as_images(X, image_shape=None):
    """Return pixels of any documented form as (n, [channels,] height, width)."""
    X = np.asarray(X.cpu() if hasattr(X, "cpu") else X)  # a GPU's tensor
    if X.ndim in (3, 4):
        return X
    if X.ndim != 2:
        raise ValueError(
            "Expected images of shape (n, features), (n, height, width) or "
            f"(n, channels, height, width). Got an array of shape {X.shape}."
        )
    side = math.isqrt(X.shape[1])
    shape = (side, side) if image_shape is None else tuple(image_shape)
    if math.prod(shape) != X.shape[1]:
        raise ValueError(
            f"Expected {math.prod(shape)} features for images of shape {shape}. Got "
            f"{X.shape[1]}. Pass their shape as image_shape."
        )
    return X.reshape(-1, *shape)


def draw_grid(ax, display, tiles, titles, n_columns=None, **imshow_kw):
    """Draw tiles row by row, each as an inset of one Axes.

    Insets rather than subplots let a grid be a panel of a larger figure. Returns
    the axes and the images.
    """
    check_number(display, "n_columns", n_columns, optional=True)
    aspect = tiles[0].shape[0] / tiles[0].shape[1]
    n_lines = max(title.count("\n") + 1 if title else 0 for title in titles)
    title_size = (
        max(text_width(title, TITLE_SIZE) for title in titles) + TITLE_SIZE,
        (1.25 * n_lines + 0.6) * TITLE_SIZE,
    )
    if ax is None:
        room = 72.0 * np.array(README_SIZE)
        n_columns, size = _fit_tiles(len(tiles), aspect, title_size, room, n_columns)
        size = max(size, min(0.94 * room[0] / n_columns, 72))
        room[1] = math.ceil(len(tiles) / n_columns) * (size * aspect + title_size[1])
        ax = find_axes(None, display, figsize=room / 72)
    ax.set_axis_off()
    images = []
    for i, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
        inset = ax.inset_axes([0, 0, 1, 1])
        inset.set_axes_locator(
            partial(_locate, ax, i, len(tiles), aspect, title_size, n_columns)
        )
        inset.set(xticks=[], yticks=[])
        inset.spines[:].set_color("0.7")
        inset.set_title(title, fontsize=TITLE_SIZE, pad=3, linespacing=1.1)
        images.append(inset.imshow(tile, **imshow_kw))
    return ax, images


def _fit_tiles(n, aspect, title_size, room, n_columns=None):
    """Find the number of columns with the largest tiles, and their width in points."""

    def tile_width(n_columns):
        height = room[1] / math.ceil(n / n_columns)
        height = max(height - title_size[1], 0.3 * height)
        return min(0.94 * room[0] / n_columns, height / aspect)

    def goodness(n_columns):
        return room[0] / n_columns >= title_size[0], tile_width(n_columns)

    n_columns = n_columns or max(range(1, n + 1), key=goodness)
    return n_columns, tile_width(n_columns)


def _locate(ax, i, n, aspect, title_size, n_columns, inset, renderer):
    """Place a tile when it is drawn: only then is the size of the axes known."""
    from matplotlib.transforms import Bbox

    box, room = ax.get_position(), size_in_points(ax)
    n_columns, width = _fit_tiles(n, aspect, title_size, room, n_columns)
    row, column = divmod(i, n_columns)
    x_pitch = min(max(width / 0.94, title_size[0]), room[0] / n_columns)
    y_pitch = min(width * aspect + title_size[1], room[1] / math.ceil(n / n_columns))
    left = room[0] / 2 + (column - n_columns / 2) * x_pitch + (x_pitch - width) / 2
    corner = np.array([left, room[1] - (row + 1) * y_pitch])
    unit = box.size / room
    return Bbox.from_bounds(
        *(box.min + corner * unit), *(unit * [width, width * aspect])
    )
