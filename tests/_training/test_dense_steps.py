"""Steps without a graph are those with one, and know when they may not be taken."""

import copy

import numpy as np
import pytest
import torch
from plain_training import assert_close, fit_both, mlp, plain_mlp, weights_of
from skorch.callbacks import Callback
from torch import nn
from torch.nn.utils import parametrizations

from skmnist import MLPClassifier
from skmnist._training.batches import as_tensor
from skmnist._training.dense_steps import ACTIVATIONS, find_dense_steps
from skmnist._training.losses import Loss
from skmnist._training.modules import ACTIVATIONS as NAMES
from skmnist._training.modules import MLP, ConvNet, initialize_weights

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGE_SHAPE, N_CLASSES = (1, 28, 28), 10
KNOWN = [name for name, layer in NAMES.items() if layer in ACTIVATIONS]
CROSS_ENTROPY = Loss("cross_entropy", 0.0, "MLPClassifier")


def network(activation="relu", sizes=(12, 11), dropout=0.0):
    """An MLP in float64, with its first weights."""
    module = MLP(IMAGE_SHAPE, N_CLASSES, sizes, activation, dropout).double()
    initialize_weights(module, torch.Generator().manual_seed(0))
    module.scaling.set([33.0], [0.01])
    return module


def sgd(module, **params):
    return torch.optim.SGD(module.parameters(), 0.1, **params)


def one_batch(few, weighted):
    X, _, y, _ = few
    weights = torch.linspace(0, 2, len(y), dtype=torch.float64) if weighted else None
    return as_tensor(X).reshape(len(X), *IMAGE_SHAPE), as_tensor(y), weights


def with_graph(module, loss, images, targets, weights, total):
    """torch's own way to the same gradients."""
    logits = module(images)
    (loss.sum(logits, targets, weights) / total).backward()
    return logits.detach()


