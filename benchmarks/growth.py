"""How cost grows with the data: python -m benchmarks.growth [--images N].

Seconds per image and epoch of 1,000 to 600,000 images, in memory; then a memory map
of MNIST shifted to and fro until it has N images (8,100,000 are 6.4 GB), trained on
and predicted in a process of its own, with its resident memory.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Worker, environment, environment_text, table, write
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
            f"{1e6 * figure['seconds']:.1f}",
            f"{1e6 * figure['predict']:.1f}" if "predict" in figure else "",
            f"{figure['megabytes']:.0f}" if "megabytes" in figure else "",
        )
        for name, figure in figures.items()
    ]
    header = ("images", "fit (µs/image)", "predict (µs/image)", "resident (MB)")
    return table(header, rows)


def main():
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=8_100_000)
    parser.add_argument("--folder", help="where the file goes for the while")
    options = parser.parse_args()
    print(environment_text(environment()))
    figures = {}
    for n_images, epochs in SIZES.items():
        worker = Worker("growth", n_images, epochs)
        worker.ask()
        figures[f"{n_images:,} in memory"] = worker.ask()
        worker.close()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_shifted(Path(folder), options.images)
        worker = Worker("mapped", folder)
        figures[f"{options.images:,} in a file"] = worker.ask()
        worker.close()
    print(growth_table(figures))
    write("growth", {"figures": figures})


if __name__ == "__main__":
    main()
