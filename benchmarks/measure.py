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
from threadpoolctl import threadpool_info

HERE = Path(__file__).parent
FLOOR = "floor of the products"  # the row beside the contenders
PAUSE = 0.3  # seconds between two contenders
# Variables that hold a library back to the kernels or threads of another machine.
# OMP_NUM_THREADS stays: it is the same for all contenders.
HOLD_BACK = (
    *("OPENBLAS_", "GOTO_", "BLIS_", "NVPL_", "MKL_", "ONEDNN_", "DNNL_"),
    *("ATEN_CPU_", "NPY_DISABLE_"),
)
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
            env=free_environment(),
        )
        self.kernels = None
        self.compiling = None

    def ask(self):
        """Run the task once; what it measured, as a dict."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended: run it by hand to see why")
        figure = json.loads(line)
        self.kernels = figure.pop("kernels")
        self.compiling = figure.pop("compiling", None)
        return figure

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def free_environment():
    """The variables of a process in which no library is held back."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(HOLD_BACK)
    }


def kernels():
    """The BLAS libraries of this process, and the processor that each works for.

    NumPy and SciPy each have their own. That of torch, which is a part of it, cannot
    be seen.
    """
    found = {
        f"{library['internal_api']} for {library['architecture']}, "
        f"threads: {library['num_threads']}"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    }
    return "; ".join(sorted(found)) or "none that threadpoolctl knows"


def circumstances(workers):
    """What is told beside the times of workers that have run."""
    compiling = {name: worker.compiling for name, worker in workers.items()}
    return {
        "kernels": {name: worker.kernels for name, worker in workers.items()},
        "compiling": {name: s for name, s in compiling.items() if s is not None},
    }


def circumstances_text(found):
    """The BLAS kernels, each with who ran with it, and the seconds of compiling."""
    names = {}
    for name, text in found.get("kernels", {}).items():
        names.setdefault(text, []).append(name)
    lines = [
        f"BLAS kernels: {text} ({'all' if len(names) == 1 else '; '.join(who)})"
        for text, who in names.items()
    ]
    lines += [
        f"Compiling, which the table leaves out: {name}, {seconds:.3g} s"
        for name, seconds in found.get("compiling", {}).items()
    ]
    return "\n\n".join(lines)


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
