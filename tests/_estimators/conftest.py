"""Images and labels of these tests."""

import pytest
import torch
from every_estimator import MAKERS, N


@pytest.fixture(scope="module")
def images(digits):
    """Digits with pixels up to 127, which all types of number hold exactly."""
    return digits[0][:N] // 2


@pytest.fixture(scope="module")
def labels(digits):
    return digits[2][:N]


@pytest.fixture(scope="module")
def expected(images, labels):
    """What every estimator says of flat uint8 images, the plainest form."""
    flat = images.reshape(N, -1)
    return {make: make().fit(flat, labels).predict_proba(flat) for make in MAKERS}


@pytest.fixture
def no_warnings():
    """Turn every warning into an error; torch would give most of them once only."""
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(always)
