"""The best loop without private operations, for the networks that are timed.

Written by hand in PyTorch, as people write it, and to win, for one thing and nothing
else: no checks, no callbacks, no history, no labels but 0 to 9. It has the batches
that skmnist has, whose sizes differ by one at most. What it does about speed:

- uint8 images stay so; a batch is one index_select, and a part of it one
  multiplication.
- Convolutions in channels-last, pooling before ReLU.
- The fused optimisers; gradients set to None; the loss is read once an epoch.
- A batch of many images goes through in parts that fit the cache.

With `loss=torch.compile(loss_sum), channels_last=False` it is the loop under
torch.compile, whose kernels for the gradient of pooling are slower in channels-last.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

PART_BYTES = 4 * 2**20  # of the largest activation of a part of a batch


def make_module(network):
    """The network as a torch module, with torch's own first weights."""
    layers, channels, side = [], 1, 28
    for filters in network.conv_layers:
        layers += [
            nn.Conv2d(channels, filters, 3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),
        ]
        channels, side = filters, side // 2
    layers.append(nn.Flatten())
    n_inputs = channels * side * side
    for size in network.hidden_layer_sizes:
        layers += [nn.Linear(n_inputs, size), nn.ReLU()]
        n_inputs = size
    return nn.Sequential(*layers, nn.Linear(n_inputs, 10))


def make_optimizer(network, module, **kwargs):
    """The optimiser of the network."""
    make = optimizer_class(network)
    return make(
        module.parameters(), network.lr, weight_decay=network.weight_decay, **kwargs
    )


def optimizer_class(network):
    """The class of its optimiser in torch."""
    optim = torch.optim
    classes = {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW}
    return classes[network.optimizer]


def part_size(network):
    """Images that go through at a time."""
    if not network.conv_layers:
        return network.batch_size
    rows = PART_BYTES // (4 * 28 * 28 * network.conv_layers[0])
    return 2 ** (rows.bit_length() - 1)


def split(rows, network):
    """The batches of an epoch, of even sizes."""
    return rows.tensor_split(math.ceil(len(rows) / network.batch_size))


def lay_out(network, images, channels_last):
    """uint8 images of shape (n, 28, 28) as the network takes them."""
    if not network.conv_layers:
        return images.flatten(1)
    if not channels_last:
        return images[:, None]
    # One channel: channels last and first are the same bytes.
    return images[:, :, :, None].permute(0, 3, 1, 2)


def loss_sum(module, pixels, labels):
    """The sum of the losses of uint8 images."""
    images = pixels.float().mul_(1 / 255)
    return F.cross_entropy(module(images), labels, reduction="sum")


def train(
    network,
    images,
    targets,
    epochs=1,
    device="cpu",
    loss=loss_sum,
    channels_last=True,
):
    """Train on uint8 images of shape (n, 28, 28); returns the module."""
    module = make_module(network).to(device)
    if channels_last:
        module = module.to(memory_format=torch.channels_last)
    images = lay_out(network, images.to(device), channels_last)
    targets = targets.to(device)
    optimizer = make_optimizer(network, module, fused=True)
    size = part_size(network) if device == "cpu" else network.batch_size
    for _ in range(epochs):
        total = torch.zeros((), device=device)
        order = torch.randperm(len(images), device=device)
        for rows, labels in zip(
            split(order, network), split(targets[order], network), strict=True
        ):
            batch = images.index_select(0, rows)
            optimizer.zero_grad()
            for part, part_labels in zip(
                batch.split(size), labels.split(size), strict=True
            ):
                part_loss = loss(module, part, part_labels)
                (part_loss / len(rows)).backward()
                total += part_loss.detach()
            optimizer.step()
        float(total)
    return module


@torch.inference_mode()
def predict(module, images, rows=1000):
    """The labels of float images that are scaled and shaped already."""
    return torch.cat([module(part).argmax(1) for part in images.split(rows)])
