"""The epoch against a plain PyTorch loop; divergence; the net as a user has it."""

import pickle

import numpy as np
import pytest
import torch
from plain_training import (
    OPTIMIZERS,
    N,
    assert_close,
    assert_same,
    conv,
    fit_both,
    mlp,
    plain_batch_norm,
    plain_conv,
    plain_mlp,
    skorch_twin,
    weights_of,
)
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from skorch.exceptions import SkorchTrainingImpossibleError
from torch import nn

from skmnist import ConvLayer

pytestmark = pytest.mark.usefixtures("one_thread")


# -- the epoch --


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("make", "plain"), [(mlp, plain_mlp), (conv, plain_conv)], ids=["mlp", "conv"]
)
def test_epoch_equals_a_plain_loop(make, plain, optimizer, precision, bits):
    X, _, y, _ = bits
    clf = make(optimizer=optimizer, precision=precision, weight_decay=0.01)
    # Early steps of Adam and RMSprop are all but signs of the gradient, where
    # float32 differs in the last place and then by a whole step.
    lr_of_signs = 1e-4 if precision == "float32" and optimizer != "sgd" else 0.01
    clf.set_params(lr=lr_of_signs)

    def make_optimizer(weights):
        made = OPTIMIZERS[optimizer](weights)
        made.param_groups[0]["lr"] = lr_of_signs
        return made

    assert_close(*fit_both(clf, plain(), make_optimizer, X, y))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("micro_batch_size", ["auto", 1, 7, 1000])
def test_micro_batches_give_the_batch_s_own_steps(shuffle, micro_batch_size, bits):
    X, _, y, _ = bits
    clf = conv(
        shuffle=shuffle,
        micro_batch_size=micro_batch_size,
        optimizer="sgd",
        weight_decay=0.01,
        precision="float64",
        max_epochs=2,
    )
    assert_close(*fit_both(clf, plain_conv(), OPTIMIZERS["sgd"], X, y))


class ForwardSizes(Callback):
    """Keeps how many images go through the network at once."""

    def on_train_begin(self, net, **kwargs):
        self.sizes = []
        net.module_.register_forward_pre_hook(
            lambda module, args: self.sizes.append(len(args[0]))
        )


@pytest.mark.parametrize(
    ("batch_norm", "sizes"),
    [(False, [48, 2] * 4), (True, [50] * 4)],
)
def test_batch_norm_is_the_one_that_gets_whole_batches(batch_norm, sizes, bits):
    X, _, y, _ = bits
    seen = ForwardSizes()
    layers = (ConvLayer(4, batch_norm=batch_norm),)
    conv(conv_layers=layers, callbacks=[seen], micro_batch_size=48).fit(X, y)
    assert seen.sizes == sizes


def test_batch_norm_learns_the_statistics_of_whole_batches(bits):
    X, _, y, _ = bits
    plain = plain_batch_norm()
    clf = conv(conv_layers=(ConvLayer(4, batch_norm=True),), micro_batch_size=16)
    clf.set_params(precision="float64", optimizer="sgd", weight_decay=0.01)
    assert_close(*fit_both(clf, plain, OPTIMIZERS["sgd"], X, y))
    ours = next(m for m in clf.module_.modules() if isinstance(m, nn.BatchNorm2d))
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(
            getattr(ours, name), getattr(plain[1], name), rtol=1e-12, atol=1e-12
        )
    with torch.no_grad():
        logits = plain(torch.tensor(X[:, None]).double()).numpy()
    np.testing.assert_allclose(clf.decision_function(X), logits, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("class_weight", [None, {3: 5.0, 7: 0.0}, "balanced"])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_weights_and_sample_weights_multiply(class_weight, weighted, bits):
    X, _, y, _ = bits
    own = np.random.RandomState(0).uniform(0.1, 3, N) if weighted else np.ones(N)
    if class_weight == "balanced":
        by_class = own.sum() / (10 * np.bincount(y, weights=own))
    else:
        by_class = np.array([(class_weight or {}).get(k, 1.0) for k in range(10)])
    clf = mlp(class_weight=class_weight, precision="float64", optimizer="sgd")
    clf.set_params(weight_decay=0.01)
    ours, plain = fit_both(
        clf,
        plain_mlp(),
        OPTIMIZERS["sgd"],
        X,
        y,
        loss_weight=own * by_class[y],
        sample_weight=own if weighted else None,
    )
    assert_close(ours, plain)


def test_weights_of_any_scale_train_the_same(bits):
    X, _, y, _ = bits
    weight = np.random.RandomState(0).uniform(0.1, 3, N)
    plain, tiny, huge = (
        mlp(optimizer="sgd").fit(X, y, sample_weight=weight * scale)
        for scale in (1, 2.0**-150, 2.0**120)
    )
    assert_close(weights_of(tiny), weights_of(plain))
    assert_close(weights_of(huge), weights_of(plain))


@pytest.mark.parametrize(("precision", "rtol"), [("float32", 1e-5), ("float64", 1e-9)])
def test_losses_are_means_over_all_images(precision, rtol, bits):
    X, X_val, y, y_val = bits
    clf = mlp(lr=1e-14, max_epochs=2, precision=precision)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    expected = log_loss(y, clf.predict_proba(X))
    np.testing.assert_allclose(clf.loss_curve_, [expected] * 2, rtol=rtol)
    expected = log_loss(y_val, clf.predict_proba(X_val))
    np.testing.assert_allclose(clf.history_[:, "valid_loss"], expected, rtol=rtol)


# -- divergence --


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 1e30), (torch.optim.SGD, 1e38)])
def test_diverging_training_says_where_and_what_to_try(optimizer, lr, bits):
    X, _, y, _ = bits
    clf = mlp(optimizer=optimizer, lr=lr, max_epochs=5)
    with pytest.raises(
        ValueError, match=r"diverged: after epoch [1-5] .* lr \(it is 1e\+3"
    ) as e:
        clf.fit(X, y)
    assert "pixel_scaling" in str(e.value)
    with pytest.raises(NotFittedError):
        clf.predict(X)


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_search_scores_a_diverging_candidate_as_failed_and_goes_on(bits):
    X, _, y, _ = bits
    search = GridSearchCV(
        mlp(optimizer="sgd", max_epochs=5),
        {"lr": [1e30, 0.1]},
        cv=2,
        error_score=np.nan,
    )
    with pytest.warns(FitFailedWarning, match="2 fits failed"):
        search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[0])
    assert scores[1] > 0.5
    assert search.best_params_ == {"lr": 0.1}


