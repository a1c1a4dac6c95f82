"""One contender in a process of its own: python -m benchmarks.worker ARGUMENTS.

ARGUMENTS is a list in JSON: a task below, and what it takes. Each line on standard
input runs the task once, and answers with a line of JSON.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import kernels, timed
from benchmarks.networks import NETWORKS


def load(n_train=None):
    """MNIST, from $SKMNIST_DATA or where fetch_mnist keeps it."""
    from skmnist.datasets import fetch_mnist

    X_train, X_test, y_train, y_test = fetch_mnist(split=True)
    return X_train[:n_train], X_test, y_train[:n_train], y_test


def epoch(contender, network, n_train=None):
    """One epoch of training."""
    X, _, y, _ = load(n_train)
    made = CONTENDERS[contender](NETWORKS[network], X, y)
    told = {"compiling": made.compiling} if hasattr(made, "compiling") else {}
    return lambda: {"seconds": timed(made.fit), **told}


def predict(contender, network, n_images):
    """Predictions of so many images, for a second; the mean of them."""
    X, X_test, y, _ = load(2048)
    made = CONTENDERS[contender](NETWORKS[network], X, y)
    made.fit()
    images = made.images(X_test[:n_images])

    def run():
        seconds = []
        while sum(seconds) < 1:
            seconds.append(timed(lambda: made.predict(images)))
        return {"seconds": sum(seconds) / len(seconds)}

    return run


def floor(network, n_images, training):
    """What the products alone take in the fastest library."""
    from benchmarks.floor import seconds

    return lambda: {"seconds": seconds(NETWORKS[network], n_images, training)}


def fit_and_score(contender):
    """A whole fit of one of our estimators, with another seed every time."""
    from benchmarks.accuracy import CONTENDERS

    X, X_test, y, y_test = load()
    seeds = itertools.count()

    def run():
        estimator = CONTENDERS[contender](random_state=next(seeds))
        seconds = timed(lambda: estimator.fit(X, y))
        return {"seconds": seconds, "accuracy": 100 * estimator.score(X_test, y_test)}

    return run


def fixed_cost(contender, network):
    """One epoch over 100 images: what a fit costs beside its steps."""
    return epoch(contender, network, 100)


def memory(contender, network):
    """Megabytes of one epoch in a process that has done nothing before."""
    warm_up = CONTENDERS[contender](NETWORKS[network], *tiny_data())
    warm_up.fit()
    imported = resident_megabytes()
    X, _, y, _ = load()
    made = CONTENDERS[contender](NETWORKS[network], X, y)

    def run():
        seconds = timed(made.fit)
        return {
            "seconds": seconds,
            "megabytes": peak_megabytes() - imported,
            "imported": imported,
        }

    return run


def growth(n_images, epochs):
    """Seconds per epoch and image of ours, MNIST repeated to so many images."""
    X, _, y, _ = load()
    repeats = -(-n_images // len(X))
    X = np.tile(X, (repeats, 1, 1))[:n_images]
    y = np.tile(y, repeats)[:n_images]
    made = CONTENDERS["skmnist"](NETWORKS["mlp-500-300"], X, y, max_epochs=epochs)
    return lambda: {"seconds": timed(made.fit) / epochs / n_images}


def mapped(folder):
    """Seconds per image of ours over a memory map, and the memory it takes."""
    X = np.load(f"{folder}/images.npy", mmap_mode="r")
    y = np.load(f"{folder}/labels.npy")
    made = CONTENDERS["skmnist"](NETWORKS["mlp-500-300"], X, y)

    def run():
        fit = timed(made.fit) / len(X)
        predict = timed(lambda: made.predict(X)) / len(X)
        return {"seconds": fit, "predict": predict, "megabytes": peak_megabytes()}

    return run


def search(kind, network, rates, decays):
    """A search over learning rates and weight decays, one epoch a candidate."""
    import torch
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    from skmnist.model_selection import BatchedGridSearchCV

    X, X_test, y, y_test = load()
    split = PredefinedSplit([-1] * len(X) + [0] * len(X_test))
    X, y = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    estimator = CONTENDERS["skmnist"](NETWORKS[network], X, y).estimator
    grid = {"lr": rates, "weight_decay": decays}
    settings = {"cv": split, "refit": False}
    if kind == "one thread":
        torch.set_num_threads(1)
        found = GridSearchCV(estimator, grid, **settings)
    elif kind == "two processes":
        found = GridSearchCV(estimator, grid, n_jobs=2, **settings)
    elif kind == "one by one":
        found = GridSearchCV(estimator, grid, **settings)
    else:
        found = BatchedGridSearchCV(estimator, grid, n_jobs=2, **settings)
    return lambda: {"seconds": timed(lambda: found.fit(X, y))}


def tiny_data():
    """A hundred images of noise: imports and thread pools are set up with them."""
    X = np.random.default_rng(0).integers(0, 256, (100, 28, 28), dtype=np.uint8)
    return X, np.arange(100, dtype=np.uint8) % 10


def resident_megabytes():
    """The memory that the process has now, not at its peak while importing."""
    return status_megabytes("VmRSS")


def peak_megabytes():
    """The most memory that the process had until now.

    Not getrusage's figure: a process begins that one with its parent's peak.
    """
    return status_megabytes("VmHWM")


def status_megabytes(key):
    """A figure of Linux's /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    value = next(line for line in lines if line.startswith(f"{key}:"))
    return int(value.split()[1]) / 1024


TASKS = {
    task.__name__: task
    for task in (
        *(epoch, predict, floor, fit_and_score, fixed_cost),
        *(memory, growth, mapped, search),
    )
}


def main():
    """Serve one task."""
    task, *arguments = json.loads(sys.argv[1])
    run = TASKS[task](*arguments)
    # Libraries print: what they say must not come between our answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for _ in sys.stdin:
        answer = {**run(), "kernels": kernels()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
