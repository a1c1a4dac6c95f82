"""Searches: python -m benchmarks.search [NETWORK …].

Learning rates and weight decays of a network, one epoch a candidate over MNIST's
60,000 training images, scored on its test images: one by one, in two processes,
together in two processes (`BatchedGridSearchCV`), and in one thread, half of which
two processes would take at best.
"""

import argparse

from benchmarks.measure import (
    Worker,
    environment,
    environment_text,
    in_turn,
    ratio_table,
    write,
)
from benchmarks.networks import NETWORKS

KINDS = ("batched", "two processes", "one by one", "one thread")


def main():
    """Time the searches, print a table each, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["mlp-100", "mlp-500-300"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--side", type=int, default=5, help="of the grid")
    options = parser.parse_args()
    print(environment_text(environment()))
    rates = [0.1 / 2**i for i in range(options.side)]
    decays = [0.001 / 2**i for i in range(options.side)]
    for name in options.networks:
        workers = {
            kind: Worker("search", kind, NETWORKS[name].name, rates, decays)
            for kind in KINDS
        }
        figures = in_turn(workers, options.repeats)
        figures["half of one thread"] = [s / 2 for s in figures["one thread"]]
        print(f"\n## {name}, {options.side**2} candidates\n")
        print(ratio_table(figures, ours="two processes"), flush=True)
        write(f"search-{name}", {"seconds": figures})


if __name__ == "__main__":
    main()
