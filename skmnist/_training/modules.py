"""Torch modules from raw pixels to logits. No labels, no devices, no seeds."""

import math
from typing import NamedTuple

import torch
from tabulate import SEPARATING_LINE, tabulate
from torch import nn

from skmnist._training.convolution import Conv2d
from skmnist._training.dense import Linear

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}

# max(f(x)) = f(max(x)) for these, so a max-pool may come first and spare the
# activation three quarters of its work.
NON_DECREASING = {"relu", "leaky_relu", "elu", "sigmoid", "tanh", "identity"}


class PixelScaling(nn.Module):
    """Pixels of any dtype as ``(pixel - shift) * factor``, channel by channel."""

    def __init__(self, n_channels):
        super().__init__()
        self.register_buffer("shift", torch.zeros(n_channels, 1, 1))
        self.register_buffer("factor", torch.ones(n_channels, 1, 1))

    def set(self, shift, factor):
        """Take the shift and factor of every channel."""
        self.shift.copy_(torch.as_tensor(shift).reshape(-1, 1, 1))
        self.factor.copy_(torch.as_tensor(factor).reshape(-1, 1, 1))

    def forward(self, pixels):
        if torch.compiler.is_compiling():
            # torch before 2.7 cannot export a change in place.
            return (pixels.to(self.factor.dtype) - self.shift) * self.factor
        # A copy to change in place: new memory for every step of the sum costs more
        # than the sum.
        pixels = pixels.to(self.factor.dtype, copy=True)
        return pixels.sub_(self.shift).mul_(self.factor)


class Dropout(nn.Dropout):
    """Dropout that can draw from a generator of its own.

    Its base draws from torch's global generator, which belongs to the caller and to
    every other thread.
    """

    def __init__(self, p):
        super().__init__(p)
        self.generator = None

    def forward(self, input):
        """Zero some of the input and scale the rest, in training."""
        if not self.training:
            return input
        keep = 1 - self.p
        mask = torch.empty_like(input).bernoulli_(keep, generator=self.generator)
        return input * mask.div_(keep)


def dense_layers(n_inputs, hidden_layer_sizes, n_classes, activation, dropout):
    """Dense layers up to the logits; each but the last with its activation."""
    layers, n_units = [], n_inputs
    for size in hidden_layer_sizes:
        layers += [Linear(n_units, size), ACTIVATIONS[activation]()]
        layers += [Dropout(dropout)] if dropout else []
        n_units = size
    return [*layers, Linear(n_units, n_classes)]


class MLP(nn.Module):
    """Pixel scaling, then dense layers.

    Parameters
    ----------
    image_shape : tuple (channels, height, width)
    n_classes : int
        The number of logits.
    hidden_layer_sizes : tuple of int
    activation : a key of ACTIVATIONS
    dropout : float
        After every hidden layer.
    """

    draws_globally = False

    def __init__(self, image_shape, n_classes, hidden_layer_sizes, activation, dropout):
        super().__init__()
        self.scaling = PixelScaling(image_shape[0])
        self.layers = nn.Sequential(
            nn.Flatten(),
            *dense_layers(
                math.prod(image_shape),
                hidden_layer_sizes,
                n_classes,
                activation,
                dropout,
            ),
        )
        self.largest_activation = max(math.prod(image_shape), *hidden_layer_sizes, 1)
        self.smallest_batch = 1
        self.n_units = self.last_layer.in_features

    @property
    def last_layer(self):
        """What makes the logits, of ``n_units`` inputs."""
        return self.layers[-1]

    def forward(self, pixels):
        return self.layers(self.scaling(pixels))


class ConvNet(nn.Module):
    """Pixel scaling, convolution blocks, then dense layers.

    Parameters
    ----------
    image_shape : tuple (channels, height, width)
    n_classes : int
        The number of logits.
    conv_layers : sequence of ConvLayer
    hidden_layer_sizes : tuple of int
    activation : a key of ACTIVATIONS
    dropout : float
        On the flattened feature maps, if there are any, and after every hidden
        dense layer.
    """

    draws_globally = False

    def __init__(
        self,
        image_shape,
        n_classes,
        conv_layers,
        hidden_layer_sizes,
        activation,
        dropout,
    ):
        super().__init__()
        self.scaling = PixelScaling(image_shape[0])
        blocks, shape = [], image_shape
        self.largest_activation = math.prod(image_shape)
        self.smallest_batch = 1
        for layer in conv_layers:
            blocks += conv_block(layer, shape, activation)
            size = math.prod(convolved_size(layer, shape))
            self.largest_activation = max(self.largest_activation, layer.filters * size)
            if layer.batch_norm and size == 1:
                # Batch normalisation of a single value has no variance.
                self.smallest_batch = 2
            shape = block_output_shape(layer, shape)
        self.layers = nn.Sequential(
            *blocks,
            nn.Flatten(),
            *([Dropout(dropout)] if dropout and conv_layers else []),
            *dense_layers(
                math.prod(shape), hidden_layer_sizes, n_classes, activation, dropout
            ),
        )
        self.n_units = self.last_layer.in_features
        self.to(memory_format=torch.channels_last)

    @property
    def last_layer(self):
        """What makes the logits, of ``n_units`` inputs."""
        return self.layers[-1]

    def forward(self, pixels):
        images = self.scaling(pixels)
        return self.layers(images.contiguous(memory_format=torch.channels_last))