@pytest.mark.parametrize("sizes", [(), (12,), (12, 11)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("activation", KNOWN)
def test_gradients_are_those_of_the_graph(
    activation, label_smoothing, weighted, sizes, few
):
    batch = one_batch(few, weighted)
    total = 7.0 if batch[2] is None else batch[2].sum()
    loss = Loss("cross_entropy", label_smoothing, "MLPClassifier")
    ours, plain = network(activation, sizes), network(activation, sizes)
    steps = find_dense_steps(ours, loss, sgd(ours))
    # Twice: the second are added to the first.
    for _ in range(2):
        logits = steps.add_gradients(*batch, total)
        expected = with_graph(plain, loss, *batch, total)
        torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_descent_is_a_step_of_sgd(weighted, weight_decay, few):
    batch = one_batch(few, weighted)
    total = 7.0 if batch[2] is None else batch[2].sum()
    ours, plain = network(), network()
    steps = find_dense_steps(ours, CROSS_ENTROPY, sgd(ours, weight_decay=weight_decay))
    optimizer = sgd(plain, weight_decay=weight_decay)
    for _ in range(2):
        optimizer.zero_grad()
        steps.descend(*batch, total)
        with_graph(plain, CROSS_ENTROPY, *batch, total)
        optimizer.step()
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        assert mine.grad is None
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shift", [[0.0] * 3, [1.0, 0.0, 2.0]])
def test_batches_of_all_sizes_and_colours(shift):
    generator = torch.Generator().manual_seed(0)
    ours, plain = (MLP((3, 4, 5), N_CLASSES, (6,), "tanh", 0).double() for _ in "ab")
    for module in (ours, plain):
        initialize_weights(module, torch.Generator().manual_seed(1))
        module.scaling.set(shift, [0.5, 1.0, 2.0])
    steps = find_dense_steps(ours, CROSS_ENTROPY, sgd(ours))
    for n in (7, 8, 2, 7):
        images = torch.randint(5, (n, 3, 4, 5), generator=generator, dtype=torch.uint8)
        batch = images, torch.arange(n), None, n
        logits = steps.add_gradients(*batch)
        torch.testing.assert_close(logits, with_graph(plain, CROSS_ENTROPY, *batch))
    for mine, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-10, atol=1e-12)


def test_a_fit_keeps_no_memory_of_its_steps(few):
    X, _, y, _ = few
    clf = MLPClassifier(max_epochs=1, random_state=0).fit(X, y)
    assert clf.net_._dense_steps is None


@pytest.mark.parametrize("lr_schedule", [None, "exponential"])
def test_a_fit_by_plain_descent_is_a_plain_loop(lr_schedule, bits):
    X, _, y, _ = bits
    weights = np.linspace(0, 2, len(y))
    clf = mlp(
        optimizer="sgd",
        momentum=0,
        weight_decay=0.1,
        precision="float64",
        max_epochs=1 if lr_schedule else 3,
        lr_schedule=lr_schedule,
    )
    ours, plain = fit_both(
        clf,
        plain_mlp(),
        lambda w: torch.optim.SGD(w, 0.01, weight_decay=0.1),
        X.reshape(len(X), 28, 28),
        y,
        loss_weight=weights,
        sample_weight=weights,
    )
    assert_close(ours, plain)


def freeze(module):
    module.layers[1].weight.requires_grad_(False)


def tie(module):
    module.layers[3].weight = module.layers[1].weight


def weight_norm(module):
    parametrizations.weight_norm(module.layers[1])


def own_forward(module):
    module.layers[1].forward = lambda x: x.new_zeros(len(x), 12)


def replace_layer(module):
    module.layers[1] = nn.Linear(784, 12, dtype=torch.float64)


def no_bias(module):
    module.layers[1].bias = None


CHANGES = {
    "frozen weights": freeze,
    "tied weights": tie,
    "a parametrisation": weight_norm,
    "a forward of one's own": own_forward,
    "another layer": replace_layer,
    "no bias": no_bias,
    "a forward hook": lambda m: m.layers[2].register_forward_hook(print),
    "a forward pre-hook": lambda m: m.layers[1].register_forward_pre_hook(print),
    "a backward hook": lambda m: m.layers[1].register_full_backward_hook(print),
    "a hook on the whole": lambda m: m.register_forward_hook(print),
    "a hook on a gradient": lambda m: m.layers[1].weight.register_hook(print),
    "a hook on a sum of gradients": lambda m: m.layers[
        1
    ].weight.register_post_accumulate_grad_hook(print),
    "a compiled layer": lambda m: m.layers[1].compile(backend="eager"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_has_a_graph(change):
    module = network(sizes=(12, 12))
    assert find_dense_steps(module, CROSS_ENTROPY, sgd(module)) is not None
    CHANGES[change](module)
    assert find_dense_steps(module, CROSS_ENTROPY, sgd(module)) is None


def test_a_hook_on_all_modules_has_a_graph():
    module = network()
    handle = nn.modules.module.register_module_forward_hook(lambda *args: None)
    try:
        assert find_dense_steps(module, CROSS_ENTROPY, sgd(module)) is None
    finally:
        handle.remove()


class Subclass(MLP):
    """What somebody makes of ours."""


class OwnSGD(torch.optim.SGD):
    """What somebody makes of torch's."""


def test_what_is_not_ours_has_a_graph():
    loss = Loss(nn.CrossEntropyLoss(reduction="none"), 0.0, "MLPClassifier")
    module = network()
    assert find_dense_steps(module, loss, sgd(module)) is None
    own = OwnSGD(module.parameters(), 0.1)
    assert find_dense_steps(module, CROSS_ENTROPY, own) is None
    others = [
        Subclass(IMAGE_SHAPE, N_CLASSES, (8,), "relu", 0.0),
        ConvNet(IMAGE_SHAPE, N_CLASSES, (), (8,), "relu", 0.0),
        network(dropout=0.5),
        *(network(activation) for activation in set(NAMES) - set(KNOWN)),
    ]
    for other in others:
        assert find_dense_steps(other, CROSS_ENTROPY, sgd(other)) is None


@pytest.mark.parametrize(
    "params",
    [{"momentum": 0.9}, {"maximize": True}, {"differentiable": True}],
    ids=lambda params: next(iter(params)),
)
def test_what_is_more_than_descent_is_left_to_the_optimizer(params):
    module = network()
    assert find_dense_steps(module, CROSS_ENTROPY, sgd(module)).descent
    steps = find_dense_steps(module, CROSS_ENTROPY, sgd(module, **params))
    assert steps.descent is None


def test_a_step_that_somebody_looks_at_is_left_to_the_optimizer():
    module = network()
    hooked, replaced = sgd(module), sgd(module)
    hooked.register_step_post_hook(lambda *args: None)
    replaced.step = lambda closure=None: None
    groups = torch.optim.SGD(
        [
            {"params": [w], "lr": 0.1 * (i + 1)}
            for i, w in enumerate(module.parameters())
        ]
    )
    some = torch.optim.SGD(list(module.parameters())[2:], 0.1)
    for optimizer in (hooked, replaced, groups, some):
        assert find_dense_steps(module, CROSS_ENTROPY, optimizer).descent is None


PLAIN = {"optimizer": "sgd", "momentum": 0, "lr": 0.01, "lr_schedule": None}
SMALL = {"batch_size": 64, "max_epochs": 3, "random_state": 0}


class Watch(Callback):
    """Hangs a hook into the network at one of skorch's hooks; counts its calls."""

    def __init__(self, when):
        self.n_calls = 0
        setattr(self, when, self.begin)

    def begin(self, net, **kwargs):
        if self.n_calls == 0:
            net.module_.layers[1].register_forward_hook(self.count)

    def count(self, *args):
        self.n_calls += 1


class WatchBatches(Watch):
    """The same, with a hook of the batch that skorch can see."""

    def on_batch_begin(self, net, training, **kwargs):
        if training and not net.history[:-1]:
            self.begin(net)

    def __init__(self):
        self.n_calls = 0


@pytest.mark.parametrize(
    "callback",
    [Watch("on_train_begin"), Watch("on_epoch_begin"), WatchBatches()],
    ids=["training", "epoch", "batch"],
)
def test_a_hook_of_a_callback_sees_every_batch(callback, few):
    X, _, y, _ = few
    MLPClassifier((8,), **SMALL, callbacks=[callback]).fit(X, y)
    n_batches = -(-len(y) // 64)
    assert callback.n_calls == 3 * n_batches


class WatchLater(Callback):
    """Hangs a hook into the network in the midst of an epoch."""

    def on_batch_end(self, net, training, **kwargs):
        if training:
            net.module_.layers[1].register_forward_hook(lambda *args: None)


def test_a_hook_in_the_midst_of_an_epoch_leaves_its_loss(few):
    X, _, y, _ = few
    params = SMALL | {"max_epochs": 1}
    clf = MLPClassifier((8,), **params, callbacks=[WatchLater()]).fit(X, y)
    alone = MLPClassifier((8,), **params).fit(X, y)
    np.testing.assert_allclose(clf.loss_curve_, alone.loss_curve_, rtol=1e-5)


class Gradients(Callback):
    """Keeps the norms of gradients where people look for them."""

    def __init__(self):
        self.computed, self.at_end = [], []

    def on_grad_computed(self, net, named_parameters, training, **kwargs):
        norms = [float(weights.grad.norm()) for _, weights in named_parameters]
        self.computed.append(norms)

    def on_batch_end(self, net, training, **kwargs):
        if training:
            weights = net.module_.parameters()
            self.at_end.append([float(w.grad.norm()) for w in weights])


def test_gradients_are_there_for_who_asks(few):
    X, _, y, _ = few
    gradients = Gradients()
    clf = MLPClassifier((8,), **PLAIN, **SMALL, callbacks=[gradients]).fit(X, y)
    assert gradients.computed == gradients.at_end
    assert np.min(gradients.computed) > 0
    alone = MLPClassifier((8,), **PLAIN, **SMALL).fit(X, y)
    assert_close(weights_of(clf), weights_of(alone))


class Halve(Callback):
    """A learning-rate schedule of somebody's own, by hand."""

    def on_epoch_end(self, net, **kwargs):
        for group in net.optimizer_.param_groups:
            group["lr"] /= 2


def test_a_rate_that_a_callback_sets_is_taken(few):
    X, _, y, _ = few
    halved = MLPClassifier((8,), **PLAIN, **SMALL, callbacks=[Halve()]).fit(X, y)
    params = PLAIN | {"lr_schedule": "exponential", "lr_decay": 0.5}
    assert_close(
        weights_of(halved), weights_of(MLPClassifier((8,), **params, **SMALL).fit(X, y))
    )


def test_a_step_leaves_the_images_as_they_are(few):
    images, targets, _ = one_batch(few, False)
    images = images.double()
    before = images.clone()
    module = network()
    steps = find_dense_steps(module, CROSS_ENTROPY, sgd(module))
    steps.descend(images, targets, None, 7.0)
    assert torch.equal(images, before)


def test_unscaled_images_are_left_as_they_are_too(few):
    X, _, y, _ = few
    X = X.astype(np.float32)
    before = copy.copy(X)
    MLPClassifier((8,), **PLAIN, **SMALL, pixel_scaling=None).fit(X, y)
    np.testing.assert_array_equal(X, before)
