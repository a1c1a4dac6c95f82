"""The contenders: each trains and asks a network in its own way.

What a contender needs done to the images beforehand (floats, layout) is done when it
is made and not timed; ours takes them as they are. `fit` is one epoch from new
weights; Keras goes on with a compiled model instead, which spares it the compiling.
torch.compile is told apart, as the seconds `compiling`.
"""

import os
import shutil
import tempfile
from functools import partial

import numpy as np

from benchmarks.measure import timed

OURS, BFLOAT16 = "skmnist", "skmnist, bfloat16"
LOOP = "best loop without private operations"
COMPILED = "that loop, torch.compile"
SKORCH, SKLEARN = "skorch", "scikit-learn"
TENSORFLOW, JAX = "Keras/TensorFlow", "Keras/JAX"


class Ours:
    """skmnist's estimators."""

    def __init__(self, network, X, y, **settings):
        import skmnist

        self.X, self.y = X, y
        kwargs = {
            "hidden_layer_sizes": network.hidden_layer_sizes,
            "optimizer": network.optimizer,
            "momentum": 0.0,
            "lr": network.lr,
            "weight_decay": network.weight_decay,
            "lr_schedule": None,
            "batch_size": network.batch_size,
            "max_epochs": 1,
            "pixel_scaling": "unit",
            "random_state": 0,
            **settings,
        }
        if network.conv_layers:
            make = partial(skmnist.ConvNetClassifier, network.conv_layers)
        else:
            make = skmnist.MLPClassifier
        self.estimator = make(**kwargs)

    def images(self, X):
        """The images as `predict` wants them."""
        return X

    def fit(self):
        """One epoch."""
        self.estimator.fit(self.X, self.y)

    def predict(self, X):
        """Labels."""
        return self.estimator.predict(X)


class Torch:
    """What the loops of plain PyTorch have in common."""

    def __init__(self, network, X, y):
        import torch

        self.torch, self.network = torch, network
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y).long()

    def images(self, X):
        """The images as the module wants them."""
        images = self.torch.from_numpy(X).float()[:, None] / 255
        return images.contiguous(memory_format=self.torch.channels_last)

    def predict(self, X):
        """Labels, by a bare batched forward pass."""
        from benchmarks.handwritten import predict

        return predict(self.module, X)


class Handwritten(Torch):
    """benchmarks/handwritten.py, the best loop without private operations."""

    def fit(self):
        """One epoch."""
        from benchmarks.handwritten import train

        self.module = train(self.network, self.X, self.y)


class Compiled(Torch):
    """The same loop under torch.compile, for the sizes that its batches have."""

    def __init__(self, network, X, y):
        # Else the time would be that of finding what an earlier process compiled.
        self.cache = tempfile.TemporaryDirectory()
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = self.cache.name
        super().__init__(network, X, y)
        from benchmarks.handwritten import loss_sum

        self.loss = self.torch.compile(loss_sum, dynamic=False)
        self.compiling = timed(self.compile)

    def compile(self):
        """A forward and a backward pass of every size, over images as in training."""
        from benchmarks.handwritten import lay_out, make_module, part_size, split

        size = part_size(self.network)
        batches = split(self.torch.arange(len(self.X)), self.network)
        sizes = {len(part) for batch in batches for part in batch.split(size)}
        module = make_module(self.network)
        images = lay_out(self.network, self.X, channels_last=False)
        for n_images in sorted(sizes):
            self.loss(module, images[:n_images], self.y[:n_images]).backward()

    def images(self, X):
        """The images as the module wants them."""
        return self.torch.from_numpy(X).float()[:, None] / 255

    def fit(self):
        """One epoch."""
        from benchmarks.handwritten import train

        self.module = train(
            self.network, self.X, self.y, loss=self.loss, channels_last=False
        )
        self.forward = self.torch.compile(self.module, dynamic=False)

    def predict(self, X):
        """Labels, by a batched forward pass; the first one compiles it."""
        from benchmarks.handwritten import predict

        return predict(self.forward, X)


