import gzip
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist.datasets import _mnist, fetch_mnist, load_digits28, load_idx
from skmnist.datasets._idx import read_idx

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
UNREACHABLE = "http://127.0.0.1:1/"


@pytest.fixture
def home(mnist_home, tmp_path):
    """Copy the real files to a folder, ours to damage."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in NAMES:
        shutil.copyfile(mnist_home / name, folder / name)
    return folder


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setitem(_mnist._MIRRORS, "digits", (UNREACHABLE,))


@pytest.fixture
def serve(monkeypatch):
    """Start web servers that offer folders, and make them the mirrors."""
    pytest.importorskip("pooch", reason="downloading needs the extra 'data'")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(*folders, before_reply=lambda path: None):
        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self):
                before_reply(self.path)
                super().do_GET()

            def log_message(self, *args):
                pass

        urls = []
        for folder in folders:
            handler = partial(Handler, directory=folder)
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            # The interval, in seconds, is how long stopping takes.
            threading.Thread(
                target=server.serve_forever, args=(0.02,), daemon=True
            ).start()
            servers.append(server)
            urls.append(f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setitem(_mnist._MIRRORS, "digits", tuple(urls))
        return urls

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


# The embedded digits


def test_digits28_are_uint8_images_from_black_to_white():
    digits = load_digits28()
    assert digits.data.shape == (1797, 28, 28)
    assert digits.data.dtype == np.uint8
    assert digits.data.flags.c_contiguous
    assert digits.data.flags.writeable
    # Every image uses the whole range, as MNIST's do.
    assert (digits.data.min(axis=(1, 2)) == 0).all()
    assert (digits.data.max(axis=(1, 2)) == 255).all()


def test_digits28_keep_labels_and_order_of_scikit_learn():
    digits, source = load_digits28(), load_digits()
    assert digits.target.dtype == np.int64
    np.testing.assert_array_equal(digits.target, source.target)
    assert digits.target_names.tolist() == list("0123456789")
    assert "UCI" in digits.DESCR
    # A block of the enlarged image has the brightness order of its source pixel.
    field = digits.data[:, 4:24, 4:24].astype(float)
    blocks = field.reshape(-1, 4, 5, 4, 5).mean(axis=(2, 4))
    coarse = source.images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    assert np.corrcoef(blocks.ravel(), coarse.ravel())[0, 1] > 0.98


def test_digits28_have_the_border_and_the_greys_of_mnist():
    data = load_digits28().data
    inside = np.zeros((28, 28), dtype=bool)
    inside[4:24, 4:24] = True
    assert not data[:, ~inside].any()
    assert 0.15 < (data > 0).mean() < 0.25
    assert 0.05 < ((data > 30) & (data < 225)).mean() < 0.12


def test_digits28_are_the_same_bytes_everywhere():
    md5 = hashlib.md5(load_digits28().data, usedforsecurity=False).hexdigest()
    assert md5 == "86bfd3194e6236250a47d61e94e7b5fd"


def test_digits28_split_holds_out_whole_forms_with_every_class():
    X_train, X_test, y_train, y_test = load_digits28(split=True)
    assert X_train.shape == (1415, 28, 28)
    assert X_test.shape == (382, 28, 28)
    data, target = load_digits28(return_X_y=True)
    np.testing.assert_array_equal(np.concatenate([X_train, X_test]), data)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), target)
    # Every form begins with the ten digits in order, three times over; the
    # digit before is the last of the form before, which always is an 8.
    np.testing.assert_array_equal(y_test[:30], np.tile(np.arange(10), 3))
    np.testing.assert_array_equal(y_test[30:60], y_train[30:60])
    assert y_train[-1] == y_test[-1] == 8
    assert np.bincount(y_test).min() >= 35


# The files of MNIST


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


# Damaged files


def truncated_gzip(content):
    return content[:-100]


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


def web_page(content):
    return b"<!DOCTYPE html><title>Please log in</title>"


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


def test_damaged_file_is_replaced_by_a_download(home, mnist_home, serve, caplog):
    path = home / TEST_LABELS
    path.write_bytes(truncated_gzip(path.read_bytes()))
    serve(mnist_home)
    mnist = fetch_mnist(data_home=home)
    assert mnist.target[60000] == 7
    assert path.read_bytes() == (mnist_home / TEST_LABELS).read_bytes()
    assert files_in(home) == sorted([*NAMES, f"{TEST_LABELS}.corrupt"])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(path) in record.getMessage()


def test_good_gzip_serves_beside_a_damaged_plain_file(home):
    plain = home / TEST_LABELS.removesuffix(".gz")
    plain.write_bytes(b"\0\0\x08\x01")
    mnist = fetch_mnist(data_home=home, download_if_missing=False)
    assert mnist.target[60000] == 7
    assert files_in(home) == sorted([*NAMES, f"{plain.name}.corrupt"])


def test_damaged_file_is_set_aside_when_the_download_fails(home, no_network):
    path = home / TEST_LABELS
    path.write_bytes(truncated_gzip(path.read_bytes()))
    with pytest.raises(ConnectionError) as caught:
        fetch_mnist(data_home=home)
    assert "is not the original file" in str(caught.value)
    assert UNREACHABLE + TEST_LABELS in str(caught.value)
    assert files_in(home) == sorted([*NAMES[:-1], f"{TEST_LABELS}.corrupt"])


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


# Any IDX file


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


# Downloads


def test_missing_files_are_downloaded_once(mnist_home, tmp_path, serve, capfd, caplog):
    requests = []
    serve(mnist_home, before_reply=requests.append)
    folder = tmp_path / "new" / "folder"
    X_train, *_ = fetch_mnist(data_home=folder, split=True)
    assert X_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert files_in(folder) == sorted(NAMES)
    assert requests == [f"/{name}" for name in NAMES]
    fetch_mnist(data_home=folder)
    assert len(requests) == 4
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    # Others share the folder: the umask alone decides who may read.
    (tmp_path / "by_umask").touch()
    mode = (tmp_path / "by_umask").stat().st_mode
    assert {path.stat().st_mode for path in folder.iterdir()} == {mode}


@pytest.mark.parametrize("damage", [None, truncated_gzip, web_page])
def test_second_mirror_is_used_when_the_first_fails(
    damage, home, mnist_home, tmp_path, serve
):
    (home / TEST_LABELS).unlink()
    first = tmp_path / "first"
    first.mkdir()
    if damage is not None:
        good = (mnist_home / TEST_LABELS).read_bytes()
        (first / TEST_LABELS).write_bytes(damage(good))
    serve(first, mnist_home)
    assert fetch_mnist(data_home=home).target[60000] == 7
    assert files_in(home) == sorted(NAMES)


def test_error_without_a_network_says_what_was_tried_and_what_to_do(
    tmp_path, monkeypatch, no_network
):
    pytest.importorskip("pooch", reason="downloading needs the extra 'data'")
    mirrors = (UNREACHABLE, "http://127.0.0.1:2/")
    monkeypatch.setitem(_mnist._MIRRORS, "digits", mirrors)
    with pytest.raises(ConnectionError) as caught:
        fetch_mnist(data_home=tmp_path)
    message = str(caught.value)
    for mirror in mirrors:
        assert f"{mirror}{NAMES[0]}: " in message
    assert message.count("Connection refused") == 2
    assert "by hand" in message
    assert str(tmp_path) in message
    assert all(name in message for name in NAMES)
    assert files_in(tmp_path) == []


def test_mirror_with_wrong_files_only_is_an_error(mnist_home, tmp_path, serve):
    wrong, folder = tmp_path / "wrong", tmp_path / "folder"
    wrong.mkdir()
    shutil.copyfile(mnist_home / TEST_LABELS, wrong / NAMES[0])
    serve(wrong)
    with pytest.raises(ConnectionError, match=r"expected.* 47,040,016 bytes"):
        fetch_mnist(data_home=folder)
    assert files_in(folder) == []


def test_no_download_where_it_is_not_wanted(tmp_path, serve):
    requests = []
    serve(tmp_path, before_reply=requests.append)
    with pytest.raises(OSError, match="download_if_missing is False") as caught:
        fetch_mnist(data_home=tmp_path / "none", download_if_missing=False)
    assert "by hand" in str(caught.value)
    assert requests == []
    assert files_in(tmp_path) == []


def test_download_without_pooch_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError) as caught:
        fetch_mnist(data_home=tmp_path)
    message = str(caught.value)
    assert 'pip install "skmnist[data]"' in message
    assert "by hand" in message
    assert str(tmp_path) in message
    assert all(name in message for name in NAMES)


FETCH = """
import hashlib, sys
from skmnist.datasets import _mnist, fetch_mnist
_mnist._MIRRORS["digits"] = (sys.argv[1],)
mnist = fetch_mnist(data_home=sys.argv[2])
print(hashlib.md5(mnist.data).hexdigest(), hashlib.md5(mnist.target).hexdigest())
"""


@pytest.mark.parametrize("left_behind", [None, truncated_gzip])
def test_two_processes_can_fetch_at_once(left_behind, mnist_home, tmp_path, serve):
    # Neither gets an answer before both have asked for the largest file.
    both_asked = threading.Barrier(2)

    def meet(path):
        if path == f"/{NAMES[0]}":
            both_asked.wait(timeout=60)

    folder = tmp_path / "folder"
    folder.mkdir()
    expected = list(NAMES)
    if left_behind is not None:
        good = (mnist_home / NAMES[0]).read_bytes()
        (folder / NAMES[0]).write_bytes(left_behind(good))
        expected.append(f"{NAMES[0]}.corrupt")
    (url,) = serve(mnist_home, before_reply=meet)
    command = [sys.executable, "-c", FETCH, url, str(folder)]
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    mnist = fetch_mnist(data_home=mnist_home)
    sums = [hashlib.md5(array).hexdigest() for array in (mnist.data, mnist.target)]
    assert [stdout.split() for stdout, _ in outputs] == [sums, sums]
    assert files_in(folder) == sorted(expected)


@contextmanager
def read_only_folder(source):
    """Copy files to a folder that the running user cannot write to."""
    # Not below tmp_path, which is root's alone when root runs the tests.
    folder = Path(tempfile.mkdtemp())
    try:
        for path in source:
            shutil.copy(path, folder)
        folder.chmod(0o555)
        if is_root := hasattr(os, "geteuid") and os.geteuid() == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only folders")
def test_read_only_folder_serves_good_files_and_explains_missing_ones(
    mnist_home, serve
):
    good = [mnist_home / name for name in NAMES]
    with read_only_folder(good) as folder:
        assert fetch_mnist(data_home=folder).target[60000] == 7
    with read_only_folder(good[:-1]) as folder:
        with pytest.raises(OSError, match="cannot be written to") as caught:
            fetch_mnist(data_home=folder)
        assert "SKMNIST_DATA" in str(caught.value)
        assert str(folder) in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only folders")
def test_damaged_file_in_a_read_only_folder_is_refused_clearly(home):
    path = home / TEST_LABELS
    path.write_bytes(truncated_gzip(path.read_bytes()))
    with read_only_folder([home / name for name in NAMES]) as folder:
        with pytest.raises(OSError, match="could not be renamed") as caught:
            fetch_mnist(data_home=folder, download_if_missing=False)
        assert f"{folder / TEST_LABELS} is not the original" in str(caught.value)


def test_data_home_that_is_a_file_is_an_error(tmp_path):
    pytest.importorskip("pooch", reason="downloading needs the extra 'data'")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written to"):
        fetch_mnist(data_home=tmp_path / "file")


# The reader and the imports


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_idx_reader_reads_big_endian_sizes_and_returns_the_sum(tmp_path, pack):
    array = np.arange(3 * 258, dtype=np.uint16).astype(np.uint8).reshape(3, 258)
    content = b"\0\0\x08\x02" + b"\0\0\0\x03" + b"\0\0\x01\x02" + array.tobytes()
    path = tmp_path / "file"
    path.write_bytes(pack(content))
    out = np.zeros((3, 258), dtype=np.uint8)
    assert read_idx(path, out) == hashlib.md5(content).hexdigest()
    np.testing.assert_array_equal(out, array)


def test_datasets_import_neither_torch_nor_pooch():
    code = (
        "import sys, skmnist.datasets; "
        "print([name for name in ('torch', 'skorch', 'pooch') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]", result.stderr
