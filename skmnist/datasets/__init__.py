"""Image data sets: MNIST and its siblings, a small one, and pictures of one's own."""

from ._digits28 import load_digits28
from ._folder import load_folder
from ._idx import load_idx
from ._mnist import fetch_mnist
from ._picture import load_picture, load_picture_digits

__all__ = [
    "fetch_mnist",
    "load_digits28",
    "load_folder",
    "load_idx",
    "load_picture",
    "load_picture_digits",
]
