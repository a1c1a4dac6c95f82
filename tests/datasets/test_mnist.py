"""fetch_mnist from files that are there, good, damaged or misnamed."""

import gzip
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from mnist_files import (
    NAMES,
    ROOT,
    TEST_LABELS,
    files_in,
    read_only_folder,
    truncated_gzip,
    web_page,
)

from skmnist.datasets import _mnist, fetch_mnist


def test_mnist_is_the_real_one_in_its_standard_order(mnist_home):
    mnist = fetch_mnist(data_home=mnist_home, download_if_missing=False)
    assert mnist.data.shape == (70000, 28, 28)
    assert mnist.data.dtype == np.uint8
    assert mnist.data.flags.c_contiguous
    assert mnist.data.flags.writeable
    assert mnist.target.shape == (70000,)
    assert mnist.target.dtype == np.int64
    assert mnist.target[0] == 5
    assert mnist.target[60000] == 7
    levels = np.arange(256) / 255
    share = np.bincount(mnist.data[:60000].ravel(), minlength=256) / (60000 * 784)
    mean = share @ levels
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(share @ (levels - mean) ** 2) == pytest.approx(0.3081, abs=5e-5)
    assert mnist.target_names.tolist() == list("0123456789")
    assert "CC BY-SA 3.0" in mnist.DESCR


def test_split_and_return_X_y_give_the_same_arrays(mnist_home):
    data, target = fetch_mnist(data_home=mnist_home, return_X_y=True)
    X_train, X_test, y_train, y_test = fetch_mnist(
        data_home=str(mnist_home), split=True
    )
    assert X_train.shape == (60000, 28, 28)
    assert X_test.shape == (10000, 28, 28)
    assert y_train.shape == (60000,)
    assert y_test.shape == (10000,)
    np.testing.assert_array_equal(X_train, data[:60000])
    np.testing.assert_array_equal(X_test, data[60000:])
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), target)


def test_plain_files_and_misnamed_ones_are_read_too(home):
    labels = home / TEST_LABELS
    plain = gzip.decompress(labels.read_bytes())
    labels.write_bytes(plain)
    images = home / "t10k-images-idx3-ubyte.gz"
    images.with_suffix("").write_bytes(gzip.decompress(images.read_bytes()))
    images.unlink()
    _, target = fetch_mnist(data_home=home, return_X_y=True, download_if_missing=False)
    assert target[60000:].astype(np.uint8).tobytes() == plain[8:]


