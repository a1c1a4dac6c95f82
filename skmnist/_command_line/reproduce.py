"""Recipes and studies run from the command line, and the files they leave behind."""

import json
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import joblib

from skmnist._command_line import figures, tables
from skmnist._command_line.compare import prepare
from skmnist._files import write_whole
from skmnist._training.progress import EpochProgress
from skmnist._versions import __version__
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
    entries = {name: get_recipe(name) for name in list_recipes()}
    entries |= {name: get_study(name) for name in list_studies()}
    found = {}
    for name in names:
        if name not in {*entries, "all"}:
            near = get_close_matches(name, entries, n=3, cutoff=0.5)
            hint = "`python -m skmnist recipes` lists them."
            if near:
                hint = f"Did you mean {' or '.join(near)}?"
            raise ValueError(f"There is no recipe or study {name!r}. {hint}")
        found |= entries if name == "all" else {name: entries[name]}
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

    With `out`, each gets a folder, written when it is done. What has one already, for
    the same data, epochs and, if given, seeds, is not run again.
    """
    arrays = prepare("reproduce", data, data_home, device, out)
    if data == "digits":
        print(
            "The published figures are for MNIST; these results are for "
            "scikit-learn's bundled digits, so published accuracies are left out.",
            file=sys.stderr,
        )
    failed = []
    for entry in entries:
        request = {"data": data, "epochs": epochs, "seeds": seeds}
        folder = None if out is None else Path(out, entry.name)
        if folder is not None and is_done(folder, request):
            print(f"{entry.name}: already done, in {folder}\n")
            continue
        n_seeds = seeds or getattr(entry, "n_repeats", 1)
        try:
            run = RUN[type(entry)]
            on_mnist = data == "mnist"
            outcome = run(entry, arrays, epochs, n_seeds, jobs, device, on_mnist)
            if folder is not None:
                write_outcome(outcome, request | {"seeds": n_seeds}, folder)
        except Exception as error:  # the others are still to be run
            failed.append(entry.name)
            print(f"{entry.name} failed: {error}\n", file=sys.stderr)
            continue
        print(outcome.text)
        if folder is not None:
            print(f"wrote {folder}\n")
        if outcome.n_failed:
            failed.append(entry.name)
            print(
                f"{entry.name}: {outcome.n_failed} of its fits failed\n",
                file=sys.stderr,
            )
    if failed:
        print(f"{len(failed)} of {len(entries)} failed: {', '.join(failed)}")
    return len(failed)


# -- running ----------------------------------------------------------------------


def run_recipe(recipe, arrays, epochs, seeds, jobs, device, on_mnist):
    """Train a network with every seed, `jobs` of them at a time."""
    results = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(run_seed)(recipe, arrays, epochs, seed, device)
        for seed in range(seeds)
    )
    return Outcome(
        text=tables.recipe_text(results, on_mnist),
        header_and_rows=tables.epoch_table(results, on_mnist),
        figures={"runs": [result.to_dict() for result in results]},
        draw=partial(figures.draw_recipe, results, on_mnist),
        model=results[0].estimator,
    )


def run_seed(recipe, arrays, epochs, seed, device):
    """Train a network once."""
    bar = epoch_bar(recipe, f"{short_name(recipe)}, seed {seed}", epochs)
    return recipe.run(
        arrays, epochs=epochs, random_state=seed, device=device, callbacks=bar
    )


def run_study(study, arrays, epochs, seeds, jobs, device, on_mnist):
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
        text=tables.study_text(result, on_mnist),
        header_and_rows=tables.study_table(result, on_mnist),
        figures=result.to_dict(),
        draw=partial(figures.draw_study, result, on_mnist),
        n_failed=result.n_failed,
    )


def run_layer_study(study, arrays, epochs, seeds, jobs, device, on_mnist):
    """Count parameters; of the request, only the images matter."""
    result = study.run(arrays)
    return Outcome(
        text=tables.layer_study_text(result),
        header_and_rows=tables.layer_study_table(result),
        figures=result.to_dict(),
    )


RUN = {Recipe: run_recipe, Study: run_study, LayerStudy: run_layer_study}


def short_name(entry):
    """The name without the report's, to leave room for the bar."""
    return entry.name.rpartition("/")[2]


def epoch_bar(entry, label, epochs):
    """A progress bar, if there are epochs."""
    return [EpochProgress(label)] if epochs or "max_epochs" in entry.settings else []


# -- files ------------------------------------------------------------------------


def is_done(folder, request):
    """Whether the folder holds the request's result; without seeds, any will do."""
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        done = result["request"]
        return done == {**request, "seeds": request["seeds"] or done["seeds"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_outcome(outcome, request, folder):
    """Write table, figure, model and, if nothing failed, the result itself."""
    folder.mkdir(parents=True, exist_ok=True)
    # Removed first: a folder that is only half rewritten is no result.
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
    """The date, machine and versions behind a result."""
    packages = ("torch", "scikit-learn", "skorch", "numpy")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": (
            f"{platform.system()} {platform.machine()}, {joblib.cpu_count()} cores"
        ),
        "python": platform.python_version(),
        "skmnist": __version__,
        **{package: version(package) for package in packages},
    }


def write_text(path, text):
    """Write a whole text file, or none."""
    write_whole(path, lambda file: file.write(text.encode()))
