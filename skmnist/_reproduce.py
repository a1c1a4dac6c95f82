"""Recipes trained from the command line: published figures beside measured ones."""

import csv
import io
import json
import statistics
import sys
from functools import partial
from pathlib import Path

import joblib
from tabulate import tabulate

from skmnist._devices import find_device
from skmnist._files import write_whole
from skmnist._progress import EpochProgress
from skmnist.datasets import fetch_mnist, load_digits28
from skmnist.recipes import get_recipe, list_recipes

METRICS = {
    "train_loss": ("training loss", "{:.3f}"),
    "train_accuracy": ("training accuracy (%)", "{:.2f}"),
    "validation_loss": ("validation loss", "{:.3f}"),
    "validation_accuracy": ("validation accuracy (%)", "{:.2f}"),
    "test_loss": ("test loss", "{:.3f}"),
    "test_accuracy": ("test accuracy (%)", "{:.2f}"),
}


def print_recipes():
    """Print all recipes, one aligned row each."""
    recipes = [get_recipe(name) for name in list_recipes()]
    rows = [
        (recipe.name, f"{recipe.n_parameters:,}", last_accuracy(recipe), recipe.source)
        for recipe in recipes
    ]
    header = ("recipe", "parameters", "published (%)", "source")
    alignment = ("left", "right", "right", "left")
    print(tabulate(rows, header, colalign=alignment, disable_numparse=True))


def last_accuracy(recipe):
    """The published test accuracy after the last epoch."""
    return f"{list(recipe.published['test_accuracy'].values())[-1]:.2f}"


def find_recipes(names):
    """The recipes of these names, in this order; "all" is every one."""
    names = list_recipes() if "all" in names else names
    return [get_recipe(name) for name in dict.fromkeys(names)]


def reproduce(
    recipes,
    data="digits",
    data_home=None,
    epochs=None,
    seeds=1,
    jobs=1,
    device="auto",
    out=None,
):
    """Run recipes and print their tables; return how many of them failed.

    With `out`, each recipe gets a folder, written once it is done: where there is
    one of the same data, epochs and seeds, the recipe is not run again.
    """
    find_device(device, "reproduce")
    if data == "mnist":
        arrays = fetch_mnist(data_home=data_home, split=True)
    else:
        arrays = load_digits28(split=True)
        notice = "The published figures are of MNIST; these are of the embedded digits."
        print(notice, file=sys.stderr)
    request = {"data": data, "epochs": epochs, "seeds": seeds}
    failures = {}
    for recipe in recipes:
        folder = None if out is None else Path(out, recipe.name)
        if folder is not None and is_done(folder, request):
            print(f"{recipe.name}: done before, in {folder}\n")
            continue
        try:
            results = run_seeds(recipe, arrays, epochs, seeds, jobs, device)
            if folder is not None:
                write_results(results, request, folder)
            print(report_text(results))
            if folder is not None:
                print(f"wrote {folder}\n")
        except Exception as error:  # one recipe's failure is not the others'
            failures[recipe.name] = error
            print(f"{recipe.name} failed: {error}\n", file=sys.stderr)
    if failures:
        print(f"{len(failures)} of {len(recipes)} failed: {', '.join(failures)}")
    return len(failures)


def run_seeds(recipe, arrays, epochs, seeds, jobs, device):
    """One result per seed, `jobs` of them at a time."""
    return joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(run_one)(recipe, arrays, epochs, seed, device)
        for seed in range(seeds)
    )


def run_one(recipe, arrays, epochs, seed, device):
    """Run a recipe, with a progress bar where there are epochs."""
    length = epochs or recipe.settings.get("max_epochs")
    bar = [EpochProgress(f"{recipe.name}, seed {seed}", length)] if length else []
    return recipe.run(
        arrays, epochs=epochs, random_state=seed, device=device, callbacks=bar
    )


# -- tables ---------------------------------------------------------------------


