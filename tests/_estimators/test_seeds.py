import numpy as np
from numpy.testing import assert_array_equal

from skmnist._estimators.seeds import draw_seed, spread_seed


def test_seeds_are_given_drawn_or_new():
    assert draw_seed(np.int64(7)) == 7
    first, second = np.random.RandomState(3), np.random.RandomState(3)
    seeds = [draw_seed(first) for _ in range(20)]
    assert seeds == [draw_seed(second) for _ in range(20)]
    assert len(set(seeds)) == 20
    assert max(seeds) > 2**31  # all 32 bits are drawn
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert draw_seed(None) != draw_seed(None)
    assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_the_seeds_of_a_fit_differ_and_come_from_one():
    seeds = spread_seed(7)
    assert seeds == spread_seed(7)
    assert seeds.root == 7
    assert len({*seeds, *spread_seed(8)}) == 8
