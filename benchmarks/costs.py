"""What a fit costs beside its steps: python -m benchmarks.costs.

The fixed cost of a fit (100 images, one epoch), the size of a pickle, the time of an
import, and the memory of a fit, in megabytes over the process after its imports.
"""

import argparse
import pickle
import subprocess
import sys

from benchmarks.contenders import CONTENDERS, LOOP, OURS, SKORCH, contenders_for
from benchmarks.measure import (
    Worker,
    environment,
    environment_text,
    free_environment,
    in_turn,
    ratio_table,
    table,
    timed,
    write,
)
from benchmarks.networks import NETWORKS
from benchmarks.worker import tiny_data

NETWORK = NETWORKS["mlp-500-300"]
CLOSEST = (OURS, LOOP, SKORCH)
IMPORTS = {
    "import skmnist": "import skmnist",
    "from skmnist import MLPClassifier": "from skmnist import MLPClassifier",
    "import torch": "import torch",
    "import skorch": "import skorch",
    "from sklearn.neural_network import MLPClassifier": (
        "from sklearn.neural_network import MLPClassifier"
    ),
}


def fixed_cost(repeats):
    """Seconds of a fit of 100 images."""
    workers = {
        name: Worker("fixed_cost", name, NETWORK.name)
        for name in contenders_for(NETWORK)
    }
    figures = in_turn(workers, repeats)
    print(f"\n## A fit of 100 images, {NETWORK.name}\n\n{ratio_table(figures)}\n")
    return figures


def import_time(repeats):
    """Seconds from the start of Python to its end, with an import between."""
    figures = {name: [] for name in IMPORTS}
    for i in range(repeats + 1):
        for name, code in IMPORTS.items():
            seconds = timed(
                lambda code=code: subprocess.run(
                    [sys.executable, "-c", code], env=free_environment()
                )
            )
            if i > 0:
                figures[name].append(seconds)
    print("\n## Import, in a new process\n")
    print(ratio_table(figures, ours="import skmnist"), "\n")
    return figures


def memory():
    """Megabytes of a fit of 60,000 images, each in a new process."""
    figures = {}
    for network in NETWORKS.values():
        all_of_them = network is NETWORK
        for name in contenders_for(network) if all_of_them else CLOSEST:
            worker = Worker("memory", name, network.name)
            figures[f"{network.name}, {name}"] = worker.ask()["megabytes"]
            worker.close()
    print(f"\n## Peak memory of one epoch\n\n{memory_table(figures)}\n")
    return figures


def memory_table(figures):
    """Networks and contenders by row."""
    rows = [(name, f"{value:.0f}") for name, value in figures.items()]
    return table(("network, contender", "MB over the imports, data included"), rows)


def pickle_sizes():
    """Bytes of a pickled fitted estimator beside those of its weights."""
    sizes = {}
    for network in NETWORKS.values():
        made = CONTENDERS["skmnist"](network, *tiny_data())
        made.fit()
        weights = 4 * made.estimator.n_parameters_
        sizes[network.name] = len(pickle.dumps(made.estimator)), weights
    print(f"\n## Pickles\n\n{pickle_table(sizes)}\n")
    return sizes


def pickle_table(sizes):
    """Networks by row."""
    rows = [(name, f"{a:,}", f"{b:,}") for name, (a, b) in sizes.items()]
    return table(("network", "bytes of the pickle", "bytes of the weights"), rows)


def main():
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(environment_text(environment()))
    write(
        "costs",
        {
            "fixed_cost": fixed_cost(options.repeats),
            "import": import_time(options.repeats),
            "pickle": pickle_sizes(),
            "memory": memory(),
        },
    )


if __name__ == "__main__":
    main()
