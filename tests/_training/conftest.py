"""Data of these tests."""

import numpy as np
import pytest
from plain_training import N


@pytest.fixture(scope="module")
def bits(digits):
    """Black-and-white digits: pixels that every float holds exactly."""
    X, X_val, y, y_val = digits
    return [(X[:N] > 127) * np.uint8(1), (X_val[:50] > 127) * np.uint8(1)] + [
        y[:N],
        y_val[:50],
    ]
