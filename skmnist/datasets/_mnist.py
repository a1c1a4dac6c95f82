"""MNIST, Fashion-MNIST and Kuzushiji-MNIST, from disk or from the network."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, overload
from uuid import uuid4

import numpy as np
from sklearn.utils import Bunch

from skmnist._public import public

from ._idx import read_idx

if TYPE_CHECKING:
    from skmnist._typing import FilePath, Split

Variant: TypeAlias = Literal["digits", "fashion", "kuzushiji"]

_logger = logging.getLogger(__name__)

_N_TRAIN, _N_TEST = 60_000, 10_000

# MD5 sums of the decompressed files, because mirrors compress each in their own
# way. Digits: of the original files. Fashion and Kuzushiji: the git-annex keys of
# github.com/datasets-mila/datasets--fashionmnist and --kmnist. Those of all
# labels and of Kuzushiji's t10k images were checked by unpacking a .gz with the
# MD5 that torchvision and the authors publish.
_MD5 = {
    "digits": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    "kuzushiji": {
        "train-images-idx3-ubyte": "92be26ec9822e900ac425d0a0aa84ced",
        "train-labels-idx1-ubyte": "949e75301f8813e0dc5800dcc320fc52",
        "t10k-images-idx3-ubyte": "bf305b8cd328700fbc17f5acbc2856d2",
        "t10k-labels-idx1-ubyte": "9f55f451c0988b028eccdf7d5cc265ab",
    },
}

_MIRRORS = {
    "digits": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/"
        "data/fashion/",
        # A website on S3, which has no https.
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    "kuzushiji": ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
}

# Where torchvision keeps the files, in what it calls root.
_TORCHVISION = {
    "digits": "MNIST/raw",
    "fashion": "FashionMNIST/raw",
    "kuzushiji": "KMNIST/raw",
}

_TARGET_NAMES = {
    "digits": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    "fashion": [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    "kuzushiji": ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
}

_SOURCE = {
    "digits": """\
MNIST: handwritten digits
-------------------------

By Y. LeCun and C. Cortes, http://yann.lecun.com/exdb/mnist/, CC BY-SA 3.0. See
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), "Gradient-based learning
applied to document recognition", Proceedings of the IEEE 86(11), 2278-2324.
""",
    "fashion": """\
Fashion-MNIST: articles of clothing
-----------------------------------

By Zalando SE, https://github.com/zalandoresearch/fashion-mnist, MIT licence. See
H. Xiao, K. Rasul, R. Vollgraf (2017), "Fashion-MNIST: a novel image dataset for
benchmarking machine learning algorithms", arXiv:1708.07747.
""",
    "kuzushiji": """\
Kuzushiji-MNIST: cursive Japanese characters
--------------------------------------------

