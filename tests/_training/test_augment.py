"""Random changes of images: what they may do, and how far."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skmnist import ConvNetClassifier
from skmnist._training import augment
from skmnist._training.augment import (
    ERASED,
    TRANSFORMS,
    random_affine,
    random_brightness,
    random_crop,
    random_erasing,
    random_flip,
    random_shift,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def transforms(*without):
    chosen = {name: t for name, t in TRANSFORMS.items() if name not in without}
    return pytest.mark.parametrize("transform", chosen.values(), ids=chosen.keys())


SHAPES = [(1, 28, 28), (3, 8, 8), (1, 12, 48), (2, 48, 12), (1, 1, 64), (1, 9, 1)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@transforms()
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
    brighter = 1.3 if transform is random_brightness else 1
    assert changed.min() >= images.min() / brighter - 1e-6
    assert changed.max() <= images.max() * brighter + 1e-6


@transforms("brightness")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_constant_image_stays_as_it_is(transform, shape):
    images = torch.full((20, *shape), 0.7)
    torch.testing.assert_close(transform(images, seeded()), images)


@transforms()
def test_a_seed_decides_and_global_generators_are_left_alone(transform):
    images = torch.rand((50, 1, 28, 28), generator=seeded())
    before = torch.get_rng_state()
    first, again = transform(images, seeded(3)), transform(images, seeded(3))
    assert torch.equal(first, again)
    assert not torch.equal(first, transform(images, seeded(4)))
    assert torch.equal(torch.get_rng_state(), before)


@transforms("flip")
def test_every_image_of_a_batch_changes_in_its_own_way(transform):
    images = torch.rand((1, 1, 28, 28), generator=seeded()).repeat(30, 1, 1, 1)
    changed = transform(images, seeded())
    assert len({image.numpy().tobytes() for image in changed}) > 10


@transforms()
def test_channels_move_together(transform):
    grey = torch.rand((10, 1, 28, 28), generator=seeded())
    changed = transform(grey.repeat(1, 3, 1, 1), seeded())
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert torch.equal(changed[:, 0], changed[:, 2])


@transforms("flip")
def test_nothing_moves_when_all_bounds_are_nought(transform, monkeypatch, digits):
    for bound in ("MAX_SHIFT", "MAX_ANGLE", "MAX_SCALING", "MAX_SHEAR"):
        monkeypatch.setattr(augment, bound, 0)
    monkeypatch.setattr(augment, "MAX_BRIGHTENING", 0)
    monkeypatch.setattr(augment, "LEAST_CROP", 1)
    monkeypatch.setattr(augment, "ERASED", (0, 0))
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


def test_flips_mirror_half_of_the_images(digits):
    images = torch.tensor(digits[0][:400, None]).float()
    changed = random_flip(images, seeded())
    mirrored = (changed == images.flip(3)).flatten(1).all(1)
    left = (changed == images).flatten(1).all(1)
    assert (mirrored | left).all()
    assert 150 < mirrored.sum() < 250


def test_crops_keep_proportions_and_lie_within_the_image():
    ramp = torch.linspace(-1, 1, 101, dtype=torch.float64)
    ramps = torch.stack([ramp.expand(101, -1), ramp[:, None].expand(-1, 101)])
    changed = random_crop(ramps.repeat(300, 1, 1, 1), seeded())
    across = changed[:, 0, 50, 75] - changed[:, 0, 50, 25]
    down = changed[:, 1, 75, 50] - changed[:, 1, 25, 50]
    torch.testing.assert_close(across, down)
    assert 0.74 < across.min() < 0.77
    assert 0.98 < across.max() < 1.01
    middle = changed[:, :, 50, 50]
    assert 0.15 < middle.abs().max() < 0.26
    assert middle.mean(0).abs().max() < 0.03


def test_brightness_is_one_number_for_every_image(digits):
    images = torch.tensor(digits[0][:300, None]).double() + 1
    factors = (random_brightness(images, seeded()) / images).flatten(1)
    torch.testing.assert_close(factors.amin(1), factors.amax(1))
    assert 0.69 < factors.min() < 0.73
    assert 1.27 < factors.max() < 1.31


def test_a_rectangle_of_half_of_the_images_becomes_their_mean():
    images = torch.rand((400, 2, 40, 60), dtype=torch.float64, generator=seeded())
    changed = random_erasing(images, seeded())
    erased = (changed != images).all(1)
    some = erased.flatten(1).any(1)
    assert 150 < some.sum() < 250
    means = images.mean((2, 3), keepdim=True).expand_as(images)
    where = erased[:, None].expand_as(images)
    assert torch.equal(changed[where], means[where])
    for box in erased[some]:
        rows, columns = box.any(1), box.any(0)
        assert torch.equal(box, rows[:, None] & columns)
        for inside in (rows, columns):
            share = inside.double().mean()
            assert ERASED[0] - 1 / len(inside) < share < ERASED[1] + 1 / len(inside)


def test_the_changes_of_a_list_are_made_in_its_order(digits):
    X, X_test, y, _ = digits
    seen = []

    def watch(images):
        seen.append(images.clone())
        return images

    steps = [watch, "brightness", watch, lambda images: images * 0, watch]
    clf = ConvNetClassifier((2,), (), augment=steps, max_epochs=1, random_state=0)
    clf.fit(X[:50], y[:50])
    first, second, third = seen[:3]
    assert not torch.equal(first, second)
    assert torch.equal(first > 0, second > 0)
    assert third.max() == 0
    once, listed = (
        ConvNetClassifier((2,), (), augment=step, max_epochs=1, random_state=0)
        .fit(X[:50], y[:50])
        .predict_proba(X_test)
        for step in ("affine", ["affine"])
    )
    np.testing.assert_array_equal(once, listed)


@pytest.mark.parametrize("augment", ["shift", "affine", lambda images: images.flip(3)])
def test_predictions_are_of_images_as_they_are(augment, digits):
    X, y = digits[0][:100], digits[2][:100]
    clf = ConvNetClassifier((2,), (), augment=augment, max_epochs=1, random_state=0)
    clf.fit(X, y)
    plain = ConvNetClassifier((2,), (), max_epochs=1, random_state=0).fit(X, y)
    logits = clf.decision_function(X)
    assert np.array_equal(logits, clf.decision_function(X))
    assert not np.allclose(logits, plain.decision_function(X))  # it did train so
