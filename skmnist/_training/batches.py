"""Images as batches on the training device: gathered, never copied as a whole."""

import math

import numpy as np
import torch
from skorch.dataset import Dataset

from skmnist._training.memory_map import PageReleaser


def as_tensor(array):
    """A tensor on the array's own memory, read-only arrays included."""
    if isinstance(array, torch.Tensor):
        return array
    if not array.flags.writeable:
        # torch warns about every read-only array, as tensors know no such flag.
        # Nothing of ours writes to input, so it is shown memory that looks
        # writable; a warnings filter instead would not be thread-safe.
        array = np.asarray(_LooksWritable(array))
    return torch.from_numpy(array)


class _LooksWritable:
    def __init__(self, array):
        self.array = array
        interface = array.__array_interface__
        address, _ = interface["data"]
        self.__array_interface__ = {**interface, "data": (address, False)}


class ImageDataset(Dataset):
    """Images where they lie, and the class indices and weights of some of them.

    One of skorch's datasets, because its scoring callbacks take no others apart;
    but what it gives they make from the images when they ask for it.

    Parameters
    ----------
    images : tensor of shape (n, channels, height, width)
        In any dtype, on any device.
    targets : int64 tensor of shape (m,)
        The class index of every row.
    weights : float tensor of shape (m,), or None
        The weight in the loss of every row.
    rows : int64 tensor of shape (m,), or None
        Which images the rows are; None for all of them in order.
    memory_map : numpy.memmap or None
        The file that the images lie in: they stay there, and only batches go to
        the training device.
    """

    def __init__(self, images, targets, weights=None, rows=None, memory_map=None):
        self.images = images
        self.targets = targets
        self.weights = weights
        self.rows = rows
        self.memory_map = memory_map

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        row = index if self.rows is None else self.rows[index]
        return self.images[row], self.targets[index]

    def subset(self, positions):
        """The dataset of some rows, given by their positions in this one."""
        positions = torch.as_tensor(positions)
        return ImageDataset(
            self.images,
            self.targets[positions],
            None if self.weights is None else self.weights[positions],
            positions if self.rows is None else self.rows[positions],
            self.memory_map,
        )

    @property
    def X(self):
        """A copy of the rows, as skorch's scoring callbacks look for it."""
        return self.images if self.rows is None else self.images[self.rows]

    @property
    def y(self):
        """The class indices of the rows."""
        return self.targets


class Batches:
    """Batches of a dataset, gathered on the device, shuffled anew in every pass.

    Yields (images, targets, weights); weights is None where there are none.
    Labels and weights are put in order once a pass, images batch by batch. There are
    as few batches as ``batch_size`` allows, and their sizes differ by one at most: a
    last batch of the few images that are left over would be a whole step on noise.
    """

    def __init__(self, dataset, batch_size, device, dtype, generator=None):
        self.n_batches = math.ceil(len(dataset) / batch_size)
        self.device = device
        self.dtype = dtype
        self.generator = generator
        self.pages = PageReleaser(dataset.memory_map)
        streamed = dataset.memory_map is not None
        self.home = dataset.images.device if streamed else device
        self.images = dataset.images.to(self.home)
        self.image_bytes = self.images[0].nbytes
        self.targets = dataset.targets.to(device)
        self.rows = None if dataset.rows is None else dataset.rows.to(device)
        self.weights = dataset.weights
        if self.weights is not None:
            self.weights = self.weights.to(device, dtype)

    def __len__(self):
        return self.n_batches

    def __iter__(self):
        rows, targets, weights = self.rows, self.targets, self.weights
        n_images = len(targets)
        if self.generator is not None:
            order = torch.randperm(
                n_images, generator=self.generator, device=self.device
            )
            rows, targets = order if rows is None else rows[order], targets[order]
            weights = None if weights is None else weights[order]
        elif rows is None:
            rows = torch.arange(n_images)
        n = len(self)
        parts = [None] * n if weights is None else weights.tensor_split(n)
        for batch, labels, part in zip(
            rows.to(self.home).tensor_split(n),
            targets.tensor_split(n),
            parts,
            strict=True,
        ):
            images = self.images.index_select(0, batch).to(self.device)
            yield images, labels, part
            self.pages.read(len(batch), self.image_bytes)