def test_data_home_is_the_argument_then_the_variable_then_the_home_folder(
    mnist_home, tmp_path, monkeypatch
):
    monkeypatch.setenv("SKMNIST_DATA", str(mnist_home))
    assert fetch_mnist(download_if_missing=False).target[0] == 5
    with pytest.raises(FileNotFoundError, match="argument"):
        fetch_mnist(data_home=tmp_path / "argument", download_if_missing=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("SKMNIST_DATA", "")
    with pytest.raises(FileNotFoundError) as caught:
        fetch_mnist(download_if_missing=False)
    assert str(tmp_path / "skmnist_data") in str(caught.value)


def test_variants_of_the_same_file_names_do_not_meet(home, monkeypatch):
    before = files_in(home)
    with pytest.raises(FileNotFoundError) as caught:
        fetch_mnist("fashion", data_home=home, download_if_missing=False)
    assert str(home / "fashion") in str(caught.value)
    assert files_in(home) == before

    # Digits where clothes should be: well-formed, and still never returned.
    shutil.copytree(home, home / "kuzushiji")
    with pytest.raises(OSError, match=r"but its MD5 sum is 6bbc9ace"):
        fetch_mnist("kuzushiji", data_home=home, download_if_missing=False)

    monkeypatch.setitem(_mnist._MD5, "fashion", _mnist._MD5["digits"])
    shutil.copytree(home, home / "fashion")
    fashion = fetch_mnist("fashion", data_home=home, download_if_missing=False)
    assert fashion.target_names[9] == "Ankle boot"
    assert "Zalando" in fashion.DESCR


@pytest.mark.parametrize("variant", ["digits", "fashion", "kuzushiji"])
def test_every_variant_has_its_files_names_and_mirrors(variant):
    assert [f"{name}.gz" for name in _mnist._MD5[variant]] == NAMES
    assert len(set(_mnist._TARGET_NAMES[variant])) == 10
    assert all(url.endswith("/") for url in _mnist._MIRRORS[variant])


@pytest.mark.parametrize("variant", ["foo", "Digits", None, ["digits"]])
def test_unknown_variant_is_refused_in_the_house_sentence(variant):
    with pytest.raises(ValueError) as caught:
        fetch_mnist(variant)
    assert str(caught.value) == (
        "The 'variant' parameter of fetch_mnist must be one of 'digits', 'fashion', "
        f"'kuzushiji'. Got {variant!r} instead."
    )


def test_data_home_that_is_no_path_is_refused():
    with pytest.raises(TypeError, match=r"'data_home' parameter .* Got 3 instead"):
        fetch_mnist(data_home=3)


def gzip_with_a_flipped_bit(content):
    middle = len(content) // 2
    flipped = bytes([content[middle] ^ 0x10])
    return content[:middle] + flipped + content[middle + 1 :]


def good_gzip_of_one_changed_label(content):
    plain = bytearray(gzip.decompress(content))
    plain[5000] ^= 1
    return gzip.compress(bytes(plain))


def plain_that_ends_early(content):
    return gzip.decompress(content)[:-1]


def plain_that_goes_on(content):
    return gzip.decompress(content) + b"\0"


def other_files_content(content):
    return gzip.compress(b"\0\0\x08\x03" + np.array([2, 28, 28], ">u4").tobytes())


def other_item_type(content):
    return b"\0\0\x0d" + gzip.decompress(content)[3:]


def ends_within_its_header(content):
    return gzip.decompress(content)[:6]


def nothing(content):
    return b""


DAMAGES = {
    truncated_gzip: "its gzip stream is damaged",
    gzip_with_a_flipped_bit: "its gzip stream is damaged",
    good_gzip_of_one_changed_label: "its MD5 sum is",
    plain_that_ends_early: "it ends after 9,999 of 10,000 bytes of data",
    plain_that_goes_on: "it goes on after its 10,000 bytes of data",
    other_files_content: r"it holds an array of shape \(2, 28, 28\), not \(10000,\)",
    other_item_type: "its items are of IDX type 0x0d, not bytes",
    ends_within_its_header: "it ends within its header",
    web_page: "it is not an IDX file: it begins with b'<!DO'",
    nothing: "it is not an IDX file",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_file_is_never_returned_nor_left_in_place(home, damage):
    path = home / TEST_LABELS
    bad = damage(path.read_bytes())
    path.write_bytes(bad)
    with pytest.raises(FileNotFoundError, match=DAMAGES[damage]) as caught:
        fetch_mnist(data_home=home, download_if_missing=False)
    message = str(caught.value)
    assert str(path) in message
    assert "10,008 bytes" in message
    assert "27ae3e4e09519cfbb04c329615203637" in message
    assert f"renamed to {TEST_LABELS}.corrupt" in message
    assert not path.exists()
    assert (home / f"{TEST_LABELS}.corrupt").read_bytes() == bad


def test_labels_in_place_of_images_are_refused(home):
    shutil.copyfile(home / TEST_LABELS, home / "t10k-images-idx3-ubyte.gz")
    with pytest.raises(OSError, match=r"shape \(10000,\), not \(10000, 28, 28\)"):
        fetch_mnist(data_home=home, download_if_missing=False)


def test_good_gzip_serves_beside_a_damaged_plain_file(home):
    plain = home / TEST_LABELS.removesuffix(".gz")
    plain.write_bytes(b"\0\0\x08\x01")
    mnist = fetch_mnist(data_home=home, download_if_missing=False)
    assert mnist.target[60000] == 7
    assert files_in(home) == sorted([*NAMES, f"{plain.name}.corrupt"])


def test_good_file_that_came_meanwhile_is_not_set_aside(home):
    path = home / TEST_LABELS
    state = path.stat()
    shutil.copyfile(path, home / "new")
    (home / "new").replace(path)
    assert "Another process has replaced it" in _mnist._set_aside(path, "bad", state)
    assert files_in(home) == sorted(NAMES)


OTHER_PLACES = {
    "dots": "{dotted}",
    "dots, gzipped": "{dotted}.gz",
    "Kaggle's archive": "{name}/{name}",
    "Kaggle's archive, dots": "{dotted}/{dotted}",
    "torchvision's root": "MNIST/raw/{name}",
    "torchvision's root, gzipped": "MNIST/raw/{name}.gz",
}


@pytest.mark.parametrize("place", OTHER_PLACES)
def test_files_are_found_under_their_other_usual_names(place, mnist_home, tmp_path):
    for name in (name.removesuffix(".gz") for name in NAMES):
        form = OTHER_PLACES[place]
        path = tmp_path / form.format(name=name, dotted=name.replace("-idx", ".idx"))
        path.parent.mkdir(parents=True, exist_ok=True)
        content = (mnist_home / f"{name}.gz").read_bytes()
        packed = path.suffix == ".gz"
        path.write_bytes(content if packed else gzip.decompress(content))
    mnist = fetch_mnist(data_home=tmp_path, download_if_missing=False)
    assert mnist.target[60000:60003].tolist() == [7, 2, 1]


def test_a_missing_file_is_told_with_what_lies_there(home):
    (home / TEST_LABELS).rename(home / "test-labels")
    with pytest.raises(FileNotFoundError) as caught:
        fetch_mnist(data_home=home, download_if_missing=False)
    there = ", ".join(sorted([*NAMES[:3], "test-labels"]))
    assert f"{home} holds {there}." in str(caught.value)
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder that exists"):
        fetch_mnist(data_home=home / "nowhere", download_if_missing=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only folders")
def test_damaged_file_in_a_read_only_folder_is_refused_clearly(home):
    path = home / TEST_LABELS
    path.write_bytes(truncated_gzip(path.read_bytes()))
    with read_only_folder([home / name for name in NAMES]) as folder:
        with pytest.raises(OSError, match="could not be renamed") as caught:
            fetch_mnist(data_home=folder, download_if_missing=False)
        assert f"{folder / TEST_LABELS} is not the original" in str(caught.value)


def test_datasets_import_neither_torch_nor_pooch():
    code = (
        "import sys, skmnist.datasets; "
        "print([name for name in ('torch', 'skorch', 'pooch') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]", result.stderr
