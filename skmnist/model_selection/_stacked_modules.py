"""Many networks of one architecture as one, with their weights stacked."""

import torch
from torch import nn
from torch.nn import functional as F

from skmnist._training.dense import linear
from skmnist._training.modules import Dropout


class StackedModule:
    """Networks of one architecture that see an image at the same time.

    A dense layer of all is one product over the shared images, or a batched one; a
    convolution is one with groups. The weights lie in one tensor for each place in the
    network; the networks' own become views of it, so that an optimiser which
    changes a network changes the stack.

    Parameters
    ----------
    modules : list of MLP or ConvNet
        On one device, in one dtype, with the same scaling of pixels; without batch
        normalisation.
    streams : list of int
        For every module the generator that its dropout draws from, by position.
    generators : list of torch.Generator
    """

    def __init__(self, modules, streams, generators):
        self.modules = modules
        self.streams = streams
        self.generators = generators
        self.weights = {}
        for name, _ in modules[0].named_parameters():
            own = [module.get_parameter(name) for module in modules]
            before = [weights.data for weights in own]
            whole = torch.stack(before)
            for weights, part in zip(own, whole, strict=True):
                weights.data = part
            self.weights[name] = whole.requires_grad_(), own, before

    def distribute(self, tensors):
        """What each module is given of one tensor a stream: the same, or its own."""
        if len(tensors) == 1:
            return tensors[0]
        return torch.stack([tensors[stream] for stream in self.streams])

    def forward(self, images):
        """Logits of shape (n_modules, n, n_classes).

        Parameters
        ----------
        images : tensor of shape (n, channels, height, width), or \
                (n_modules, n, channels, height, width)
            The same for all, or each module's own.
        """
        # From here to Flatten the channels of all modules lie side by side, so
        # long as they are not one and the same.
        n_modules = len(self.modules)
        x, groups = self.modules[0].scaling(images), 1
        if x.dim() == 5:
            x, groups = x.transpose(0, 1).flatten(1, 2), n_modules
        for i, layer in enumerate(self.modules[0].layers):
            if isinstance(layer, nn.Conv2d):
                weight, bias = self._layer(i)
                x = F.conv2d(
                    x,
                    weight.flatten(0, 1),
                    bias.flatten(),
                    layer.stride,
                    layer.padding,
                    groups=groups,
                )
                groups = n_modules
            elif isinstance(layer, nn.Flatten):
                x = x.flatten(1)
                if groups > 1:
                    x = x.unflatten(1, (groups, -1)).transpose(0, 1)
            elif isinstance(layer, Dropout):
                x = x * self._dropout_masks(i, x)
            elif isinstance(layer, nn.Linear):
                x = self._linear(x, *self._layer(i))
            else:
                x = layer(x)
        return x

    def _layer(self, i):
        return self.weights[f"layers.{i}.weight"][0], self.weights[f"layers.{i}.bias"][
            0
        ]

    def _linear(self, x, weight, bias):
        if x.dim() == 2:
            y = linear(x, weight.flatten(0, 1), bias.flatten())
            return y.unflatten(1, bias.shape).transpose(0, 1)
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))

    def _dropout_masks(self, i, x):
        """What layer i multiplies with, drawn as each module would have done."""
        masks = []
        for stream, generator in enumerate(self.generators):
            keep = 1 - self.modules[self.streams.index(stream)].layers[i].p
            mask = torch.empty(x.shape[-2:], dtype=x.dtype, device=x.device)
            masks.append(mask.bernoulli_(keep, generator=generator).div_(keep))
        return torch.stack([masks[stream] for stream in self.streams])

    def share_gradients(self):
        """Give every module the gradients of its weights; the stack's are let go."""
        for whole, own, _ in self.weights.values():
            for weights, gradient in zip(own, whole.grad, strict=True):
                weights.grad = gradient
            whole.grad = None

    def part(self):
        """Give every module weights of its own again."""
        for _, own, before in self.weights.values():
            for weights, data in zip(own, before, strict=True):
                weights.data = data.copy_(weights.data)
                weights.grad = None
