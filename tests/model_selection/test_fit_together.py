"""Networks that are fitted together are those that are fitted one by one."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import EpochScoring

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.model_selection._fit_together import common_key, find_groups, fit_together


class Brighter:
    """What it does to images cannot be seen from its repr."""

    def __init__(self, factor):
        self.factor = factor

    def __repr__(self):
        return "Brighter()"

    def __call__(self, images):
        return images * self.factor


class Dimmer:
    """One object's repr is never another's."""

    def __call__(self, images):
        return images / 2


def mlp(**params):
    params = {"hidden_layer_sizes": (16, 8), "max_epochs": 2, "lr": 0.004} | params
    return MLPClassifier(**{"batch_size": 64, "random_state": 0} | params)


def conv(**params):
    params = {"conv_layers": (4, ConvLayer(6, pool="avg")), "lr": 0.004} | params
    params = {"hidden_layer_sizes": (8,), "max_epochs": 2} | params
    return ConvNetClassifier(**{"batch_size": 64, "random_state": 0} | params)


def assert_as_fitted_alone(estimators, X, y, sample_weight=None):
    """Fit copies one by one, and all together; compare all that was learned."""
    alone = [clone(e).fit(X, y, sample_weight=sample_weight) for e in estimators]
    assert fit_together(estimators, X, y, sample_weight) == [None] * len(estimators)
    for own, other in zip(estimators, alone, strict=True):
        np.testing.assert_array_equal(own.classes_, other.classes_)
        for a, b in zip(
            own.module_.parameters(), other.module_.parameters(), strict=True
        ):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
        np.testing.assert_allclose(own.loss_curve_, other.loss_curve_, rtol=1e-5)
        np.testing.assert_allclose(
            own.predict_proba(X), other.predict_proba(X), rtol=1e-4, atol=1e-5
        )
        assert torch.equal(
            own.net_._generator.get_state(), other.net_._generator.get_state()
        )


RATES = [{"lr": 1e-3}, {"lr": 1e-2}, {"lr": 1e-2, "weight_decay": 0.1}]


@pytest.mark.parametrize("make", [mlp, conv])
@pytest.mark.parametrize(
    "common",
    [
        {},
        {"optimizer": "sgd", "lr_schedule": None},
        {"optimizer": "adam", "lr_schedule": "cosine"},
        # Its steps magnify the rounding of gradients that are nearly zero.
        {"optimizer": "rmsprop", "lr_schedule": "plateau", "precision": "float64"},
        {"dropout": 0.3},
        {"augment": "shift"},
        {"class_weight": "balanced"},
        {"shuffle": False, "pixel_scaling": "unit", "activation": "tanh"},
    ],
    ids=str,
)
def test_rates_and_decays(make, common, few):
    X, _, y, _ = few
    assert_as_fitted_alone([make(**common | own) for own in RATES], X, y)


@pytest.mark.parametrize("make", [mlp, conv])
def test_every_number_that_may_differ(make, few):
    X, _, y, _ = few
    numbers = [
        {"random_state": 1, "momentum": 0.5},
        {"random_state": 2, "dropout": 0.2},
        {"random_state": 2, "dropout": 0.4},
        {"lr_decay": 0.5, "dropout": 0.2},
        {"lr_decay": 0.9, "dropout": 0.2, "momentum": 0},
    ]
    common = {"optimizer": "sgd", "lr_schedule": "exponential", "dropout": 0.1}
    assert_as_fitted_alone([make(**common | own) for own in numbers], X, y)


def test_softmax_regression_and_one_that_sees_other_images_first(few):
    X, _, y, _ = few
    seeds = [mlp(hidden_layer_sizes=(), random_state=seed) for seed in range(3)]
    assert_as_fitted_alone(seeds, X, y)


def test_sample_weights(few):
    X, _, y, _ = few
    weights = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    assert_as_fitted_alone([mlp(**own) for own in RATES], X, y, weights)
    assert_as_fitted_alone([mlp(random_state=s) for s in range(2)], X, y, weights)


def test_other_precisions(few):
    X, _, y, _ = few
    double = [mlp(precision="float64", **own) for own in RATES]
    assert_as_fitted_alone(double, X, y)
    half = [mlp(precision="bfloat16", **own) for own in RATES]
    alone = [clone(e).fit(X, y) for e in half]
    assert fit_together(half, X, y) == [None] * 3
    for own, other in zip(half, alone, strict=True):
        np.testing.assert_allclose(own.loss_curve_, other.loss_curve_, rtol=0.01)


def test_one_that_diverges_fails_alone(few):
    X, _, y, _ = few
    estimators = [mlp(optimizer="sgd", lr=lr) for lr in (1e-3, 1e30, 1e-2)]
    alone = clone(estimators[2]).fit(X, y)
    first, second, third = fit_together(estimators, X, y)
    assert first is None
    assert third is None
    assert "diverged: after epoch 1" in str(second)
    np.testing.assert_allclose(
        estimators[2].predict_proba(X), alone.predict_proba(X), atol=1e-5
    )


def test_training_ends_when_all_have_diverged(few):
    X, _, y, _ = few
    batches = []

    def counted(images):
        batches.append(len(images))
        return images

    own = {"optimizer": "sgd", "max_epochs": 50, "augment": counted}
    failures = fit_together([mlp(lr=lr, **own) for lr in (1e30, 1e31)], X, y)
    assert all(isinstance(failure, ValueError) for failure in failures)
    assert batches == [50] * 4


def test_without_the_memory_for_all_there_are_two_halves(few):
    X, _, y, _ = few
    refusals, sizes = [1, 2], []

    def refused(images):
        """Runs out of memory with all estimators, and again with the first half."""
        sizes.append(len(images))
        if len(refusals) > 0 and len(sizes) == refusals[0]:
            refusals.pop(0)
            raise torch.OutOfMemoryError("no memory left")
        return images

    rates = [1e-3, 2e-3, 5e-3, 1e-2]
    estimators = [mlp(lr=lr, augment=refused) for lr in rates]
    assert fit_together(estimators, X, y) == [None] * 4
    assert refusals == []
    alone = [mlp(lr=lr, augment=refused).fit(X, y) for lr in rates]
    for own, other in zip(estimators, alone, strict=True):
        np.testing.assert_allclose(own.loss_curve_, other.loss_curve_, rtol=1e-5)
        np.testing.assert_allclose(
            own.predict_proba(X), other.predict_proba(X), rtol=1e-4, atol=1e-5
        )


def test_one_that_runs_out_of_memory_alone_fails_alone(few):
    X, _, y, _ = few
    seen = []

    def refused(images):
        """Runs out of memory with both estimators, and with the first of them."""
        seen.append(images)
        if len(seen) <= 2:
            raise torch.OutOfMemoryError("no memory left")
        return images

    first, second = fit_together(
        [mlp(lr=lr, augment=refused) for lr in (1e-3, 1e-2)], X, y
    )
    assert isinstance(first, torch.OutOfMemoryError)
    assert second is None


def test_fitted_ones_share_nothing(few):
    X, _, y, _ = few
    one, two = estimators = [mlp(lr=lr) for lr in (1e-3, 1e-2)]
    fit_together(estimators, X, y)
    before = two.predict_proba(X)
    one.partial_fit(X, y)
    np.testing.assert_array_equal(two.predict_proba(X), before)
    weights = next(one.module_.parameters())
    assert weights.untyped_storage().nbytes() == weights.nbytes


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": True},
        {"warm_start": True},
        {"verbose": 1},
        {"checkpoint": "file"},
        {"callbacks": [EpochScoring("accuracy")]},
        {"optimizer": torch.optim.Adagrad},
        {"random_state": np.random.RandomState(0)},
        {"lr": -1},
        {"device": "cuda:99"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_some_are_fitted_alone(params):
    assert common_key(mlp(**params)) is None


def test_batch_normalisation_is_fitted_alone():
    assert common_key(conv(conv_layers=(ConvLayer(4, batch_norm=True),))) is None


def test_groups_are_of_what_differs_in_numbers_only(few):
    X, *_ = few
    estimators = [
        mlp(),
        LinearClassifier(),
        mlp(lr=1, weight_decay=1, momentum=0, lr_decay=1, random_state=3),
        mlp(hidden_layer_sizes=(16,)),
        mlp(dropout=0.1),
        mlp(batch_size=32),
        mlp(dropout=0.2),
    ]
    assert find_groups(estimators, X) == [[0, 2], [4, 6]]


@pytest.mark.parametrize("augment", [Dimmer(), lambda images: images / 2])
def test_copies_of_an_object_go_together(augment, few):
    X, *_ = few
    estimators = [clone(mlp(lr=lr, augment=augment)) for lr in (1e-3, 1e-2)]
    assert find_groups(estimators, X) == [[0, 1]]


def test_objects_that_only_look_alike_are_kept_apart(few):
    X, *_ = few
    many, other = np.full(2000, 3), np.full(2000, 3)
    other[1000] = 4
    estimators = [
        *(mlp(augment=Brighter(factor)) for factor in (2, 3, 2)),
        *(mlp(hidden_layer_sizes=sizes) for sizes in (many, other)),
    ]
    assert find_groups(estimators, X) == [[0, 2]]


def test_on_a_cpu_only_small_mlps_are_fitted_together(few):
    X, *_ = few
    assert find_groups([mlp(hidden_layer_sizes=(500, 300))] * 2, X) == []
    assert find_groups([conv(), conv(lr=1)], X) == []
