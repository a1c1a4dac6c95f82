"""Convolutions beside torch's own, in layouts where torch's own can crash."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from skmnist._training.convolution import Conv2d


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (1, 2), (1, 3), (3, 2)])
def test_values_and_gradients_are_those_of_torch(kernel_size, stride, padding):
    settings = (5, 7, kernel_size, stride, padding)
    ours, torchs = Conv2d(*settings).double(), nn.Conv2d(*settings).double()
    torchs.load_state_dict(ours.state_dict())
    generator = torch.Generator().manual_seed(0)
    X = torch.randn((4, 5, 14, 13), generator=generator, dtype=torch.float64)
    found = []
    for layer in (ours, torchs):
        images = X.clone().requires_grad_()
        out = layer(images)
        out.square().sum().backward()
        found.append((out, images.grad, layer.weight.grad, layer.bias.grad))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


# glibc's checks of its memory end the process where something wrote beyond its own.
TRAINING = """
from skmnist import ConvLayer, ConvNetClassifier
from skmnist.datasets import load_digits28
import torch

torch.set_num_threads(2)
X, y = load_digits28(return_X_y=True)
layers = (4, ConvLayer(8, stride=2, residual=True), ConvLayer(8, 1, stride=2))
for batch_size in (61, 63):
    clf = ConvNetClassifier(
        layers, (), batch_size=batch_size, max_epochs=2, random_state=0
    )
    clf.fit(X[: 4 * batch_size], y[: 4 * batch_size])
print("done")
"""


def test_strided_shortcuts_of_few_channels_write_nothing_beyond_their_memory():
    run = subprocess.run(
        [sys.executable, "-c", TRAINING],
        env={
            **os.environ,
            "LD_PRELOAD": "libc_malloc_debug.so.0",
            "GLIBC_TUNABLES": "glibc.malloc.check=3",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (run.returncode, run.stdout) == (0, "done\n"), run.stderr
