"""Image data sets: MNIST and its siblings, and a small one that needs no network."""

from ._digits28 import load_digits28
from ._mnist import fetch_mnist

__all__ = ["fetch_mnist", "load_digits28"]
