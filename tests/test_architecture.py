"""The import rules of the design: who may import whom, and what that costs."""

import ast
import graphlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmnist

PACKAGE = Path(skmnist.__file__).parent
GUIDE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"

# Of our own modules, these may import those (a folder counts as one module).
ALLOWED = {
    "__init__": set(),
    "_typing": set(),
    "_extras": set(),
    "datasets": {"_extras", "_typing"},
    "displays": {"_typing"},
    "_validation": set(),
    "_memory_map": set(),
    "_scaling": {"_memory_map"},
    "_modules": set(),
    "_devices": set(),
    "_documentation": set(),
    "_augment": set(),
    "_batches": {"_memory_map"},
    "_files": set(),
    "_training_state": set(),
    "_checkpoint": {"_files", "_training_state"},
    "_early_stopping": set(),
    "_epoch_tasks": set(),
    "_optimizers": set(),
    "_training": {"_augment", "_batches", "_memory_map", "_modules", "_optimizers"},
    "_stacked_modules": {"_modules"},
    "_stacked_training": {"_modules", "_stacked_modules"},
    "_parameters": {"_validation", "_augment", "_modules", "_optimizers"},
    "_pickling": set(),
    "_linear": {"_documentation", "_pickling", "_validation", "_scaling", "_typing"},
    "_base": {
        *("_validation", "_scaling", "_devices", "_documentation", "_checkpoint"),
        *("_early_stopping", "_epoch_tasks", "_memory_map", "_modules"),
        *("_optimizers", "_parameters", "_pickling", "_training", "_training_data"),
        *("_training_state", "_typing"),
    },
    "_mlp": {"_base", "_modules", "_parameters", "_typing", "_validation"},
    "_convnet": {"_base", "_modules", "_parameters", "_typing", "_validation"},
    "_training_data": {"_batches", "_memory_map", "_validation"},
    "_fit_together": {
        *("_base", "_devices", "_stacked_training", "_training_data", "_validation"),
    },
    "model_selection": {"_documentation", "_fit_together"},
    "persistence": {"_base", "_extras", "_files", "_linear", "_modules", "_typing"},
}

# Everything else is an application of the package (recipes, the command line): it
# uses public names, and the applications below it.
PUBLIC = {"__init__", "datasets", "displays", "persistence"}
# A device that is not there is to be refused before any data are fetched, and what
# is written is written whole.
APPLICATION = {"_devices", "_files"}
EXTRA = {"_compare": {"_extras", *APPLICATION}, "_reproduce": APPLICATION}

NO_TORCH = [
    *("__init__", "datasets", "displays", "_validation", "_scaling", "_linear"),
    *("_memory_map", "_typing"),
]


def files_of(module):
    folder = PACKAGE / module
    return (
        sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{module}.py"]
    )


def all_modules():
    """Every module and folder of the package that holds code."""
    files = {path.stem for path in PACKAGE.glob("*.py")}
    return files | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def imported_names(path):
    """The full name of all that a file imports, inside functions too."""
    inside = ("skmnist", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(inside[: -node.level]) if node.level else ""
            base = ".".join(filter(None, [start, node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_imports(module):
    """Our own modules that a module imports; "__init__" is the package root."""
    found = set()
    for path in files_of(module):
        for name in imported_names(path):
            root, _, rest = name.partition(".")
            if root == "skmnist":
                first = rest.partition(".")[0]
                found.add(first if first in all_modules() else "__init__")
    return found - {module}


def test_the_package_is_made_of_the_modules_of_the_design():
    assert set(ALLOWED) <= all_modules()


def test_contributors_are_told_of_every_module():
    page = GUIDE.read_text(encoding="utf-8")
    names = re.findall(r"`(\S+?)`", page)
    told = {name.rstrip("/").removesuffix(".py") for name in names}
    assert all_modules() - told == set()


def test_contributors_are_told_of_every_command():
    makefile = GUIDE.with_name("Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^(\w+):", makefile, flags=re.M)
    page = GUIDE.read_text(encoding="utf-8")
    told = re.findall(r"^\| `make (\w+)` \|", page, flags=re.M)
    assert told == targets


@pytest.mark.parametrize("module", sorted(all_modules()))
def test_imports_run_one_way(module):
    if module in ALLOWED:
        allowed = ALLOWED[module]
    else:
        applications = all_modules() - set(ALLOWED)
        allowed = PUBLIC | applications | EXTRA.get(module, set())
    assert own_imports(module) - allowed == set()


def test_there_are_no_circles():
    graph = {module: own_imports(module) for module in all_modules()}
    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("module", NO_TORCH)
def test_modules_for_work_without_torch_do_not_name_it(module):
    roots = {
        name.partition(".")[0]
        for path in files_of(module)
        for name in imported_names(path)
    }
    assert not roots & {"torch", "skorch"}


def loaded_after(*statements):
    """What a new process has imported after each statement."""
    script = "import json, sys\nloaded = []\n"
    for statement in statements:
        script += f"{statement}\nloaded.append(sorted(sys.modules))\n"
    script += "print(json.dumps(loaded))"
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    return [set(names) for names in json.loads(process.stdout)]


def test_importing_the_package_costs_next_to_nothing():
    (loaded,) = loaded_after("import skmnist; dir(skmnist); skmnist.__version__")
    heavy = {"torch", "skorch", "sklearn", "scipy", "numpy", "pandas", "matplotlib"}
    assert not loaded & heavy
    assert {name for name in loaded if name.startswith("skmnist")} == {"skmnist"}


def test_the_baseline_the_data_and_the_displays_work_without_torch():
    without = loaded_after(
        "import skmnist.datasets",
        "from skmnist import LinearClassifier",
        "X, y = skmnist.datasets.load_digits28(return_X_y=True)\n"
        "LinearClassifier(C=1e-4, tol=1).fit(X[:50], y[:50]).predict(X)",
        "from skmnist.displays import *",
    )
    for loaded in without:
        assert not loaded & {"torch", "skorch", "matplotlib"}
    assert not any(name.startswith("sklearn.linear_model") for name in without[0])
