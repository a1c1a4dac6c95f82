"""How cost grows with the data: python -m benchmarks.growth [--images N].

Seconds per image and epoch of 1,000 to 600,000 images, in memory, in turn; then a
memory map of MNIST shifted to and fro until it has N images (8,100,000 are 6.4 GB),
trained on and predicted in a process of its own, with its resident memory. N=0 leaves
that out and keeps the figures of an earlier run.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import (
    HERE,
    Worker,
    environment,
    environment_text,
    in_turn,
    table,
    write,
)
from skmnist.datasets import fetch_mnist

SIZES = {1_000: 30, 10_000: 6, 60_000: 2, 600_000: 1}  # images: epochs
SHIFTS = [(dy, dx) for dy in range(-6, 7) for dx in range(-6, 7)]


def write_shifted(folder, n_images):
    """Files of so many images and labels: MNIST, moved by some pixels each time."""
    X, _, y, _ = fetch_mnist(split=True)
    images = np.lib.format.open_memmap(
        folder / "images.npy", "w+", np.uint8, (n_images, 28, 28)
    )
    for i, start in enumerate(range(0, n_images, len(X))):
        part = images[start : start + len(X)]
        part[:] = np.roll(X, SHIFTS[i % len(SHIFTS)], axis=(1, 2))[: len(part)]
    images.flush()
    np.save(folder / "labels.npy", np.resize(y, n_images))


def growth_table(figures):
    """Images by row: what one costs, and the memory of what was in a file."""
    rows = [
        (
            name,
            _microseconds(figure["seconds"]),
            f"{1e6 * figure['predict']:.1f}" if "predict" in figure else "",
            f"{figure['megabytes']:.0f}" if "megabytes" in figure else "",
        )
        for name, figure in figures.items()
    ]
    header = ("images", "fit (µs/image)", "predict (µs/image)", "resident (MB)")
    return table(header, rows)


def _microseconds(seconds):
    """One measurement, or the median and range of several."""
    values = [1e6 * value for value in np.atleast_1d(seconds)]
    spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{np.median(values):.1f}{spread}"


def main():
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=8_100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", help="where the file goes for the while")
    options = parser.parse_args()
    print(environment_text(environment()))
    workers = {
        f"{n_images:,} in memory": Worker("growth", n_images, epochs)
        for n_images, epochs in SIZES.items()
    }
    found = in_turn(workers, options.repeats)
    figures = {name: {"seconds": seconds} for name, seconds in found.items()}
    figures |= measure_file(options) if options.images else kept_file()
    print(growth_table(figures))
    write("growth", {"figures": figures})


def measure_file(options):
    """The figures of a file of so many images, by name."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_shifted(Path(folder), options.images)
        worker = Worker("mapped", folder)
        figure = worker.ask()
        worker.close()
    return {f"{options.images:,} in a file": figure}


def kept_file():
    """The figures of the files of an earlier run, by name."""
    path = HERE / "results" / "growth.json"
    kept = json.loads(path.read_text())["figures"] if path.exists() else {}
    return {name: figure for name, figure in kept.items() if "in a file" in name}


if __name__ == "__main__":
    main()
