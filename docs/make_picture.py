"""Draw the README's picture: python docs/make_picture.py [--data-home DIR].

Trains the three estimators on MNIST with their defaults, about a minute on two cores,
and writes docs/images/readme.png: predictions and mistakes of the convolutional net,
and how many of the 10,000 test images each estimator gets wrong.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from skmnist._command_line.compare import (
    draw_errors,
    fit_and_score,
    format_table,
    make_estimators,
)
from skmnist.datasets import fetch_mnist
from skmnist.displays import ImageGridDisplay

PATH = Path(__file__).parent / "images" / "readme.png"


def main():
    """Fit, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-home")
    X, X_test, y, y_test = fetch_mnist(
        data_home=parser.parse_args().data_home, split=True
    )
    results = [
        fit_and_score(estimator, X, X_test, y, y_test)
        for estimator in make_estimators("auto", None, 0)
    ]
    figure = Figure(figsize=(11, 4), layout="constrained")
    samples, bars, mistakes = figure.subplots(1, 3, width_ratios=[1, 1.1, 1])
    best = results[-1].estimator
    grid = ImageGridDisplay.from_estimator(
        best, X_test[:16], y_test[:16], ax=samples, n_columns=4
    )
    grid.ax_.set_title("What it reads")
    draw_errors(results, len(y_test), bars)
    ImageGridDisplay.from_estimator(
        best, X_test, y_test, kind="mistakes", n_images=16, ax=mistakes, n_columns=4
    )
    mistakes.set_title("What it gets wrong, surest first")
    figure.savefig(PATH, dpi=110)
    print(format_table(results, len(y), len(y_test)))
    print(f"wrote {PATH}")


if __name__ == "__main__":
    main()
