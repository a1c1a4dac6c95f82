"""Accuracy against time: python -m benchmarks.accuracy [--seeds N].

The defaults and our own recipes, on MNIST, one fit a seed.
"""

import argparse
import statistics
import time

from tabulate import tabulate

from benchmarks.measure import environment, environment_text, write
from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.datasets import fetch_mnist
from skmnist.recipes import get_recipe

CONTENDERS = {
    "LinearClassifier()": LinearClassifier,
    "MLPClassifier()": MLPClassifier,
    "ConvNetClassifier()": ConvNetClassifier,
    "skmnist/quick": get_recipe("skmnist/quick").make_estimator,
    "skmnist/best": get_recipe("skmnist/best").make_estimator,
}


def main():
    """Fit, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("contenders", nargs="*", default=list(CONTENDERS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(environment_text(environment()))
    X_train, X_test, y_train, y_test = fetch_mnist(split=True)
    figures = {}
    for name in options.contenders:
        runs = []
        for seed in range(options.seeds):
            estimator = CONTENDERS[name](random_state=seed)
            start = time.perf_counter()
            estimator.fit(X_train, y_train)
            seconds = time.perf_counter() - start
            runs.append((100 * estimator.score(X_test, y_test), seconds))
        figures[name] = runs
    rows = []
    for name, runs in figures.items():
        accuracies, seconds = zip(*runs, strict=True)
        row = name, len(runs), statistics.mean(accuracies), statistics.median(seconds)
        rows.append(row)
    header = ("estimator", "seeds", "mean accuracy (%)", "median seconds")
    print(tabulate(rows, header, tablefmt="github", floatfmt=".2f"))
    for name, runs in figures.items():
        write(f"accuracy-{name.strip('()').replace('/', '-')}", {"runs": runs})


if __name__ == "__main__":
    main()
