"""Modules from pixels to logits, against plain torch and counts by hand."""

import copy
import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from skmnist import ConvLayer
from skmnist._training.modules import (
    ACTIVATIONS,
    MLP,
    NON_DECREASING,
    ConvNet,
    Dropout,
    PixelScaling,
    block_output_shape,
    conv_block,
    initialize_weights,
    summarize,
)

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN_ACTIVATIONS = {
    "relu": nn.functional.relu,
    "leaky_relu": nn.functional.leaky_relu,
    "elu": nn.functional.elu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def mlp(sizes=(12, 7), activation="relu", dropout=0.0, shape=(1, 28, 28)):
    module = MLP(shape, 10, sizes, activation, dropout).eval()
    initialize_weights(module, seeded())
    return module


def convnet(layers, sizes=(7,), dropout=0.0, shape=(1, 28, 28), activation="relu"):
    module = ConvNet(shape, 10, layers, sizes, activation, dropout).eval()
    initialize_weights(module, seeded())
    return module


@pytest.fixture(scope="module")
def pixels(digits):
    return torch.tensor(digits[0][:16, None])


def weights_of(module, kind):
    return [layer for layer in module.modules() if isinstance(layer, kind)]


# -- layers -------------------------------------------------------------------


def test_no_activation_is_untested():
    assert ACTIVATIONS.keys() == PLAIN_ACTIVATIONS.keys()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float64, torch.bool])
def test_pixels_of_any_type_are_scaled_channel_by_channel(dtype):
    pixels = torch.tensor(np.arange(24).reshape(2, 3, 2, 2)).to(dtype)
    before = pixels.clone()
    scaling = PixelScaling(3)
    assert torch.equal(scaling(pixels), pixels.float())
    scaling.set(np.array([1.0, 2.0, 3.0]), [1.0, 0.5, 0.25])
    scaled = scaling(pixels)
    assert scaled.dtype == torch.float32
    for channel, (shift, factor) in enumerate([(1, 1), (2, 0.5), (3, 0.25)]):
        expected = (pixels[:, channel].float() - shift) * factor
        assert torch.equal(scaled[:, channel], expected)
    assert torch.equal(pixels, before)


def test_scaling_is_part_of_the_model_but_not_learned():
    scaling = PixelScaling(2)
    assert set(scaling.state_dict()) == {"shift", "factor"}
    assert list(scaling.parameters()) == []
    assert scaling.double()(torch.zeros(1, 2, 3, 3)).dtype == torch.float64


def test_dropout_leaves_out_its_share_and_keeps_the_mean():
    x = torch.full((400, 500), 3.0)
    layer = Dropout(0.25).train()
    layer.generator = seeded()
    dropped = layer(x)
    assert set(dropped.unique().tolist()) == {0, 4}  # 3 / (1 - 0.25)
    # 200,000 draws: the share has a standard deviation of 0.001.
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.004)
    assert torch.equal(layer.eval()(x), x)


def test_dropout_draws_from_its_own_generator():
    x, layer = torch.ones(100), Dropout(0.5).train()
    before = torch.get_rng_state()
    layer.generator = seeded(1)
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second)
    layer.generator = seeded(1)
    assert torch.equal(layer(x), first)
    assert torch.equal(torch.get_rng_state(), before)


# -- networks -----------------------------------------------------------------


@pytest.mark.parametrize("activation", PLAIN_ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(), (12,), (12, 7)])
def test_an_mlp_is_matrix_products_and_activations(sizes, activation, pixels):
    module = mlp(sizes, activation)
    module.scaling.set([30.0], [0.01])
    x = ((pixels.float() - 30) * 0.01).reshape(16, -1)
    *hidden, last = weights_of(module, nn.Linear)
    for layer in hidden:
        x = PLAIN_ACTIVATIONS[activation](x @ layer.weight.T + layer.bias)
    torch.testing.assert_close(module(pixels), x @ last.weight.T + last.bias)


