"""Timing side by side: one process a contender, asked in turn: A B C B C A."""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tabulate import tabulate

HERE = Path(__file__).parent
PAUSE = 0.3  # seconds between two contenders
PACKAGES = (
    *("skmnist", "torch", "skorch", "scikit-learn", "numpy"),
    *("keras", "tensorflow-cpu", "jax"),
)


class Worker:
    """A process of its own that runs a task whenever it is asked to."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=HERE.parent,
        )

    def ask(self):
        """Run the task once; what it measured, as a dict."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended: run it by hand to see why")
        return json.loads(line)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def in_turn(workers, repeats):
    """Ask all workers in turn; after one round that does not count, so many.

    Every round has an order of its own, for who follows whom matters: thread pools
    spin for a while after their work, so there is a pause as well.
    """
    figures = {name: [] for name in workers}
    order, shuffle = list(workers), random.Random(0).shuffle
    for i in range(repeats + 1):
        shuffle(order)
        for name in order:
            time.sleep(PAUSE)
            figure = workers[name].ask()
            if i > 0:
                figures[name].append(figure["seconds"])
    for worker in workers.values():
        worker.close()
    return figures


def environment():
    """The machine and the versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next(line.partition(": ")[2] for line in lines if "model name" in line)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu}, {len(os.sched_getaffinity(0))} cores",
        "python": platform.python_version(),
        "versions": versions,
    }


def environment_text(found):
    """The machine and the versions in one line."""
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items() if v)
    return f"{found['date']}, {found['machine']}, Python {found['python']}, {versions}"


def seconds_text(values):
    """A median and the range, in the unit that fits."""
    middle = statistics.median(values)
    factor, unit = next(
        (factor, unit)
        for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs"))
        if middle * factor >= 1 or unit == "µs"
    )
    low, middle, high = (
        f"{factor * value:.3g}" for value in (min(values), middle, max(values))
    )
    return f"{middle} {unit} ({low} to {high})"


def ratio(figures, name, other):
    """How the median of one compares with that of another, where both are there."""
    if name not in figures or other not in figures:
        return None
    return statistics.median(figures[name]) / statistics.median(figures[other])


def ratio_table(figures, ours="skmnist"):
    """Contenders by row: the median, its range, and ours as a ratio to it."""
    rows = [
        (name, seconds_text(values), f"{ratio(figures, ours, name):.2f}")
        for name, values in figures.items()
    ]
    return table(("contender", "median (range)", f"{ours} / contender"), rows)


def table(header, rows):
    """A table of texts, in Markdown."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def write(name, content):
    """Keep the figures of a command, with where and when they were measured."""
    path = HERE / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    content = {"environment": environment(), **content}
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"wrote {path}")


def timed(task):
    """Seconds that a task takes."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start
