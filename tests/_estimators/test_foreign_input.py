"""Input that is no array: what is said of it, and that the advice works."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from every_estimator import N, every_estimator, mlp
from numpy.testing import assert_array_equal
from PIL import Image

from skmnist._estimators.foreign_input import BUNCH_KEYS
from skmnist.datasets import load_digits28

pytestmark = pytest.mark.usefixtures("one_thread")


class Pairs(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = torch.tensor(images), labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], int(self.labels[i])


def as_png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


FOREIGN = {
    "data set": (lambda X, y: Pairs(X, y), r"Got a Pairs of torch.*torch\.stack"),
    "data loader": (
        lambda X, y: torch.utils.data.DataLoader(Pairs(X, y)),
        r"Got a DataLoader of torch.*torch\.cat",
    ),
    "file names": (
        lambda X, y: [f"digit{i}.png" for i in range(N)],
        r"file names instead, such as 'digit0\.png'.*load_picture\(file\)",
    ),
    "paths": (lambda X, y: [Path("a.png")] * N, "file names instead.*load_picture"),
    "array of names": (lambda X, y: np.array(["a.png"] * N), "file names instead"),
    "several sizes": (
        lambda X, y: [X[0], X[1][:9], *X[2:]],
        r"2 different shapes instead: \(9, 28\), \(28, 28\)\. Bring them",
    ),
    "pictures of several sizes": (
        lambda X, y: [Image.fromarray(x[: 9 + i % 2]) for i, x in enumerate(X)],
        r"2 different shapes instead: \(9, 28\), \(10, 28\)",
    ),
    "column of arrays": (
        lambda X, y: pd.DataFrame({"image": list(X)}),
        r"column 'image' holds a ndarray.*np\.stack\(list\(X\['image'\]\)\)",
    ),
    "column of files": (
        lambda X, y: pd.DataFrame({"image": [{"bytes": as_png(x)} for x in X]}),
        r"column 'image' holds a dict.*load_picture\(io\.BytesIO\(cell\['bytes'\]\)\)",
    ),
    "column of bytes, polars": (
        lambda X, y: pl.DataFrame({"image": [as_png(x) for x in X]}),
        r"column 'image' holds a bytes.*BytesIO\(cell\)",
    ),
    "list of bytes": (
        lambda X, y: [as_png(x) for x in X],
        r"list of bytes instead.*load_picture\(io\.BytesIO\(item\)\)",
    ),
    "a name of a Bunch": (lambda X, y: "data", r"'data' instead.*with split=True"),
    "a file name": (
        lambda X, y: "mnist.csv",
        r"'mnist\.csv' instead\. Load the images",
    ),
    "images and labels": (lambda X, y: (X, y), r"a pair of .*: fit\(X, y\)"),
}


def test_a_data_set_that_was_not_split_unpacks_into_those_names(images, labels):
    X_train, _, y_train, _ = load_digits28()
    with pytest.raises(ValueError, match="with split=True"):
        mlp().fit(X_train, y_train)
    assert tuple(load_digits28()) == BUNCH_KEYS


@pytest.mark.parametrize("case", FOREIGN)
@every_estimator
def test_images_in_another_form_are_refused_with_what_to_do(make, case, images, labels):
    form, message = FOREIGN[case]
    X = form(images, labels)
    with pytest.raises(ValueError, match=message):
        make().fit(X, labels)
    clf = make().fit(images, labels)
    with pytest.raises(ValueError, match=message):
        clf.predict(X)


def test_what_the_errors_advise_works(images, labels):
    pairs = Pairs(images, labels)
    X, y = torch.stack([image for image, _ in pairs]), [label for _, label in pairs]
    assert_array_equal(mlp().fit(X, y).predict(X), mlp().fit(images, labels).predict(X))
    loader = torch.utils.data.DataLoader(pairs, batch_size=7)
    X, y = (torch.cat(part) for part in zip(*loader, strict=True))
    assert_array_equal(mlp().fit(X, y).predict(X), mlp().fit(images, labels).predict(X))
    frame = pd.DataFrame({"image": list(images)})
    assert_array_equal(np.stack(list(frame["image"])), images)
    assert_array_equal(np.eye(10)[labels].argmax(axis=1), labels)
