"""The files of MNIST, and what may become of them."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
UNREACHABLE = "http://127.0.0.1:1/"


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def truncated_gzip(content):
    return content[:-100]


def web_page(content):
    return b"<!DOCTYPE html><title>Please log in</title>"


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
