"""A look inside a network: what it computes on the way, what its answer hangs on."""

import contextlib
import threading

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.dropout import _DropoutNd

from skmnist._training.ambient import drawing_from
from skmnist._training.modules import Dropout


def features(net, images, memory_map=None):
    """The inputs of the last layer, shape (n, n_units), on the CPU."""
    module = net._predicting_module()

    def compute(pixels):
        with watch([module.last_layer]) as calls:
            module(pixels)
        _, (x, *_), _ = calls[-1]
        return x.flatten(1)

    return net._in_parts(compute, images, module.n_units, memory_map)


def sample_logits(net, images, n_samples, seed, memory_map=None):
    """Logits with dropout as in training, one tensor for each sample."""
    module, device = net._predicting_module(copied=True), torch.device(net.device)
    generator = torch.Generator(device).manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, _DropoutNd):
            layer.training = True
        if isinstance(layer, Dropout):
            layer.generator = generator
    n_classes = len(net.classes_)
    for number in range(n_samples):
        # Layers that are not ours draw from torch's global generators.
        with drawing_from((seed + number) % 2**32, device):
            logits = net._in_parts(module, images, n_classes, memory_map)
        yield logits


def has_dropout(module):
    """Whether there is a layer that drops anything in training."""
    return any(isinstance(m, _DropoutNd) and m.p > 0 for m in module.modules())


def convolutions(module):
    """All two-dimensional convolutions of a module."""
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]


def saliency(net, images, targets, by_convolution):
    """How much every pixel speaks for a class, shape (n, height, width), on the CPU.

    Parameters
    ----------
    net : TrainingNet
    images : tensor of shape (n, channels, height, width)
    targets : int64 tensor of shape (n,)
        The position of the class, for every image.
    by_convolution : bool
        Grad-CAM of the last maps, else the size of the logit's gradient by the
        pixels, of the channel where it is largest.
    """
    module, device = net._predicting_module(), torch.device(net.device)
    kind = _grad_cam if by_convolution else _gradient
    size, maps = net._rows_at_once(), []
    for part, classes in zip(images.split(size), targets.split(size), strict=True):
        pixels = part.to(device, module.scaling.factor.dtype, copy=True)
        maps.append(kind(module, pixels.requires_grad_(), classes.to(device)).cpu())
    return torch.cat(maps)


def _gradient(module, pixels, classes):
    logits = module(pixels).gather(1, classes[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), pixels)
    return gradient.abs().amax(1)


def _grad_cam(module, pixels, classes):
    """Selvaraju et al., "Grad-CAM", ICCV 2017: maps, weighted by their gradients."""
    with watch(module.modules()) as calls:
        logits = module(pixels).gather(1, classes[:, None])
    maps = _last_maps(calls)
    (gradient,) = torch.autograd.grad(logits.sum(), maps)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * maps.detach()).sum(1, keepdim=True).relu()
    size = pixels.shape[2:]
    return F.interpolate(heat, size, mode="bilinear", align_corners=False)[:, 0]


def _last_maps(calls):
    """What the last convolution and all behind it make, as long as it has positions.

    That is behind the activation. Before it most numbers are negative, which nothing
    after it sees: weighted, they sum to no map at all for most images.
    """
    kinds = [isinstance(layer, nn.Conv2d) for layer, _, _ in calls]
    last = len(kinds) - 1 - kinds[::-1].index(True)
    outputs = [output for _, _, output in calls[last:]]
    with_positions = [
        maps
        for maps in outputs
        if isinstance(maps, torch.Tensor) and maps.dim() == 4 and maps[0, 0].numel() > 1
    ]
    return with_positions[-1] if with_positions else outputs[0]


@contextlib.contextmanager
def watch(layers):
    """The (layer, inputs, output) of layers, call by call, in this thread alone."""
    calls, thread = [], threading.get_ident()

    def note(layer, inputs, output):
        if threading.get_ident() == thread:
            calls.append((layer, inputs, output))

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()
