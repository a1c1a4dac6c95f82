"""Accuracy against time: python -m benchmarks.accuracy [--seeds N].

The defaults and our own recipes, on MNIST, one fit a seed.
"""

import argparse
import statistics

from tabulate import tabulate

from benchmarks.measure import Worker, environment, environment_text, write
from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
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
    figures = {}
    for name in options.contenders:
        worker = Worker("fit_and_score", name)
        answers = [worker.ask() for _ in range(options.seeds)]
        worker.close()
        figures[name] = [(found["accuracy"], found["seconds"]) for found in answers]
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
