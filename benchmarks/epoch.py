"""One epoch over MNIST's 60,000 images: python -m benchmarks.epoch [NETWORK …].

With --one-thread each contender has a single thread, as the processes of a search have.
"""

import argparse
import os

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--contenders", nargs="*", help="instead of all")
    parser.add_argument("--one-thread", action="store_true")
    options = parser.parse_args()
    if options.one_thread:
        # Each library starts as many threads as there are cores that it may use.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(environment_text(environment()))
    for name in options.networks:
        contenders = options.contenders or contenders_for(NETWORKS[name])
        workers = {other: Worker("epoch", other, name) for other in contenders}
        workers[FLOOR] = Worker("floor", name, 60_000, True)
        figures = in_turn(workers, options.repeats)
        beside = circumstances(workers)
        title = f"{name}-one-thread" if options.one_thread else name
        print(f"\n## {title}\n\n{ratio_table(figures)}\n")
        print(circumstances_text(beside), flush=True)
        write(f"epoch-{title}", {"seconds": figures, **beside})


if __name__ == "__main__":
    main()
