"""Write RESULTS.md from what the other commands kept: python -m benchmarks.report."""

import json
import statistics

from tabulate import tabulate

from benchmarks.measure import HERE, environment_text, ratio, ratio_table

# Of what was measured: the file, who, beside whom, and the most the ratio should be.
OURS, BFLOAT16 = "skmnist", "skmnist, bfloat16"
LOOP, SKORCH, KERAS = "hand-written loop", "skorch", "Keras/TensorFlow"
TARGETS = [
    ("epoch-mlp-500-300", OURS, LOOP, 1.10),
    ("epoch-mlp-500-300", OURS, SKORCH, 0.72),
    ("epoch-mlp-500-300", BFLOAT16, SKORCH, 0.55),
    ("epoch-mlp-500-300", OURS, KERAS, 0.80),
    ("epoch-mlp-500-300", OURS, "scikit-learn", 1.00),
    ("epoch-mlp-500-300", OURS, "Keras/JAX", 1.15),
    ("epoch-mlp-100", OURS, LOOP, 1.15),
    ("epoch-mlp-100", OURS, SKORCH, 0.65),
    ("epoch-mlp-100", OURS, KERAS, 1.00),
    ("epoch-mlp-100", OURS, "scikit-learn", 1.00),
    ("epoch-conv-16-4", OURS, LOOP, 1.10),
    ("epoch-conv-16-4", OURS, SKORCH, 0.30),
    ("epoch-conv-16-4", OURS, KERAS, 1.00),
    ("epoch-conv-32-64-128", OURS, LOOP, 1.10),
    ("epoch-conv-32-64-128", OURS, SKORCH, 0.62),
    ("epoch-conv-32-64-128", BFLOAT16, SKORCH, 0.45),
    ("epoch-conv-32-64-128", OURS, KERAS, 0.80),
    *(
        (f"predict-{network}-{n_images}", OURS, other, limit)
        for n_images, limits in (
            (10000, {LOOP: 1.10, SKORCH: 0.9, KERAS: 1.0}),
            (1, {LOOP: 3.0, SKORCH: 0.5, KERAS: 0.1}),
        )
        for network in ("mlp-500-300", "mlp-100", "conv-16-4", "conv-32-64-128")
        for other, limit in limits.items()
    ),
]


def read(name):
    """What a command kept, or None."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def targets():
    """Each target with its measured ratio."""
    rows = []
    for name, who, other, limit in TARGETS:
        found = read(name)
        value = found and ratio(found["seconds"], who, other)
        row = name, who, other, f"{limit:.2f}"
        if value is None:
            rows.append((*row, "", "not measured"))
        else:
            met = "met" if value <= limit else "**missed**"
            rows.append((*row, f"{value:.2f}", met))
    header = ("benchmark", "who", "beside", "at most", "measured", "")
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def sections():
    """The timed tables, one a file."""
    for name in dict.fromkeys(name for name, *_ in TARGETS):
        found = read(name)
        if found:
            yield f"## {name}\n\n{environment_text(found['environment'])}\n"
            yield f"{ratio_table(found['seconds'])}\n"


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
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def main():
    """Put the page together."""
    costs, growth = read("costs"), read("growth")
    parts = [
        "# Results\n",
        "Made by `python -m benchmarks.report` of the figures in `results/`; the "
        "README says how they are measured. Ratios are of medians within one run.\n",
        f"## Targets\n\n{targets()}\n",
        f"## Accuracy and time\n\n{accuracies()}\n",
        *sections(),
    ]
    if costs:
        parts.append(f"## Costs\n\n{environment_text(costs['environment'])}\n")
        for kind in ("fixed_cost", "import"):
            first = next(iter(costs[kind]))
            parts.append(f"### {kind}\n\n{ratio_table(costs[kind], ours=first)}\n")
        for kind in ("memory", "pickle"):
            rows = [(name, value) for name, value in costs[kind].items()]
            parts.append(
                f"### {kind}\n\n{tabulate(rows, (kind, 'figures'), 'github')}\n"
            )
    if growth:
        parts.append(f"## Growth\n\n{environment_text(growth['environment'])}\n")
        rows = [
            (name, *(figure.get(k) for k in ("seconds", "predict", "megabytes")))
            for name, figure in growth["figures"].items()
        ]
        header = ("images", "seconds an image", "in predict", "resident MB")
        parts.append(tabulate(rows, header, "github") + "\n")
    (HERE / "RESULTS.md").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
