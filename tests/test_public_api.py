"""Public names and their docstrings: complete, in order, and true."""

import ast
import dataclasses
import doctest
import importlib
import importlib.metadata
import inspect
import re
import warnings
from pathlib import Path

import pandas as pd
import pytest
from torch import nn

import skmnist

NAMES = [
    *("ConvLayer", "ConvNetClassifier", "LinearClassifier", "MLPClassifier"),
    *("ModuleClassifier",),
    *("datasets", "displays", "model_selection", "persistence", "recipes"),
]
ESTIMATORS = [
    *("ConvNetClassifier", "LinearClassifier", "MLPClassifier", "ModuleClassifier"),
]
PUBLIC = {
    "skmnist": NAMES[:5],
    "skmnist.datasets": [
        *("fetch_mnist", "load_digits28", "load_idx", "load_picture"),
        *("load_folder", "load_picture_digits"),
    ],
    "skmnist.recipes": [
        *("LayerStudy", "LayerStudyResult", "Recipe", "RecipeResult", "Study"),
        *("StudyResult", "get_recipe", "get_study", "list_recipes", "list_studies"),
    ],
    "skmnist.model_selection": ["BatchedGridSearchCV", "BatchedRandomizedSearchCV"],
    "skmnist.persistence": ["export_onnx", "load", "save"],
    "skmnist.displays": [
        *("FilterDisplay", "ImageGridDisplay"),
        *("ParameterSweepDisplay", "SaliencyDisplay", "TrainingCurveDisplay"),
    ],
}
CONSTANTS = {"TRUSTED_TYPES"}
OBJECTS = [(module, name) for module, names in PUBLIC.items() for name in names]


def get(module, name):
    return getattr(importlib.import_module(module), name)


def methods(cls):
    """The public methods of a class that are ours, not scikit-learn's."""
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        if isinstance(member, (classmethod, staticmethod)):
            member = member.__func__
        if name.startswith("_") or not inspect.isfunction(member):
            continue
        if member.__module__.startswith("skmnist"):
            yield name, member


def everything():
    """All public functions, classes and methods, as (name, object)."""
    for module, name in OBJECTS:
        found = get(module, name)
        yield name, found
        if inspect.isclass(found):
            yield from ((f"{name}.{key}", method) for key, method in methods(found))


def sections(documented):
    """The sections of a numpydoc docstring: their titles and lines."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", inspect.getdoc(documented), flags=re.M)
    return dict(zip(["Summary", *parts[1::2]], parts[::2], strict=True))


def entries(text):
    """The (name, type) of every entry of a Parameters or Attributes section.

    As numpydoc reads them: "name : type", "name, name : type", or without a type.
    """
    for line in text.splitlines():
        if line and not line.startswith(" "):
            names, _, kind = line.partition(" :")
            yield from ((name, kind.strip()) for name in names.split(", "))


def signature_of(documented):
    parameters = dict(inspect.signature(documented).parameters)
    parameters.pop("self", None)
    parameters.pop("cls", None)
    return parameters


def default_of(documented, parameter):
    """The default of a parameter; of a dataclass's container, one that was made."""
    if dataclasses.is_dataclass(documented):
        fields = {field.name: field for field in dataclasses.fields(documented)}
        make = fields[parameter.name].default_factory
        if make is not dataclasses.MISSING:
            return make()
    return parameter.default


def starred(parameter):
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
    return stars.get(parameter.kind, "") + parameter.name


# -- names --------------------------------------------------------------------


def test_the_public_names_are_those_of_the_design():
    assert sorted(skmnist.__all__) == NAMES
    assert sorted(dir(skmnist)) == NAMES
    for module in list(PUBLIC)[1:]:
        listed = set(importlib.import_module(module).__all__)
        assert listed - CONSTANTS == set(PUBLIC[module])


@pytest.mark.parametrize(("module", "name"), OBJECTS)
def test_every_public_name_is_there_under_its_own_name(module, name):
    found = get(module, name)
    assert (found.__module__, found.__qualname__) == (module, name)


EXAMPLES = {name: member for name, member in everything() if ">>> " in member.__doc__}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_run(name):
    # Not by pytest's collector: it passes over a class whose __module__ is not the
    # file that it is in.
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    runner = doctest.DocTestRunner(optionflags=options)
    doc = inspect.getdoc(EXAMPLES[name])
    example = doctest.DocTestParser().get_doctest(doc, {}, name, None, None)
    said = []
    runner.run(example, out=said.append)
    assert runner.tries > 0
    assert not said, "".join(said)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="RandomForestClassifier"):
        skmnist.RandomForestClassifier  # noqa: B018


def test_the_version_is_that_of_the_installed_package():
    assert skmnist.__version__ == importlib.metadata.version("skmnist")


