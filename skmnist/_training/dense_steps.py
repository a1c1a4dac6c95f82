"""Training steps of a stack of dense layers, without torch's graph.

The graph of a small network costs as much as its products. Without it, and with as few
operations as there can be, an epoch of an MLP of 100 units at batch 100 takes 0.70 of
the best loop's time, one of 500 and 300 units 0.78 (`python -m benchmarks.epoch`). The
gradients are the textbook's (Rumelhart, Hinton & Williams, "Learning representations by
back-propagating errors", 1986).
"""

import torch
from torch import nn
from torch.nn.modules.module import _has_any_global_hook

from skmnist._training.dense import Linear, descend, linear
from skmnist._training.modules import MLP, PixelScaling
from skmnist._training.optimizers import OPTIMIZERS, plain_descent

_aten = torch.ops.aten

# Activations whose own value tells their derivative: the function, in place, and the
# gradient of its input from the gradient of the value and the value, in the former's
# memory.
ACTIVATIONS = {
    nn.ReLU: (
        torch.relu_,
        lambda g, y: _aten.threshold_backward.grad_input(g, y, 0, grad_input=g),
    ),
    nn.Sigmoid: (
        torch.sigmoid_,
        lambda g, y: _aten.sigmoid_backward.grad_input(g, y, grad_input=g),
    ),
    nn.Tanh: (
        torch.tanh_,
        lambda g, y: _aten.tanh_backward.grad_input(g, y, grad_input=g),
    ),
    nn.Identity: (lambda y: y, lambda g, y: g),
}

HOOKS = (
    *("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"),
    "_compiled_call_impl",
)


def find_dense_steps(module, loss, optimizer):
    """The `DenseSteps` of a module, or None.

    None unless the module is an MLP of plain layers, its loss cross-entropy and its
    optimiser one of those that have names, and nobody has hung a hook, a frozen weight
    or a layer of their own into it.
    """
    if type(module) is not MLP or loss.is_own:
        return None
    flatten, *layers = module.layers
    dense, activations = layers[::2], layers[1::2]
    plain = (
        type(optimizer) in OPTIMIZERS.values()
        and type(flatten) is nn.Flatten
        and type(module.scaling) is PixelScaling
        and all(type(layer) is Linear for layer in dense)
        and all(type(layer) in ACTIVATIONS for layer in activations)
        and not any(_is_watched(layer) for layer in module.modules())
        and not _has_any_global_hook()
        and len(list(module.parameters())) == 2 * len(dense)
        and all(_is_plain(weights) for weights in module.parameters())
    )
    if not plain:
        return None
    return DenseSteps(module, loss, plain_descent(optimizer, module.parameters()))


def _is_watched(layer):
    return "forward" in vars(layer) or any(getattr(layer, name) for name in HOOKS)


def _is_plain(weights):
    return (
        type(weights) is nn.Parameter
        and weights.requires_grad
        and not weights._backward_hooks
        and not weights._post_accumulate_grad_hooks
    )


class DenseSteps:
    """The gradients of an MLP's weights, batch by batch.

    Parameters
    ----------
    module : MLP
    loss : Loss
        Cross-entropy.
    descent : dict or None
        The parameter group of an optimiser that is no more than w -= lr * gradient,
        for `descend`.
    """

    def __init__(self, module, loss, descent):
        dense, scaling = list(module.layers[1::2]), module.scaling
        # To take off nothing takes as long as to take off something.
        self.shift = scaling.shift if scaling.shift.any() else None
        self.factor = scaling.factor
        self.pixels = self.factor.new_empty(0)
        self.weights = [layer.weight for layer in dense]
        self.biases = [layer.bias for layer in dense]
        self.activations = [ACTIVATIONS[type(layer)] for layer in module.layers[2::2]]
        self.wanted = smooth_targets(
            dense[-1].out_features, loss.label_smoothing, dense[-1].weight.dtype
        )
        self.descent = descent

    @torch.no_grad()
    def add_gradients(self, images, targets, weights, total):
        """Add the gradients of the mean loss to those of the weights.

        Parameters
        ----------
        images : tensor of shape (n, channels, height, width)
        targets : int64 tensor of shape (n,)
        weights : tensor of shape (n,), or None
            In the loss.
        total : float or tensor of shape ()
            What the sum of the losses is divided by.

        Returns
        -------
        logits : tensor of shape (n, n_classes)
        """
        inputs, logits = self._forward(images)
        of_logits = self._slope(logits, targets, weights).div_(total)
        for weight, bias, x, slope in self._backward(inputs, of_logits):
            _add_gradient(weight, linear(slope.t(), x.t()))
            _add_gradient(bias, slope.sum(0))
        return logits

    @torch.no_grad()
    def descend(self, images, targets, weights, total):
        """Take the step of plain gradient descent, as `add_gradients` and it would.

        The gradient of a weight is never in memory: its product goes into the weight.
        """
        inputs, logits = self._forward(images)
        of_logits = self._slope(logits, targets, weights)
        rate = float(self.descent["lr"])
        keep = 1 - rate * self.descent["weight_decay"]
        rate = float(rate / total)  # of the summed loss, whose slopes these are
        rows = logits.new_ones(len(logits))
        for weight, bias, x, slope in self._backward(inputs, of_logits):
            descend(weight, slope, x, keep, rate)
            bias.addmv_(slope.t(), rows, beta=keep, alpha=-rate)
        return logits

    def _forward(self, images):
        """The inputs of all layers, and the logits."""
        inputs = [self._scaled(images)]
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for layer, (activate, _) in zip(hidden, self.activations, strict=True):
            inputs.append(activate(linear(inputs[-1], *layer)))
        return inputs, linear(inputs[-1], *last)

    def _scaled(self, images):
        """The images as rows of pixels, in memory that one step leaves to the next."""
        n = len(images)
        if len(self.pixels) < n:
            self.pixels = torch.empty_like(images, dtype=self.factor.dtype)
        pixels = self.pixels[:n].copy_(images)
        if self.shift is not None:
            pixels.sub_(self.shift)
        return pixels.mul_(self.factor).flatten(1)

    def _slope(self, logits, targets, weights):
        """The gradient of the summed loss with respect to the logits."""
        slope = logits.softmax(1).sub_(self.wanted.index_select(0, targets))
        return slope if weights is None else slope.mul_(weights[:, None])

    def _backward(self, inputs, slope):
        """From the last layer to the first: weights, input, and slope of the output.

        The weights have been used when they are given: they may be changed.
        """
        for i in reversed(range(len(inputs))):
            of_output = slope
            if i > 0:
                _, derive = self.activations[i - 1]
                slope = derive(linear(of_output, self.weights[i].t()), inputs[i])
            yield self.weights[i], self.biases[i], inputs[i], of_output


def smooth_targets(n_classes, label_smoothing, dtype):
    """The probabilities that the loss wants of an image of each class, row by row."""
    others = label_smoothing / n_classes
    wanted = torch.full((n_classes, n_classes), others, dtype=dtype)
    return wanted.fill_diagonal_(1 - label_smoothing + others)


def _add_gradient(weights, gradient):
    weights.grad = gradient if weights.grad is None else weights.grad.add_(gradient)