def conv_block(layer, image_shape, activation):
    """The modules of one ConvLayer on images of the given shape."""
    before, padding = [], 0 if layer.padding == "valid" else layer.padding
    if padding == "same":
        padding, odd = divmod(layer.kernel_size - 1, 2)
        if odd:
            # One pixel more at the end, as torch's own "same", which warns of it.
            before = [nn.ZeroPad2d((padding, padding + 1) * 2)]
            padding = 0
    convolution = Conv2d(
        image_shape[0],
        layer.filters,
        layer.kernel_size,
        layer.stride,
        padding,
        # Batch normalisation has a bias of its own, which takes this one's place.
        bias=not layer.batch_norm,
    )
    normalisation = [nn.BatchNorm2d(layer.filters)] if layer.batch_norm else []
    block = [*before, convolution, *normalisation]
    if layer.residual:
        block = [Residual(layer, image_shape, block)]
    activate = ACTIVATIONS[activation]()
    if layer.pool is None:
        return [*block, activate]
    pool_class = nn.MaxPool2d if layer.pool == "max" else nn.AvgPool2d
    pool = pool_class(*pool_window(layer, convolved_size(layer, image_shape)))
    if layer.pool == "max" and activation in NON_DECREASING:
        return [*block, pool, activate]
    return [*block, activate, pool]


class Residual(nn.Module):
    """The sum of what layers make of their input, and of the input itself.

    Where the convolution changes the shape, the input is brought to it by one of a
    single pixel (He et al., "Deep residual learning for image recognition", CVPR 2016,
    option B).
    """

    def __init__(self, layer, image_shape, layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.shortcut = nn.Identity()
        if layer.filters != image_shape[0] or layer.stride > 1:
            self.shortcut = Conv2d(
                image_shape[0], layer.filters, 1, layer.stride, bias=False
            )

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


def convolved_size(layer, image_shape):
    """The (height, width) after a ConvLayer's convolution, before its pooling."""
    if layer.padding == "same":
        return tuple(math.ceil(side / layer.stride) for side in image_shape[1:])
    border = 0 if layer.padding == "valid" else layer.padding
    return tuple(
        (side + 2 * border - layer.kernel_size) // layer.stride + 1
        for side in image_shape[1:]
    )


def pool_window(layer, size):
    """A ConvLayer's pooling window on maps of this size, and its strides."""
    if layer.pool == "global":
        return size, size
    window = tuple(min(layer.pool_size, side) for side in size)
    stride = layer.pool_stride or layer.pool_size
    return window, (stride, stride)


def block_output_shape(layer, image_shape):
    """The (channels, height, width) that a ConvLayer makes of images of this shape.

    A side that is not positive says that the kernel does not fit the image.
    """
    size = convolved_size(layer, image_shape)
    if layer.pool is not None and min(size) > 0:
        window, strides = pool_window(layer, size)
        size = tuple(
            (side - length) // stride + 1
            for side, length, stride in zip(size, window, strides, strict=True)
        )
    return (layer.filters, *size)


@torch.no_grad()
def initialize_weights(module, generator):
    """Draw all weights from the generator, with torch's own distributions.

    Weights and biases are uniform within 1 / sqrt(fan in), as in
    `torch.nn.Linear` and `torch.nn.Conv2d` (LeCun et al., "Efficient BackProp",
    1998, section 4.6), which would draw from the global generator.
    """
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for weights in layer.parameters(recurse=False):
                weights.uniform_(-bound, bound, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()


class LayerSummary(NamedTuple):
    """One line of a model's summary."""

    layer: str
    output_shape: tuple
    n_parameters: int


class ModelSummary(tuple):
    """The layers of a model, printed as an aligned table.

    A tuple of `LayerSummary` (layer, output_shape, n_parameters), in the order
    in which an image passes them. Output shapes are per image.
    """

    @property
    def n_parameters(self):
        """The number of trainable weights and biases."""
        return sum(line.n_parameters for line in self)

    def __str__(self):
        rows = [(name, str(shape), f"{count:,}") for name, shape, count in self]
        return tabulate(
            [*rows, SEPARATING_LINE, ("total", "", f"{self.n_parameters:,}")],
            LayerSummary._fields,
            colalign=("left", "left", "right"),
            disable_numparse=True,
        )

    __repr__ = __str__


@torch.no_grad()
def summarize(module, image_shape):
    """The ModelSummary of a module, found by running it.

    The lines are its innermost layers, and those around them that have weights of
    their own.
    """
    lines, counted = [], set()

    def note(layer, inputs, output):
        new = [weights for weights in layer.parameters() if weights not in counted]
        counted.update(new)
        if new or not layer._modules:
            shape = tuple(getattr(output, "shape", ()))[1:]
            n_parameters = sum(weights.numel() for weights in new)
            lines.append(LayerSummary(_describe(layer), shape, n_parameters))

    hooks = [layer.register_forward_hook(note) for layer in module.modules()]
    try:
        device = module.scaling.factor.device
        module(torch.zeros((1, *image_shape), device=device))
    finally:
        for hook in hooks:
            hook.remove()
    return ModelSummary(lines)


def _describe(layer):
    name = type(layer).__name__
    if isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
        return f"{name} {'x'.join(map(str, _pair(layer.kernel_size)))}"
    return f"{name} {layer.p:g}" if isinstance(layer, nn.Dropout) else name


def _pair(size):
    return size if isinstance(size, tuple) else (size, size)
