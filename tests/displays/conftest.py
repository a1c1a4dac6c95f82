"""Small data and fitted models to draw."""

import matplotlib.pyplot as plt
import pytest
from sklearn.datasets import load_digits as load_small_digits
from sklearn.naive_bayes import GaussianNB

from skmnist import ConvNetClassifier


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def X_y():
    return load_small_digits(return_X_y=True)


@pytest.fixture(scope="session")
def bayes(X_y):
    X, y = X_y
    return GaussianNB().fit(X[:1000], y[:1000])


@pytest.fixture(scope="session")
def network(X_y):
    X, y = X_y
    network = ConvNetClassifier(conv_layers=(4,), max_epochs=2, random_state=0)
    return network.fit(X[:200], y[:200], X_val=X[200:300], y_val=y[200:300])
