"""What the other commands kept, as pages: python -m benchmarks.report.

Writes RESULTS.md, and the table of epochs in the project's README.
"""

import json
import re
import statistics

from benchmarks.contenders import (
    BFLOAT16,
    COMPILED,
    JAX,
    LOOP,
    OURS,
    SKLEARN,
    SKORCH,
    TENSORFLOW,
)
from benchmarks.costs import memory_table, pickle_table
from benchmarks.growth import growth_table
from benchmarks.measure import (
    FLOOR,
    HERE,
    circumstances_text,
    environment_text,
    ratio,
    ratio_table,
    table,
)
from benchmarks.networks import NETWORKS

# Of what was measured: the file, who, beside whom, and the most the ratio should be.
TWO = "two processes"
TARGETS = [
    *(
        (f"epoch-{name}", who, other, limit)
        for name, who, limits in (
            ("mlp-500-300", OURS, {LOOP: 0.75, JAX: 1.00, SKLEARN: 0.55, SKORCH: 0.50}),
            ("mlp-500-300", OURS, {COMPILED: 1.05, FLOOR: 1.90, TENSORFLOW: 0.80}),
            ("mlp-500-300", BFLOAT16, {SKORCH: 0.55}),
            ("mlp-500-300-one-thread", OURS, {LOOP: 0.65}),
            ("mlp-100", OURS, {LOOP: 0.85, JAX: 1.10, SKLEARN: 0.85, SKORCH: 0.45}),
            ("mlp-100", OURS, {COMPILED: 1.05, TENSORFLOW: 1.00}),
            ("mlp-100-one-thread", OURS, {LOOP: 0.85}),
            ("mlp-256", OURS, {LOOP: 0.85, COMPILED: 1.05, SKORCH: 0.55}),
            ("conv-16-4", OURS, {LOOP: 0.90, COMPILED: 1.05, SKORCH: 0.22}),
            ("conv-16-4", OURS, {TENSORFLOW: 1.00}),
            ("conv-32-64-128", OURS, {LOOP: 0.93, COMPILED: 1.05, SKORCH: 0.60}),
            ("conv-32-64-128", OURS, {TENSORFLOW: 0.93}),
            ("conv-32-64-128", BFLOAT16, {SKORCH: 0.45}),
        )
        for other, limit in limits.items()
    ),
    ("search-mlp-100", TWO, "half of one thread", 1.15),
    ("search-mlp-500-300", TWO, "half of one thread", 1.15),
    ("search-mlp-100", "batched", TWO, 0.90),
    *(
        ("predict-mlp-500-300-10000", OURS, other, limit)
        for other, limit in {LOOP: 0.60, JAX: 0.70, SKLEARN: 0.80, SKORCH: 0.25}.items()
    ),
    *(
        (f"predict-{network}-10000", OURS, other, limit)
        for network in ("mlp-100", "conv-16-4", "conv-32-64-128")
        for other, limit in {LOOP: 1.10, SKORCH: 0.9, TENSORFLOW: 1.0}.items()
    ),
    *(
        (f"predict-{network}-1", OURS, other, limit)
        for network in ("mlp-500-300", "mlp-100", "conv-16-4", "conv-32-64-128")
        for other, limit in {LOOP: 1.5, SKORCH: 0.5, TENSORFLOW: 0.1}.items()
    ),
]
FIXED_COST = (OURS, SKORCH, 1.00)  # of a fit of 100 images
ACCURACIES = [  # of what, by how many seeds, the least percent, the most seconds
    ("ConvNetClassifier", 5, 99.3, 30),
    ("skmnist-quick", 10, 99.0, 5),
    ("skmnist-best", 3, 99.70, 600),
]
README_ROWS = {
    "mlp-500-300": "784-500-300-10, batch 64",
    "mlp-100": "784-100-10, batch 100",
    "mlp-256": "784-256-10, batch 64",
    "conv-16-4": "convolutions 16-4, batch 2048",
    "conv-32-64-128": "convolutions 32-64-128, batch 64",
}
README_COLUMNS = {
    OURS: "skmnist",
    LOOP: "the best PyTorch loop without private operations",
    SKORCH: "skorch",
    SKLEARN: "scikit-learn's MLP",
    TENSORFLOW: "Keras on TensorFlow",
    JAX: "Keras on JAX",
}
DATA_MEGABYTES = 47  # 60,000 images and their labels, uint8


