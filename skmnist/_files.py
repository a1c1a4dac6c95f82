"""Files that are whole or not there at all."""

import os
from pathlib import Path
from uuid import uuid4


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
    finally:
        aside.unlink(missing_ok=True)
