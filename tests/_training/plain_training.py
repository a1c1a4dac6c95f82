"""Small networks of ours; the same in plain PyTorch and in skorch; how they compare."""

import math

import numpy as np
import torch
from acting_callbacks import Start
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn import functional as F

from skmnist import ConvNetClassifier, MLPClassifier

N, BATCH = 200, 64
STEPS = math.ceil(N / BATCH)


def mlp(**params):
    params = {"lr": 0.01, "lr_schedule": None, "max_epochs": 1} | params
    return MLPClassifier(
        (16,), batch_size=BATCH, pixel_scaling=None, random_state=0, **params
    )


def conv(**params):
    params = {
        "conv_layers": (4,),
        "lr": 0.01,
        "lr_schedule": None,
        "label_smoothing": 0,
        "max_epochs": 1,
    } | params
    return ConvNetClassifier(
        hidden_layer_sizes=(),
        batch_size=BATCH,
        pixel_scaling=None,
        random_state=0,
        **params,
    )


def plain_mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))


def plain_conv():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(4 * 14 * 14, 10)),
    )


def plain_batch_norm():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 14 * 14, 10)),
    )


def fit_both(
    clf,
    module,
    make_optimizer,
    X,
    y,
    loss_weight=None,
    before_step=None,
    **fit_params,
):
    """The weights of our fit, and of a plain loop from the same first weights."""
    start = Start()
    clf.set_params(callbacks=[*(clf.callbacks or []), start]).fit(X, y, **fit_params)
    dtype = torch.float64 if clf.precision == "float64" else torch.float32
    images, targets = torch.tensor(X[:, None]).to(dtype), torch.tensor(y)
    weights = torch.ones(len(y)) if loss_weight is None else torch.tensor(loss_weight)
    weights, module = weights.to(dtype), module.to(dtype)
    # A row without weight is no part of a batch.
    images, targets, weights = (t[weights > 0] for t in (images, targets, weights))
    with torch.no_grad():
        for mine, first in zip(module.parameters(), start.weights, strict=True):
            mine.copy_(first)
    optimizer = make_optimizer(module.parameters())
    for _ in range(clf.max_epochs):
        rows = torch.arange(len(targets))
        if clf.shuffle:
            rows = torch.randperm(len(targets), generator=start.generator)
        for part in rows.tensor_split(math.ceil(len(rows) / clf.batch_size)):

            def closure(part=part):
                optimizer.zero_grad()
                losses = F.cross_entropy(
                    module(images[part]), targets[part], reduction="none"
                )
                loss = (losses * weights[part]).sum() / weights[part].sum()
                loss.backward()
                if before_step:
                    before_step(module.parameters())
                return loss

            optimizer.step(closure)
    module.eval()
    return weights_of(clf), [w.detach().numpy() for w in module.parameters()]


def weights_of(clf):
    return [w.detach().numpy() for w in clf.module_.parameters()]


def assert_close(ours, plain):
    tolerance = 1e-5 if ours[0].dtype == np.float32 else 1e-12
    for mine, other in zip(ours, plain, strict=True):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


def assert_same(a, b):
    for one, other in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_array_equal(one, other)


OPTIMIZERS = {
    "sgd": lambda w: torch.optim.SGD(w, 0.01, momentum=0.9, weight_decay=0.01),
    "adam": lambda w: torch.optim.Adam(w, 0.01, weight_decay=0.01),
    "adamw": lambda w: torch.optim.AdamW(w, 0.01, weight_decay=0.01),
    "rmsprop": lambda w: torch.optim.RMSprop(w, 0.01, momentum=0.9, weight_decay=0.01),
}


def skorch_twin(module, **params):
    """Stock skorch, its best and only defaults replaced by ours."""
    return NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.01,
        batch_size=BATCH,
        verbose=0,
        **params,
    )
