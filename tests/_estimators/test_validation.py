"""Every form of images, labels and weights; every bad input and what is said."""

import io
import re
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from threadpoolctl import threadpool_limits

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist._estimators import validation as check

pytestmark = pytest.mark.usefixtures("one_thread")

N = 60


def linear():
    # So few images are separable: a strong penalty converges within the iterations.
    return LinearClassifier(C=0.01)


def mlp(**params):
    return MLPClassifier((8,), max_epochs=1, random_state=0, **params)


def convnet(**params):
    return ConvNetClassifier((2,), (), max_epochs=1, random_state=0, **params)


MAKERS = [linear, mlp, convnet]
every_estimator = pytest.mark.parametrize("make", MAKERS)
networks = pytest.mark.parametrize("make", [mlp, convnet])


@pytest.fixture(scope="module", autouse=True)
def one_blas_thread():
    """As `one_thread`, for scikit-learn's solvers."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def images(digits):
    """Digits with pixels up to 127, which all types of number hold exactly."""
    return digits[0][:N] // 2


@pytest.fixture(scope="module")
def labels(digits):
    return digits[2][:N]


@pytest.fixture(scope="module")
def expected(images, labels):
    """What every estimator says of flat uint8 images, the plainest form."""
    flat = images.reshape(N, -1)
    return {make: make().fit(flat, labels).predict_proba(flat) for make in MAKERS}


@pytest.fixture
def no_warnings():
    """Turn every warning into an error; torch would give most of them once only."""
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(always)


def readonly(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_map(X, tmp_path):
    np.save(tmp_path / "images.npy", X)
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def packed_records(X):
    """The images as a field of records of 1 + 784 * 4 bytes, as in CIFAR's files."""
    pixels = (np.float32, X.shape[1:])
    records = np.zeros(len(X), [("label", np.uint8), ("image", *pixels)])
    records["image"] = X
    return records["image"]


