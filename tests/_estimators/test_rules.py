"""The rules of parameters, and the sentence of their errors."""

import re

import numpy as np
import pytest
from every_estimator import every_estimator

from skmnist._estimators import rules

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (
            rules.number("in [0, 1)", low=0, high=1, high_open=True),
            [0, 0.0, 0.999, np.float32(0.5), False + 0],
            [1, -1e-9, NAN, INF, "0", None, True, 1j, np.array(0.5), 10**400],
        ),
        (
            rules.number("in (0, 1]", low=0, low_open=True, high=1),
            [1, 1e-300, np.int64(1)],
            [0, 1.1, -0.0, np.bool_(True)],
        ),
        (rules.POSITIVE_FLOAT, [1, 1e-9, 1e300], [0, -1, INF, "1", [1]]),
        (rules.NON_NEGATIVE_FLOAT, [0, 1], [-1e-300, NAN]),
        (rules.POSITIVE_INT, [1, np.uint8(3)], [0, -1, 1.0, True, "1", None]),
        (rules.NON_NEGATIVE_INT, [0, 5], [-1, 0.0, False]),
        (rules.BOOL, [True, np.bool_(False)], [0, 1, "True", None]),
        (rules.VERBOSITY, [0, 3, True, False], [-1, 0.5, None]),
        (
            rules.LAYER_SIZES,
            [(), (1,), [3, 4], np.array([5, 6]), (np.int32(2),)],
            [None, 3, (0,), (-1,), (2.0,), (True,), "12", {3}, np.array(3)],
        ),
        (
            rules.IMAGE_SHAPE,
            [None, (28, 28), [3, 32, 32], (np.int64(2), 3)],
            [28, (28,), (1, 1, 1, 1), (0, 3), (2.5, 2), "28", (-1, 784)],
        ),
        (
            rules.CLASS_WEIGHT,
            [None, "balanced", {}, {0: 0, "a": 2.5}],
            ["Balanced", {0: -1}, {0: "1"}, {0: NAN}, [1, 2], 3],
        ),
        (
            rules.RANDOM_STATE,
            [None, 0, 2**32 - 1, np.int64(3), np.random.RandomState(0)],
            [-1, 2**32, 1.0, "0", True, np.random.default_rng(0)],
        ),
        (rules.PATH, [None, "a/b"], ["", 3, b"a", True]),
        (rules.PIXEL_SCALING, [None, "unit"], ["Unit", "", 0, ["unit"], {}]),
        (rules.CALLABLE, [len, lambda x: x], [None, "shift"]),
    ],
)
def test_rules_accept_what_they_say_and_nothing_else(rule, good, bad):
    assert [value for value in good if not rule.accepts(value)] == []
    assert [value for value in bad if rule.accepts(value)] == []


def test_parameter_errors_are_one_sentence():
    error = rules.parameter_error("MLPClassifier", "lr", "a positive float", -1)
    assert isinstance(error, ValueError)
    assert str(error) == (
        "The 'lr' parameter of MLPClassifier must be a positive float. Got -1 instead."
    )


def test_options_are_named_in_the_message():
    rule = rules.one_of(None, "unit", also=rules.POSITIVE_INT)
    assert rule.expected == "one of None, 'unit', or a positive int"
    assert rule.accepts(3)
    assert not rule.accepts(0)


@every_estimator
def test_no_parameter_is_checked_before_fit(make):
    clf = make().set_params(random_state="nonsense")
    assert re.search("nonsense", repr(clf))
