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

# The wings from the bottom up: each may import what stands in lines above its own.
WINGS = [
    {"_extras", "_files", "_progress", "_public", "_typing", "_versions", "_warn"},
    {"_training", "datasets", "displays"},
    {"_estimators"},
    {"model_selection", "persistence"},
    {"recipes"},
    {"_command_line"},
    {"__main__"},
]
# These use the public names, as a user would; "__init__" is the package root.
APPLICATIONS = {"recipes", "_command_line", "__main__"}

NO_TORCH = [
    *("__init__", "datasets", "displays", *sorted(WINGS[0])),
    *(f"_estimators/{name}" for name in ("failed_fits", "foreign_input", "linear")),
    *(f"_estimators/{name}" for name in ("image_checks", "image_shapes")),
    *(f"_estimators/{name}" for name in ("label_checks", "pickling", "pixel_range")),
    *(f"_estimators/{name}" for name in ("rules", "scaling", "seeds", "tensors")),
    *("_estimators/task_callbacks", "_training/memory_map"),
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
    """Our own wings that one imports; "__init__" is the package root."""
    found = set()
    for path in files_of(module):
        for name in imported_names(path):
            root, _, rest = name.partition(".")
            if root == "skmnist":
                first = rest.partition(".")[0]
                found.add(first if first in all_modules() else "__init__")
    return found - {module}


def test_the_package_is_made_of_the_wings_of_the_design():
    assert set().union({"__init__"}, *WINGS) == all_modules()


@pytest.mark.parametrize("module", sorted(all_modules() - {"__init__"}))
def test_imports_run_one_way(module):
    level = next(i for i, wing in enumerate(WINGS) if module in wing)
    allowed = set().union(*WINGS[:level])
    if module in APPLICATIONS:
        allowed.add("__init__")
    assert own_imports(module) - allowed == set()


def test_there_are_no_circles_within_a_wing():
    files = [path for path in PACKAGE.rglob("*.py") if path.stem != "__init__"]
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in files
    }
    graph = {}
    for name, path in modules.items():
        imported = set()
        for full in imported_names(path):
            imported |= {full, full.rpartition(".")[0]} & modules.keys()
        graph[name] = imported - {name}
    assert list(graphlib.TopologicalSorter(graph).static_order())


PRIVATE_WINGS = ("_estimators", "_training", "_command_line")

# What tests hold of several modules together.
SUBJECTS = {
    *("auto_epochs", "image_forms", "partial_fit", "pickled_models"),
    *("random_state", "sample_weights", "warm_start"),
    *("callbacks", "crashes", "ctrl_c", "stops"),
}


@pytest.mark.parametrize("wing", PRIVATE_WINGS)
def test_a_private_wing_says_what_it_is_and_defines_nothing(wing):
    tree = ast.parse((PACKAGE / wing / "__init__.py").read_text(encoding="utf-8"))
    assert "May import" in ast.get_docstring(tree)
    assert {type(node) for node in tree.body} <= {ast.Expr, ast.ImportFrom}
    names = [path.stem for path in files_of(wing) if path.stem != "__init__"]
    assert not [name for name in names if name.startswith("_")]


@pytest.mark.parametrize("wing", PRIVATE_WINGS)
def test_tests_lie_where_what_they_test_lies(wing):
    files = Path(__file__).with_name(wing).glob("test_*.py")
    tested = {path.stem.removeprefix("test_") for path in files}
    known = {path.stem for path in files_of(wing)}
    assert tested - known <= SUBJECTS


def test_contributors_are_told_of_every_module():
    page = GUIDE.read_text(encoding="utf-8")
    names = re.findall(r"`(\S+?)`", page)
    told = {name.rstrip("/").removesuffix(".py") for name in names}
    assert all_modules() - told == set()


def test_contributors_are_told_of_every_command():
    makefile = GUIDE.with_name("Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([\w-]+):", makefile, flags=re.M)
    page = GUIDE.read_text(encoding="utf-8")
    told = re.findall(r"^\| `make ([\w-]+)` \|", page, flags=re.M)
    assert told == targets


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
    aliases = {"skmnist._convnet", "skmnist._linear", "skmnist._mlp"}
    own = {name for name in loaded if name.startswith("skmnist")}
    assert own - aliases == {"skmnist", "skmnist._versions"}
    assert "importlib.metadata" not in loaded


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
