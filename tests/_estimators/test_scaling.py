"""Shift and factor of the pixels, against scikit-learn's scalers and by hand."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skmnist._estimators.scaling import ROWS_AT_ONCE, find_pixel_scaling, scale_pixels

KINDS = ["standard", "unit", "symmetric", None]


def per_channel(pixels, n_channels):
    """One column per channel, which is what scikit-learn scales."""
    images = pixels.reshape(len(pixels), n_channels, -1)
    return images.transpose(0, 2, 1).reshape(-1, n_channels)


@pytest.fixture(scope="module")
def pixels(digits):
    """More rows than are read at once, as images of two unlike channels."""
    flat = digits[0][: 2 * ROWS_AT_ONCE + 50].reshape(-1, 784).copy()
    flat[:, :392] //= 3
    return flat


@pytest.mark.parametrize("n_channels", [1, 2, 4])
@pytest.mark.parametrize(
    ("kind", "scaler"),
    [
        ("standard", StandardScaler()),
        ("unit", MinMaxScaler()),
        ("symmetric", MinMaxScaler((-1, 1))),
    ],
)
def test_every_channel_is_scaled_as_by_scikit_learn(kind, scaler, n_channels, pixels):
    shift, factor = find_pixel_scaling(kind, pixels, n_channels)
    scaled = scale_pixels(pixels, shift, factor, "float64")
    columns = per_channel(pixels, n_channels).astype(float)
    assert_allclose(
        per_channel(scaled, n_channels), scaler.fit_transform(columns), atol=1e-12
    )


def test_unit_pixels_of_whole_range_are_divided_by_255(pixels):
    shift, factor = find_pixel_scaling("unit", pixels, 1)
    assert (shift.item(), factor.item()) == (0, 1 / 255)


def test_no_scaling_leaves_pixels_as_they_are(pixels):
    scaling = find_pixel_scaling(None, pixels, 3)
    assert_array_equal(scaling, [np.zeros(3), np.ones(3)])
    small = pixels[:5, :783]
    assert_array_equal(scale_pixels(small, *scaling, "float32"), small)


def test_weights_stand_for_repeated_rows(pixels):
    weights = np.arange(len(pixels)) % 4
    weighted = find_pixel_scaling("standard", pixels, 2, weights=weights.astype(float))
    repeated = find_pixel_scaling("standard", pixels.repeat(weights, axis=0), 2)
    assert_allclose(weighted, repeated, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_named_rows_count(kind, pixels):
    rows = np.arange(len(pixels))[::-3]
    of_rows = find_pixel_scaling(kind, pixels, 2, rows=rows)
    assert_allclose(of_rows, find_pixel_scaling(kind, pixels[rows], 2), rtol=1e-12)
    weights = np.linspace(0, 2, len(rows))
    assert_allclose(
        find_pixel_scaling(kind, pixels, 2, rows, weights),
        find_pixel_scaling(kind, pixels[rows], 2, weights=weights),
        rtol=1e-12,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["int8", "int32", "float16", "float64", "bool"])
def test_tensors_and_arrays_of_every_type_scale_alike(kind, dtype, pixels):
    array = (pixels // 2).astype(dtype)
    expected = find_pixel_scaling(kind, array.astype(float), 2)
    rows = torch.arange(len(array))
    assert_array_equal(find_pixel_scaling(kind, array, 2), expected)
    assert_array_equal(find_pixel_scaling(kind, torch.tensor(array), 2, rows), expected)


@pytest.mark.parametrize("kind", ["standard", "unit", "symmetric"])
@pytest.mark.parametrize("value", [0, 7, 0.1, 1 / 3, 1e8 + 0.1, -1e-5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_channel_becomes_nought(kind, value, dtype):
    constant = np.full((ROWS_AT_ONCE + 3, 49), value, dtype)
    shift, factor = find_pixel_scaling(kind, constant, 1)
    assert factor == 1
    scaled = scale_pixels(constant, shift, factor, dtype)
    assert_allclose(scaled, 0, atol=abs(value) * np.finfo(dtype).eps)


def test_the_deviation_of_pixels_far_from_nought_is_exact():
    near = np.random.default_rng(0).integers(0, 256, (300, 49))
    shift, factor = find_pixel_scaling("standard", near + 1e9, 1)
    assert_allclose(shift - 1e9, near.mean(), atol=1e-5)
    assert_allclose(factor, 1 / near.std(), rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaled_pixels_are_a_copy_in_the_type_asked_for(dtype, pixels):
    source = pixels.astype(dtype)
    scaled = scale_pixels(source, np.array([3.0]), np.array([2.0]), dtype)
    assert scaled.dtype == dtype
    assert not np.shares_memory(scaled, source)
    assert_array_equal(source, pixels)
    assert_array_equal(scaled, (pixels.astype(dtype) - 3) * 2)
