"""How much goes through a network at once: the parts of a batch."""

import itertools

import torch
from torch.nn.modules.batchnorm import _BatchNorm

# Bytes of the largest activation of a micro-batch, so that it stays in cache on
# its way forward and back. Measured on two Zen 4 cores (1 MiB of L2 each, 32 MiB
# of L3 together), conv 16-4 at batch 2048, seconds an epoch: 3.2 at 1.6 MB, 2.6 at
# 3.2 MB, 2.4 at 6.4 MB, 2.5 at 12.8 MB, 2.6 at 25.7 MB.
CACHE_BYTES = 8 * 2**20

# Rows of a prediction on an accelerator, where no cache has to be met.
ACCELERATOR_ROWS = 4096


def rows_at_once(module, device, dtype):
    """So many images that their largest activation stays in the cache."""
    if torch.device(device).type != "cpu":
        return ACCELERATOR_ROWS
    rows = CACHE_BYTES // (dtype.itemsize * module.largest_activation)
    return 2 ** max(5, rows.bit_length() - 1)


def in_micro_batches(size, images, targets, weights):
    """A batch in parts of this size."""
    if len(targets) <= size:
        return [(images, targets, weights)]
    parts = itertools.repeat(None) if weights is None else weights.split(size)
    return zip(images.split(size), targets.split(size), parts, strict=False)


def has_batch_norm(module):
    """Whether a layer needs batches whole, because it computes their statistics."""
    return any(isinstance(layer, _BatchNorm) for layer in module.modules())
