"""Results of recipes and studies as tables and text, published beside measured."""

import csv
import io
import math
import statistics
from functools import partial

from tabulate import tabulate

from skmnist.recipes import get_recipe, get_study, list_recipes, list_studies

METRICS = {
    "train_loss": ("training loss", "{:.3f}"),
    "train_accuracy": ("training accuracy (%)", "{:.2f}"),
    "validation_loss": ("validation loss", "{:.3f}"),
    "validation_accuracy": ("validation accuracy (%)", "{:.2f}"),
    "test_loss": ("test loss", "{:.3f}"),
    "test_accuracy": ("test accuracy (%)", "{:.2f}"),
}
LAYERS_HEADER = ("layer", "output shape", "weights", "biases", "parameters")


def catalogue_text():
    """All recipes and studies, one aligned row each."""
    networks = [
        (recipe.name, f"{recipe.n_parameters:,}", last_accuracy(recipe), recipe.source)
        for recipe in map(get_recipe, list_recipes())
    ]
    studies = [
        (study.name, study.varies, study.source)
        for study in map(get_study, list_studies())
    ]
    return "\n\n".join(
        [
            tabulate(
                networks,
                ("recipe", "parameters", "published or target (%)", "source"),
                colalign=("left", "right", "right", "left"),
                disable_numparse=True,
            ),
            tabulate(studies, ("study", "varies", "source"), disable_numparse=True),
        ]
    )


def last_accuracy(recipe):
    """The published test accuracy, or our target, after the last epoch."""
    return f"{list(recipe.published['test_accuracy'].values())[-1]:.2f}"


def published_text(recipe, n_epochs):
    """The published accuracy, and its epoch if that is not the run's last."""
    last = max(recipe.published["test_accuracy"])
    after = "" if n_epochs == last else f" after {epochs_text(last)}"
    return f"{last_accuracy(recipe)} %{after}"


# -- networks -------------------------------------------------------------------


def stated(entry):
    """What to call the figures that come with a recipe: a report's, or our targets."""
    return "target" if entry.name.startswith("skmnist/") else "published"


def recipe_text(results, compares=True):
    """Everything that is printed and written about a recipe, as Markdown.

    The figures that come with it are of MNIST: left out where they do not compare.
    """
    recipe, first = results[0].recipe, results[0]
    accuracies = [result.test_accuracy for result in results]
    # The linear baseline has no epochs.
    has_epochs = "train_loss" in first.figures
    after = f" after {epochs_text(first.n_epochs)}" if has_epochs else ""
    lines = [
        f"# {recipe.name}",
        "",
        f"{recipe.source}. {parameters_text(first)}. {first.n_train:,} training "
        f"images, {first.n_test:,} test images, {seeds_text(len(results))}, "
        f"{statistics.mean(r.fit_seconds for r in results):.1f} s to fit.",
        "",
        f"Test accuracy {spread(accuracies)} %{after}; "
        + (
            f"{stated(recipe)} {published_text(recipe, first.n_epochs)}."
            if compares
            else f"the {stated(recipe)} figures are of MNIST, and left out."
        ),
    ]
    if recipe.note and compares:
        lines += ["", recipe.note]
    lines += ["", as_markdown(*epoch_table(results, compares))]
    if recipe.shows_layers:
        rows = [
            (line.layer, line.output_shape, f"{line.n_parameters:,}")
            for line in first.estimator.summary()
        ]
        lines += ["", as_markdown(("layer", "output shape", "parameters"), rows)]
    return "\n".join(lines) + "\n"


def parameters_text(result):
    """The number of parameters, beside a report's; our own recipes aim at none."""
    recipe, counted = result.recipe, f"{result.n_parameters:,} parameters"
    is_report = stated(recipe) == "published"
    return counted + f" (published: {recipe.n_parameters:,})" * is_report


def epoch_table(results, compares=True):
    """Header and rows of the report's own table: its metrics, epoch by epoch."""
    recipe = results[0].recipe
    metrics = [m for m in METRICS if m in recipe.shows or m in recipe.published]
    header, columns = ["epoch"], []
    for metric in metrics:
        name, form = METRICS[metric]
        header.append(name)
        columns.append(partial(measured, results, metric, form))
        for source, values in (
            (stated(recipe), recipe.published),
            ("independent run", recipe.independent or {}),
        ):
            if metric in values and compares:
                header.append(f"{source}, {name}")
                columns.append(partial(known, values[metric], form))
    epochs = range(1, results[0].n_epochs + 1)
    return header, [[epoch, *(column(epoch) for column in columns)] for epoch in epochs]


