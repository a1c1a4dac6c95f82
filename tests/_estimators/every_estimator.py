"""The three estimators, for tests of what holds of each, and what these share."""

import pytest
from skorch.callbacks import Callback

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

N = 60


def linear():
    # So few images are separable: a strong penalty converges within the iterations.
    return LinearClassifier(C=0.01)


def mlp(**params):
    return MLPClassifier((8,), max_epochs=1, random_state=0, **params)


def convnet(**params):
    return ConvNetClassifier((2,), (), max_epochs=1, random_state=0, **params)


MAKERS = [linear, mlp, convnet]
every_estimator = pytest.mark.parametrize("make", MAKERS)
networks = pytest.mark.parametrize("make", [mlp, convnet])


def readonly(array):
    array = array.copy()
    array.flags.writeable = False
    return array


class Look(Callback):
    """Keeps the images that a training is given."""

    def on_train_begin(self, net, X=None, **kwargs):
        self.images = X.images
