"""Dense layers, whose products oneDNN makes where torch's own choice is slow.

`F.linear` goes through MKL, which on AMD's Zen 5 runs at half of the processor's
speed. oneDNN, which torch carries for convolutions, runs at the full one there.
"""

import re
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# The smallest product that gains: fewer images are not limited by arithmetic, and the
# ten logits of a last layer are faster in MKL. Measured by `benchmarks.floor`.
LEAST_IMAGES, LEAST_UNITS = 32, 64


def onednn_gains(cpuinfo=Path("/proc/cpuinfo")):
    """Whether this processor is one of those on which oneDNN is the faster library.

    A table and no measurement, which would choose by chance where both are alike, and
    with it the last digits of a model.
    """
    if not (cpuinfo.exists() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        return False
    found = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE))
    return (found.get("vendor_id"), found.get("cpu family")) == ("AuthenticAMD", "26")


_onednn_gains = onednn_gains()


class Linear(nn.Linear):
    """`torch.nn.Linear`, with its values, by the faster library."""

    def forward(self, input):
        return linear(input, self.weight, self.bias)


def linear(x, weight, bias=None):
    """``F.linear(x, weight, bias)``, by the faster library.

    Parameters
    ----------
    x : tensor of shape (n, n_inputs)
    weight : tensor of shape (n_outputs, n_inputs)
    bias : tensor of shape (n_outputs,), or None
    """
    if not (_onednn_gains and _is_plain(x) and _is_large(x, weight)):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled():
        return _Linear.apply(x, weight, bias)
    return _product(x, weight, bias)


def descend(weight, slope, x, keep, rate):
    """``weight = keep * weight - rate * slope.T @ x``, in place, without a graph.

    Parameters
    ----------
    weight : tensor of shape (n_outputs, n_inputs)
    slope : tensor of shape (n, n_outputs)
    x : tensor of shape (n, n_inputs)
    keep, rate : float
    """
    if _onednn_gains and _is_plain(x) and _is_large(x, weight):
        weight.mul_(keep).sub_(_product(slope.t(), x.t()), alpha=rate)
    else:
        weight.addmm_(slope.t(), x, beta=keep, alpha=-rate)


def _is_plain(x):
    """Whether nothing but numbers is asked for: no graph of operations to look at."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.dim() == 2
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not torch._C._are_functorch_transforms_active()
    )


def _is_large(x, weight):
    return len(x) >= LEAST_IMAGES and min(weight.shape) >= LEAST_UNITS


def _product(x, weight, bias=None):
    """``x @ weight.T + bias`` in oneDNN."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class _Linear(torch.autograd.Function):
    """The product with its gradients, which are products too."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        # The graph of a gradient, for a second derivative, is one of plain operations.
        product = F.linear if torch.is_grad_enabled() else _product
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            product(gradient, weight.t()) if for_x else None,
            product(gradient.t(), x.t()) if for_weight else None,
            gradient.sum(0) if for_bias else None,
        )
