"""What the displays share: styles, axes to draw on, and a grid of small images."""

import math

# Okabe & Ito, "Color Universal Design" (2008): colour-blind readers can tell these
# apart. Their yellow is left out, which is lost on white paper.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
RIGHT, WRONG = "#007A59", "#B84A00"  # two of them, darkened for small print
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
TITLE_SIZE = 9  # points, of what is written above a tile
README_SIZE = (6, 4)  # inches


def series_style(i):
    """Colour and marker of the i-th series; 56 pairs before one comes again."""
    return {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}


def check_option(display, name, value, options):
    """Raise ValueError unless the value is one of the options."""
    if value not in options:
        raise ValueError(
            f"The {name!r} parameter of {display} must be one of "
            f"{', '.join(map(repr, options))}. Got {value!r} instead."
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


def size_in_points(ax):
    """Width and height of the axes in points, the unit of font sizes."""
    box = ax.get_position()
    width, height = ax.figure.bbox.size / ax.figure.dpi * 72
    return box.width * width, box.height * height


def text_width(text, size):
    """Estimate the width of the longest line in points, without a renderer."""
    return 0.62 * size * max(map(len, text.split("\n")))


def draw_grid(ax, display, tiles, titles, n_columns=None, **imshow_kw):
    """Draw tiles row by row, each as an inset of one pair of axes.

    Insets rather than subplots let a grid be a panel of a larger figure. Returns
    the axes and the images.
    """
    n, (height, width) = len(tiles), tiles[0].shape[:2]
    title_width = max(text_width(title, TITLE_SIZE) for title in titles) + TITLE_SIZE
    n_lines = max(title.count("\n") + 1 if title else 0 for title in titles)
    # A fifth of an em less would do where a layout engine does not shrink the axes.
    title_height = (1.4 * n_lines + 0.4) * TITLE_SIZE
    room = size_in_points(ax) if ax is not None else [72 * side for side in README_SIZE]
    if n_columns is None:
        n_columns = _choose_columns(n, height / width, room, title_width, title_height)
    n_rows = math.ceil(n / n_columns)
    if ax is None:
        cell_width = max(room[0] / n_columns, title_width)
        cell_height = min(0.94 * cell_width * height / width, 144) + title_height
        room = n_columns * cell_width, n_rows * cell_height
        ax = find_axes(None, display, figsize=(room[0] / 72, room[1] / 72))
    ax.set_axis_off()
    cell = 1 / n_columns, 1 / n_rows
    tile_height = max(cell[1] - title_height / room[1], 0.3 * cell[1])
    images = []
    for i, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
        row, column = divmod(i, n_columns)
        corner = (column + 0.03) * cell[0], 1 - (row + 1) * cell[1]
        inset = ax.inset_axes([*corner, 0.94 * cell[0], tile_height])
        inset.set(xticks=[], yticks=[])
        inset.spines[:].set_color("0.7")
        inset.set_title(title, fontsize=TITLE_SIZE, pad=3, linespacing=1.1)
        images.append(inset.imshow(tile, **imshow_kw))
    return ax, images


def _choose_columns(n, aspect, room, title_width, title_height):
    """Find the number of columns with the largest tiles whose titles fit."""

    def goodness(n_columns):
        width, height = room[0] / n_columns, room[1] / math.ceil(n / n_columns)
        return width >= title_width, min(0.94 * width, (height - title_height) / aspect)

    return max(range(1, n + 1), key=goodness)