# -- the net as a user has it --


def test_net_predicts_as_the_estimator_does(bits):
    X, X_val, y, y_val = bits
    clf = mlp().fit(X, y)
    net, images = clf.net_, X_val[:, None]
    proba = net.predict_proba(images)
    np.testing.assert_allclose(proba, clf.predict_proba(X_val), rtol=1e-6)
    np.testing.assert_array_equal(net.predict(images), clf.predict(X_val))
    assert net.score(images, y_val) == clf.score(X_val, y_val)
    logits = net.forward(images).numpy()
    np.testing.assert_array_equal(logits, clf.decision_function(X_val))


def test_weights_of_the_net_are_saved_and_loaded(tmp_path, bits):
    X, X_val, y, _ = bits
    clf, other = mlp().fit(X, y), mlp(max_epochs=3).fit(X, y)
    files = {name: tmp_path / name for name in ("f_params", "f_optimizer", "f_history")}
    clf.net_.save_params(**files)
    other.net_.load_params(**files)
    assert_same(clf, other)
    assert other.n_epochs_ == 1
    twin = clone(clf.net_).initialize()
    twin.load_params(f_params=files["f_params"])
    np.testing.assert_array_equal(twin.predict(X_val[:, None]), clf.predict(X_val))


def test_parameters_of_the_net_can_be_read_and_set(bits):
    X, _, y, _ = bits
    net = mlp().fit(X, y).net_
    assert set(net.get_params(deep=False)) >= {"lr", "module", "batch_size", "device"}
    net.set_params(lr=0.5, verbose=0)
    assert net.optimizer_.param_groups[0]["lr"] == net.get_params()["lr"] == 0.5


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_loop"])
@pytest.mark.parametrize("of", [lambda net: net, clone], ids=["net", "clone"])
def test_net_alone_does_not_train_and_says_who_does(method, of, bits):
    X, _, y, _ = bits
    clf = mlp().fit(X, y)
    before = [weights.copy() for weights in weights_of(clf)]
    with pytest.raises(SkorchTrainingImpossibleError, match="call fit or partial_fit"):
        getattr(of(clf.net_), method)(X[:, None], y)
    for weights, other in zip(weights_of(clf), before, strict=True):
        np.testing.assert_array_equal(weights, other)


class TakesNames(Callback):
    """Puts what it likes onto the net, under names that anyone would choose."""

    def on_train_begin(self, net, **kwargs):
        for name in (
            *("batches", "train", "move", "logits", "augment", "shuffle", "schedule"),
            *("generator", "owner", "scheduler_", "weights_", "take_step", "epochs"),
        ):
            setattr(net, name, "a callback's own")


def test_names_on_the_net_are_the_callbacks_to_take(bits):
    X, _, y, _ = bits
    params = {"augment": "shift", "lr_schedule": "exponential"}
    taken, plain = (
        mlp(callbacks=callbacks, **params) for callbacks in ([TakesNames()], None)
    )
    for clf in (taken, plain):
        for _ in range(2):
            clf.partial_fit(X, y, classes=range(10))
    assert_same(taken, plain)
    assert_same(pickle.loads(pickle.dumps(taken)), plain)


def test_all_that_is_not_skorch_s_has_an_underscore(bits):
    X, _, y, _ = bits
    net = mlp().fit(X, y).net_
    twin = skorch_twin(plain_mlp()).initialize()
    own = {name for name in dir(net) if not name.startswith("_")} - set(dir(twin))
    # "classes_" is skorch's, once it knows them.
    assert own - {"classes_"} == {
        "stop_requested_",
        "optimizer__fused",
        "optimizer__weight_decay",
    }
