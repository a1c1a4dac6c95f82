"""What the products alone would take: python -m benchmarks.floor [NETWORK …].

The floor of a network is the floating-point operations of its products over the rate
of the fastest library, on this machine and at this moment. The libraries are those that
torch carries: MKL, through `F.linear`, and oneDNN, through the private operation
`mkldnn._linear_pointwise`. A dense layer's product counts with the rate of that shape.
A convolution counts with the rate of a large product, which it does not reach, so
that the floor is one for every library's convolutions.
"""

import argparse
import math
from itertools import pairwise

import torch
from torch.nn import functional as F

from benchmarks.measure import table, timed
from benchmarks.networks import NETWORKS

LARGE = (1024, 1024, 1024)
SECONDS = 0.02  # that a product is repeated for
ROWS = 1000  # of images that are predicted at a time


def main():
    """Print the rates of the libraries and the floor of each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    for name in parser.parse_args().networks:
        network = NETWORKS[name]
        shapes = [*dense_products(network, network.batch_size, True), LARGE]
        rows = []
        for shape in shapes:
            found = (f"{rate / 1e9:.0f}" for rate in rates(shape).values())
            rows.append((" x ".join(map(str, shape)), *found))
        print(f"\n## {name}, GFLOP/s\n")
        print(table(("product", *libraries()), rows))
        print(f"\nproducts of an epoch: {seconds(network, 60_000):.3g} s", flush=True)


def seconds(network, n_images, training=True):
    """The floor of an epoch over so many images, or of their prediction."""
    batch_size = network.batch_size if training else ROWS
    n_batches = math.ceil(n_images / batch_size)
    rows = math.ceil(n_images / n_batches)
    dense = sum(
        operations(shape) / best_rate(shape)
        for shape in dense_products(network, rows, training)
    )
    found = n_batches * dense
    if network.conv_layers:
        conv = n_images * convolution_operations(network, training)
        found += conv / best_rate(LARGE)
    return found


def dense_products(network, rows, training):
    """The products of a batch as (m, k, n): of an m by k matrix with a k by n one."""
    width = 28 // 2 ** len(network.conv_layers)
    channels = network.conv_layers[-1] if network.conv_layers else 1
    sizes = [channels * width**2, *network.hidden_layer_sizes, 10]
    for i, (n_inputs, n_outputs) in enumerate(pairwise(sizes)):
        yield rows, n_inputs, n_outputs
        if training:
            yield n_outputs, rows, n_inputs
            # The gradient of the pixels is of no use.
            if i > 0 or network.conv_layers:
                yield rows, n_outputs, n_inputs


def convolution_operations(network, training):
    """The floating-point operations of an image's 3x3 convolutions."""
    total, side = 0, 28
    channels = [1, *network.conv_layers]
    for i, (n_inputs, n_outputs) in enumerate(pairwise(channels)):
        products = 1 if not training else 2 if i == 0 else 3
        total += products * 2 * side**2 * 9 * n_inputs * n_outputs
        side //= 2
    return total


def operations(shape):
    """The floating-point operations of a product."""
    return 2 * math.prod(shape)


def best_rate(shape):
    """Floating-point operations a second, of the fastest library."""
    return max(rates(shape).values())


def rates(shape):
    """Floating-point operations a second, by library."""
    return {name: rate(multiply, shape) for name, multiply in libraries().items()}


@torch.inference_mode()
def rate(multiply, shape):
    """Floating-point operations a second of one library, the best of five turns."""
    m, k, n = shape
    images, weight = torch.randn(m, k), torch.randn(n, k)

    def repeat(times):
        for _ in range(times):
            multiply(images, weight)

    once = min(timed(lambda: repeat(1)) for _ in range(3))
    times = math.ceil(SECONDS / once)
    spent = min(timed(lambda: repeat(times)) for _ in range(5))
    return times * operations(shape) / spent


def libraries():
    """What multiplies `images` by a transposed `weight`, by name."""
    found = {"MKL": F.linear}
    # Private, and not in every build.
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        found["oneDNN"] = lambda images, weight: torch.ops.mkldnn._linear_pointwise(
            images, weight, None, "none", [], ""
        )
    return found


if __name__ == "__main__":
    main()
