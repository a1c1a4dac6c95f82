"""A module of the user's behind our scaling of pixels: made, tried on one image."""

import copy
import inspect
import math
from functools import partial

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from skmnist._training.ambient import drawing_from
from skmnist._training.modules import PixelScaling


class UserModule(nn.Module):
    """Pixel scaling, then a module of the user's.

    Parameters
    ----------
    image_shape : tuple (channels, height, width)
    network : torch.nn.Module
        From scaled pixels to logits.
    """

    draws_globally = True

    def __init__(self, image_shape, network):
        super().__init__()
        self.scaling = PixelScaling(image_shape[0])
        self.network = network
        self.largest_activation = math.prod(image_shape)
        self.smallest_batch = 1
        self.last_name = self.n_units = None

    @property
    def last_layer(self):
        """The last to work that has a matrix of weights; None where none has one."""
        name = self.last_name
        return None if name is None else self.network.get_submodule(name)

    def forward(self, pixels):
        return self.network(self.scaling(pixels))

    def _note(self, name, layer, inputs, output):
        """Learn from a layer's work on one image what the net needs to know of it."""
        if name and _has_matrix(layer):
            self.last_name, self.n_units = name, inputs[0].numel()
        if isinstance(output, torch.Tensor):
            self.largest_activation = max(self.largest_activation, output.numel())
        if isinstance(layer, _BatchNorm) and inputs[0].numel() == inputs[0].shape[1]:
            # Batch normalisation of a single value has no variance.
            self.smallest_batch = 2


def _has_matrix(layer):
    """Whether a layer multiplies its input by a matrix of weights of its own."""
    # A parametrised layer keeps its matrix in a module inside of it.
    if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return True
    innermost = not layer._modules
    return innermost and any(weights.ndim > 1 for weights in layer.parameters())


def make_user_module(module, module_params, image_shape, n_classes, seed, owner):
    """Build the user's module and try it on one image.

    Parameters
    ----------
    module : callable
        Of (image_shape, n_classes, **module_params).
    module_params : dict
    image_shape : tuple (channels, height, width)
    n_classes : int
    seed : int
        What the global generators begin with while the module is made.
    owner : str
        The name of the estimator, for errors.

    Returns
    -------
    module : UserModule
        On the CPU, in float32.

    Raises
    ------
    ValueError
        For arguments that the callable does not take, for what is no module, and for
        a module that does not work on one image, does not give logits, or has nothing
        to train.
    """
    _check_arguments(module, module_params, image_shape, n_classes, owner)
    with drawing_from(seed):
        network = _call(module, module_params, image_shape, n_classes, owner)
        if not isinstance(network, nn.Module):
            raise ValueError(
                f"The 'module' parameter of {owner} must return a torch.nn.Module. "
                f"{_name(module)} returned {type(network).__name__} instead."
            )
        # A copy, because a function may give the same module every time.
        made = UserModule(image_shape, copy.deepcopy(network))
        made.to("cpu", torch.float32).eval()
        logits = _try(made, module, image_shape, owner)
    if getattr(logits, "shape", None) != (1, n_classes):
        came = tuple(getattr(logits, "shape", ())) or type(logits).__name__
        raise ValueError(
            f"The 'module' parameter of {owner} must return a module that gives logits "
            f"of shape (n, {n_classes}) for n images. {_name(module)} gave {came} for "
            f"one image of {image_shape} instead."
        )
    row = logits.detach()
    made.gives_probabilities = bool(row.min() >= 0) and abs(float(row.sum()) - 1) < 1e-4
    if not logits.requires_grad:
        raise ValueError(
            f"The 'module' parameter of {owner} must return a module with weights to "
            f"train. The logits of {_name(module)} depend on none that requires a "
            "gradient."
        )
    return made


def _call(module, module_params, image_shape, n_classes, owner):
    try:
        return module(image_shape, n_classes, **module_params)
    except Exception as error:
        raise ValueError(
            f"The 'module' parameter of {owner} must return a torch.nn.Module. "
            f"{_name(module)} failed with image_shape={image_shape}, n_classes="
            f"{n_classes}, module_params={module_params!r}: {type(error).__name__}: "
            f"{error}"
        ) from error


def _try(made, module, image_shape, owner):
    """The logits of an image without content; layers that are lazy wake up."""
    hooks = []
    try:
        for name, layer in made.network.named_modules():
            note = partial(made._note, name)
            hooks.append(layer.register_forward_hook(note))
        return made(torch.zeros(1, *image_shape))
    except Exception as error:
        raise ValueError(
            f"The 'module' parameter of {owner} must return a module that takes images "
            f"of (channels, height, width) = {image_shape}. {_name(module)} failed on "
            f"one: {type(error).__name__}: {error}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def _check_arguments(module, module_params, image_shape, n_classes, owner):
    try:
        signature = inspect.signature(module)
    except (TypeError, ValueError):  # some that are compiled have none
        return
    known = list(signature.parameters.values())
    free = {p.name for p in known[2:] if p.kind is not p.VAR_POSITIONAL}
    if not any(p.kind is p.VAR_KEYWORD for p in known) and set(module_params) - free:
        raise ValueError(
            f"The 'module_params' parameter of {owner} must hold arguments that "
            f"{_name(module)} takes after image_shape and n_classes, of "
            f"{sorted(free)}. Got {sorted(set(module_params) - free)} instead."
        )
    try:
        signature.bind(image_shape, n_classes, **module_params)
    except TypeError as error:
        raise ValueError(
            f"The 'module' parameter of {owner} must take (image_shape, n_classes, "
            f"**module_params). {_name(module)}{signature} does not, with "
            f"module_params={module_params!r}: {error}."
        ) from error


def _name(module):
    return getattr(module, "__qualname__", None) or repr(module)
