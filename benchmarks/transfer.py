"""Transfer to new classes: python -m benchmarks.transfer [--seeds N].

A network is trained on the digits 0 to 4 of MNIST and frozen; a logistic regression of
what it computes before its last layer learns 5 to 9. The target is 97 % of the test
images of 5 to 9.
"""

import argparse
import statistics
import time

from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.measure import environment, environment_text, write
from skmnist import ConvNetClassifier, MLPClassifier
from skmnist.datasets import fetch_mnist


def main():
    """Fit, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(environment_text(environment()))
    X_train, X_test, y_train, y_test = fetch_mnist(split=True)
    low, high, new = y_train < 5, y_train >= 5, y_test >= 5
    figures = {}
    for make in (ConvNetClassifier, MLPClassifier):
        runs = []
        for seed in range(options.seeds):
            start = time.perf_counter()
            network = make(random_state=seed).fit(X_train[low], y_train[low])
            pipe = make_pipeline(
                FrozenEstimator(network),
                StandardScaler(),
                LogisticRegression(C=0.1, max_iter=200),
            )
            pipe.fit(X_train[high], y_train[high])
            accuracy = 100 * pipe.score(X_test[new], y_test[new])
            runs.append((accuracy, time.perf_counter() - start))
        figures[make.__name__] = runs
        accuracies, seconds = zip(*runs, strict=True)
        print(
            f"{make.__name__}: {statistics.mean(accuracies):.2f} % of {new.sum()} test "
            f"images of 5 to 9 ({min(accuracies):.2f} to {max(accuracies):.2f}, "
            f"{options.seeds} seeds, median {statistics.median(seconds):.0f} s)"
        )
    write("transfer", {"runs": figures})


if __name__ == "__main__":
    main()
