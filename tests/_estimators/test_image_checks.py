"""Bad images, and what is said of them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from every_estimator import N, every_estimator, mlp
from numpy.testing import assert_array_equal

from skmnist._estimators.image_checks import check_images

pytestmark = pytest.mark.usefixtures("one_thread")


@every_estimator
def test_images_of_another_shape_are_refused_after_the_fit(make, images, labels):
    clf = make().fit(images, labels)
    with pytest.raises(ValueError, match=r"\(1, 14, 56\).*fitted on \(1, 28, 28\)"):
        clf.predict(images.reshape(N, 14, 56))
    colour = np.repeat(images[:, None], 3, axis=1)
    with pytest.raises(ValueError, match=r"\(3, 28, 28\).*grey.*X\.mean\(axis=1\)"):
        clf.predict(colour)
    clf = make().fit(colour, labels)
    with pytest.raises(ValueError, match=r"\(1, 28, 28\).*as many channels"):
        clf.predict(images)


def with_pixel(images, value):
    X = images.astype(np.float32)
    X[7, 3, 3] = value
    return X


BAD_IMAGES = {
    "NaN": (lambda X: with_pixel(X, np.nan), "Input X contains NaN"),
    "infinite": (lambda X: with_pixel(X, np.inf), "Input X contains infinity"),
    "NaN tensor": (
        lambda X: torch.tensor(with_pixel(X, np.nan)),
        "Input X contains NaN",
    ),
    "missing": (
        lambda X: pd.DataFrame(X[:, 14]).astype("Int64").replace(0, pd.NA),
        "Input X contains NaN",
    ),
    "no images": (lambda X: X[:0], "0 sample"),
    "no flat images": (lambda X: X[:0, 0], "0 sample"),
    "no pixels": (lambda X: X[:, :0], r"without pixels: X has shape \(60, 0, 28\)"),
    "no features": (lambda X: X[:, 0, :0], "0 feature"),
    "one row": (lambda X: X[0, 0], r"got 1D array instead: X has shape \(28,\)\. Re"),
    "labels": (lambda X: np.arange(len(X)), r"they come second: fit\(X, y\)"),
    "five dimensions": (
        lambda X: X[:, None, None],
        r"^Expected X of shape .* 5 dimensions",
    ),
    "a series": (lambda X: pd.Series(list(X)), r"60 separate arrays.*np\.stack"),
    "a scalar": (lambda X: 3.0, "Expected 2D array, got scalar"),
    "None": (lambda X: None, "Expected 2D array, got scalar"),
    "complex": (lambda X: X.astype(complex), "Complex data not supported"),
    "strings": (lambda X: X.reshape(N, -1).astype(str), "bytes/strings"),
    "ragged": (lambda X: [[1, 2], [3]], "inhomogeneous"),
    "other length": (lambda X: X[:-1], r"inconsistent numbers of samples: \[59, 60\]"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
@every_estimator
def test_bad_images_are_refused_in_scikit_learns_words(make, case, images, labels):
    spoil, message = BAD_IMAGES[case]
    clf = make()
    with pytest.raises(ValueError, match=message):
        clf.fit(spoil(images), labels)
    assert not hasattr(clf, "net_")
    assert not hasattr(clf, "estimator_")


@every_estimator
def test_sparse_images_are_refused_with_a_way_out(make, images, labels):
    with pytest.raises(TypeError, match="toarray"):
        make().fit(scipy.sparse.csr_array(images.reshape(N, -1)), labels)


@pytest.mark.parametrize("case", ["NaN", "infinite", "no images", "no pixels"])
@every_estimator
def test_bad_images_are_refused_after_the_fit_too(make, case, images, labels):
    clf = make().fit(images, labels)
    spoil, message = BAD_IMAGES[case]
    with pytest.raises(ValueError, match=message):
        clf.predict(spoil(images))


@every_estimator
def test_another_number_of_features_is_refused(make, images, labels):
    clf = make().fit(images, labels)
    message = f"X has 27 features, but {type(clf).__name__} is expecting 784 features"
    for X in (images[:, 0, :27], torch.tensor(images[:, 0, :27])):
        with pytest.raises(ValueError, match=message):
            clf.predict(X)
    with pytest.raises(ValueError, match=r"\(1, 9, 3\), but .* on \(1, 28, 28\)"):
        clf.predict(images[:, :9, :3])


@every_estimator
def test_one_image_in_the_place_of_several_is_refused(make, images, labels):
    clf = make().fit(images, labels)
    for one in (images[0], images[0].tolist(), torch.tensor(images[0])):
        with pytest.raises(ValueError, match=r"\(28, 28\) instead.*X\[np.newaxis\]"):
            clf.predict(one)
    assert clf.predict(images[0][np.newaxis]) == clf.predict(images)[0]


@every_estimator
def test_one_colour_image_in_the_place_of_several_is_refused(make, images, labels):
    X = images.reshape(N // 3, 3, 28, 28)
    clf = make().fit(X, np.arange(len(X)) % 2)
    with pytest.raises(ValueError, match=r"\(3, 28, 28\) instead.*X\[np.newaxis\]"):
        clf.predict(X[0])


# -- tensors on an accelerator ------------------------------------------------


#
# A tensor on torch's "meta" device has shape and dtype but no values: all that the
# checks of tensors elsewhere than on the CPU look at, integer pixels given.


def elsewhere(*shape, dtype=torch.uint8):
    return torch.empty(shape, dtype=dtype, device="meta")


def test_a_tensor_on_an_accelerator_stays_there():
    clf, X, y = mlp(), elsewhere(4, 3, 5, 5), np.arange(4)
    pixels, shape, labels = check_images(clf, X, torch.arange(4), reset=True)
    assert pixels.device.type == "meta"
    assert pixels.shape == (4, 75)
    assert shape == (3, 5, 5)
    assert_array_equal(labels, y)
    assert clf.n_features_in_ == 75
    clf.image_shape_ = shape
    assert check_images(clf, elsewhere(2, 75), reset=False)[1:] == (None, None)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (elsewhere(4), range(4), "Expected 2D array, got 1D array"),
        (elsewhere(4, 1, 1, 2, 2), range(4), "Expected X of shape .* 5 dimensions"),
        (elsewhere(4, 3, dtype=torch.complex64), range(4), "Complex data not supp"),
        (elsewhere(0, 3), [], r"shape \(0, 3\)"),
        (elsewhere(4, 3), range(5), r"inconsistent numbers of samples: \[4, 5\]"),
        (elsewhere(4, 3), None, "requires y to be passed"),
    ],
)
def test_bad_tensors_on_an_accelerator_are_refused(X, y, message):
    y = None if y is None else list(y)
    with pytest.raises(ValueError, match=message):
        check_images(mlp(), X, y, reset=True)


def test_another_number_of_features_on_an_accelerator_is_refused():
    clf = mlp()
    check_images(clf, elsewhere(4, 3), [0, 1, 0, 1], reset=True)
    clf.image_shape_ = (1, 1, 3)
    with pytest.raises(ValueError, match="X has 5 features, but MLPClassifier is exp"):
        check_images(clf, elsewhere(4, 5), reset=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_estimator
def test_a_cuda_tensor_gives_the_same_labels(make, images, labels):
    X = torch.tensor(images, device="cuda")
    clf = make().fit(X, torch.tensor(labels, device="cuda"))
    assert_array_equal(clf.predict(X), clf.predict(images))
    with pytest.raises(ValueError, match="NaN"):
        clf.predict(torch.full((2, 784), torch.nan, device="cuda"))