def test_type_checkers_see_the_names_that_are_loaded_lazily():
    stub = Path(skmnist.__file__).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    imported = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert sorted(alias.name for n in imported for alias in n.names) == NAMES
    (listed,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(listed) == NAMES
    assert stub.with_name("py.typed").is_file()


# -- docstrings ---------------------------------------------------------------


@pytest.fixture(scope="module")
def documented():
    return dict(everything())


def check_all(documented, check):
    """Every complaint at once, by the name of what it is about."""
    complaints = [
        f"{name}: {complaint}"
        for name, member in documented.items()
        for complaint in check(member)
    ]
    assert not complaints, "\n".join(complaints)


def test_everything_public_begins_with_one_line(documented):
    def check(member):
        doc = inspect.getdoc(member)
        if not doc:
            yield "no docstring"
        else:
            first, *rest = doc.splitlines()
            if not first.endswith((".", "?")) or (rest and rest[0]):
                yield first

    check_all(documented, check)


def test_parameters_are_documented_in_the_order_of_the_signature(documented):
    def check(member):
        names = [starred(parameter) for parameter in signature_of(member).values()]
        told = [name for name, _ in entries(sections(member).get("Parameters", ""))]
        if names != told:
            yield f"takes {names}, documents {told}"

    check_all(documented, check)


def test_stated_defaults_are_those_of_the_signature(documented):
    def check(member):
        told = dict(entries(sections(member).get("Parameters", "")))
        for name, parameter in signature_of(member).items():
            stated = re.search(r"default=(.*)$", told.get(name, ""))
            default = default_of(member, parameter)
            if default is parameter.empty:
                if stated:
                    yield f"{name} has no default, stated is {stated[1]}"
            elif stated is None and not inspect.isroutine(member):
                yield f"{name}: the default {default!r} is not stated"
            elif stated and stated[1] == f"numpy.{default!r}":
                continue
            elif stated and ast.literal_eval(stated[1]) != default:
                yield f"{name}: {stated[1]} stated, {default!r} is"

    check_all(documented, check)


def test_every_parameter_has_a_type_and_a_description(documented):
    def check(member):
        text = sections(member).get("Parameters", "")
        for name, kind in entries(text):
            if not kind and not inspect.isroutine(member):
                yield f"{name} has no type"
        for name, following in re.findall(r"^(\S.*)\n(.*)$", text, flags=re.M):
            if not following.startswith("    "):
                yield f"{name} has no description"

    check_all(documented, check)


def test_every_parameter_and_result_has_a_type_hint(documented):
    def check(member):
        # A constructor that is not ours, a search's say, has no hints of ours.
        if inspect.isclass(member) and "__init__" not in vars(member):
            return
        for name, parameter in signature_of(member).items():
            if parameter.annotation is parameter.empty:
                yield f"{name} has no type hint"
        result = inspect.signature(member).return_annotation
        if inspect.isroutine(member) and result is inspect.Signature.empty:
            yield "the result has no type hint"

    check_all(documented, check)


def test_no_placeholder_is_left(documented):
    def check(member):
        yield from re.findall(r"DEFAULT_\w+|\{\w+\}|TODO|XXX", inspect.getdoc(member))

    check_all(documented, check)


def returns_something(member):
    if inspect.isclass(member):
        return False
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(member)))
    returns = (node for node in ast.walk(tree) if isinstance(node, ast.Return))
    return any(node.value is not None for node in returns)


def test_what_is_returned_is_documented(documented):
    def check(member):
        if returns_something(member) and "Returns" not in sections(member):
            yield "no Returns section"

    check_all(documented, check)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_have_examples_and_references_that_are_used(name):
    cls = get("skmnist", name)
    parts = sections(cls)
    assert list(parts)[:3] == ["Summary", "Parameters", "Attributes"]
    assert ">>> " in parts["Examples"]
    doc = inspect.getdoc(cls)
    listed = re.findall(r"^\.\. \[(\d)\]", doc, flags=re.M)
    cited = re.findall(r"\[(\d)\]_", doc)
    assert sorted(set(cited)) == sorted(listed)
    others = [other for other in ESTIMATORS if other != name]
    assert all(f"{other} : " in parts["See Also"] for other in others)


def two_layers(image_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Linear(8, n_classes))


def required(cls):
    """The arguments that a class cannot do without."""
    return {"module": two_layers} if cls is skmnist.ModuleClassifier else {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_attributes_are_documented_and_there_after_the_fit(name, digits):
    cls = get("skmnist", name)
    X = pd.DataFrame(digits[0][:60].reshape(60, -1)).add_prefix("pixel")
    few = {"max_iter": 3} if name == "LinearClassifier" else {"max_epochs": 1}
    clf = cls(**required(cls), **few)
    told = [attribute for attribute, _ in entries(sections(cls)["Attributes"])]
    assert [attribute for attribute in told if hasattr(clf, attribute)] == []
    clf.fit(X, digits[2][:60])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        there = [
            attribute
            for attribute in dir(clf)
            if attribute.endswith("_")
            and not attribute.startswith("_")
            and hasattr(clf, attribute)
        ]
    assert sorted(told) == there


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_of_defaults_has_a_short_repr(name):
    cls = get("skmnist", name)
    own = "module=<function two_layers at " if required(cls) else ")"
    assert repr(cls(**required(cls))).startswith(f"{name}({own}")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_constructors_take_no_nested_and_no_extra_parameters(name):
    parameters = signature_of(get("skmnist", name))
    kinds = {parameter.kind for parameter in parameters.values()}
    assert kinds == {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }
    assert not any("__" in parameter for parameter in parameters)


def test_the_networks_share_their_training_parameters_and_most_defaults():
    mlp, convnet, module = (
        signature_of(get("skmnist", f"{name}Classifier"))
        for name in ("MLP", "ConvNet", "Module")
    )
    shared = [name for name in mlp if name != "hidden_layer_sizes"]
    own = ["conv_layers", "hidden_layer_sizes", "image_shape"]
    assert [name for name in convnet if name not in own] == shared
    of_training = [name for name in shared if name not in ("activation", "dropout")]
    assert list(module) == ["module", "module_params", "image_shape", *of_training]
    for other in (convnet, module):
        differing = {
            name for name in of_training if mlp[name].default != other[name].default
        }
        assert differing <= {"lr", "weight_decay", "batch_size", "max_epochs"}
