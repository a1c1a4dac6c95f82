"""Predictions: python -m benchmarks.predict [NETWORK …].

Of 10,000 images and of one, beside a bare forward pass in PyTorch over floats that
are scaled and laid out already.
"""

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

LEFT_OUT = {"DataLoader loop"}  # predicts as the best loop does
IMAGES = (10_000, 1)


def main():
    """Time the networks, print a table each, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(environment_text(environment()))
    for name in options.networks:
        contenders = [c for c in contenders_for(NETWORKS[name]) if c not in LEFT_OUT]
        for n_images in IMAGES:
            workers = {
                contender: Worker("predict", contender, name, n_images)
                for contender in contenders
            }
            workers[FLOOR] = Worker("floor", name, n_images, False)
            figures = in_turn(workers, options.repeats)
            beside = circumstances(workers)
            images = f"{n_images:,} image{'s' * (n_images > 1)}"
            print(f"\n## {name}, {images}\n\n{ratio_table(figures)}\n")
            print(circumstances_text(beside), flush=True)
            write(f"predict-{name}-{n_images}", {"seconds": figures, **beside})


if __name__ == "__main__":
    main()
