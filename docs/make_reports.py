"""Write docs/reports.md from what `python -m skmnist reproduce all` left.

    python docs/make_reports.py DIR [--page docs/reports.md]

DIR is what was given to `reproduce` as --out. Tables, texts and figures are taken
from it; nothing on the page is typed, but for what the recipes' own notes say.
Figures go to the folder images/reports beside the page.
"""

import argparse
import io
import json
import statistics
from pathlib import Path

from PIL import Image

from skmnist.recipes import get_recipe, list_recipes, list_studies

FEW_COLORS = 64  # enough for curves and bands, and a third of the bytes
LONG = 12  # rows of a table that is shown without being asked for

HEAD = """# The reports, reproduced

All networks and studies of the five reports, trained on MNIST with the published
settings, with published and measured figures side by side. These commands generate
the page:

```bash
python -m skmnist reproduce all --data mnist --out DIR  # --seeds as in the tables
python docs/make_reports.py DIR
```

Accuracies are percentages of the test images after the last epoch; ± is the standard
deviation over seeds. "Independent run" is a plain PyTorch loop with the same settings,
given where the published figure results from a mistake in the report. Seconds were
measured on a shared machine that was doing other work: they are not a benchmark.

{environment}
"""


def main():
    """Read the arguments, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, metavar="DIR")
    here = Path(__file__).parent
    parser.add_argument("--page", type=Path, default=here / "reports.md")
    draft = "take results of any data and number of epochs, for a look at the page"
    parser.add_argument("--draft", action="store_true", help=draft)
    options = parser.parse_args()
    results = {}
    for name in [*list_recipes(), *list_studies()]:
        path = options.results / name / "result.json"
        if not path.exists():
            parser.error(f"there is no result of {name} in {options.results}")
        results[name] = json.loads(path.read_text(encoding="utf-8"))
        data, epochs = (results[name]["request"][key] for key in ("data", "epochs"))
        if not options.draft and (data, epochs) != ("mnist", None):
            came = f"{data} and {epochs or 'all'} epoch(s)"
            parser.error(f"the result of {name} is of {came}, not of MNIST")
    options.page.parent.mkdir(parents=True, exist_ok=True)
    text = page_text(options.results, options.page.parent, results)
    options.page.write_text(text, encoding="utf-8")


def page_text(source, folder, results):
    """The page; its figures are written on the way."""
    environment = environment_text([found["environment"] for found in results.values()])
    sections = [HEAD.format(environment=environment), overview(results)]
    for report in dict.fromkeys(name.partition("/")[0] for name in results):
        sections.append(f"## {report}\n")
        sections += [
            section(source / name, folder, name)
            for name in results
            if name.startswith(f"{report}/")
        ]
    return "\n".join(sections)


def environment_text(environments):
    """Where, when and with what the results were made."""
    found = {json.dumps(environment): environment for environment in environments}
    lines = [
        ", ".join(f"{name} {value}" for name, value in environment.items())
        for environment in found.values()
    ]
    return f"Made with {'; '.join(lines)}."


def overview(results):
    """All networks in one table."""
    rows = [
        "| network | parameters | epochs | seeds | published, or our target "
        "| independent run "
        "| measured | difference |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for recipe in map(get_recipe, list_recipes()):
        runs = results[recipe.name]["runs"]
        measured = [run["test_accuracy"] for run in runs]
        epochs = runs[0]["n_epochs"]
        published = recipe.published["test_accuracy"].get(epochs)
        independent = (recipe.independent or {}).get("test_accuracy", {}).get(epochs)
        mean = statistics.mean(measured)
        spread = f" ± {statistics.stdev(measured):.2f}" if len(measured) > 1 else ""
        cells = [
            f"[{recipe.name}](#{recipe.name.replace('/', '')})",
            f"{runs[0]['n_parameters']:,}",
            epochs,
            len(runs),
            "" if published is None else f"{published:.2f}",
            "" if independent is None else f"{independent:.2f}",
            f"{mean:.2f}{spread}",
            "" if published is None else f"{mean - published:+.2f}",
        ]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*rows, ""])


def section(result, folder, name):
    """What a network or study left: its text, its figure, its tables."""
    text = (result / "table.md").read_text(encoding="utf-8").removeprefix(f"# {name}\n")
    parts = [f"### {name}", ""]
    for block in text.strip().split("\n\n"):
        rows = block.count("\n") - 1
        if block.startswith("|") and rows > LONG:
            summary = f"<details><summary>Table of {rows} rows</summary>"
            block = f"{summary}\n\n{block}\n\n</details>"
        parts += [block, ""]
    if (result / "figure.png").exists():
        path = Path("images", "reports", f"{name.replace('/', '-')}.png")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        save_small(result / "figure.png", folder / path)
        parts += [f"![{name}]({path})", ""]
    return "\n".join(parts)


def save_small(source, target):
    """Copy a figure with a palette of few colours."""
    buffer = io.BytesIO()
    with Image.open(source) as image:
        image.convert("RGB").quantize(FEW_COLORS).save(buffer, "png", optimize=True)
    target.write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main()
