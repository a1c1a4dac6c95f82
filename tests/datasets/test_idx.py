"""IDX files of any content."""

import gzip
import hashlib

import numpy as np
import pytest
from mnist_files import NAMES, TEST_LABELS

from skmnist.datasets import load_idx
from skmnist.datasets._idx import read_idx


def test_real_files_are_loaded_as_they_are(mnist_home, mnist):
    X_train, _, _, y_test = mnist
    images = load_idx(mnist_home / NAMES[0])
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, X_train)
    np.testing.assert_array_equal(load_idx(str(mnist_home / TEST_LABELS)), y_test)
    turned = load_idx(mnist_home / NAMES[0], transposed=True)
    np.testing.assert_array_equal(turned[:100], X_train[:100].transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")],
)
def test_every_type_of_item_is_read(code, dtype, tmp_path):
    array = np.array([[1, -2, 3], [4, 5, 6]]).astype(dtype)
    path = tmp_path / "file"
    path.write_bytes(bytes([0, 0, code, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + array.tobytes())
    found = load_idx(path)
    assert found.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, array)
    found[0] = 0  # it may be written to
    path.write_bytes(path.read_bytes()[:-1])
    n_bytes = array.nbytes
    with pytest.raises(ValueError, match=f"ends after {n_bytes - 1} of {n_bytes} byt"):
        load_idx(path)


def test_what_is_no_idx_file_is_refused_by_name(tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(ValueError, match=r"page\.html cannot be loaded: .*not an IDX"):
        load_idx(path)
    # A header that promises 2**96 bytes is no reason to ask for them.
    path.write_bytes(b"\0\0\x08\x03" + b"\xff" * 12 + b"few")
    with pytest.raises(ValueError, match="it ends after 3 of"):
        load_idx(path)
    path.write_bytes(b"\0\0\x08\x01\0\0\0\x01\x05")
    with pytest.raises(ValueError, match="'transposed' parameter of load_idx"):
        load_idx(path, transposed=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_reader_reads_big_endian_sizes_and_returns_the_sum(tmp_path, pack):
    array = np.arange(3 * 258, dtype=np.uint16).astype(np.uint8).reshape(3, 258)
    content = b"\0\0\x08\x02" + b"\0\0\0\x03" + b"\0\0\x01\x02" + array.tobytes()
    path = tmp_path / "file"
    path.write_bytes(pack(content))
    out = np.zeros((3, 258), dtype=np.uint8)
    assert read_idx(path, out) == hashlib.md5(content).hexdigest()
    np.testing.assert_array_equal(out, array)