By the ROIS-DS Center for Open Data in the Humanities,
https://github.com/rois-codh/kmnist, CC BY-SA 4.0. See T. Clanuwat,
M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha (2018), "Deep learning
for classical Japanese literature", arXiv:1812.01718.
""",
}

_FORMAT = """
70,000 images of 28x28 uint8 pixels from 0 (background) to 255, in ten classes.
The first 60,000 are the training set, the last 10,000 the test set.
"""


@overload
def fetch_mnist(
    variant: Variant = ...,
    *,
    data_home: FilePath | None = ...,
    split: Literal[True],
    return_X_y: bool = ...,
    download_if_missing: bool = ...,
) -> Split: ...
@overload
def fetch_mnist(
    variant: Variant = ...,
    *,
    data_home: FilePath | None = ...,
    split: Literal[False] = ...,
    return_X_y: Literal[True],
    download_if_missing: bool = ...,
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def fetch_mnist(
    variant: Variant = ...,
    *,
    data_home: FilePath | None = ...,
    split: Literal[False] = ...,
    return_X_y: Literal[False] = ...,
    download_if_missing: bool = ...,
) -> Bunch: ...
@public
def fetch_mnist(
    variant: Variant = "digits",
    *,
    data_home: FilePath | None = None,
    split: bool = False,
    return_X_y: bool = False,
    download_if_missing: bool = True,
) -> Split | tuple[np.ndarray, np.ndarray] | Bunch:
    """Load MNIST or one of its siblings, downloading it where it is missing.

    Parameters
    ----------
    variant : {"digits", "fashion", "kuzushiji"}, default="digits"
        MNIST [1]_, Fashion-MNIST [2]_ or Kuzushiji-MNIST [3]_.
    data_home : str or path-like, default=None
        The folder of the data. If None, it is the one that the environment
        variable ``SKMNIST_DATA`` names, or else ``~/skmnist_data``. The files of
        "digits" lie directly in it, those of "fashion" and "kuzushiji", which
        have the same names, in its subfolders ``fashion`` and ``kuzushiji``.
    split : bool, default=False
        If True, return the four arrays of the standard split instead of a
        `Bunch` (`return_X_y` then changes nothing).
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a `Bunch`.
    download_if_missing : bool, default=True
        If False, raise an error where a good file is missing, instead of
        downloading it (needs pooch: ``pip install "skmnist[data]"``).

    Returns
    -------
    mnist : :class:`~sklearn.utils.Bunch`
        With the attributes:

        data : ndarray of shape (70000, 28, 28), dtype uint8
            The images, 0 (background) to 255; the 60,000 training images first.
        target : ndarray of shape (70000,), dtype int64
            The classes, 0 to 9.
        target_names : ndarray of shape (10,), dtype str
            The names of the classes.
        DESCR : str
            Where the data comes from, and its licence.
    (data, target) : tuple of ndarray
        If `return_X_y` is True.
    X_train, X_test, y_train, y_test : tuple of ndarray
        If `split` is True, with 60,000 and 10,000 images: views of one array.

    Raises
    ------
    ValueError, TypeError
        If `variant` is unknown, or `data_home` is not a path.
    OSError
        If a file is missing and may not or cannot be downloaded
        (`ConnectionError` where no mirror has it, `FileNotFoundError` where
        `download_if_missing` is False), or the folder cannot be written to.
    ImportError
        If a download is needed and pooch is not installed.

    Notes
    -----
    A file is IDX, plain or gzipped, with or without ``.gz`` in its name. Files are
    found under their other usual names too: ``train-images.idx3-ubyte``, in folders
    of their own as in Kaggle's archive, and in ``MNIST/raw``, ``FashionMNIST/raw``
    and ``KMNIST/raw``, where torchvision keeps them in its root folder. The
    decompressed content of a file is verified by its MD5 sum at every load, so a file
    from any source will do. A file that is not the original is never used and
    never stays: it is renamed to ``<name>.corrupt`` (nothing of yours is
    deleted; an earlier ``.corrupt`` is replaced), then downloaded. Downloads
    are verified under a temporary name before they are moved into place, so
    that several processes may fetch into one folder at once.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), "Gradient-based
       learning applied to document recognition", Proceedings of the IEEE
       86(11), 2278-2324.
    .. [2] H. Xiao, K. Rasul, R. Vollgraf (2017), "Fashion-MNIST: a novel image
       dataset for benchmarking machine learning algorithms", arXiv:1708.07747.
    .. [3] T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha
       (2018), "Deep learning for classical Japanese literature",
       arXiv:1812.01718.

    Examples
    --------
    >>> from skmnist.datasets import fetch_mnist
    >>> X_train, X_test, y_train, y_test = fetch_mnist(
    ...     split=True
    ... )  # doctest: +SKIP
    >>> X_train.shape, X_test.shape  # doctest: +SKIP
    ((60000, 28, 28), (10000, 28, 28))
    """
    _check_parameters(variant, data_home)
    folder = _folder(variant, data_home)
    data = np.empty((_N_TRAIN + _N_TEST, 28, 28), dtype=np.uint8)
    labels = np.empty(_N_TRAIN + _N_TEST, dtype=np.uint8)
    parts = (data[:_N_TRAIN], labels[:_N_TRAIN], data[_N_TRAIN:], labels[_N_TRAIN:])
    for name, part in zip(_MD5[variant], parts, strict=True):
        _load_file(name, variant, folder, part, download_if_missing)
    target = labels.astype(np.int64)
    if split:
        return data[:_N_TRAIN], data[_N_TRAIN:], target[:_N_TRAIN], target[_N_TRAIN:]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array(_TARGET_NAMES[variant]),
        DESCR=_SOURCE[variant] + _FORMAT,
    )


def _check_parameters(variant, data_home):
    if variant not in tuple(_MD5):
        choices = ", ".join(repr(choice) for choice in _MD5)
        raise ValueError(
            "The 'variant' parameter of fetch_mnist must be one of "
            f"{choices}. Got {variant!r} instead."
        )
    if not isinstance(data_home, str | os.PathLike | None):
        raise TypeError(
            "The 'data_home' parameter of fetch_mnist must be a str, a path or "
            f"None. Got {data_home!r} instead."
        )


def _folder(variant, data_home):
    if data_home is None:
        data_home = os.environ.get("SKMNIST_DATA") or Path("~", "skmnist_data")
    home = Path(data_home).expanduser()
    return home if variant == "digits" else home / variant


def _load_file(name, variant, folder, out, download_if_missing):
    """Fill `out` from the good file in `folder`, fetching one if need be."""
    found, corrupt = _read_local(name, variant, folder, out)
    notes = [_set_aside(*finding) for finding in corrupt]
    if not found and not download_if_missing:
        reason = (
            f"{variant!r} has no good file {name} or {name}.gz in {folder}, and "
            "download_if_missing is False."
        )
        raise FileNotFoundError(_explain(reason, notes, variant, folder))
    if not found:
        _download(name, variant, folder, out, notes)
    for note in notes:
        _logger.warning(note)


def _read_local(name, variant, folder, out):
    """Look for a good file without changing anything on disk.

    Returns whether one was found, and the bad ones found on the way: their paths,
    what is wrong with them, and their state when they were read.
    """
    corrupt = []
    for path in _usual_places(name, variant, folder):
        # Kaggle's archive has folders of these names.
        if not path.is_file():
            continue
        try:
            state = path.stat()
            _read_verified(path, _MD5[variant][name], out)
        except FileNotFoundError:
            # Another process has just set it aside.
            continue
        except ValueError as error:
            corrupt.append((path, str(error), state))
        else:
            return True, corrupt
    return False, corrupt


def _usual_places(name, variant, folder):
    """Every path under which people hold a file, our own first."""
    home = folder if variant == "digits" else folder.parent
    dotted = name.replace("-idx", ".idx")
    for where in (folder, folder / name, folder / dotted, home / _TORCHVISION[variant]):
        for called in (name, dotted):
            yield from (where / called, where / f"{called}.gz")


def _read_verified(path, expected_md5, out):
    try:
        md5 = read_idx(path, out)
    except ValueError as error:
        problem = str(error)
    else:
        if md5 == expected_md5:
            return
        problem = f"its MD5 sum is {md5}"
    n_bytes = 4 * (1 + out.ndim) + out.nbytes
    raise ValueError(
        f"expected, once decompressed, {n_bytes:,} bytes with the MD5 sum "
        f"{expected_md5}, but {problem}"
    )


def _set_aside(path, problem, state):
    """Move a corrupt file out of the way and return a sentence about it."""
    aside = path.with_name(f"{path.name}.corrupt")
    try:
        # Since we read it another process may have put a good file in its
        # place: that one has another inode.
        if os.path.samestat(state, path.stat()):
            path.replace(aside)
            outcome = f"It was renamed to {aside.name}"
        else:
            outcome = "Another process has replaced it"
    except FileNotFoundError:
        outcome = "Another process has removed it"
    except OSError as error:
        outcome = f"It could not be renamed ({error}), so please remove it"
    return f"{path} is not the original file: {problem}. {outcome}."


def _download(name, variant, folder, out, notes):
    try:
        from pooch import HTTPDownloader
    except ImportError as error:
        reason = (
            f"{name}.gz is missing in {folder}, and downloading it needs pooch. "
            'Install it with: pip install "skmnist[data]".'
        )
        raise ImportError(_explain(reason, notes, variant, folder)) from error

    # In the same folder, because only within one file system is a move atomic.
    # Not by tempfile, whose files nobody else may read: folders are shared.
    part = folder / f"{name}.gz.{uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch(exist_ok=False)
    except OSError as error:
        reason = (
            f"{name}.gz is missing, and the folder {folder} cannot be written to "
            f"({error}). Choose another with data_home or SKMNIST_DATA."
        )
        raise OSError(_explain(reason, notes, variant, folder)) from error

    download = HTTPDownloader(chunk_size=1 << 16)
    failures = []
    try:
        for mirror in _MIRRORS[variant]:
            url = f"{mirror}{name}.gz"
            _logger.info("Downloading %s", url)
            try:
                download(url, str(part), None)
                _read_verified(part, _MD5[variant][name], out)
            except (OSError, ValueError) as error:
                failures.append(f"\n  {url}: {error}")
            else:
                part.replace(folder / f"{name}.gz")
                return
    finally:
        part.unlink(missing_ok=True)
    reason = f"{name}.gz could not be downloaded. Tried:{''.join(failures)}\n"
    raise ConnectionError(_explain(reason, notes, variant, folder))


def _explain(reason, notes, variant, folder):
    names = ", ".join(f"{name}.gz" for name in _MD5[variant])
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else None
    if there is None:
        holds = f"{folder} is not a folder that exists."
    else:
        more = f" and {len(there) - 10} more" if len(there) > 10 else ""
        holds = f"{folder} holds {', '.join(there[:10]) or 'nothing'}{more}."
    by_hand = (
        f"To put the data there by hand, save {names} (gzipped or not) in {folder}, "
        f"for example from {_MIRRORS[variant][0]}."
    )
    return "\n".join([*notes, reason, holds, by_hand])
