"""Reading of IDX files, the format in which MNIST and its siblings are published."""

import gzip
import hashlib
import zlib
from contextlib import nullcontext

import numpy as np

_UNSIGNED_BYTE = 0x08
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
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.open(raw) if gzipped else nullcontext(raw) as file:
                md5.update(_read_header(file, out.shape))
                n_read = _fill(file, memoryview(out).cast("B"), md5)
                # Asking beyond the end also makes gzip check its own sum.
                surplus = file.read(1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"its gzip stream is damaged ({error})") from error
    if n_read < out.nbytes:
        raise ValueError(f"it ends after {n_read:,} of {out.nbytes:,} bytes of data")
    if surplus:
        raise ValueError(f"it goes on after its {out.nbytes:,} bytes of data")
    return md5.hexdigest()


def _read_header(file, expected_shape):
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(f"it is not an IDX file: it begins with {magic!r}")
    if magic[2] != _UNSIGNED_BYTE:
        raise ValueError(f"its items are of IDX type 0x{magic[2]:02x}, not bytes")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError("it ends within its header")
    shape = tuple(np.frombuffer(sizes, dtype=">u4").tolist())
    if shape != expected_shape:
        raise ValueError(f"it holds an array of shape {shape}, not {expected_shape}")
    return magic + sizes


def _fill(file, buffer, md5):
    position = 0
    while n_read := file.readinto(buffer[position : position + _CHUNK_BYTES]):
        md5.update(buffer[position : position + n_read])
        position += n_read
    return position
