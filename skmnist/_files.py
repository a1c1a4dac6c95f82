"""Files that are whole or not there at all, and that one process at a time writes."""

import contextlib
import glob
import os
from pathlib import Path
from uuid import uuid4

from filelock import FileLock


def write_whole(path, write):
    """Let ``write(file)`` fill a file aside, then move it into place at once.

    Until then, and after any failure, what was there before is still there.
    """
    path = Path(path)
    # Not by tempfile, whose files nobody else may read.
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with open(aside, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        if error.errno is None:
            raise
        # A full disk names no file, and the name of the one aside would say little.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def sole_writer(path):
    """Keep other processes, and threads, from writing the same file meanwhile.

    What a process left aside that was killed while it wrote is removed.

    Raises
    ------
    filelock.Timeout
        At once, where another is writing it.
    OSError
        For a folder that is not there or cannot be written to.
    """
    path = Path(path)
    # The lock would make the folder, and hide a slip of the pen.
    path.parent.stat()
    marker = path.with_name(f".{path.name}.lock")
    with FileLock(marker, timeout=0):
        try:
            for left in path.parent.glob(
                f".{glob.escape(path.name)}.{'[0-9a-f]' * 32}"
            ):
                left.unlink()
            yield
        finally:
            # While it is locked, so that it is nobody else's; where open files cannot
            # be removed, the lock does so itself.
            with contextlib.suppress(PermissionError):
                marker.unlink(missing_ok=True)