class DataLoader(Torch):
    """A loop as in PyTorch's tutorials: a DataLoader over floats, loss.item()."""

    def __init__(self, network, X, y):
        super().__init__(network, X, y)
        self.X = self.X.float()[:, None] / 255

    def fit(self):
        """One epoch."""
        from torch.utils.data import DataLoader, TensorDataset

        from benchmarks.handwritten import make_module, make_optimizer

        data = TensorDataset(self.X, self.y)
        loader = DataLoader(data, self.network.batch_size, shuffle=True)
        self.module = make_module(self.network)
        optimizer = make_optimizer(self.network, self.module)
        criterion = self.torch.nn.CrossEntropyLoss()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(self.module(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()


class Skorch(Torch):
    """skorch's classifier as its documentation shows it, without a held-out part."""

    def __init__(self, network, X, y):
        super().__init__(network, X, y)
        from skorch import NeuralNetClassifier

        from benchmarks.handwritten import make_module, optimizer_class

        self.X, self.y = self.images(X), y.astype(np.int64)
        self.net = NeuralNetClassifier(
            partial(make_module, network),
            criterion=self.torch.nn.CrossEntropyLoss,
            optimizer=optimizer_class(network),
            optimizer__weight_decay=network.weight_decay,
            lr=network.lr,
            batch_size=network.batch_size,
            max_epochs=1,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )

    def images(self, X):
        """Floats in an array."""
        return X[:, None].astype(np.float32) / 255

    def fit(self):
        """One epoch."""
        self.net.fit(self.X, self.y)

    def predict(self, X):
        """Labels."""
        return self.net.predict(X)


class ScikitLearn:
    """scikit-learn's own MLPClassifier."""

    def __init__(self, network, X, y):
        from sklearn.neural_network import MLPClassifier

        self.X, self.y = self.images(X), y
        self.estimator = MLPClassifier(
            network.hidden_layer_sizes,
            solver=network.optimizer,
            alpha=network.weight_decay,
            batch_size=network.batch_size,
            learning_rate_init=network.lr,
            momentum=0.0,
            nesterovs_momentum=False,
            max_iter=1,
        )

    def images(self, X):
        """Flat floats."""
        return X.reshape(len(X), -1).astype(np.float32) / 255

    def fit(self):
        """One epoch."""
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one epoch is not convergence
            self.estimator.fit(self.X, self.y)

    def predict(self, X):
        """Labels."""
        return self.estimator.predict(X)


class Keras:
    """Keras 3, with verbose=0."""

    def __init__(self, network, X, y, backend):
        os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        import keras

        layers = keras.layers
        stack = [keras.Input((28, 28, 1))]
        for filters in network.conv_layers:
            stack += [
                layers.Conv2D(filters, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
            ]
        stack.append(layers.Flatten())
        stack += [
            layers.Dense(n, activation="relu") for n in network.hidden_layer_sizes
        ]
        self.model = keras.Sequential([*stack, layers.Dense(10)])
        make = {
            "sgd": keras.optimizers.SGD,
            "adam": keras.optimizers.Adam,
            "adamw": keras.optimizers.AdamW,
        }
        self.model.compile(
            make[network.optimizer](
                network.lr, weight_decay=network.weight_decay or None
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.X, self.y = self.images(X), y
        self.batch_size = network.batch_size

    def images(self, X):
        """Floats, channels last."""
        return X[..., None].astype(np.float32) / 255

    def fit(self):
        """One epoch."""
        self.model.fit(self.X, self.y, batch_size=self.batch_size, verbose=0)

    def predict(self, X):
        """Labels."""
        return self.model.predict(X, verbose=0, batch_size=1000).argmax(1)


CONTENDERS = {
    OURS: Ours,
    BFLOAT16: partial(Ours, precision="bfloat16"),
    LOOP: Handwritten,
    COMPILED: Compiled,
    "DataLoader loop": DataLoader,
    SKORCH: Skorch,
    SKLEARN: ScikitLearn,
    TENSORFLOW: partial(Keras, backend="tensorflow"),
    JAX: partial(Keras, backend="jax"),
}
NEEDS = {TENSORFLOW: ("keras", "tensorflow"), JAX: ("keras", "jax")}


def contenders_for(network):
    """Those that can express the network and are installed; tells who is not."""
    from importlib.util import find_spec

    names = []
    for name in CONTENDERS:
        missing = [module for module in NEEDS.get(name, ()) if not find_spec(module)]
        if missing:
            print(f"{name} left out: {', '.join(missing)} not installed")
        elif name == COMPILED and not shutil.which("g++"):
            print(f"{name} left out: no g++")
        elif name != SKLEARN or can_express(network):
            names.append(name)
    return names


def can_express(network):
    """Whether scikit-learn's own network can be this one."""
    return not network.conv_layers and network.optimizer != "adamw"
