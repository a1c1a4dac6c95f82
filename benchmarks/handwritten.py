"""The best PyTorch loop that we can write by hand, for the networks of the reports.

Written to win, for one thing and nothing else: no checks, no callbacks, no history,
no labels but 0 to 9. What it does about speed:

- uint8 images stay so; a batch is one index_select, then one multiplication.
- Convolutions in channels-last, pooling before ReLU.
- The fused optimisers; gradients set to None; the loss is read once an epoch.
- A batch of many images goes through in parts that fit the cache.
"""

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
    """The optimiser of the report."""
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[network.optimizer]
    return make(
        module.parameters(), network.lr, weight_decay=network.weight_decay, **kwargs
    )


def part_size(network):
    """Images that go through at a time."""
    if not network.conv_layers:
        return network.batch_size
    rows = PART_BYTES // (4 * 28 * 28 * network.conv_layers[0])
    return 2 ** (rows.bit_length() - 1)


def train(network, images, targets, epochs=1, device="cpu"):
    """Train on uint8 images of shape (n, 28, 28); returns the module."""
    module = make_module(network).to(device)
    images, targets = images.to(device), targets.to(device)
    if network.conv_layers:
        module = module.to(memory_format=torch.channels_last)
        # One channel: channels last and first are the same bytes.
        images = images[:, :, :, None].permute(0, 3, 1, 2)
    else:
        images = images.flatten(1)
    optimizer = make_optimizer(network, module, fused=True)
    size = part_size(network) if device == "cpu" else network.batch_size
    for _ in range(epochs):
        loss_sum = torch.zeros((), device=device)
        order = torch.randperm(len(images), device=device)
        for rows, labels in zip(
            order.split(network.batch_size),
            targets[order].split(network.batch_size),
            strict=True,
        ):
            batch = images.index_select(0, rows).float().mul_(1 / 255)
            optimizer.zero_grad()
            for part, part_labels in zip(
                batch.split(size), labels.split(size), strict=True
            ):
                loss = F.cross_entropy(module(part), part_labels, reduction="sum")
                (loss / len(rows)).backward()
                loss_sum += loss.detach()
            optimizer.step()
        float(loss_sum)
    return module


@torch.inference_mode()
def predict(module, images, rows=1000):
    """The labels of float images that are scaled and shaped already."""
    return torch.cat([module(part).argmax(1) for part in images.split(rows)])