def test_a_lenet_is_the_plain_sequence(pixels):
    layers = (
        ConvLayer(4, padding="valid", pool_stride=1),
        ConvLayer(8, padding="valid", pool="avg", pool_stride=1),
        ConvLayer(16, padding="valid", stride=2, pool="avg"),
    )
    module = convnet(layers, (84,))
    plain = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2, 1)),
        *(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AvgPool2d(2, 1)),
        *(nn.Conv2d(8, 16, 3, 2), nn.ReLU(), nn.AvgPool2d(2, 2)),
        *(nn.Flatten(), nn.Linear(400, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    for ours, theirs in zip(module.parameters(), plain.parameters(), strict=True):
        theirs.data.copy_(ours.data)
    torch.testing.assert_close(module(pixels), plain(pixels.float()))


@pytest.mark.parametrize("activation", PLAIN_ACTIVATIONS)
@pytest.mark.parametrize("pool", ["max", "avg", None])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_block_is_convolution_norm_activation_pool(activation, pool, batch_norm):
    layer = ConvLayer(5, kernel_size=3, pool=pool, batch_norm=batch_norm)
    block = nn.Sequential(*conv_block(layer, (2, 9, 9), activation))
    x = torch.randn((6, 2, 9, 9), generator=seeded())
    if batch_norm:
        nn.init.normal_(block[1].weight, generator=seeded())  # signs of both kinds
    reference = copy.deepcopy(block)
    expected = nn.functional.conv2d(x, block[0].weight, block[0].bias, padding=1)
    assert (block[0].bias is None) == batch_norm
    if batch_norm:
        expected = reference[1](expected)
    expected = PLAIN_ACTIVATIONS[activation](expected)
    if pool:
        pooling = getattr(nn.functional, f"{pool}_pool2d")
        expected = pooling(expected, 2)
    torch.testing.assert_close(block(x), expected)


def test_pooling_comes_first_exactly_where_the_result_is_the_same():
    def first(pool, activation):
        block = conv_block(ConvLayer(2, pool=pool), (1, 8, 8), activation)
        return isinstance(block[1], (nn.MaxPool2d, nn.AvgPool2d))

    # Between its neighbours on a grid no value of these is lower than the last.
    grid = torch.linspace(-6, 6, 4001)
    rising = {
        name for name, f in PLAIN_ACTIVATIONS.items() if (f(grid).diff() >= 0).all()
    }
    assert rising == NON_DECREASING
    assert {name for name in ACTIVATIONS if first("max", name)} == rising
    assert not any(first("avg", name) for name in ACTIVATIONS)


LAYERS = [
    ConvLayer(2, kernel_size, stride, padding, pool, pool_size, pool_stride)
    for kernel_size, stride, padding, (pool, pool_size, pool_stride) in product(
        [1, 2, 3, 5],
        [1, 2, 3],
        ["same", "valid", 0, 2],
        [("max", 2, None), ("avg", 3, 1), ("max", 2, 3), (None, 2, None)],
    )
    if not (padding == "same" and stride > 1 and kernel_size % 2 == 0)
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 7, 1), (2, 6, 11), (1, 5, 5)])
def test_the_shape_of_a_layers_output_is_known_without_running_it(shape):
    refused = 0
    for layer in LAYERS:
        said = block_output_shape(layer, shape)
        if min(said) < 1:
            refused += 1
            assert layer.padding in ("valid", 0)
            assert layer.kernel_size > min(shape[1:])
            continue
        block = nn.Sequential(*conv_block(layer, shape, "relu"))
        assert block(torch.zeros(1, *shape)).shape[1:] == said, layer
    assert refused < len(LAYERS) / 2


@pytest.mark.parametrize("side", [1, 2, 7, 28])
@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
def test_same_keeps_the_size_or_its_part_rounded_up(side, kernel_size):
    for stride in (1, 2, 3):
        layer = ConvLayer(1, kernel_size, stride, pool=None)
        expected = (1, math.ceil(side / stride), math.ceil(side / stride))
        assert block_output_shape(layer, (1, side, side)) == expected


@pytest.mark.filterwarnings("ignore:Using padding='same' with even:UserWarning")
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 6, 7])
def test_same_is_torchs_same(kernel_size):
    layer = ConvLayer(5, kernel_size, pool=None)
    block = nn.Sequential(*conv_block(layer, (3, 7, 9), "identity"))
    x = torch.randn((2, 3, 7, 9), generator=seeded())
    expected = nn.functional.conv2d(x, *block.parameters(), padding="same")
    torch.testing.assert_close(block(x), expected)


