"""fetch_mnist from the network: mirrors, failures, two processes at once."""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import threading

import pytest
from mnist_files import (
    NAMES,
    ROOT,
    TEST_LABELS,
    UNREACHABLE,
    files_in,
    read_only_folder,
    truncated_gzip,
    web_page,
)

from skmnist.datasets import _mnist, fetch_mnist


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


def test_damaged_file_is_set_aside_when_the_download_fails(home, no_network):
    path = home / TEST_LABELS
    path.write_bytes(truncated_gzip(path.read_bytes()))
    with pytest.raises(ConnectionError) as caught:
        fetch_mnist(data_home=home)
    assert "is not the original file" in str(caught.value)
    assert UNREACHABLE + TEST_LABELS in str(caught.value)
    assert files_in(home) == sorted([*NAMES[:-1], f"{TEST_LABELS}.corrupt"])


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


def test_data_home_that_is_a_file_is_an_error(tmp_path):
    pytest.importorskip("pooch", reason="downloading needs the extra 'data'")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written to"):
        fetch_mnist(data_home=tmp_path / "file")
