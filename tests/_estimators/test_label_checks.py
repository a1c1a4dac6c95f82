"""Every form of labels and weights, and every bad one and what is said."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from every_estimator import N, every_estimator, mlp, networks, readonly
from numpy.testing import assert_array_equal

from skmnist._estimators.label_checks import loss_weights

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = {
    "strings": lambda y: np.array([f"digit {label}" for label in y]),
    "objects": lambda y: np.array([f"digit {label}" for label in y], dtype=object),
    "negative ints with gaps": lambda y: 7 * y - 30,
    "unsigned": lambda y: y.astype(np.uint8),
    "big-endian": lambda y: y.astype(">i4"),
    "whole floats": lambda y: y / 1.0,
    "bools": lambda y: y > 4,
    "read-only": readonly,
    "list": lambda y: y.tolist(),
    "list of strings": lambda y: [str(label) for label in y],
    "tensor": torch.tensor,
    "bool tensor": lambda y: torch.tensor(y > 4),
    "pandas": pd.Series,
    "pandas strings": lambda y: pd.Series(y).astype(str),
    "pandas categories": lambda y: pd.Series(y).astype(str).astype("category"),
    "pandas, index in disorder": lambda y: pd.Series(y, index=range(N, 0, -1)),
    "polars": pl.Series,
    "polars strings": lambda y: pl.Series(y).cast(pl.String),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("kind", LABELS)
@every_estimator
def test_labels_of_every_kind_come_back_as_they_were(make, kind, images, labels):
    y = LABELS[kind](labels)
    values = np.asarray(y)
    clf = make().fit(images, y)
    classes, codes = np.unique(values, return_inverse=True)
    assert_array_equal(clf.classes_, classes)
    predicted = clf.predict(images)
    assert set(predicted) <= set(classes)
    by_code = make().fit(images, codes)
    assert_array_equal(predicted, classes[by_code.predict(images)])


@networks
def test_validation_labels_may_be_of_every_kind(make, images, labels):
    names = np.array([f"digit {label}" for label in labels])
    plain = make().fit(images, labels, X_val=images, y_val=labels)
    for y_val in (names.tolist(), pd.Series(names), pl.Series(names)):
        clf = make().fit(images, names, X_val=images, y_val=y_val)
        assert clf.validation_scores_ == plain.validation_scores_


@networks
def test_partial_fit_takes_the_classes_in_any_order(make, images, labels):
    clf = make().partial_fit(images, labels, classes=[9, *range(9), 12, -1])
    assert clf.classes_.tolist() == [-1, *range(10), 12]
    clf.partial_fit(images, labels, classes=clf.classes_[::-1])
    with pytest.raises(ValueError, match=r"classes=\[0, 1\] is not the same"):
        clf.partial_fit(images, labels, classes=[0, 1])


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize(
    "weights",
    [
        2,
        2.0,
        [2] * N,
        np.full(N, 2, dtype=np.float32),
        readonly(np.full(N, 2.0)),
        torch.full((N,), 2.0),
        pd.Series([2] * N),
        pl.Series([2.0] * N),
    ],
    ids=lambda weights: type(weights).__name__,
)
@every_estimator
def test_weights_of_every_form_are_taken(make, weights, images, labels):
    same = np.full(N, 2.0)
    assert_array_equal(
        make().fit(images, labels, weights).predict_proba(images),
        make().fit(images, labels, same).predict_proba(images),
    )


@every_estimator
def test_a_row_without_weight_brings_no_class(make, images, labels):
    clf = make().fit(images, labels, (labels != 3).astype(float))
    assert clf.classes_.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_class_weights_multiply_with_sample_weights():
    classes, targets = np.array(["a", "b", "c"]), np.array([0, 0, 1, 2])
    weights = np.array([1.0, 2.0, 3.0, 4.0])

    def relative(*arguments):
        # Only ratios matter: a loss is divided by the sum of its weights.
        found = loss_weights(*arguments)
        return found / found[0]

    by_class = {"a": 2, "b": 0.5}  # who is not named weighs 1, as in scikit-learn
    expected = np.array([2.0, 4.0, 1.5, 4.0]) / 2
    assert_array_equal(relative(by_class, classes, targets, weights), expected)
    assert_array_equal(relative(None, classes, targets, weights), weights)
    # scikit-learn's definition: total / (number of classes * the class's own total).
    balanced = weights * 10 / (3 * np.array([3.0, 3.0, 3.0, 4.0]))
    np.testing.assert_allclose(
        relative("balanced", classes, targets, weights), balanced / balanced[0]
    )
    assert loss_weights(None, classes, targets, None) is None


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@networks
def test_the_scale_of_all_weights_together_is_free(make, scale, images, labels):
    weights = np.linspace(1, 2, N)
    assert_array_equal(
        make().fit(images, labels, weights * 2**10).predict_proba(images),
        make().fit(images, labels, weights).predict_proba(images),
    )
    np.testing.assert_allclose(
        make().fit(images, labels, weights * scale).predict_proba(images),
        make().fit(images, labels, weights).predict_proba(images),
        rtol=1e-3,
    )


def test_a_weighted_class_may_be_absent_from_a_part_of_a_stream(images, labels):
    clf = mlp(class_weight={0: 2.0})
    clf.partial_fit(images, labels, classes=range(10))
    others = labels != 0
    clf.partial_fit(images[others], labels[others])
    assert clf.n_epochs_ == 2


BAD_LABELS = {
    "none": (None, "requires y to be passed, but the target y is None"),
    "one class": ([5] * N, "at least 2 classes in the data.*only one class: 5"),
    "one string": (["a"] * N, "at least 2 classes in the data.*only one class: 'a'"),
    "NaN": ([np.nan] + [0.0, 1.0] * 29 + [0.0], "Input y contains NaN"),
    "fractions": (np.linspace(0, 1, N), "Unknown label type: continuous"),
    "two columns": (np.zeros((N, 2), int), r"should be a 1d array.*\(60, 2\)"),
    "other length": ([0, 1], r"inconsistent numbers of samples: \[60, 2\]"),
    "mixed types": (np.array([1, "a"] * 30, object), "Unknown label type"),
    "one-hot": (np.eye(10)[np.arange(N) % 10], r"\(60, 10\).*argmax\(axis=1\)"),
    "one-hot lists": (np.eye(2, dtype=int)[[0, 1] * 30].tolist(), "argmax"),
    "images": (np.zeros((N, 28, 28)), "X_train, X_test, y_train, y_test, in this"),
    "a missing one": (np.array(["a", None] * 30, object), "in 30 of 60 places.*n 1"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
@every_estimator
def test_bad_labels_are_refused(make, case, images):
    y, message = BAD_LABELS[case]
    with pytest.raises(ValueError, match=message):
        make().fit(images, y)


BAD_WEIGHTS = {
    "a word": ("balanced", r"Got .balanced. instead\..*class_weight=.balanced"),
    "negative": ([-0.5] * N, "Negative values in data passed to sample_weight: -0.5"),
    "all zero": ([0] * N, "Sample weights must contain at least one non-zero number"),
    "zero": (0, "Sample weights must contain at least one non-zero number"),
    "NaN": ([np.nan] * N, "Input sample_weight contains NaN"),
    "infinite": (np.inf, "Input sample_weight contains infinity"),
    "other length": ([1, 2], r"sample_weight.shape == \(2,\), expected \(60,\)"),
    "a column": (
        np.ones((N, 1)),
        r"sample_weight.shape == \(60, 1\), expected \(60,\)",
    ),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
@every_estimator
def test_bad_weights_are_refused(make, case, images, labels):
    weights, message = BAD_WEIGHTS[case]
    with pytest.raises(ValueError, match=message):
        make().fit(images, labels, weights)


@every_estimator
def test_weights_that_leave_one_class_are_refused(make, images, labels):
    with pytest.raises(ValueError, match="only one class: 4"):
        make().fit(images, labels, labels == 4)


@every_estimator
def test_class_weights_that_leave_nothing_are_refused(make, images, labels):
    with pytest.raises(ValueError, match=r"weights of all samples are zero.*class_"):
        make().set_params(class_weight=dict.fromkeys(range(10), 0)).fit(images, labels)


@every_estimator
def test_class_weights_of_unknown_classes_are_refused(make, images, labels):
    with pytest.raises(ValueError, match=r"class labels. Got \[77\] instead"):
        make().set_params(class_weight={77: 1.0}).fit(images, labels)
