"""Random changes of a batch of images, on the batch's device.

Every transform takes float pixels of shape (n, channels, height, width), unscaled,
and a generator on the same device, and returns a new batch of the same shape.
"""

import math

import torch
from torch.nn import functional as F

# Bounds for "affine": a little less than what Cireşan, Meier and Schmidhuber,
# "Multi-column deep neural networks for image classification" (CVPR 2012), use
# for MNIST (15 degrees, 15 % scaling); shifts as in "shift".
MAX_SHIFT = 2  # pixels
MAX_ANGLE = math.radians(10)
MAX_SCALING = 0.1
MAX_SHEAR = 0.1


def random_shift(images, generator):
    """Move every image by up to two whole pixels each way; edges are repeated."""
    n, _, height, width = images.shape
    rows = _shifted_positions(n, height, images.device, generator)
    columns = _shifted_positions(n, width, images.device, generator)
    image = torch.arange(n, device=images.device)[:, None, None]
    # Indexed dimensions on both sides of a slice come first: (n, h, w, channels).
    shifted = images[image, :, rows[:, :, None], columns[:, None, :]]
    return shifted.permute(0, 3, 1, 2)


def _shifted_positions(n, side, device, generator):
    shift = torch.randint(
        -MAX_SHIFT, MAX_SHIFT + 1, (n, 1), device=device, generator=generator
    )
    return (torch.arange(side, device=device) + shift).clamp_(0, side - 1)


def random_affine(images, generator):
    """Turn, scale, shear and move every image a little, about its centre."""
    n, _, height, width = images.shape
    angle, width_scale, height_scale, shear, right, down = (
        torch.rand(
            (6, n), dtype=torch.float32, device=images.device, generator=generator
        )
        * 2
        - 1
    )
    angle = angle * MAX_ANGLE
    width_scale = 1 + width_scale * MAX_SCALING
    height_scale = 1 + height_scale * MAX_SCALING
    shear = shear * MAX_SHEAR
    cos, sin = angle.cos(), angle.sin()
    # Maps the positions of the new image to those of the old one, in units in
    # which the image reaches from -1 to 1 on both sides, whatever their lengths.
    horizontal = [
        cos * width_scale,
        (shear * cos - sin) * height_scale * (height / width),
        right * 2 * MAX_SHIFT / width,
    ]
    vertical = [
        sin * width_scale * (width / height),
        (shear * sin + cos) * height_scale,
        down * 2 * MAX_SHIFT / height,
    ]
    maps = torch.stack(horizontal + vertical, dim=1).reshape(n, 2, 3)
    maps = maps.to(images.dtype)
    positions = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, positions, padding_mode="border", align_corners=False)


TRANSFORMS = {"shift": random_shift, "affine": random_affine}
