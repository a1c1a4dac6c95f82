"""Recipes and studies run from the command line, with all that they leave behind."""

import json
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
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
    n_failed: int = 0


def find_all(names):
    """The recipes and studies of these names, in this order; "all" is every one."""
    studies, found = list_studies(), {}
    for name in names:
        for one in [*list_recipes(), *studies] if name == "all" else [name]:
            found[one] = get_study(one) if one in studies else get_recipe(one)
    return list(found.values())


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
    the same data, epochs and, if they were asked for, seeds, it is not run again.
    """
    find_device(device, "reproduce")
    if out is not None:
        check_matplotlib()
        Path(out).mkdir(parents=True, exist_ok=True)
    if data == "mnist":
        arrays = fetch_mnist(data_home=data_home, split=True)
    else:
        arrays = load_digits28(split=True)
        notice = "The published figures are of MNIST; these are of the embedded digits."
        print(notice, file=sys.stderr)
    failures = {}
    for entry in entries:
        request = {"data": data, "epochs": epochs, "seeds": seeds}
        folder = None if out is None else Path(out, entry.name)
        if folder is not None and is_done(folder, request):
            print(f"{entry.name}: done before, in {folder}\n")
            continue
        n_seeds = seeds or getattr(entry, "n_repeats", 1)
        try:
            outcome = RUN[type(entry)](entry, arrays, epochs, n_seeds, jobs, device)
            if folder is not None:
                write_outcome(outcome, request | {"seeds": n_seeds}, folder)
        except Exception as error:  # one failure is not the others'
            failures[entry.name] = error
            print(f"{entry.name} failed: {error}\n", file=sys.stderr)
            continue
        print(outcome.text)
        if folder is not None:
            print(f"wrote {folder}\n")
        if outcome.n_failed:
            failures[entry.name] = f"{outcome.n_failed} fits"
            print(f"{entry.name}: {outcome.n_failed} fits failed\n", file=sys.stderr)
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
    bar = epoch_bar(recipe, f"{short_name(recipe)}, seed {seed}", epochs)
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
        callbacks=epoch_bar(study, short_name(study), epochs),
    )
    return Outcome(
        text=tables.study_text(result),
        header_and_rows=tables.study_table(result),
        figures=result.to_dict(),
        draw=partial(figures.draw_study, result),
        n_failed=result.n_failed,
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


def short_name(entry):
    """The name without that of the report, so that a bar has room."""
    return entry.name.rpartition("/")[2]


def epoch_bar(entry, label, epochs):
    """A progress bar, where there are epochs."""
    length = epochs or entry.settings.get("max_epochs")
    return [EpochProgress(label, length)] if length else []


# -- files ------------------------------------------------------------------------


def is_done(folder, request):
    """Whether the folder holds the result of the request, of any seeds if none."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        done = result["request"]
        return done == {**request, "seeds": request["seeds"] or done["seeds"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_matplotlib():
    """Ask for the figures' library before anything is trained."""
    if find_spec("matplotlib") is None:
        raise ImportError(
            "reproduce --out draws figures with matplotlib, which is not installed. "
            'Install it with: pip install "skmnist[plot]"'
        )


def write_outcome(outcome, request, folder):
    """Write table, figure, model and, if nothing failed, the result itself."""
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
    if outcome.n_failed:
        return
    content = {"request": request, "environment": environment(), **outcome.figures}
    text = json.dumps(content, indent=1, allow_nan=False)
    write_text(folder / "result.json", text + "\n")


def environment():
    """Where a result was made, and with what."""
    packages = ("skmnist", "torch", "scikit-learn", "skorch", "numpy")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": (
            f"{platform.system()} {platform.machine()}, {joblib.cpu_count()} cores"
        ),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def write_text(path, text):
    """Write a whole text file, or none."""
    write_whole(path, lambda file: file.write(text.encode()))
