"""Random changes of a batch of images, on the batch's device.

Every transform takes float pixels of shape (n, channels, height, width), unscaled,
and a generator on the same device, and returns a new batch of the same shape.
"""

import math

import torch
from torch.nn import functional as F

from skmnist._training.ambient import draw_int, drawing_from

# Bounds for "affine": a little less than what Cireşan, Meier and Schmidhuber,
# "Multi-column deep neural networks for image classification" (CVPR 2012), use
# for MNIST (15 degrees, 15 % scaling); shifts as in "shift".
MAX_SHIFT = 2  # pixels
MAX_ANGLE = math.radians(10)
MAX_SCALING = 0.1
MAX_SHEAR = 0.1

# Milder than for photographs, of which digits keep less when a part is cut off.
LEAST_CROP = 0.75  # of a side
MAX_BRIGHTENING = 0.3
ERASED = (0.15, 0.45)  # of a side, in half of the images


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


def random_flip(images, generator):
    """Mirror half of the images, left to right."""
    flipped = _draw(images, generator, 1) < 0.5
    return torch.where(flipped[0][:, None, None, None], images.flip(-1), images)


def random_crop(images, generator):
    """Cut a part of every image out, of its proportions, and bring it to full size."""
    n = len(images)
    size, right, down = _draw(images, generator, 3)
    size = LEAST_CROP + (1 - LEAST_CROP) * size
    # From -1 to 1 the image reaches; the middle of a part can lie so far from 0.
    room = 1 - size
    maps = torch.zeros((n, 2, 3), device=images.device, dtype=images.dtype)
    maps[:, 0, 0] = maps[:, 1, 1] = size.to(images.dtype)
    maps[:, 0, 2] = room * (2 * right - 1)
    maps[:, 1, 2] = room * (2 * down - 1)
    positions = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, positions, padding_mode="border", align_corners=False)


def random_brightness(images, generator):
    """Multiply the pixels of every image by a number around 1."""
    (factor,) = 1 + MAX_BRIGHTENING * (2 * _draw(images, generator, 1) - 1)
    return images * factor.to(images.dtype)[:, None, None, None]


def random_erasing(images, generator):
    """Lay the image's mean over a rectangle of every other image.

    Zhong et al., "Random erasing data augmentation", AAAI 2020.
    """
    _, _, height, width = images.shape
    erased, *box = _draw(images, generator, 5)
    low, high = ERASED
    inside = []
    for side, share, place in ((height, *box[:2]), (width, *box[2:])):
        length = (low + (high - low) * share) * side
        first = place * (side - length)
        position = torch.arange(side, device=images.device) + 0.5
        inside.append(
            (position > first[:, None]) & (position < (first + length)[:, None])
        )
    rows, columns = inside
    box = rows[:, :, None] & columns[:, None, :] & (erased < 0.5)[:, None, None]
    mean = images.mean((2, 3), keepdim=True)
    return torch.where(box[:, None], mean, images)


def _draw(images, generator, n_numbers):
    """So many numbers between 0 and 1 for every image."""
    shape, device = (n_numbers, len(images)), images.device
    return torch.rand(shape, dtype=torch.float32, device=device, generator=generator)


TRANSFORMS = {
    "shift": random_shift,
    "affine": random_affine,
    "flip": random_flip,
    "crop": random_crop,
    "brightness": random_brightness,
    "erase": random_erasing,
}


def as_steps(augment):
    """The names and callables that an `augment` parameter stands for, in order."""
    if augment is None:
        return []
    return list(augment) if isinstance(augment, (list, tuple)) else [augment]


def changed_at_random(images, steps, generator):
    """A batch after the steps of an `augment` parameter, in order."""
    for step in steps:
        if callable(step):
            images = _changed_by(step, images, generator)
        else:
            images = TRANSFORMS[step](images, generator)
    return images


def _changed_by(change, images, generator):
    # What is the user's draws from torch's global generators.
    with drawing_from(draw_int(generator), images.device):
        changed = change(images)
    if not isinstance(changed, torch.Tensor) or changed.shape != images.shape:
        came = getattr(changed, "shape", type(changed).__name__)
        raise ValueError(
            "The 'augment' callable must return a tensor of the shape it was "
            f"given, {tuple(images.shape)}. Got {came} instead."
        )
    return changed
