"""Write docs/reports.md from what `python -m skmnist reproduce all` left.

    python docs/make_reports.py DIR [--page docs/reports.md]

DIR is what was given to `reproduce` as --out. Tables, texts and figures are taken
from it; nothing on the page is typed, but for what the recipes' own notes say.
Figures go to the folder images/reports beside the page.
"""

import argparse
import datetime
import io
import json
import math
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

from PIL import Image

from skmnist.recipes import get_recipe, list_recipes, list_studies

FEW_COLORS = 64  # enough for curves and bands, and a third of the bytes
LONG = 12  # rows of a table that is shown without being asked for

HEAD = """# The reports, reproduced

All networks and studies of the five reports, trained on MNIST with the published
settings: published figures beside measured ones. This page is generated:

```bash
python -m skmnist reproduce all --data mnist --out DIR  # --seeds as in the tables
python docs/make_reports.py DIR
```

Accuracies are in percent of the 10,000 test images, after the last epoch; ± is a
standard deviation over seeds. "Independent run" is a plain PyTorch loop of the same
setting, where the published figure is an artefact of a mistake in the report.
{versions}. Seconds are of a shared machine that did other work meanwhile: they are no
benchmark.
"""


def main():
    """Read the arguments, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, metavar="DIR")
    here = Path(__file__).parent
    parser.add_argument("--page", type=Path, default=here / "reports.md")
    options = parser.parse_args()
    names = [*list_recipes(), *list_studies()]
    missing = [n for n in names if not (options.results / n / "result.json").exists()]
    if missing:
        parser.error(f"there is no result of {', '.join(missing)} in {options.results}")
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(page_text(options.results, options.page.parent, names))


def page_text(results, folder, names):
    """The page; its figures are written on the way."""
    sections = [HEAD.format(versions=versions_text()), overview(results)]
    for report in dict.fromkeys(name.partition("/")[0] for name in names):
        own = [name for name in names if name.startswith(f"{report}/")]
        sections.append(f"## {report}\n")
        sections += [section(results / name, folder, name) for name in own]
    return "\n".join(sections)


def versions_text():
    """When, where and with what the page was made."""
    packages = ("skmnist", "torch", "scikit-learn", "skorch")
    used = ", ".join(f"{package} {version(package)}" for package in packages)
    python = f"Python {platform.python_version()}"
    return f"Made on {datetime.date.today()} with {used} and {python}"


def overview(results):
    """All networks in one table."""
    rows = [
        "| network | parameters | epochs | seeds | published | independent run "
        "| measured | difference |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for recipe in map(get_recipe, list_recipes()):
        runs = json.loads((results / recipe.name / "result.json").read_text())["runs"]
        measured = [run["test_accuracy"] for run in runs]
        epochs = runs[0]["n_epochs"]
        published = recipe.published["test_accuracy"].get(epochs, math.nan)
        honest = (recipe.honest or {}).get("test_accuracy", {}).get(epochs)
        mean = statistics.mean(measured)
        spread = f" ± {statistics.stdev(measured):.2f}" if len(measured) > 1 else ""
        cells = [
            f"[{recipe.name}](#{recipe.name.replace('/', '')})",
            f"{runs[0]['n_parameters']:,}",
            epochs,
            len(runs),
            f"{published:.2f}",
            "" if honest is None else f"{honest:.2f}",
            f"{mean:.2f}{spread}",
            f"{mean - published:+.2f}",
        ]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*rows, ""])


def section(result, folder, name):
    """What a network or study left: its text, its figure, its tables."""
    text = (result / "table.md").read_text().removeprefix(f"# {name}\n")
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
