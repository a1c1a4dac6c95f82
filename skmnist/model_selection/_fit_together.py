"""Fitting estimators that differ in numbers only, all of them at once."""

import math
import pickle
from collections import defaultdict
from inspect import isfunction
from numbers import Integral

import numpy as np
import torch

from skmnist._estimators.convnet import ConvNetClassifier
from skmnist._estimators.mlp import MLPClassifier
from skmnist._estimators.rules import check_parameters
from skmnist._estimators.training_data import check_training_data, with_loss_weights
from skmnist._training.ambient import in_own_torch_state
from skmnist._training.devices import find_device
from skmnist.model_selection._stacked_training import train_stacked

# What may differ between estimators that are fitted together.
NUMBERS = ("lr", "weight_decay", "momentum", "lr_decay", "dropout", "random_state")

# Weights of the first dense layer up to which fitting together is faster on a CPU.
# Measured by benchmarks/search.py on two Zen 4 cores, seconds for 25 candidates in two
# processes: 5.5 together and 6.8 one by one for MLP 100, 78,400 weights; for 24 of 256
# units at batch 128, 200,704 weights, 11.1 and 11.9, and once 14.9.
MOST_CPU_WEIGHTS = 100_000


def is_network(estimator):
    """Whether an estimator is of the kind that can be fitted together.

    Not one of a subclass, which may have changed anything of what fitting is.
    """
    return type(estimator) in (MLPClassifier, ConvNetClassifier)


def common_key(estimator):
    """What the estimators that can be fitted together with this one have in common.

    None where it has to be fitted alone: batch normalisation, residual layers, held-out
    images, a checkpoint, printing, callbacks, a custom optimiser or loss and what
    remains of an earlier fit belong to one network at a time. Parameters that are not
    allowed, and devices that are not there, are left to `fit` to report.
    """
    try:
        check_parameters(estimator, estimator._rules)
        find_device(estimator.device)
    except ValueError:
        return None
    params = estimator.get_params(deep=False)
    special = (
        getattr(layer, "batch_norm", False) or getattr(layer, "residual", False)
        for layer in params.get("conv_layers", ())
    )
    if (
        any(params[name] for name in ("warm_start", "early_stopping", "verbose"))
        or params["checkpoint"] is not None
        or params["callbacks"]
        or hasattr(estimator, "_skl_callbacks")
        or not isinstance(params["optimizer"], str)
        or not isinstance(params["loss"], str)
        or not isinstance(params["random_state"], (Integral, type(None)))
        or any(special)
    ):
        return None
    common = [params[name] for name in sorted(params) if name not in NUMBERS]
    try:
        # By content: copies of an object can have different reprs, and different
        # objects the same one. Functions are never copied, nor can all be pickled.
        keys = [value if isfunction(value) else pickle.dumps(value) for value in common]
    except Exception:
        return None
    return type(estimator), params["dropout"] > 0, *keys


@in_own_torch_state
def fit_together(estimators, X, y, sample_weight=None):
    """Fit estimators of one `common_key` on the same data, all with every batch.

    Each ends as its own `fit` would have left it, up to rounding; one that fails is
    of no use afterwards. When memory runs out, they are fitted in two halves.

    Parameters
    ----------
    estimators : list of MLPClassifier or ConvNetClassifier
    X, y, sample_weight : as in `fit`

    Returns
    -------
    failures : list of Exception or None
        For every estimator what its own `fit` would have raised.

    Raises
    ------
    ValueError
        For data that none of them takes.
    """
    if len(estimators) == 1:
        return [_fit_alone(*estimators, X, y, sample_weight)]
    try:
        return _fit_stacked(estimators, X, y, sample_weight)
    except torch.OutOfMemoryError:
        for estimator in estimators:
            vars(estimator).pop("net_", None)
    # After the handler, because the traceback holds on to the memory.
    middle = len(estimators) // 2
    halves = estimators[:middle], estimators[middle:]
    return [f for half in halves for f in fit_together(half, X, y, sample_weight)]


def _fit_alone(estimator, X, y, sample_weight):
    try:
        estimator.fit(X, y, sample_weight)
    except Exception as error:
        return error
    return None


def _fit_stacked(estimators, X, y, sample_weight):
    first = estimators[0]
    train = check_training_data(first, X, y, sample_weight, reset=True)
    learned = {name: value for name, value in vars(first).items() if name[-1] == "_"}
    for estimator in estimators:
        vars(estimator).update(learned)
        seeds = estimator._draw_seeds()
        estimator._start(estimator._new_module(train, seeds), seeds)
    nets = [estimator.net_ for estimator in estimators]
    weighted = with_loss_weights(first, train)
    return train_stacked(nets, weighted, first._find_n_epochs(weighted))


def find_groups(estimators, X, n_processes=1):
    """The positions of the estimators that are better fitted together than alone.

    Parameters
    ----------
    estimators : list of estimator
        Unfitted, of any kind.
    X : array-like
        What they will be fitted on.
    n_processes : int, default=1
        On a CPU, estimators that could be one group are divided among the processes:
        one thread in each of two processes does more than two threads in one.

    Returns
    -------
    groups : list of list of int
        Each of two positions or more.
    """
    alike = defaultdict(list)
    for i, estimator in enumerate(estimators):
        if is_network(estimator):
            alike[common_key(estimator)].append(i)
    alike.pop(None, None)
    n_features = math.prod(np.shape(X)[1:])
    groups = []
    for members in alike.values():
        first = estimators[members[0]]
        if find_device(first.device).type != "cpu":
            groups.append(members)
        elif _pays_on_a_cpu(first, n_features):
            groups += [members[start::n_processes] for start in range(n_processes)]
    return [group for group in groups if len(group) > 1]


def _pays_on_a_cpu(estimator, n_features):
    if hasattr(estimator, "conv_layers"):
        return False
    first = [*estimator.hidden_layer_sizes, 0][0]
    return n_features * first <= MOST_CPU_WEIGHTS