def report_text(results):
    """Everything that is printed and written of a recipe, as Markdown."""
    recipe, first = results[0].recipe, results[0]
    accuracies = [result.test_accuracy for result in results]
    lines = [
        f"# {recipe.name}",
        "",
        f"{recipe.source}. {first.n_parameters:,} parameters (published: "
        f"{recipe.n_parameters:,}). {first.n_train:,} training images, "
        f"{first.n_test:,} test images, seeds 0 to {len(results) - 1}, "
        f"{statistics.mean(r.fit_seconds for r in results):.1f} s to fit.",
        "",
        f"Test accuracy {spread(accuracies, '{:.2f}')} % after {first.n_epochs} "
        f"epoch{'s' * (first.n_epochs > 1)}; published {last_accuracy(recipe)} %.",
    ]
    if recipe.note:
        lines += ["", recipe.note]
    header, rows = epoch_table(results)
    lines += ["", as_markdown(header, rows)]
    if recipe.shows_layers:
        layers = first.estimator.summary()
        rows = [(line.layer, line.output_shape, line.n_parameters) for line in layers]
        header = ("layer", "output shape", "parameters")
        lines += ["", as_markdown(header, rows)]
    return "\n".join(lines) + "\n"


def epoch_table(results):
    """Header and rows of the report's own table: its metrics, epoch by epoch."""
    recipe = results[0].recipe
    metrics = [m for m in METRICS if m in recipe.shows or m in recipe.published]
    header, columns = ["epoch"], []
    for metric in metrics:
        name, form = METRICS[metric]
        header.append(name)
        columns.append(partial(measured, results, metric, form))
        for source, values in (
            ("published", recipe.published),
            ("independent run", recipe.honest or {}),
        ):
            if metric in values:
                header.append(f"{source}, {name}")
                columns.append(partial(known, values[metric], form))
    epochs = range(1, results[0].n_epochs + 1)
    return header, [[epoch, *(column(epoch) for column in columns)] for epoch in epochs]


def measured(results, metric, form, epoch):
    """The mean over the seeds, and their deviation."""
    values = [result.figures.get(metric, {}).get(epoch) for result in results]
    return "" if None in values else spread(values, form)


def known(values, form, epoch):
    """A published figure, where there is one of the epoch."""
    return form.format(values[epoch]) if epoch in values else ""


def spread(values, form):
    """A mean, and ± a standard deviation where there is one."""
    mean = form.format(statistics.mean(values))
    if len(values) == 1:
        return mean
    return f"{mean} ± {form.format(statistics.stdev(values))}"


def as_markdown(header, rows):
    """A table in GitHub's form, which is also legible in a terminal."""
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


# -- files ------------------------------------------------------------------------


def is_done(folder, request):
    """Whether the folder holds the result of the same request."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return result.get("request") == request


def write_results(results, request, folder):
    """Write table, figure, model and, last of all, the result itself."""
    folder.mkdir(parents=True, exist_ok=True)
    # Before anything else of it changes, it is a result no more.
    (folder / "result.json").unlink(missing_ok=True)
    write_text(folder / "table.md", report_text(results))
    write_text(folder / "table.csv", as_csv(*epoch_table(results)))
    if "train_loss" in results[0].figures:
        save = partial(draw_figure(results).savefig, dpi=150, format="png")
        write_whole(folder / "figure.png", save)
    write_whole(folder / "model.joblib", partial(joblib.dump, results[0].estimator))
    content = {"request": request, "runs": [result.to_dict() for result in results]}
    write_text(folder / "result.json", json.dumps(content, indent=1) + "\n")


def write_text(path, text):
    """Write a whole text file, or none."""
    write_whole(path, lambda file: file.write(text.encode()))


def as_csv(header, rows):
    """The table with commas."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def draw_figure(results):
    """Loss and accuracy by epoch, the published figures as crosses."""
    from matplotlib.figure import Figure

    from skmnist.displays import TrainingCurveDisplay

    recipe, figures = results[0].recipe, results[0].figures
    scored = "validation" if "validation_loss" in figures else "test"
    figure = Figure(figsize=(10, 4), layout="constrained")
    for ax, kind, scale in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), (1, 100), strict=True
    ):
        train, valid = (
            [[value / scale for value in r.figures[metric].values()] for r in results]
            if metric in figures
            else None
            for metric in (f"train_{kind}", f"{scored}_{kind}")
        )
        TrainingCurveDisplay.from_arrays(train, valid, metric=kind, ax=ax)
        for line in ax.lines:
            # Most reports score their test images after every epoch.
            line.set_label(line.get_label().replace("validation", scored))
        for part, marker in (("train", "+"), ("test", "x")):
            points = recipe.published.get(f"{part}_{kind}", {})
            if points:
                label = f"published, {part}"
                ax.scatter(
                    list(points),
                    list(points.values()),
                    color="black",
                    marker=marker,
                    label=label,
                    zorder=3,
                )
        ax.legend()
    figure.suptitle(recipe.name)
    return figure
