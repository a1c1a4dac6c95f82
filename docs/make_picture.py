"""Draw the README's picture: python docs/make_picture.py [--data-home DIR].

Trains the three estimators on MNIST with their defaults, about a minute on two cores,
and writes docs/images/readme.png: predictions and mistakes of the convolutional net,
and how many of the 10,000 test images each estimator gets wrong.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
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
    estimators = [
        LinearClassifier(),
        MLPClassifier(random_state=0),
        ConvNetClassifier(random_state=0),
    ]
    errors = {
        type(clf).__name__: (clf.fit(X, y).predict(X_test) != y_test).mean()
        for clf in estimators
    }
    figure = Figure(figsize=(11, 4), layout="constrained")
    samples, bars, mistakes = figure.subplots(1, 3, width_ratios=[1, 1.1, 1])
    best = estimators[-1]
    grid = ImageGridDisplay.from_estimator(
        best, X_test[:16], y_test[:16], ax=samples, n_columns=4
    )
    grid.ax_.set_title("What it reads")
    drawn = bars.barh(list(errors), [100 * e for e in errors.values()], height=0.6)
    accuracies = [f"{100 - 100 * e:.2f} %" for e in errors.values()]
    bars.bar_label(drawn, accuracies, padding=3)
    bars.set(xlabel="test images read wrong (%)", title="MNIST: errors, and accuracy")
    bars.set_xlim(0, 1.3 * 100 * max(errors.values()))
    bars.invert_yaxis()
    bars.spines[["top", "right"]].set_visible(False)
    ImageGridDisplay.from_estimator(
        best, X_test, y_test, kind="mistakes", n_images=16, ax=mistakes, n_columns=4
    )
    mistakes.set_title("What it gets wrong, surest first")
    figure.savefig(PATH, dpi=110)
    print(f"wrote {PATH}: {errors}")


if __name__ == "__main__":
    main()
