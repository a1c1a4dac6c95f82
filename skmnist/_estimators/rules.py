"""What a parameter may be, and the one sentence that says so. No torch."""

import math
import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np


class Rule(NamedTuple):
    """What a parameter accepts, and the words that say so."""

    expected: str
    accepts: Callable[[Any], bool]


def is_int(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def is_real(value):
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def number(
    expected, *, low, high=math.inf, low_open=False, high_open=False, infinite=False
):
    """A real number in an interval, closed and finite unless said otherwise."""

    def accepts(value):
        if not is_real(value) or not (infinite or -math.inf < value < math.inf):
            return False
        above = value > low if low_open else value >= low
        below = value < high if high_open else value <= high
        return above and below

    return Rule(expected, accepts)


def one_of(*options, also=None):
    """One of the named options, or whatever the rule ``also`` accepts."""
    expected = f"one of {', '.join(repr(option) for option in options)}"
    if also is None:
        return Rule(expected, lambda value: _is_option(value, options))
    return Rule(
        f"{expected}, or {also.expected}",
        lambda value: _is_option(value, options) or also.accepts(value),
    )


def _is_option(value, options):
    # An array or a dict among the options' equals would be an ambiguous or
    # unhashable comparison; only None and strings are ever options.
    return (value is None or isinstance(value, str)) and value in options


POSITIVE_FLOAT = number("a positive float", low=0, low_open=True)
NON_NEGATIVE_FLOAT = number("a non-negative float", low=0)
NON_NEGATIVE_INT = Rule(
    "a non-negative int", lambda value: is_int(value) and value >= 0
)
POSITIVE_INT = Rule("a positive int", lambda value: is_int(value) and value > 0)
BOOL = Rule("a bool", lambda value: isinstance(value, (bool, np.bool_)))
VERBOSITY = Rule(
    "a non-negative int or a bool",
    lambda value: BOOL.accepts(value) or NON_NEGATIVE_INT.accepts(value),
)
LAYER_SIZES = Rule(
    "a tuple of positive ints, () for no hidden layer",
    lambda value: (
        (isinstance(value, (tuple, list)) or getattr(value, "ndim", None) == 1)
        and all(is_int(size) and size > 0 for size in value)
    ),
)
IMAGE_SHAPE = Rule(
    "None, (height, width) or (channels, height, width)",
    lambda value: (
        value is None
        or (
            isinstance(value, (tuple, list))
            and len(value) in (2, 3)
            and all(is_int(side) and side > 0 for side in value)
        )
    ),
)
CLASS_WEIGHT = one_of(
    None,
    "balanced",
    also=Rule(
        "a dict of class label to non-negative float",
        lambda value: (
            isinstance(value, dict)
            and all(NON_NEGATIVE_FLOAT.accepts(weight) for weight in value.values())
        ),
    ),
)
RANDOM_STATE = Rule(
    "None, an int between 0 and 2**32 - 1, or a numpy.random.RandomState",
    lambda value: (
        value is None
        or (is_int(value) and 0 <= value < 2**32)
        or isinstance(value, np.random.RandomState)
    ),
)
PATH = Rule(
    "None or a path",
    lambda value: (
        value is None or (isinstance(value, (str, os.PathLike)) and bool(value))
    ),
)
NAMED_ARGUMENTS = Rule(
    "None or a dict of argument name to value",
    lambda value: (
        value is None
        or (isinstance(value, dict) and all(isinstance(key, str) for key in value))
    ),
)
CALLABLE = Rule("a callable", callable)
PIXEL_SCALING = one_of(None, "standard", "unit", "symmetric")


def parameter_error(owner, name, expected, value):
    """The one sentence in which every parameter error is said."""
    return ValueError(
        f"The {name!r} parameter of {owner} must be {expected}. Got {value!r} instead."
    )


def check_parameters(estimator, rules):
    """Raise a ValueError for the first parameter that breaks its rule."""
    for name, rule in rules.items():
        value = getattr(estimator, name)
        if not rule.accepts(value):
            owner = type(estimator).__name__
            raise parameter_error(owner, name, rule.expected, value)