NUMBER_TYPES = [
    *("int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "longdouble", "object"),
    *(">i2", ">u2", ">u4", ">i8", ">f2", ">f4", ">f8"),
]
FORMS = {
    "height and width": lambda X: X,
    "channels, height, width": lambda X: X[:, None],
    "list of lists": lambda X: X.tolist(),
    "list of arrays": list,
    "read-only": readonly,
    "Fortran order": lambda X: np.asfortranarray(X.reshape(N, -1)),
    "Fortran order images": np.asfortranarray,
    "reversed rows": lambda X: X[::-1].copy()[::-1],
    "mirrored columns": lambda X: X[:, :, ::-1].copy()[:, :, ::-1],
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every second pixel": lambda X: np.repeat(X.reshape(N, -1), 2, axis=1)[:, ::2],
    "rows of a wider table": lambda X: np.pad(X.reshape(N, -1), ((0, 0), (3, 5)))[
        :, 3:-5
    ],
    "field of packed records": packed_records,
    "subclass of ndarray": lambda X: X.reshape(N, -1).view(np.matrix),
    **{f"NumPy {name}": lambda X, name=name: X.astype(name) for name in NUMBER_TYPES},
    "tensor": torch.tensor,
    "bfloat16 tensor": lambda X: torch.tensor(X).to(torch.bfloat16),
    "float16 tensor": lambda X: torch.tensor(X).half(),
    "tensor that requires grad": lambda X: torch.tensor(X).float().requires_grad_(),
    "transposed tensor": lambda X: torch.tensor(X.T.copy()).permute(2, 1, 0),
    "uint16 tensor": lambda X: torch.tensor(X).to(torch.uint16),
}
FRAMES = {
    "pandas": pd.DataFrame,
    "pandas, named columns": lambda X: pd.DataFrame(X).add_prefix("pixel"),
    "pandas, mixed types": lambda X: pd.DataFrame(X).astype(
        {0: "int16", 1: "float32", 400: "bool", 783: "float64"}
    ),
    "pandas, nullable": lambda X: pd.DataFrame(X).astype("Int64"),
    "pandas, one nullable": lambda X: pd.DataFrame(X).astype({400: "Float32"}),
    "pandas, objects": lambda X: pd.DataFrame(X).astype(object),
    "polars": pl.DataFrame,
    "polars, mixed types": lambda X: pl.DataFrame(X).with_columns(
        pl.col("column_0").cast(pl.Int16), pl.col("column_1").cast(pl.Float32)
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("form", FORMS)
@every_estimator
def test_every_form_of_the_same_images_gives_the_same_model(
    make, form, images, labels, expected
):
    X = FORMS[form](images)
    clf = make().fit(X, labels)
    assert_array_equal(clf.predict_proba(X), expected[make])
    assert_array_equal(clf.predict_proba(images.reshape(N, -1)), expected[make])


@pytest.mark.filterwarnings("error")
@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("frame", FRAMES)
@every_estimator
def test_every_frame_of_the_same_pixels_gives_the_same_model(
    make, frame, images, labels, expected
):
    flat = images.reshape(N, -1).copy()
    flat[:, 400] = flat[:, 400] > 60  # a column that can be bool
    X = FRAMES[frame](flat)
    clf = make().fit(X, labels)
    assert_array_equal(
        clf.predict_proba(X), make().fit(flat, labels).predict_proba(flat)
    )


@pytest.mark.filterwarnings("error")
@every_estimator
def test_a_memory_map_gives_the_same_model(make, images, labels, expected, tmp_path):
    X = memory_map(images, tmp_path)
    assert_array_equal(make().fit(X, labels).predict_proba(X), expected[make])


@pytest.mark.parametrize(
    ("dtype", "factor"),
    [("uint16", 516), ("uint32", 2**25), ("uint64", 2**57), ("int64", -(2**56))],
)
@every_estimator
def test_the_whole_range_of_a_type_is_kept(make, dtype, factor, images, labels):
    X = images.astype(dtype) * np.array(factor, dtype)
    same = images.astype(np.float64) * factor
    assert_array_equal(
        make().fit(X, labels).predict_proba(X),
        make().fit(same, labels).predict_proba(same),
    )


@every_estimator
def test_bools_are_zeros_and_ones(make, images, labels):
    X = images > 60
    numbers = X.astype(np.uint8)
    assert_array_equal(
        make().fit(X, labels).predict_proba(torch.tensor(X)),
        make().fit(numbers, labels).predict_proba(numbers),
    )


@every_estimator
def test_one_image_seen_many_times_is_read_in_place(make, images, labels, expected):
    clf = make().fit(images, labels)
    repeated = np.broadcast_to(images[3], images.shape)
    assert repeated.strides[0] == 0
    np.testing.assert_allclose(
        clf.predict_proba(repeated), np.repeat(expected[make][3:4], N, 0), rtol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@every_estimator
def test_input_is_never_written_to(make, dtype, images, labels):
    X, y, weights = images.astype(dtype), labels.copy(), np.linspace(0, 1, N)
    before = X.tobytes(), y.tobytes(), weights.tobytes()
    make().fit(X, y, weights).predict_proba(X)
    assert (X.tobytes(), y.tobytes(), weights.tobytes()) == before


class Look(Callback):
    """Keeps the images that a training is given."""

    def on_train_begin(self, net, X=None, **kwargs):
        self.images = X.images


def as_flat(X):
    return X.reshape(len(X), -1)


@pytest.mark.parametrize("view", [as_flat, np.asarray, readonly, torch.as_tensor])
@networks
def test_uint8_images_are_trained_on_where_they_lie(make, view, images, labels):
    X = view(images.copy())
    look = Look()
    make(callbacks=[look]).fit(X, labels)
    assert look.images.dtype == torch.uint8
    address = X.data_ptr() if isinstance(X, torch.Tensor) else X.ctypes.data
    assert look.images.data_ptr() == address


def largest_allocations(work):
    """The bytes of torch's largest block, and of NumPy's peak, during a call."""
    tracemalloc.start()
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, profile_memory=True) as profile:
        work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    events = profile.profiler.kineto_results.events()
    return max(e.nbytes() for e in events if e.name() == "[memory]"), peak


def test_no_float_copy_of_all_images_is_ever_made(digits):
    X, y = np.tile(digits[0], (3, 1, 1)), np.tile(digits[2], 3)
    clf = MLPClassifier((4,), batch_size=256, max_epochs=1).fit(X[:60], y[:60])
    for work in (lambda: clf.predict(X), lambda: clf.fit(X, y)):
        assert max(largest_allocations(work)) < 2 * X.nbytes


@networks
def test_whole_numbers_are_checked_as_floats_are(make, images, labels):
    # They take a shorter way through the checks.
    flat = images.reshape(len(images), -1)
    clf = make().fit(images, labels)
    np.testing.assert_array_equal(clf.predict(flat), clf.predict(flat.astype(float)))
    for wrong in (flat[:0], flat[:, :-1], flat[0], flat[:, :0]):
        messages = []
        for X in (wrong, wrong.astype(float)):
            with pytest.raises(ValueError) as error:
                clf.predict(X)
            messages.append(str(error.value).replace("float64", "uint8"))
        assert messages[0].splitlines()[0] == messages[1].splitlines()[0]
    clf.fit(pd.DataFrame(flat).add_prefix("pixel"), labels)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(flat)


@networks
def test_a_memory_map_is_never_copied(make, images, labels, tmp_path):
    X, look = memory_map(images, tmp_path), Look()
    make(callbacks=[look]).fit(X, labels, np.arange(N) % 3)
    assert look.images.data_ptr() == X.ctypes.data


def test_frames_leave_their_column_names(images, labels):
    X = pl.DataFrame(images[:, 14], schema=[f"p{i}" for i in range(28)])
    clf = mlp().fit(X, labels)
    assert clf.feature_names_in_.tolist() == X.columns
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(X.rename({"p3": "other"}))


# -- labels -------------------------------------------------------------------

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


# -- weights ------------------------------------------------------------------


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
        found = check.loss_weights(*arguments)
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
    assert check.loss_weights(None, classes, targets, None) is None


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


# -- shapes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_features", "own", "requested", "shape"),
    [
        (784, None, None, (1, 28, 28)),
        (783, None, None, (1, 1, 783)),
        (1, None, None, (1, 1, 1)),
        (784, (1, 14, 56), None, (1, 14, 56)),
        (784, None, (14, 56), (1, 14, 56)),
        (784, None, [4, 14, 14], (4, 14, 14)),
        (784, (1, 28, 28), (28, 28), (1, 28, 28)),
        (12, None, (np.int64(3), 2, 2), (3, 2, 2)),
    ],
)
def test_flat_rows_are_seen_in_the_shape_that_fits(n_features, own, requested, shape):
    assert check.find_image_shape(mlp(), n_features, own, requested) == shape


@every_estimator
def test_images_of_another_shape_are_refused_after_the_fit(make, images, labels):
    clf = make().fit(images, labels)
    with pytest.raises(ValueError, match=r"\(1, 14, 56\).*fitted on \(1, 28, 28\)"):
        clf.predict(images.reshape(N, 14, 56))


# -- bad input ----------------------------------------------------------------


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


@pytest.mark.parametrize("as_form", [np.asarray, torch.tensor, readonly])
@every_estimator
def test_channels_may_come_last(make, as_form, images, labels):
    grey = make().fit(images, labels)
    clf = make().fit(as_form(images[..., np.newaxis]), labels)
    assert clf.image_shape_ == (1, 28, 28)
    assert_array_equal(clf.predict_proba(images), grey.predict_proba(images))
    first = np.stack([images, 255 - images, images // 2], axis=1)
    last = as_form(np.ascontiguousarray(first.transpose(0, 2, 3, 1)))
    clf, colour = make().fit(last, labels), make().fit(first, labels)
    assert clf.image_shape_ == (3, 28, 28)
    expected = colour.predict_proba(first)
    for model in (clf, colour):
        assert_array_equal(model.predict_proba(last), expected)
        assert_array_equal(model.predict_proba(first), expected)
        assert_array_equal(model.predict_proba(first.reshape(N, -1)), expected)


@every_estimator
def test_sides_that_could_be_either_are_read_channels_first(make, images, labels):
    clf = make().fit(images[:, :3, np.newaxis].repeat(3, axis=2)[..., :4], labels)
    assert clf.image_shape_ == (3, 3, 4)


@every_estimator
def test_channels_last_with_alpha_are_refused(make, images, labels):
    X = np.repeat(images[..., np.newaxis], 4, axis=3)
    with pytest.raises(ValueError, match=r"\(28, 28, 4\).* alpha.*X\[\.\.\., :3\]"):
        make().fit(X, labels)
    clf = make().fit(X[..., :3], labels)
    with pytest.raises(ValueError, match="alpha"):
        clf.predict(X)
    assert make().fit(X.transpose(0, 3, 1, 2), labels).image_shape_ == (4, 28, 28)


def test_an_image_shape_with_channels_last_is_refused(images, labels):
    X = np.repeat(images[..., np.newaxis], 3, axis=3)
    clf = ConvNetClassifier(image_shape=(28, 28, 3))
    for form in (X, X.reshape(N, -1)):
        with pytest.raises(ValueError, match=r"such as \(3, 28, 28\).*Got \(28, "):
            clf.fit(form, labels)


def test_flat_colour_rows_are_no_strip_to_convolutions(images, labels):
    flat = np.tile(images.reshape(N, -1), 3)
    with pytest.raises(ValueError, match=r"image_shape=\(3, 28, 28\)"):
        ConvNetClassifier().fit(flat, labels)
    for shape in ((3, 28, 28), (1, 1, 2352)):
        clf = ConvNetClassifier((2,), (), image_shape=shape, max_epochs=1)
        assert clf.fit(flat, labels).image_shape_ == shape
    assert mlp().fit(flat, labels).n_features_in_ == 2352


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_label_among_the_pixels_is_asked_for(images, labels):
    X = np.c_[labels, images.reshape(N, -1)]
    question = "rows of 785 pixels, one more than images of 28x28 .* labels still among"
    with pytest.raises(ValueError, match=question):
        ConvNetClassifier().fit(X, labels)
    for make in (linear, mlp):
        with pytest.warns(UserWarning, match=question):
            make().fit(X, labels)
    few = np.c_[labels, images[:, 3, :4]]  # 5 features may be anything
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        ConvNetClassifier((2,), (), max_epochs=1).fit(few, labels)


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
}


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


FRACTIONS = {
    "float32": lambda X: (X / 255).astype(np.float32),
    "float64 rows": lambda X: X.reshape(N, -1) / 255,
    "tensor": lambda X: torch.tensor(X) / 255,
    "frame": lambda X: pd.DataFrame(X.reshape(N, -1) / 255),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", FRACTIONS)
@every_estimator
def test_pixels_in_another_range_than_the_fits_are_warned_of(
    make, form, images, labels
):
    fractions = FRACTIONS[form](images)
    whole, parts = make().fit(images, labels), make().fit(fractions, labels)
    with pytest.warns(UserWarning, match=r"to 0\.498039, but .* to 127: .*Mult"):
        whole.predict(fractions)
    with pytest.warns(UserWarning, match=r"to 127, but .* to 0\.498039: .*Divide"):
        parts.predict(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        whole.predict(images)
        whole.predict(images.astype(float))
        whole.predict(np.zeros((2, 784)))  # blank in either range
        parts.predict(fractions)


@networks
def test_further_training_on_another_range_is_warned_of(make, images, labels):
    message = "are 0 to 0.498039, but .* pixels of 0 to 127"
    clf = make(warm_start=True).fit(images, labels)
    with pytest.warns(UserWarning, match=message):
        clf.fit(images / 255, labels)
    clf = make().partial_fit(images, labels, classes=np.arange(10))
    with pytest.warns(UserWarning, match=message):
        clf.partial_fit(images / 255, labels)
    with pytest.warns(UserWarning, match=message):
        make().fit(images, labels, X_val=images / 255, y_val=labels)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@every_estimator
def test_standardised_pixels_are_in_no_range_of_their_own(make, images, labels):
    X = StandardScaler().fit_transform(images.reshape(N, -1).astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make().fit(X, labels).predict(X * 300)
        make().fit(X * 300, labels).predict(X / 300)


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
    "a word": ("balanced", "could not convert string"),
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


BAD_VALIDATION = {
    "no labels": ({"X_val": [[0] * 784]}, "X_val came without y_val"),
    "no images": ({"y_val": [0]}, "y_val came without X_val"),
    "unknown label": (
        {"X_val": np.zeros((2, 784)), "y_val": [0, 77]},
        r"y_val contains labels that are not among the classes of the fit: \[77\]",
    ),
    "strings for ints": (
        {"X_val": np.zeros((2, 784)), "y_val": ["0", "1"]},
        r"y_val contains labels .*\['0', '1'\]",
    ),
    "other length": (
        {"X_val": np.zeros((2, 784)), "y_val": [0]},
        r"inconsistent numbers of samples: \[2, 1\]",
    ),
    "other features": (
        {"X_val": np.zeros((2, 27)), "y_val": [0, 1]},
        "X has 27 features, but .* is expecting 784",
    ),
    "other shape": (
        {"X_val": np.zeros((2, 14, 56)), "y_val": [0, 1]},
        r"\(1, 14, 56\), but .* fitted on \(1, 28, 28\)",
    ),
    "NaN": (
        {"X_val": np.full((2, 784), np.nan), "y_val": [0, 1]},
        "contains NaN",
    ),
}


@pytest.mark.parametrize("case", BAD_VALIDATION)
@networks
def test_bad_validation_data_are_refused_before_training(make, case, images, labels):
    validation, message = BAD_VALIDATION[case]
    look = Look()
    clf = make(callbacks=[look])
    with pytest.raises(ValueError, match=message):
        clf.fit(images, labels, **validation)
    assert not hasattr(look, "images")
    assert not hasattr(clf, "classes_")


# Not one of five is left in, or held out, of a class with few images.
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.99])
def test_a_validation_fraction_that_leaves_a_class_out_is_refused(
    fraction, images, labels
):
    clf = mlp(early_stopping=True, validation_fraction=fraction)
    message = (
        "The 'validation_fraction' parameter of MLPClassifier must .* each of the 10 "
        rf"classes\. Got {fraction} of 60 samples instead"
    )
    with pytest.raises(ValueError, match=message):
        clf.fit(images, labels)


# -- tensors on an accelerator ------------------------------------------------
#
# A tensor on torch's "meta" device has shape and dtype but no values: all that the
# checks of tensors elsewhere than on the CPU look at, integer pixels given.


def elsewhere(*shape, dtype=torch.uint8):
    return torch.empty(shape, dtype=dtype, device="meta")


def test_a_tensor_on_an_accelerator_stays_there():
    clf, X, y = mlp(), elsewhere(4, 3, 5, 5), np.arange(4)
    pixels, shape, labels = check.check_images(clf, X, torch.arange(4), reset=True)
    assert pixels.device.type == "meta"
    assert pixels.shape == (4, 75)
    assert shape == (3, 5, 5)
    assert_array_equal(labels, y)
    assert clf.n_features_in_ == 75
    clf.image_shape_ = shape
    assert check.check_images(clf, elsewhere(2, 75), reset=False)[1:] == (None, None)


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
        check.check_images(mlp(), X, y, reset=True)


def test_another_number_of_features_on_an_accelerator_is_refused():
    clf = mlp()
    check.check_images(clf, elsewhere(4, 3), [0, 1, 0, 1], reset=True)
    clf.image_shape_ = (1, 1, 3)
    with pytest.raises(ValueError, match="X has 5 features, but MLPClassifier is exp"):
        check.check_images(clf, elsewhere(4, 5), reset=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_estimator
def test_a_cuda_tensor_gives_the_same_labels(make, images, labels):
    X = torch.tensor(images, device="cuda")
    clf = make().fit(X, torch.tensor(labels, device="cuda"))
    assert_array_equal(clf.predict(X), clf.predict(images))
    with pytest.raises(ValueError, match="NaN"):
        clf.predict(torch.full((2, 784), torch.nan, device="cuda"))


# -- rules --------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (
            check.number("in [0, 1)", low=0, high=1, high_open=True),
            [0, 0.0, 0.999, np.float32(0.5), False + 0],
            [1, -1e-9, NAN, INF, "0", None, True, 1j, np.array(0.5), 10**400],
        ),
        (
            check.number("in (0, 1]", low=0, low_open=True, high=1),
            [1, 1e-300, np.int64(1)],
            [0, 1.1, -0.0, np.bool_(True)],
        ),
        (check.POSITIVE_FLOAT, [1, 1e-9, 1e300], [0, -1, INF, "1", [1]]),
        (check.NON_NEGATIVE_FLOAT, [0, 1], [-1e-300, NAN]),
        (check.POSITIVE_INT, [1, np.uint8(3)], [0, -1, 1.0, True, "1", None]),
        (check.NON_NEGATIVE_INT, [0, 5], [-1, 0.0, False]),
        (check.BOOL, [True, np.bool_(False)], [0, 1, "True", None]),
        (check.VERBOSITY, [0, 3, True, False], [-1, 0.5, None]),
        (
            check.LAYER_SIZES,
            [(), (1,), [3, 4], np.array([5, 6]), (np.int32(2),)],
            [None, 3, (0,), (-1,), (2.0,), (True,), "12", {3}, np.array(3)],
        ),
        (
            check.IMAGE_SHAPE,
            [None, (28, 28), [3, 32, 32], (np.int64(2), 3)],
            [28, (28,), (1, 1, 1, 1), (0, 3), (2.5, 2), "28", (-1, 784)],
        ),
        (
            check.CLASS_WEIGHT,
            [None, "balanced", {}, {0: 0, "a": 2.5}],
            ["Balanced", {0: -1}, {0: "1"}, {0: NAN}, [1, 2], 3],
        ),
        (
            check.RANDOM_STATE,
            [None, 0, 2**32 - 1, np.int64(3), np.random.RandomState(0)],
            [-1, 2**32, 1.0, "0", True, np.random.default_rng(0)],
        ),
        (check.PATH, [None, "a/b"], ["", 3, b"a", True]),
        (check.PIXEL_SCALING, [None, "unit"], ["Unit", "", 0, ["unit"], {}]),
        (check.CALLABLE, [len, lambda x: x], [None, "shift"]),
    ],
)
def test_rules_accept_what_they_say_and_nothing_else(rule, good, bad):
    assert [value for value in good if not rule.accepts(value)] == []
    assert [value for value in bad if rule.accepts(value)] == []


def test_parameter_errors_are_one_sentence():
    error = check.parameter_error("MLPClassifier", "lr", "a positive float", -1)
    assert isinstance(error, ValueError)
    assert str(error) == (
        "The 'lr' parameter of MLPClassifier must be a positive float. Got -1 instead."
    )


def test_options_are_named_in_the_message():
    rule = check.one_of(None, "unit", also=check.POSITIVE_INT)
    assert rule.expected == "one of None, 'unit', or a positive int"
    assert rule.accepts(3)
    assert not rule.accepts(0)


@every_estimator
def test_no_parameter_is_checked_before_fit(make):
    clf = make().set_params(random_state="nonsense")
    assert re.search("nonsense", repr(clf))