def test_dropout_is_on_the_inputs_of_dense_layers_but_not_on_pixels():
    def kinds(module):
        return [type(layer).__name__ for layer in module.layers]

    assert kinds(mlp((5,), dropout=0.5)) == [
        *("Flatten", "Linear", "ReLU", "Dropout", "Linear"),
    ]
    assert kinds(convnet((ConvLayer(2),), (5,), dropout=0.5)) == [
        *("Conv2d", "MaxPool2d", "ReLU", "Flatten", "Dropout"),
        *("Linear", "ReLU", "Dropout", "Linear"),
    ]
    assert kinds(convnet((), (), dropout=0.5)) == ["Flatten", "Linear"]
    assert "Dropout" not in kinds(mlp((5,))) + kinds(convnet((ConvLayer(2),)))


def test_convolutions_work_on_channels_last(pixels):
    module = convnet((ConvLayer(4), ConvLayer(8)))
    for convolution in weights_of(module, nn.Conv2d)[1:]:
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
        assert not convolution.weight.is_contiguous()
    seen = []
    module.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(*inputs))
    module(pixels.repeat(1, 1, 1, 1))
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("module", "largest"),
    [
        (mlp(()), 784),
        (mlp((1000, 3)), 1000),
        (convnet((ConvLayer(2), ConvLayer(16))), 16 * 14 * 14),
        (convnet((ConvLayer(32, padding="valid"),)), 32 * 26 * 26),
        (convnet((), ()), 784),
    ],
)
def test_the_largest_activation_is_known(module, largest):
    assert module.largest_activation == largest


# -- weights ------------------------------------------------------------------


def test_weights_come_from_the_generator_alone():
    module = convnet((ConvLayer(4, batch_norm=True), ConvLayer(3)))
    again = copy.deepcopy(module)
    before = torch.get_rng_state()
    for weights in again.parameters():
        weights.data.fill_(9)
    initialize_weights(again, seeded())
    for first, second in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)
    initialize_weights(again, seeded(1))
    assert not torch.equal(module.layers[0].weight, again.layers[0].weight)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("kind", "sizes"), [(nn.Linear, (300, 20)), (nn.Conv2d, (20, 30, 5))]
)
def test_weights_are_those_that_torch_itself_draws_with_the_seed(kind, sizes):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        layer = kind(*sizes)
    theirs = [weights.detach().clone() for weights in layer.parameters()]
    initialize_weights(layer, seeded(3))
    for ours, torchs in zip(layer.parameters(), theirs, strict=True):
        torch.testing.assert_close(ours.detach(), torchs)


# -- summary ------------------------------------------------------------------


def test_a_summary_has_shapes_and_counts_of_every_layer():
    layers = (ConvLayer(16), ConvLayer(4, kernel_size=5, padding="valid", pool="avg"))
    summary = summarize(convnet(layers, (), dropout=0.25), (1, 28, 28))
    assert list(summary) == [
        ("PixelScaling", (1, 28, 28), 0),
        ("Conv2d 3x3", (16, 28, 28), 160),
        ("MaxPool2d 2x2", (16, 14, 14), 0),
        ("ReLU", (16, 14, 14), 0),
        ("Conv2d 5x5", (4, 10, 10), 1604),
        ("ReLU", (4, 10, 10), 0),
        ("AvgPool2d 2x2", (4, 5, 5), 0),
        ("Flatten", (100,), 0),
        ("Dropout 0.25", (100,), 0),
        ("Linear", (10,), 1010),
    ]
    assert summary.n_parameters == 160 + 1604 + 1010
    assert summary[1].layer == "Conv2d 3x3"
    assert summary[1].n_parameters == 160


def test_a_summary_prints_as_an_aligned_table():
    summary = summarize(mlp((300,)), (1, 28, 28))
    lines = str(summary).splitlines()
    assert repr(summary) == str(summary)
    assert lines[-1].split() == ["total", "238,510"]
    assert lines[0].split() == ["layer", "output_shape", "n_parameters"]
    assert ["Linear", "(300,)", "235,500"] in [line.split() for line in lines]
    assert len({len(line.rstrip()) for line in lines}) == 1  # right-aligned counts
    # header, rule, five layers, rule, total
    assert len(lines) == 2 + 5 + 2


def test_a_summary_leaves_the_module_as_it_was():
    module = convnet((ConvLayer(3, batch_norm=True),))
    before = copy.deepcopy(module.state_dict())
    summarize(module, (1, 28, 28))
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(weights.grad is None for weights in module.parameters())
