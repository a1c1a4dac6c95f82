# What type checkers see of the names that __init__.py loads lazily.
from . import datasets, displays, model_selection, persistence, recipes
from ._estimators.convnet import ConvLayer, ConvNetClassifier
from ._estimators.linear import LinearClassifier
from ._estimators.mlp import MLPClassifier
from ._estimators.module import ModuleClassifier

__version__: str

__all__ = [
    "ConvLayer",
    "ConvNetClassifier",
    "LinearClassifier",
    "MLPClassifier",
    "ModuleClassifier",
    "datasets",
    "displays",
    "model_selection",
    "persistence",
    "recipes",
]
