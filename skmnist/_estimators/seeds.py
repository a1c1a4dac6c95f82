"""One seed for each thing that draws, so that none depends on another. No torch."""

from typing import NamedTuple

import numpy as np


class Seeds(NamedTuple):
    """The seeds of a fit: the one that the others come from, and theirs."""

    root: int
    weights: int
    training: int
    split: int


def draw_seed(random_state):
    """An int seed: given, drawn from the given generator, or from the system.

    None takes the operating system's entropy rather than NumPy's global
    generator, which is the caller's and is left as found.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**32, dtype=np.uint64))
    return int(random_state)


def spread_seed(root):
    """The seeds that come from one."""
    return Seeds(root, *map(int, np.random.SeedSequence(root).generate_state(3)))
