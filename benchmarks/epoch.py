"""One epoch over MNIST's 60,000 images: python -m benchmarks.epoch [NETWORK …]."""

import argparse

from benchmarks.contenders import contenders_for
from benchmarks.measure import (
    FLOOR,
    Worker,
    circumstances,
    circumstances_text,
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
        workers[FLOOR] = Worker("floor", name, 60_000, True)
        figures = in_turn(workers, options.repeats)
        beside = circumstances(workers)
        print(f"\n## {name}\n\n{ratio_table(figures)}\n")
        print(circumstances_text(beside), flush=True)
        write(f"epoch-{name}", {"seconds": figures, **beside})


if __name__ == "__main__":
    main()
