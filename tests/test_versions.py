"""The window of versions: what is named, refused, and works without an install."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import skmnist
from skmnist._versions import LOWEST

ROOT = Path(__file__).resolve().parents[1]


def run(code, *flags, path=ROOT):
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
    )


def last_line(done):
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_the_lowest_versions_are_those_of_the_metadata():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = dict(line.split(">=") for line in project["dependencies"])
    assert named == LOWEST


def test_the_oldest_set_is_the_lowest_versions():
    lines = (ROOT / "constraints-oldest.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and line[0] != "#")
    pins = {name.lower().replace("_", "-"): pin for name, pin in pins.items()}
    # The CPU build at hand, which the file explains.
    assert pins.pop("torch") == "2.13.0"
    for name, lowest in LOWEST.items():
        if name != "torch":
            assert re.fullmatch(rf"{re.escape(lowest)}(\.0)?", pins[name])


@pytest.mark.parametrize(
    ("name", "found"), [("scikit-learn", "1.6.1"), ("torch", "2.5.1+cpu")]
)
@pytest.mark.parametrize("estimator", ["LinearClassifier", "MLPClassifier"])
def test_a_version_below_the_window_is_refused_in_one_sentence(
    name, found, estimator, tmp_path
):
    # Metadata that are found before those of what is installed.
    info = tmp_path / f"{name.replace('-', '_')}-{found}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {found}\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(skmnist.__file__).parents[1])])
    lowest = LOWEST[name]
    assert last_line(run(f"from skmnist import {estimator}", path=path)) == (
        f"ImportError: skmnist needs {name} {lowest} or later; this is {found}. "
        f'Upgrade it: pip install "{name}>={lowest}"'
    )


def test_optimised_python_without_docstrings_is_refused_with_the_reason():
    assert "cannot run under python -OO, which removes the docstrings" in last_line(
        run("from skmnist import MLPClassifier", "-OO")
    )
    assert run("from skmnist import MLPClassifier", "-O").returncode == 0


def test_a_checkout_that_is_not_installed_works(tmp_path):
    shutil.copytree(
        Path(skmnist.__file__).parent,
        tmp_path / "skmnist",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    # An install of skmnist that this Python has is hidden.
    code = (
        "import importlib.metadata as metadata\n"
        "found = metadata.Distribution.from_name.__func__\n"
        "def hidden(cls, name):\n"
        "    if name == 'skmnist':\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return found(cls, name)\n"
        "metadata.Distribution.from_name = classmethod(hidden)\n"
        "import pickle, skmnist\n"
        "from skmnist._command_line.reproduce import environment\n"
        "clf = pickle.loads(pickle.dumps(skmnist.MLPClassifier()))\n"
        "assert clf._get_doc_link() == ''\n"
        "print(skmnist.__version__, environment()['skmnist'])\n"
    )
    done = run(code, path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [skmnist.__version__] * 2


@pytest.mark.skipif(
    tuple(map(int, version("scikit-learn").split(".")[:2])) >= (1, 9),
    reason="callbacks are there from scikit-learn 1.9 on",
)
@pytest.mark.parametrize("name", ["LinearClassifier", "MLPClassifier"])
def test_callbacks_before_scikit_learn_1_9_say_what_they_need(name):
    with pytest.raises(ImportError, match=f"{name}.set_callbacks needs scikit-learn 1"):
        getattr(skmnist, name)().set_callbacks(None)
