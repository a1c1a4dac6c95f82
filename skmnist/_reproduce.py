"""Recipes and studies run from the command line, with all that they leave behind."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib

from skmnist import _figures as figures
from skmnist import _tables as tables
from skmnist._devices import find_device
from skmnist._files import write_whole
from skmnist._progress import EpochProgress
from skmnist.datasets import fetch_mnist, load_digits28
from skmnist.recipes import (
    LayerStudy,
    Recipe,
    Study,
    get_recipe,
    get_study,
    list_recipes,
    list_studies,
)


class Outcome(NamedTuple):
    """What a run leaves behind."""

    text: str
    header_and_rows: tuple
    figures: dict[str, Any]
    draw: Callable | None = None
    model: Any = None


def find_all(names):
    """The recipes and studies of these names, in this order; "all" is every one."""
    studies = list_studies()
    names = [*list_recipes(), *studies] if "all" in names else names
    return [
        get_study(name) if name in studies else get_recipe(name)
        for name in dict.fromkeys(names)
    ]


def reproduce(
    entries,
    data="digits",
    data_home=None,
    epochs=None,
    seeds=None,
    jobs=1,
    device="auto",
    out=None,
):
    """Run recipes and studies and print their tables; return how many failed.

    With `out`, each gets a folder, written once it is done: where there is one of
    the same data, epochs and seeds, it is not run again.
    """
    find_device(device, "reproduce")
    if data == "mnist":
        arrays = fetch_mnist(data_home=data_home, split=True)
    else:
        arrays = load_digits28(split=True)
        notice = "The published figures are of MNIST; these are of the embedded digits."
        print(notice, file=sys.stderr)
    failures = {}
    for entry in entries:
        n_seeds = seeds or getattr(entry, "n_repeats", 1)
        request = {"data": data, "epochs": epochs, "seeds": n_seeds}
        folder = None if out is None else Path(out, entry.name)
        if folder is not None and is_done(folder, request):
            print(f"{entry.name}: done before, in {folder}\n")
            continue
        try:
            outcome = RUN[type(entry)](entry, arrays, epochs, n_seeds, jobs, device)
            if folder is not None:
                write_outcome(outcome, request, folder)
            print(outcome.text)
            if folder is not None:
                print(f"wrote {folder}\n")
        except Exception as error:  # one failure is not the others'
            failures[entry.name] = error
            print(f"{entry.name} failed: {error}\n", file=sys.stderr)
    if failures:
        print(f"{len(failures)} of {len(entries)} failed: {', '.join(failures)}")
    return len(failures)


# -- running ----------------------------------------------------------------------


def run_recipe(recipe, arrays, epochs, seeds, jobs, device):
    """Train a network with every seed, `jobs` of them at a time."""
    results = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(run_seed)(recipe, arrays, epochs, seed, device)
        for seed in range(seeds)
    )
    return Outcome(
        text=tables.recipe_text(results),
        header_and_rows=tables.epoch_table(results),
        figures={"runs": [result.to_dict() for result in results]},
        draw=partial(figures.draw_recipe, results),
        model=results[0].estimator,
    )


def run_seed(recipe, arrays, epochs, seed, device):
    """Train a network once."""
    bar = epoch_bar(recipe, f"{recipe.name}, seed {seed}", epochs)
    return recipe.run(
        arrays, epochs=epochs, random_state=seed, device=device, callbacks=bar
    )


def run_study(study, arrays, epochs, seeds, jobs, device):
    """Train all that a study varies."""
    result = study.run(
        arrays,
        epochs=epochs,
        n_repeats=seeds,
        n_jobs=jobs,
        device=device,
        callbacks=epoch_bar(study, study.name, epochs),
    )
    return Outcome(
        text=tables.study_text(result),
        header_and_rows=tables.study_table(result),
        figures=result.to_dict(),
        draw=partial(figures.draw_study, result),
    )


def run_layer_study(study, arrays, epochs, seeds, jobs, device):
    """Count; nothing of the request but the images matters."""
    result = study.run(arrays)
    return Outcome(
        text=tables.layer_study_text(result),
        header_and_rows=tables.layer_study_table(result),
        figures=result.to_dict(),
    )


RUN = {Recipe: run_recipe, Study: run_study, LayerStudy: run_layer_study}


def epoch_bar(entry, label, epochs):
    """A progress bar, where there are epochs."""
    length = epochs or entry.settings.get("max_epochs")
    return [EpochProgress(label, length)] if length else []


# -- files ------------------------------------------------------------------------


def is_done(folder, request):
    """Whether the folder holds the result of the same request."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return result.get("request") == request


def write_outcome(outcome, request, folder):
    """Write table, figure, model and, last of all, the result itself."""
    folder.mkdir(parents=True, exist_ok=True)
    # Before anything else of it changes, it is a result no more.
    (folder / "result.json").unlink(missing_ok=True)
    write_text(folder / "table.md", outcome.text)
    write_text(folder / "table.csv", tables.as_csv(*outcome.header_and_rows))
    figure = outcome.draw() if outcome.draw else None
    if figure is not None:
        save = partial(figure.savefig, dpi=150, format="png")
        write_whole(folder / "figure.png", save)
    if outcome.model is not None:
        write_whole(folder / "model.joblib", partial(joblib.dump, outcome.model))
    content = {"request": request, **outcome.figures}
    write_text(folder / "result.json", json.dumps(content, indent=1) + "\n")


def write_text(path, text):
    """Write a whole text file, or none."""
    write_whole(path, lambda file: file.write(text.encode()))
