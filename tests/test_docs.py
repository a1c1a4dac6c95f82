"""What the documentation shows is run, and names what there is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmnist
from skmnist import datasets, displays, model_selection, persistence, recipes

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*/plot_*.py"))

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if BLOCK.search(path.read_text(encoding="utf-8"))
]
GUIDE = [
    *("getting_started", "choosing", "images", "bringing_your_data", "training"),
    *("searching", "saving", "reproducibility", "scaling_out", "trust", "inside"),
    *("coming_from", "other_libraries"),
]
# Pages whose libraries only the extra test-downstream installs.
DOWNSTREAM = {"other_libraries"}
# Pages whose files a test of their own writes.
WITH_FILES = {"bringing_your_data"}


def run(code, warnings="error::DeprecationWarning"):
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=page.stem,
            marks=[pytest.mark.downstream] if page.stem in DOWNSTREAM else [],
        )
        for page in PAGES
        if page.stem not in WITH_FILES
    ],
)
def test_code_on_the_page_runs(page):
    code = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8")))
    # The other libraries warn of each other.
    run(code, "default") if page.stem in DOWNSTREAM else run(code)


def test_every_page_of_the_guide_has_code_and_is_in_its_contents():
    contents = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert contents.split("```")[1].split()[3:] == GUIDE
    assert {page.stem for page in PAGES} == {*GUIDE, "README", "index"}


@pytest.mark.slow  # minutes; the build of the site runs them all too
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path):
    run(path.read_text(encoding="utf-8"))


@pytest.mark.slow  # as a reader of the gallery runs what it offers for download
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_as_a_notebook(path, tmp_path):
    notebook = pytest.importorskip("sphinx_gallery.notebook", reason="the extra docs")
    pytest.importorskip("nbconvert", reason="the extra docs")
    pytest.importorskip("ipykernel", reason="the extra docs")
    script = tmp_path / path.name
    script.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    notebook.python_to_jupyter_cli([str(script)])
    # Not `jupyter nbconvert`, which may be another environment's.
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook"]
    done = subprocess.run(
        [*command, "--inplace", script.with_suffix(".ipynb")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))[
        "cells"
    ]
    outputs = [out for cell in cells for out in cell.get("outputs", [])]
    assert any("image/png" in out.get("data", {}) for out in outputs)


@pytest.mark.parametrize(
    "module", [skmnist, datasets, displays, model_selection, persistence, recipes]
)
def test_api_page_lists_every_public_name(module):
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    _, _, section = page.partition(f".. currentmodule:: {module.__name__}\n")
    listed = re.findall(r"^   (\w+)$", section.partition("```")[0], re.MULTILINE)
    modules = {"datasets", "displays", "model_selection", "persistence", "recipes"}
    constants = {name for name in module.__all__ if name.isupper()}
    assert sorted(listed) == sorted(set(module.__all__) - modules - constants)
    assert all(f"`{name}`" in page for name in constants)


def make_reports_page(results, page, *options):
    script = ROOT / "docs" / "make_reports.py"
    return subprocess.run(
        [sys.executable, script, results, "--page", page, *options],
        capture_output=True,
        text=True,
    )


def test_reports_page_is_not_made_of_half_the_results(tmp_path):
    done = make_reports_page(tmp_path, tmp_path / "reports.md")
    assert done.returncode == 2
    assert "there is no result of baseline/linear" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_reports_page_has_all_networks_and_studies(reproduced, tmp_path):
    page = tmp_path / "docs" / "reports.md"
    done = make_reports_page(reproduced, page)
    assert done.returncode == 2
    assert "is of digits and 1 epoch(s), not of MNIST" in done.stderr
    done = make_reports_page(reproduced, page, "--draft")
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    for name in (*recipes.list_recipes(), *recipes.list_studies()):
        assert f"### {name}\n" in text
    images = re.findall(r"\]\((images/reports/.*\.png)\)", text)
    # The baseline has no epochs, and layers are counted in a table.
    assert len(images) == len(recipes.list_recipes()) + len(recipes.list_studies()) - 2
    for image in images:
        assert (page.parent / image).read_bytes().startswith(b"\x89PNG")


def test_readme_has_the_two_commands_that_ci_runs():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("pip install -c constraints")]
    assert [line.split(" && ")[1] for line in commands] == [
        "python -m skmnist compare",
        "pytest -n 2",
    ]