def read(name):
    """What a command kept, or None."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def targets():
    """Each target with what was measured."""
    rows = []
    for name, who, other, limit in TARGETS:
        found = read(name)
        value = found and ratio(found["seconds"], who, other)
        rows.append((name, f"{who} / {other}", f"≤ {limit:.2f}", *judged(value, limit)))
    for name, seeds, least, most in ACCURACIES:
        found = read(f"accuracy-{name}")
        scores, seconds = zip(*found["runs"], strict=True) if found else ((), ())
        score = statistics.mean(scores[:seeds]) if len(scores) >= seeds else None
        second = statistics.median(seconds) if score else None
        rows.append(
            (name, f"%, mean of {seeds} seeds", f"≥ {least}", *judged(score, least, -1))
        )
        rows.append((name, "seconds", f"< {most}", *judged(second, most)))
    header = ("benchmark", "what", "target", "measured", "")
    return table(header, rows + cost_targets())


def cost_targets():
    """Those of fixed costs and memory."""
    costs, growth, rows = read("costs"), read("growth"), []
    who, other, limit = FIXED_COST
    value = costs and ratio(costs["fixed_cost"], who, other)
    rows.append(
        (
            "a fit of 100 images",
            f"{who} / {other}",
            f"≤ {limit:.2f}",
            *judged(value, limit),
        )
    )
    memory = costs["memory"] if costs else {}
    for network in NETWORKS:
        value = memory.get(f"{network}, skmnist")
        limit = DATA_MEGABYTES + 250
        rows.append(
            (
                f"memory-{network}",
                "MB over the imports",
                f"≤ {limit}",
                *judged(value, limit),
            )
        )
    mapped = growth["figures"].get("8,100,000 in a file", {}) if growth else {}
    resident = mapped.get("megabytes")
    rows.append(
        ("8,100,000 in a file", "MB resident", "≤ 1500", *judged(resident, 1500))
    )
    return rows


def judged(value, limit, sign=1):
    """A figure as text, and whether it meets its limit."""
    if value is None:
        return "", "not measured"
    text = f"{value:.2f}" if value < 100 else f"{value:.0f}"
    return text, "met" if sign * value <= sign * limit else "**missed**"


def sections():
    """The timed tables, one a file."""
    for name in dict.fromkeys(name for name, *_ in TARGETS):
        found = read(name)
        if found:
            yield f"## {name}\n\n{environment_text(found['environment'])}"
            ours = TWO if name.startswith("search") else OURS
            yield ratio_table(found["seconds"], ours)
            if beside := circumstances_text(found):
                yield beside


def accuracies():
    """The accuracy of every estimator that was fitted, with its time."""
    rows = []
    for path in sorted((HERE / "results").glob("accuracy-*.json")):
        scores, seconds = zip(*json.loads(path.read_text())["runs"], strict=True)
        name = path.stem.removeprefix("accuracy-")
        mean, worst = f"{statistics.mean(scores):.2f}", f"{min(scores):.2f}"
        middle = f"{statistics.median(seconds):.1f}"
        rows.append((name, len(scores), mean, worst, middle))
    header = ("estimator", "seeds", "mean accuracy (%)", "lowest", "median seconds")
    return table(header, rows)


def readme_table():
    """Seconds of an epoch, networks by row."""
    rows = []
    for name, words in README_ROWS.items():
        seconds = read(f"epoch-{name}")["seconds"]
        medians = (
            f"{statistics.median(seconds[other]):.3g}" if other in seconds else ""
            for other in README_COLUMNS
        )
        rows.append(f"| {' | '.join((words, *medians))} |")
    header = f"| | {' | '.join(README_COLUMNS.values())} |"
    return "\n".join([header, "| --- |" + " ---: |" * len(README_COLUMNS), *rows])


def write_readme():
    """Put the table where the one before it stood."""
    path = HERE.parent / "README.md"
    before = rf"\| \| {README_COLUMNS[OURS]} \| {README_COLUMNS[LOOP]} \|.*?(?=\n\n)"
    text = path.read_text(encoding="utf-8")
    text, n = re.subn(before, lambda _: readme_table(), text, flags=re.DOTALL)
    if n != 1:
        raise ValueError(
            f"{path} should have the table of epochs once, has it {n} times"
        )
    path.write_text(text, encoding="utf-8")


def main():
    """Put the pages together."""
    write_readme()
    costs, growth = read("costs"), read("growth")
    parts = [
        "# Results",
        "Made by `python -m benchmarks.report` of the figures in `results/`; the "
        "README says how they are measured. Ratios are of medians within one run.",
        f"## Targets\n\n{targets()}",
        (HERE / "missed.md").read_text().strip(),
        f"## Accuracy and time\n\n{accuracies()}",
        *sections(),
    ]
    if costs:
        parts += [
            f"## Costs\n\n{environment_text(costs['environment'])}",
            "A fit of 100 images:\n\n" + ratio_table(costs["fixed_cost"]),
            "An import, in a new process:\n\n"
            + ratio_table(costs["import"], ours="import skmnist"),
            "Peak memory of one epoch:\n\n" + memory_table(costs["memory"]),
            "Pickles:\n\n" + pickle_table(costs["pickle"]),
        ]
    if growth:
        parts += [
            f"## Growth\n\n{environment_text(growth['environment'])}",
            growth_table(growth["figures"]),
        ]
    (HERE / "RESULTS.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
