"""The network of the example, on MNIST: python -m benchmarks.residual [--seeds N].

Trains the residual network of examples/own_networks/plot_own_network.py, wider and
with changed images. The target is 99.6 % in ten minutes on two cores.
"""

import argparse
import runpy
import time

import matplotlib

from benchmarks.measure import HERE, environment, environment_text, write
from skmnist import ModuleClassifier
from skmnist.datasets import fetch_mnist


def main():
    """Fit, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    print(environment_text(environment()))
    matplotlib.use("Agg")
    path = HERE.parent / "examples" / "own_networks" / "plot_own_network.py"
    example = runpy.run_path(str(path))
    X_train, X_test, y_train, y_test = fetch_mnist(split=True)
    runs = []
    for seed in range(options.seeds):
        clf = ModuleClassifier(
            example["ResidualNet"],
            module_params={"width": 32},
            lr=0.01,
            max_epochs=options.epochs,
            augment="affine",
            precision="auto",
            random_state=seed,
        )
        start = time.perf_counter()
        clf.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        accuracy = 100 * clf.score(X_test, y_test)
        runs.append((accuracy, seconds))
        print(
            f"seed {seed}: {accuracy:.2f} % after {options.epochs} epochs and "
            f"{seconds:.0f} s, {clf.n_parameters_:,} weights",
            flush=True,
        )
    write("residual", {"runs": runs})


if __name__ == "__main__":
    main()
