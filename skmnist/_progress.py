"""Progress bars that fit a terminal, a log or a notebook."""

import sys
import warnings

from tqdm import tqdm


def progress_bar(label, total, unit="", initial=0, disable=False):
    """Open a bar that fits a terminal of 80 columns.

    Where standard error is not a terminal but a log, it is redrawn only every ten
    seconds. A disabled one does nothing.
    """
    if disable:
        # Whoever asks for no bar is spared the look at what kind there could be.
        return tqdm(disable=True)
    with warnings.catch_warnings():
        # Without ipywidgets a notebook gets the bar of a terminal, and a warning.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm as fitting

    in_notebook = any(cls.__module__ == "tqdm.notebook" for cls in fitting.__mro__)
    bar = "{bar}" if in_notebook else "{bar:5}"
    return fitting(
        total=total,
        initial=initial,
        desc=label,
        bar_format=f"{{desc:<18}} {bar} {{n_fmt}}/{{total_fmt}}"
        + (f" {unit}s" if unit else "")
        + " {elapsed}{postfix}",
        mininterval=0.1 if in_notebook or sys.stderr.isatty() else 10,
    )
