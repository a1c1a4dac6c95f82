"""Every form of the same images: one model, no copy, nothing written to."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from every_estimator import Look, N, every_estimator, mlp, networks, readonly
from numpy.testing import assert_array_equal

from skmnist import MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


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
    if not hasattr(X, "__dataframe__"):
        pytest.importorskip("sklearn", "1.9", reason="1.8 knows no names of polars 2")
    clf = mlp().fit(X, labels)
    assert clf.feature_names_in_.tolist() == X.columns
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(X.rename({"p3": "other"}))


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
