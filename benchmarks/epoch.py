"""One epoch over MNIST's 60,000 images: python -m benchmarks.epoch [NETWORK …]."""

import argparse

from benchmarks.contenders import contenders_for
from benchmarks.measure import (
    Worker,
    environment,
    environment_text,
    in_turn,
    ratio_table,
    write,
)
from benchmarks.networks import NETWORKS


def main():
    """Time the networks, print a table each, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--contenders", nargs="*", help="instead of all")
    options = parser.parse_args()
    print(environment_text(environment()))
    for name in options.networks:
        contenders = options.contenders or contenders_for(NETWORKS[name])
        workers = {other: Worker("epoch", other, name) for other in contenders}
        figures = in_turn(workers, options.repeats)
        print(f"\n## {name}\n\n{ratio_table(figures)}\n", flush=True)
        write(f"epoch-{name}", {"seconds": figures})


if __name__ == "__main__":
    main()
