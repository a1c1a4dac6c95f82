"""Images as tensors on their own memory, and as batches."""

import warnings

import numpy as np
import pytest
import torch

from skmnist._training.batches import Batches, ImageDataset, as_tensor

CPU = torch.device("cpu")


@pytest.fixture
def images(digits):
    """Ten images whose first pixel is their number."""
    images = digits[0][:10, None].copy()
    images[:, 0, 0, 0] = range(10)
    return torch.from_numpy(images)


@pytest.fixture
def memory_map(images, tmp_path):
    """The same images in a file."""
    np.save(tmp_path / "images.npy", images.numpy())
    return np.load(tmp_path / "images.npy", mmap_mode="r+")


def numbers(images):
    return images[:, 0, 0, 0].tolist()


def dataset_of(images, rows=None, weights=False, memory_map=None):
    n = len(images) if rows is None else len(rows)
    return ImageDataset(
        images,
        torch.arange(n) + 100,
        torch.arange(n).double() / 8 if weights else None,
        None if rows is None else torch.tensor(rows),
        memory_map,
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64"])
@pytest.mark.parametrize("writeable", [True, False])
def test_a_tensor_lies_on_the_arrays_own_memory(dtype, writeable):
    array = np.arange(24).reshape(4, 6).astype(dtype)[1:, :5]
    array.flags.writeable = writeable
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = as_tensor(array)
    assert tensor.data_ptr() == array.ctypes.data
    assert tensor.stride() == (6, 1)
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert array.flags.writeable == writeable


def test_a_tensor_on_a_read_only_array_outlives_the_array(digits):
    array = digits[0][:3].copy()
    array.flags.writeable = False
    expected = array.copy()
    tensor = as_tensor(array)
    del array
    np.empty(expected.shape, np.uint8).fill(1)  # would take freed memory
    np.testing.assert_array_equal(tensor.numpy(), expected)


def test_a_tensor_is_left_as_it_is(images):
    assert as_tensor(images) is images


def test_batches_cover_all_rows_in_order(images):
    batches = Batches(dataset_of(images, weights=True), 4, CPU, torch.float32)
    assert len(batches) == 3
    seen = list(batches)
    assert [numbers(b) for b, _, _ in seen] == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert [t.tolist() for _, t, _ in seen][2] == [107, 108, 109]
    assert [w.tolist() for _, _, w in seen][2] == [7 / 8, 1, 9 / 8]
    assert all(b.dtype == torch.uint8 for b, _, _ in seen)
    assert all(w.dtype == torch.float32 for _, _, w in seen)


@pytest.mark.parametrize("size", [1, 3, 10, 11])
def test_the_number_of_batches_is_rounded_up(images, size):
    batches = Batches(dataset_of(images), size, CPU, torch.float32)
    assert len(batches) == len(list(batches)) == -(-10 // size)
    assert all(weights is None for _, _, weights in batches)


@pytest.mark.parametrize("n_images", [1, 2, 9, 10, 11, 64, 65, 127, 129, 1000])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 10, 64, 10**12])
def test_batches_differ_by_one_image_at_most(n_images, batch_size):
    images = torch.arange(n_images, dtype=torch.int16).reshape(-1, 1, 1, 1)
    batches = Batches(dataset_of(images), batch_size, CPU, torch.float32)
    seen = [batch.flatten().tolist() for batch, _, _ in batches]
    in_order = [at for batch in seen for at in batch]
    assert in_order == list(range(n_images))
    sizes = {len(batch) for batch in seen}
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size
    assert len(seen) == -(-n_images // batch_size)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("rows", [None, [7, 2, 2, 5, 0]])
def test_shuffled_batches_keep_images_labels_and_weights_together(
    images, rows, mapped, memory_map
):
    if mapped:
        images = torch.from_numpy(memory_map)
    memory_map = memory_map if mapped else None
    data = dataset_of(images, rows, weights=True, memory_map=memory_map)
    generator = torch.Generator().manual_seed(0)
    batches = Batches(data, 4, CPU, torch.float64, generator)
    passes = []
    for _ in range(5):
        seen = []
        for batch, targets, weights in batches:
            positions = (targets - 100).tolist()
            wanted = positions if rows is None else [rows[at] for at in positions]
            assert numbers(batch) == wanted
            assert (weights * 8).tolist() == positions
            seen += positions
        assert sorted(seen) == list(range(len(data)))
        passes.append(tuple(seen))
    assert len(set(passes)) == 5


def test_order_comes_from_the_generator_alone(images):
    def orders(seed):
        generator = torch.Generator().manual_seed(seed)
        batches = Batches(dataset_of(images), 3, CPU, torch.float32, generator)
        return [numbers(b) for _ in range(3) for b, _, _ in batches]

    before = torch.get_rng_state()
    assert orders(1) == orders(1) != orders(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_subset_of_a_subset_is_of_the_same_images(images, memory_map):
    data = dataset_of(images, weights=True, memory_map=memory_map)
    part = data.subset(np.array([9, 3, 5, 1])).subset(torch.tensor([2, 0]))
    assert part.rows.tolist() == [5, 9]
    assert part.targets.tolist() == [105, 109]
    assert part.weights.tolist() == [5 / 8, 9 / 8]
    assert part.images is images
    assert part.memory_map is memory_map
    assert len(part) == 2
    assert numbers(part.X) == [5, 9]
    assert part.y.tolist() == [105, 109]


def test_a_dataset_serves_skorchs_data_loaders(images):
    part = dataset_of(images, rows=[4, 6, 8])
    loader = torch.utils.data.DataLoader(part, batch_size=2)
    seen = [(numbers(batch), targets.tolist()) for batch, targets in loader]
    assert seen == [([4, 6], [100, 101]), ([8], [102])]
    assert dataset_of(images)[3][1] == 103
    assert dataset_of(images).X is images
