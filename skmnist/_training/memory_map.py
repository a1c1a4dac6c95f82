"""Images in a file that is mapped into memory: read, and given back. No torch."""

import math
import mmap

import numpy as np

# Resident bytes of a file before they are given back.
RESIDENT_BYTES = 128 * 2**20

# Bytes read between two looks at how many are resident. An image that is touched
# counts for 64 KiB, as its page brings neighbours with it; how many is the system's
# affair: with ext4 on Linux 6.18 it was 350 KB an image.
LOOK_BYTES = 4 * 2**20
TOUCHED_BYTES = 64 * 2**10


def find_memory_map(array):
    """The memory map that an array is a view of, or None."""
    while array is not None:
        # Rows taken from a memory map are of its class too, but in memory.
        if isinstance(array, np.memmap) and array._mmap is not None:
            return array
        array = getattr(array, "base", None)
    return None


class PageReleaser:
    """Keeps what is resident of a mapped file small while it is read.

    Pages that were read stay resident until the system wants their memory for
    something else, up to the whole file. Giving them back costs little: they remain
    in the system's cache of files.

    Parameters
    ----------
    memory_map : numpy.memmap or None
        None, or one that was opened to write on copies of its pages ("c"), is left
        alone: what was written would be lost.
    """

    def __init__(self, memory_map):
        shared = memory_map is not None and memory_map.mode != "c"
        self.mapping = memory_map._mmap if shared else None
        self.limit = resident_file_bytes() + RESIDENT_BYTES if shared else None
        self.touched = 0

    def read(self, n_images, image_bytes):
        """Count images that were read, and give their pages back when it is time."""
        if self.mapping is None:
            return
        self.touched += n_images * max(image_bytes, TOUCHED_BYTES)
        if self.touched > LOOK_BYTES:
            self.touched = 0
            if resident_file_bytes() >= self.limit:
                self.release()

    def release(self):
        """Give all pages back, where the system lets us."""
        if self.mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.mapping.madvise(mmap.MADV_DONTNEED)


def resident_file_bytes():
    """Bytes of mapped files that this process has in memory, libraries included.

    Infinitely many where the system has no /proc to tell.
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[2]) * mmap.PAGESIZE
    except OSError:
        return math.inf