def measured(results, metric, form, epoch):
    """The mean and the deviation over the seeds."""
    values = [result.figures.get(metric, {}).get(epoch) for result in results]
    return "" if None in values else spread(values, form)


def known(values, form, epoch):
    """The figure of the epoch, where there is one."""
    return form.format(values[epoch]) if epoch in values else ""


# -- studies --------------------------------------------------------------------


def study_text(result, compares=True):
    """Everything that is printed and written about a study, as Markdown.

    The report's figures are of MNIST: left out where they do not compare.
    """
    study = result.study
    lines = [
        f"# {study.name}",
        "",
        f"{study.source}. {result.n_train:,} training images, {result.n_test:,} test "
        f"images, {epochs_text(result.n_epochs)}, {seeds_text(result.n_repeats)}, "
        f"{result.fit_seconds.sum():.1f} s to fit all.",
    ]
    if study.finding:
        on_mnist = "" if compares else ", on MNIST"
        lines += ["", f"The report's finding{on_mnist}: {study.finding}"]
    if study.note and compares:
        lines += ["", study.note]
    if study.published and not compares:
        lines += ["", "The published figures are of MNIST, and left out."]
    lines += ["", as_markdown(*study_table(result, compares))]
    return "\n".join(lines) + "\n"


def study_table(result, compares=True):
    """Header and rows: one per candidate, with all its runs."""
    study = result.study
    published = study.published if compares else None
    independent = study.independent if compares else None
    name, _ = METRICS["test_accuracy"]
    header = [*result.candidates[0], name]
    several = result.n_repeats > 1
    header += [f"seed {seed}" for seed in range(result.n_repeats)] if several else []
    header += [f"published, {name}"] if published else []
    header += [f"independent run, {name}"] if independent else []
    rows = []
    for (candidate, known_mean, other_mean, mean), runs in zip(
        result.comparison(), result.accuracies, strict=True
    ):
        row = [*map(value_text, candidate.values()), with_deviation(mean)]
        row += [with_deviation((run, None)) for run in runs] if several else []
        row += [with_deviation(known_mean)] if published else []
        row += [with_deviation(other_mean)] if independent else []
        rows.append(row)
    return header, rows


def layer_study_text(result):
    """Everything that is printed and written about a study of layers, as Markdown."""
    lines = [f"# {result.study.name}", "", f"{result.study.source}."]
    for name, published, counted in result.comparison():
        rows = [
            (layer, shape, *(f"{count:,}" for count in counts))
            for layer, shape, *counts in result.layers[name]
        ]
        lines += [
            "",
            f"{name}: {counted:,} parameters (published: {published:,}).",
            "",
            as_markdown(LAYERS_HEADER, rows),
        ]
    return "\n".join(lines) + "\n"


def layer_study_table(result):
    """Header and rows: one per layer."""
    return ("network", *LAYERS_HEADER), [
        (name, *layer) for name, layers in result.layers.items() for layer in layers
    ]


# -- words ------------------------------------------------------------------------


def seeds_text(n):
    """Which seeds were run."""
    return "seed 0" if n == 1 else f"seeds 0 to {n - 1}"


def epochs_text(n):
    """A number of epochs."""
    return f"{n} epoch{'s' * (n != 1)}"


def value_text(value):
    """A parameter's value, floats without a train of zeros."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def spread(values, form="{:.2f}"):
    """A mean, and ± a standard deviation where there is one."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return with_deviation((statistics.mean(values), deviation), form)


def with_deviation(pair, form="{:.2f}"):
    """A mean and ± its standard deviation, where there are any."""
    if pair is None:
        return ""
    if math.isnan(pair[0]):
        return "failed"
    return " ± ".join(form.format(value) for value in pair if value is not None)


def as_markdown(header, rows):
    """A table in GitHub's form, which is also legible in a terminal."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def as_csv(header, rows):
    """The table as CSV, with a mean and its deviation in columns of their own."""
    columns = []
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        parts = [str(cell).split(" ± ") for cell in cells]
        columns.append([name, *(part[0] for part in parts)])
        if any(len(part) == 2 for part in parts):
            deviations = [part[1] if len(part) == 2 else "" for part in parts]
            columns.append([f"{name}, standard deviation", *deviations])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(*columns, strict=True))
    return text.getvalue()
