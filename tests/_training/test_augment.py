"""Random changes of images: what they may do, and how far."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skmnist import ConvNetClassifier
from skmnist._training import augment
from skmnist._training.augment import TRANSFORMS, random_affine, random_shift

pytestmark = pytest.mark.usefixtures("one_thread")

both = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
SHAPES = [(1, 28, 28), (3, 8, 8), (1, 12, 48), (2, 48, 12), (1, 1, 64), (1, 9, 1)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@both
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_type_are_kept_and_the_batch_is_not_written_to(
    transform, shape, dtype
):
    images = torch.rand((20, *shape), dtype=dtype, generator=seeded())
    before = images.clone()
    changed = transform(images, seeded())
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert torch.equal(images, before)
    # Interpolated between pixels that are there: never out of their range.
    assert changed.min() >= images.min() - 1e-6
    assert changed.max() <= images.max() + 1e-6


@both
@pytest.mark.parametrize("shape", SHAPES)
def test_a_constant_image_stays_as_it_is(transform, shape):
    images = torch.full((20, *shape), 0.7)
    torch.testing.assert_close(transform(images, seeded()), images)


@both
def test_a_seed_decides_and_global_generators_are_left_alone(transform):
    images = torch.rand((50, 1, 28, 28), generator=seeded())
    before = torch.get_rng_state()
    first, again = transform(images, seeded(3)), transform(images, seeded(3))
    assert torch.equal(first, again)
    assert not torch.equal(first, transform(images, seeded(4)))
    assert torch.equal(torch.get_rng_state(), before)


@both
def test_every_image_of_a_batch_changes_in_its_own_way(transform):
    images = torch.rand((1, 1, 28, 28), generator=seeded()).repeat(30, 1, 1, 1)
    changed = transform(images, seeded())
    assert len({image.numpy().tobytes() for image in changed}) > 15


@both
def test_channels_move_together(transform):
    grey = torch.rand((10, 1, 28, 28), generator=seeded())
    changed = transform(grey.repeat(1, 3, 1, 1), seeded())
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert torch.equal(changed[:, 0], changed[:, 2])


@both
def test_nothing_moves_when_all_bounds_are_nought(transform, monkeypatch, digits):
    for bound in ("MAX_SHIFT", "MAX_ANGLE", "MAX_SCALING", "MAX_SHEAR"):
        monkeypatch.setattr(augment, bound, 0)
    images = torch.tensor(digits[0][:20, None]).float()
    torch.testing.assert_close(
        transform(images, seeded()), images, rtol=1e-4, atol=1e-2
    )


def test_shifts_are_whole_pixels_up_to_two_each_way_and_all_occur(digits):
    image = digits[0][0].astype(np.float32)
    padded = np.pad(image, 2, mode="edge")
    shifts = {
        padded[down : down + 28, right : right + 28].tobytes(): (down, right)
        for down in range(5)
        for right in range(5)
    }
    assert len(shifts) == 25
    images = torch.tensor(image).repeat(1000, 1, 1, 1)
    changed = random_shift(images, seeded())
    counts = dict.fromkeys(shifts.values(), 0)
    for moved in changed:
        counts[shifts[moved.contiguous().numpy().tobytes()]] += 1
    # 1000 draws of 25: 40 each, with a standard deviation of 6.2.
    assert min(counts.values()) > 40 - 4 * 6.2
    assert max(counts.values()) < 40 + 4 * 6.2


def affine_maps(shape, n=400):
    """Where the pixels of the new images come from, as maps in pixels.

    The images are two ramps, x and y in pixels from the centre, so that a pixel of
    a changed image says where it comes from; a plane is fitted to some that do not
    come from beyond the edge. Returns matrices (n, 2, 2) and offsets (n, 2).
    """
    height, width = shape
    x = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    y = torch.arange(height, dtype=torch.float64) - (height - 1) / 2
    ramps = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)])
    changed = random_affine(ramps.repeat(n, 1, 1, 1), seeded())
    rows = slice(height // 2 - 2, height // 2 + 2)
    columns = slice(width // 2 - 2, width // 2 + 2)
    at = ramps[:, rows, columns].reshape(2, -1).T.numpy()
    sources = changed[..., rows, columns].reshape(n, 2, -1).numpy()
    design = np.column_stack([at, np.ones(len(at))])
    planes = sources @ np.linalg.pinv(design).T
    residual = planes @ design.T - sources
    assert_allclose(residual, 0, atol=1e-4)
    return planes[..., :2], planes[..., 2]


@pytest.mark.parametrize("shape", [(28, 28), (12, 48), (48, 12)])
def test_affine_maps_turn_scale_shear_and_move_within_their_bounds(shape):
    matrices, offsets = affine_maps(shape)
    # Each is a rotation times [[1, shear], [0, 1]] times the two scalings.
    angle = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    cos, sin = np.cos(angle), np.sin(angle)
    turned_back = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)
    upper = turned_back @ matrices
    shear = upper[:, 0, 1] / upper[:, 1, 1]
    for name, values, low, high in [
        ("angle", angle, -math.radians(10), math.radians(10)),
        ("width", upper[:, 0, 0], 0.9, 1.1),
        ("height", upper[:, 1, 1], 0.9, 1.1),
        ("shear", shear, -0.1, 0.1),
        ("right", offsets[:, 0], -2, 2),
        ("down", offsets[:, 1], -2, 2),
    ]:
        assert low - 1e-3 < values.min(), name
        assert values.max() < high + 1e-3, name
        # Uniform: 400 draws come within a twentieth of both bounds.
        assert values.min() < low + (high - low) / 20, name
        assert values.max() > high - (high - low) / 20, name
        assert abs(values.mean() - (low + high) / 2) < (high - low) / 15, name


@pytest.mark.parametrize("augment", ["shift", "affine", lambda images: images.flip(3)])
def test_predictions_are_of_images_as_they_are(augment, digits):
    X, y = digits[0][:100], digits[2][:100]
    clf = ConvNetClassifier((2,), (), augment=augment, max_epochs=1, random_state=0)
    clf.fit(X, y)
    plain = ConvNetClassifier((2,), (), max_epochs=1, random_state=0).fit(X, y)
    logits = clf.decision_function(X)
    assert np.array_equal(logits, clf.decision_function(X))
    assert not np.allclose(logits, plain.decision_function(X))  # it did train so
