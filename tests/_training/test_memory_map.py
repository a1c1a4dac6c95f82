"""Images in files: found behind views, and no more of them resident than must be."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from skmnist import MLPClassifier
from skmnist._training import memory_map
from skmnist._training.memory_map import PageReleaser, find_memory_map

STATUS = Path("/proc/self/status")
needs_linux = pytest.mark.skipif(
    not (STATUS.exists() and hasattr(mmap, "MADV_DONTNEED")),
    reason="resident pages are counted and given back on Linux",
)


def open_file(tmp_path, mode, n_images=10):
    path = tmp_path / "images.npy"
    if not path.exists():
        np.save(path, np.arange(n_images * 64, dtype=np.uint8).reshape(n_images, 8, 8))
    return np.load(path, mmap_mode=mode)


def resident_megabytes():
    """What is resident of all mapped files."""
    (line,) = [x for x in STATUS.read_text().splitlines() if x.startswith("RssFile")]
    return int(line.split()[1]) / 1024


def test_a_memory_map_is_found_behind_any_number_of_views(tmp_path):
    images = open_file(tmp_path, "r")
    assert find_memory_map(images) is images
    view = np.asarray(images[2:].reshape(-1, 64))[:, ::2]
    assert isinstance(find_memory_map(view), np.memmap)
    assert find_memory_map(np.array(images)) is None
    assert find_memory_map(images[[1, 3]]) is None
    assert find_memory_map(None) is None


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_nothing_is_lost_by_giving_pages_back(tmp_path, mode):
    images = open_file(tmp_path, mode)
    expected = np.array(images)
    if mode != "r":
        images[3] = expected[3] = 77
    pages = PageReleaser(find_memory_map(images))
    pages.release()
    pages.read(10**9, 10**9)
    np.testing.assert_array_equal(images, expected)


def test_no_memory_map_is_no_work():
    pages = PageReleaser(None)
    pages.read(10**9, 10**9)
    pages.release()


@needs_linux
def test_what_was_read_does_not_stay_resident(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_map, "RESIDENT_BYTES", 8 * 2**20)
    monkeypatch.setattr(memory_map, "LOOK_BYTES", 2**20)
    np.save(tmp_path / "large.npy", np.ones((64, 2**20), np.uint8))  # 64 MiB
    images = np.load(tmp_path / "large.npy", mmap_mode="r")
    before = resident_megabytes()
    pages, most = PageReleaser(images), 0
    for image in images:
        assert image.sum() == 2**20
        most = max(most, resident_megabytes() - before)
        pages.read(1, image.nbytes)
    assert 4 < most < 16
    assert images.sum() == 2**26
    assert resident_megabytes() - before > 60


@needs_linux
@pytest.mark.parametrize("pixel_scaling", ["standard", "unit"])
def test_a_fit_and_a_prediction_leave_the_file_where_it_is(
    digits, tmp_path, monkeypatch, pixel_scaling
):
    monkeypatch.setattr(memory_map, "RESIDENT_BYTES", 2**20)
    X = np.tile(digits[0][:1000], (40, 1, 1))  # 31 MB
    y = np.tile(digits[2][:1000], 40)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    clf = MLPClassifier(
        (8,), max_epochs=1, batch_size=500, random_state=0, pixel_scaling=pixel_scaling
    )
    clf.fit(X[:500], y[:500])  # so that all code is loaded
    before = resident_megabytes()
    clf.fit(mapped, y)
    assert resident_megabytes() - before < 10
    predicted = clf.predict(mapped)
    assert resident_megabytes() - before < 10
    np.testing.assert_array_equal(predicted, clf.fit(X, y).predict(X))
