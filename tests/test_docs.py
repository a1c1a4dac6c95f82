"""What the documentation shows is run, and names what there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmnist
from skmnist import datasets, displays, model_selection, persistence, recipes

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))


def run(code):
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_code_in_the_readme_runs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        run(block)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path):
    run(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "module", [skmnist, datasets, displays, model_selection, persistence, recipes]
)
def test_api_page_lists_every_public_name(module):
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in module.__all__:
        assert f"`{name}`" in page or f"`skmnist.{name}`" in page


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
        "pytest",
    ]
