"""Reading of IDX files, the format in which MNIST and its siblings are published."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skmnist._public import public

if TYPE_CHECKING:
    from skmnist._typing import FilePath

# The types of items, by the third byte of a file. They are big-endian.
_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# Hashing a chunk right after inflating it finds it still in the cache.
_CHUNK_BYTES = 1 << 18


def read_idx(path, out):
    """Read an IDX file of unsigned bytes, plain or gzipped, into an array.

    Parameters
    ----------
    path : pathlib.Path
        The file. Gzip is recognised by content, not by name, because browsers
        and servers like to unpack a ``.gz`` and leave it its name.
    out : ndarray of uint8
        C-contiguous array to fill; the file must hold exactly its shape. After
        an error its content is undefined.

    Returns
    -------
    md5 : str
        MD5 sum of the decompressed file, header included.

    Raises
    ------
    ValueError
        If the file is damaged, is not an IDX file or holds something else. The
        message continues a sentence that names the file.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of
       handwritten digits", http://yann.lecun.com/exdb/mnist/ (section "File
       formats for the MNIST database").
    """
    md5 = hashlib.md5(usedforsecurity=False)
    with _content(path) as file:
        header, dtype, shape = _read_header(file)
        if dtype != out.dtype:
            raise ValueError(f"its items are of IDX type 0x{header[2]:02x}, not bytes")
        if shape != out.shape:
            raise ValueError(f"it holds an array of shape {shape}, not {out.shape}")
        md5.update(header)
        _fill(file, out, md5)
    return md5.hexdigest()


@public
def load_idx(path: FilePath, *, transposed: bool = False) -> np.ndarray:
    """Load an array from an IDX file, such as those of MNIST [1]_.

    Parameters
    ----------
    path : str or path-like
        The file, plain or gzipped, whatever its name.
    transposed : bool, default=False
        Whether the last two axes are to be swapped: the images in EMNIST's files [2]_
        lie with rows and columns exchanged.

    Returns
    -------
    array : ndarray
        In the file's shape and dtype, such as (60000, 28, 28) and uint8.

    Raises
    ------
    OSError
        If the file is missing or cannot be read.
    ValueError
        If it is not an IDX file, or is damaged, or if `transposed` is asked of fewer
        than two axes.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of
       handwritten digits", http://yann.lecun.com/exdb/mnist/.
    .. [2] G. Cohen, S. Afshar, J. Tapson, A. van Schaik (2017), "EMNIST: an extension
       of MNIST to handwritten letters", arXiv:1702.05373.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmnist.datasets import load_idx
    >>> file = Path(tempfile.mkdtemp(), "labels.idx1-ubyte")
    >>> magic, size = [0, 0, 8, 1], [0, 0, 0, 3]
    >>> file.write_bytes(bytes(magic + size + [5, 0, 4]))
    11
    >>> load_idx(file)
    array([5, 0, 4], dtype=uint8)
    """
    path = Path(path)
    try:
        with _content(path) as file:
            _, dtype, shape = _read_header(file)
            # All that is there, not as much as the header says, which may be anything.
            data = bytearray(file.read())
        _check_length(len(data), math.prod(shape) * dtype.itemsize)
    except ValueError as error:
        raise ValueError(f"{path} cannot be loaded: {error}.") from error
    array = np.frombuffer(data, dtype).reshape(shape)
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if not transposed:
        return array
    if array.ndim < 2:
        raise ValueError(
            "The 'transposed' parameter of load_idx must be False for an array of "
            f"{array.ndim} dimension. Got {transposed!r} instead."
        )
    return np.ascontiguousarray(array.swapaxes(-1, -2))


@contextmanager
def _content(path):
    """The decompressed content of a file, with gzip's errors as ours."""
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.open(raw) if gzipped else nullcontext(raw) as file:
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"its gzip stream is damaged ({error})") from error


def _read_header(file):
    """The header's bytes, and the dtype and shape that it tells."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise ValueError(f"it is not an IDX file: it begins with {magic!r}")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError("it ends within its header")
    shape = tuple(np.frombuffer(sizes, dtype=">u4").tolist())
    return magic + sizes, np.dtype(_DTYPES[magic[2]]), shape


def _fill(file, out, md5):
    buffer, position = memoryview(out).cast("B"), 0
    while n_read := file.readinto(buffer[position : position + _CHUNK_BYTES]):
        md5.update(buffer[position : position + n_read])
        position += n_read
    # Asking beyond the end also makes gzip check its own sum.
    _check_length(position + len(file.read(1)), out.nbytes)


def _check_length(n_found, n_expected):
    if n_found < n_expected:
        raise ValueError(f"it ends after {n_found:,} of {n_expected:,} bytes of data")
    if n_found > n_expected:
        raise ValueError(f"it goes on after its {n_expected:,} bytes of data")
