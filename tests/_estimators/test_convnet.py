"""ConvNetClassifier and ConvLayer: layers, shapes and counts."""

import copy
import dataclasses
import pickle
import re
import warnings
from itertools import product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier
from skorch.callbacks import Callback
from torch import nn

from skmnist import ConvLayer, ConvNetClassifier
from skmnist.model_selection._fit_together import common_key

pytestmark = pytest.mark.usefixtures("one_thread")


def fitted(digits, *args, n=80, **params):
    params = {"max_epochs": 1, "random_state": 0} | params
    return ConvNetClassifier(*args, **params).fit(digits[0][:n], digits[2][:n])


LENET = (
    ConvLayer(4, padding="valid", pool_stride=1),
    ConvLayer(8, padding="valid", pool="avg", pool_stride=1),
    ConvLayer(16, stride=2, padding="valid", pool="avg"),
)


# The networks of the five reports: what they are, and their published counts.
@pytest.mark.parametrize(
    ("conv_layers", "hidden_layer_sizes", "flattened", "n_parameters"),
    [
        ((32, 64), (128,), 64 * 7 * 7, 421_642),  # dat565-2024 convnet-32-64
        ((16, 4), (), 196, 2_710),  # dl-2020 convnet-16-4
        (LENET, (84,), 400, 36_038),  # dat565-2023 lenet-4-8-16
        ((ConvLayer(32, padding="valid"),), (), 5_408, 54_410),  # dat405-2023
    ],
)
def test_every_convnet_of_the_reports_has_its_parameter_count(
    conv_layers, hidden_layer_sizes, flattened, n_parameters, digits
):
    clf = fitted(digits, conv_layers, hidden_layer_sizes, n=30)
    assert clf.n_parameters_ == n_parameters
    assert clf.summary().n_parameters == n_parameters
    shapes = {line.layer: line.output_shape for line in clf.summary()}
    assert shapes["Flatten"] == (flattened,)


def test_residual_layers_add_their_input(digits):
    layers = (
        ConvLayer(4, pool=None),
        ConvLayer(4, pool=None, batch_norm=True, residual=True),
        ConvLayer(6, 4, residual=True),
        ConvLayer(8, stride=2, residual=True, pool="global"),
    )
    clf = fitted(digits, layers, (), activation="tanh", precision="float64")
    module, functional = clf.module_, nn.functional
    first, second, third, fourth = (module.layers[i] for i in (0, 2, 4, 7))
    with torch.no_grad():
        x = module.scaling(torch.tensor(digits[1][:5, None]))
        x = first(x).tanh()
        x = (x + second.layers(x)).tanh()
        x = third.layers(x) + third.shortcut(x)
        x = functional.max_pool2d(x, 2).tanh()
        x = fourth.layers(x) + functional.conv2d(x, fourth.shortcut.weight, stride=2)
        x = x.tanh().mean((2, 3))
        logits = module.layers[-1](x)
    assert isinstance(second.shortcut, nn.Identity)
    assert_allclose(clf.decision_function(digits[1][:5]), logits, atol=1e-8)
    assert clf.transform(digits[1][:5]).shape == (5, 8)
    twin = pickle.loads(pickle.dumps(clf))
    assert_array_equal(twin.predict_proba(digits[1]), clf.predict_proba(digits[1]))


@pytest.mark.parametrize("shape", [(28, 28), (7, 13), (1, 64), (3, 9, 5)])
def test_a_deep_residual_network_takes_images_of_any_shape(shape):
    block = ConvLayer(4, pool=None, batch_norm=True, residual=True)
    down = ConvLayer(6, stride=2, pool=None, residual=True)
    layers = (block, block, down, down, block, ConvLayer(8, pool="global"))
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (20, *shape)), np.arange(20) % 2
    clf = ConvNetClassifier(layers, (), max_epochs=1, random_state=0)
    image_shape = shape if len(shape) == 3 else (1, *shape)
    clf.set_params(image_shape=image_shape).fit(X.reshape(20, -1), y)
    assert clf.predict_proba(X.reshape(20, -1)).shape == (20, 2)
    assert clf.summary().n_parameters == clf.n_parameters_


def test_residual_layers_are_fitted_one_by_one():
    def key(layer):
        return common_key(ConvNetClassifier((layer, 4)))

    assert key(ConvLayer(4, pool="global")) is not None
    assert key(ConvLayer(4, residual=True)) is None


def test_logits_are_those_of_the_plain_torch_sequence(digits):
    layers = (6, ConvLayer(4, kernel_size=5, padding=1, pool="avg", pool_stride=3))
    clf = fitted(digits, layers, (9,), pixel_scaling=None, max_epochs=2)
    plain = nn.Sequential(
        *(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 4, 5, padding=1), nn.ReLU(), nn.AvgPool2d(2, 3)),
        *(nn.Flatten(), nn.Linear(64, 9), nn.ReLU(), nn.Linear(9, 10)),
    )
    for ours, theirs in zip(clf.module_.parameters(), plain.parameters(), strict=True):
        theirs.data.copy_(ours.data)
    images = digits[1][:50]
    with torch.no_grad():
        logits = plain(torch.tensor(images[:, None]).float())
    assert_allclose(clf.decision_function(images), logits, rtol=1e-3, atol=1e-3)
    assert_array_equal(clf.predict(images), logits.argmax(1))


def test_an_int_is_a_layer_with_that_many_filters(digits):
    images = digits[1][:20]
    expected = fitted(digits, (3, ConvLayer(2)), ()).predict_proba(images)
    for layers in [[ConvLayer(3), 2], (np.int64(3), np.int64(2))]:
        assert_array_equal(fitted(digits, layers, ()).predict_proba(images), expected)


def test_no_convolutions_at_all_is_softmax_regression(digits):
    assert fitted(digits, (), ()).n_parameters_ == 7_850


def test_weights_of_convolutions_lie_channels_last_and_stay_so(digits):
    clf = fitted(digits, (4, 8), ())
    for model in (clf, pickle.loads(pickle.dumps(clf))):
        weight = model.module_.layers[3].weight
        assert weight.shape == (8, 4, 3, 3)
        assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_default_learns_the_digits(digits):
    X, X_test, y, y_test = digits
    clf = ConvNetClassifier(random_state=0).fit(X, y)
    assert clf.score(X_test, y_test) > 0.85


@pytest.mark.parametrize("n", [80, 65, 33])
def test_batch_norm_trains_on_any_number_of_images(n, digits):
    # Five poolings leave one pixel.
    layers = (2, 2, 2, 2, ConvLayer(2, batch_norm=True), ConvLayer(2, batch_norm=True))
    clf = fitted(digits, layers, (), n=n, batch_size=32)
    assert np.isfinite(clf.loss_curve_).all()


def test_batch_norm_of_a_single_value_is_refused_before_training(digits):
    X, _, y, _ = digits
    lone = ConvLayer(2, kernel_size=28, padding="valid", batch_norm=True)
    calls = []

    class Recorder(Callback):
        def on_train_begin(self, net, **kwargs):
            calls.append(net)

    params = {"max_epochs": 1, "callbacks": [Recorder()]}
    for n, size in ((81, 2), (80, 1)):
        clf = ConvNetClassifier((lone,), (), batch_size=size, **params)
        with pytest.raises(ValueError, match=f"{n} with batch_size={size} instead"):
            clf.fit(X[:n], y[:n])
    clf = ConvNetClassifier((lone,), (), **params)
    with pytest.raises(ValueError, match="batches of two images or more"):
        clf.partial_fit(X[:1], y[:1], classes=np.arange(10))
    assert not calls
    clf.partial_fit(X[:2], y[:2], classes=np.arange(10))
    # Of larger maps one image has statistics, as in torch.
    fitted(digits, (dataclasses.replace(lone, kernel_size=27),), n=80, batch_size=1)


# -- shapes of images ---------------------------------------------------------


@pytest.mark.parametrize(
    ("n_features", "image_shape", "seen"),
    [
        (144, None, (1, 12, 12)),
        (13, None, (1, 1, 13)),
        (1, None, (1, 1, 1)),
        (144, (9, 16), (1, 9, 16)),
        (144, [4, 6, 6], (4, 6, 6)),
    ],
)
def test_any_number_of_features_is_an_image(n_features, image_shape, seen, digits):
    X, y = digits[0][:60].reshape(60, -1)[:, 300 : 300 + n_features], digits[2][:60]
    clf = ConvNetClassifier((2, 2, 2, 2, 2), (), image_shape=image_shape, max_epochs=1)
    clf.fit(X, y)
    assert clf.image_shape_ == seen
    # Pooling never shrinks a side below 1.
    assert all(min(line.output_shape) > 0 for line in clf.summary())
    assert clf.predict(X.reshape(60, *seen)).shape == (60,)


def test_flat_rows_and_images_are_the_same_to_the_network(digits):
    X = digits[0][:80]
    forms = X.reshape(80, -1), X, X[:, None]
    fits = [
        ConvNetClassifier((3,), (), max_epochs=1, random_state=0).fit(F, digits[2][:80])
        for F in forms
    ]
    expected = fits[0].predict_proba(X)
    for clf, form in product(fits, forms):
        assert_array_equal(clf.predict_proba(form), expected)


@pytest.mark.parametrize(
    "wrap", [lambda clf: BaggingClassifier(clf, 2, random_state=0), OneVsOneClassifier]
)
def test_wrappers_that_insist_on_flat_rows_train_on_the_images(wrap, small):
    X, X_test, y, y_test = small
    three = np.isin(y, [0, 1, 2])
    clf = ConvNetClassifier((8,), (), max_epochs=20, random_state=0)
    wrapped = wrap(clf).fit(X[three].reshape(three.sum(), -1), y[three])
    assert {inner.image_shape_ for inner in wrapped.estimators_} == {(1, 28, 28)}
    three = np.isin(y_test, [0, 1, 2])
    score = wrapped.score(X_test[three].reshape(three.sum(), -1), y_test[three])
    assert score > 0.9


def test_permutation_importance_of_flat_rows_finds_the_pixel_that_matters(few):
    _, _, y, y_test = few
    # One pixel gives the label away, and all others are blank.
    told, told_test = np.zeros((200, 100), np.uint8), np.zeros((100, 100), np.uint8)
    told[:, 34], told_test[:, 34] = 255 * (y == 3), 255 * (y_test == 3)
    clf = ConvNetClassifier((4,), (), max_epochs=20, random_state=0)
    clf.fit(told, y == 3)
    assert clf.image_shape_ == (1, 10, 10)
    result = permutation_importance(
        clf, told_test, y_test == 3, n_repeats=2, random_state=0
    )
    assert result.importances_mean[34] > 0.1
    assert np.flatnonzero(result.importances_mean).tolist() == [34]


@pytest.mark.parametrize(
    ("image_shape", "came"),
    [((20, 20), "784 features"), ((3, 28, 28), "784 features"), ((1, 1), "784 feat")],
)
def test_an_image_shape_that_does_not_fit_is_refused(image_shape, came, digits):
    clf = ConvNetClassifier(image_shape=image_shape)
    message = (
        "The 'image_shape' parameter of ConvNetClassifier must fit the images in X: "
        rf"{re.escape(repr(image_shape))} asks for .*{came}"
    )
    with pytest.raises(ValueError, match=message):
        clf.fit(digits[0][:20].reshape(20, -1), digits[2][:20])
    assert not hasattr(clf, "classes_")


def test_an_image_shape_other_than_the_images_own_is_refused(digits):
    clf = ConvNetClassifier(image_shape=(14, 56))
    with pytest.raises(ValueError, match=r"'image_shape'.*\(14, 56\).*\(1, 28, 28\)"):
        clf.fit(digits[0][:20], digits[2][:20])


# -- ConvLayer ----------------------------------------------------------------


def test_an_even_kernel_warns_no_one(digits):
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clf = fitted(digits, (ConvLayer(2, kernel_size=2),), ())
    finally:
        torch.set_warn_always(always)
    assert clf.summary()[2].output_shape == (2, 28, 28)


def test_numpy_numbers_are_numbers(digits):
    plain = ConvLayer(3, 5, 2, pool_size=3, pool_stride=2, batch_norm=True)
    numbers = np.array([3, 5, 2, 3, 2])
    layer = ConvLayer(
        numbers[0],
        kernel_size=numbers[1],
        stride=numbers[2],
        pool_size=numbers[3],
        pool_stride=numbers[4],
        batch_norm=np.bool_(True),
    )
    assert layer == plain
    assert hash(layer) == hash(plain)
    assert repr(layer) == repr(plain)
    clf = fitted(digits, (layer,), ())
    assert clf.n_parameters_ == fitted(digits, (plain,), ()).n_parameters_


def test_a_layer_is_a_value():
    layer = ConvLayer(16, batch_norm=True)
    same = ConvLayer(16, 3, 1, "same", "max", 2, None, True)
    assert layer == same != ConvLayer(16)
    assert len({layer, same, ConvLayer(16)}) == 2
    assert pickle.loads(pickle.dumps(layer)) == copy.deepcopy(layer) == layer
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.filters = 3
    clf = ConvNetClassifier((layer, 8))
    assert clone(clf).conv_layers == (layer, 8)


def test_only_what_is_changed_is_in_the_repr_and_it_can_be_evaluated():
    assert repr(ConvLayer(16)) == "ConvLayer(16)"
    assert repr(ConvNetClassifier()) == "ConvNetClassifier()"
    for layer in LENET:
        assert eval(repr(layer)) == layer
    clf = ConvNetClassifier((4, ConvLayer(8, pool=None)), lr=0.1)
    assert repr(clf) == (
        "ConvNetClassifier(conv_layers=(4, ConvLayer(8, pool=None)), lr=0.1)"
    )


def test_layers_are_grid_values(digits):
    X, y = digits[0][:150], digits[2][:150]
    grid = {"conv_layers": [(2,), (ConvLayer(2, pool="avg"),), [ConvLayer(3), 2]]}
    search = GridSearchCV(
        ConvNetClassifier(hidden_layer_sizes=(), max_epochs=1), grid, cv=2, refit=False
    )
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.cv_results_["param_conv_layers"].tolist() == grid["conv_layers"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("filters", 0, "a positive int"),
        ("filters", 2.0, "a positive int"),
        ("filters", True, "a positive int"),
        ("kernel_size", (3, 3), "a positive int"),
        ("kernel_size", -1, "a positive int"),
        ("stride", 0, "a positive int"),
        ("padding", "full", "one of 'same', 'valid', or a non-negative int"),
        ("padding", -1, "one of 'same', 'valid', or a non-negative int"),
        ("padding", None, "one of 'same', 'valid', or a non-negative int"),
        ("pool", "min", "one of 'max', 'avg', 'global', None"),
        ("pool", False, "one of 'max', 'avg', 'global', None"),
        ("pool_size", 0, "a positive int"),
        ("pool_stride", 0, "one of None, or a positive int"),
        ("batch_norm", 1, "a bool"),
        ("residual", 1, "a bool"),
    ],
)
def test_a_bad_layer_cannot_be_made(name, value, expected):
    message = f"The {name!r} parameter of ConvLayer must be {expected}. Got {value!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        ConvLayer(**{"filters": 8, name: value})


def test_a_residual_layer_needs_same_padding():
    for padding in ("valid", 1):
        with pytest.raises(ValueError, match="must be 'same' with residual=True"):
            ConvLayer(8, padding=padding, residual=True)


def test_an_even_kernel_with_a_stride_has_no_same_padding():
    message = "'padding' parameter of ConvLayer must be 'valid' or an int .*kernel_size"
    with pytest.raises(ValueError, match=message):
        ConvLayer(8, kernel_size=4, stride=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("conv_layers", bad) for bad in (None, 16, (0,), (1.5,), ("16",), (True,))],
        *[("conv_layers", bad) for bad in ((16, None), "16", ([16],), {16})],
        *[("hidden_layer_sizes", bad) for bad in (None, 128, (0,), (-1,), (1.0,))],
        *[("image_shape", bad) for bad in (28, (28,), (0, 28), (1, 1, 1, 1), "28")],
        *[("image_shape", bad) for bad in ((-1, 784), (28.0, 28.0))],
    ],
)
def test_bad_parameters_are_refused_before_training(name, value, digits):
    clf = ConvNetClassifier(**{name: value})
    message = f"The {name!r} parameter of ConvNetClassifier must be "
    with pytest.raises(ValueError, match=message) as caught:
        clf.fit(digits[0][:20], digits[2][:20])
    assert str(caught.value).endswith(f"Got {value!r} instead.")
    assert not hasattr(clf, "classes_")


def test_a_kernel_larger_than_what_reaches_it_is_refused_by_name(digits):
    layers = (8, 8, 8, ConvLayer(4, kernel_size=5, padding="valid"))
    clf = ConvNetClassifier(layers)
    message = (
        r"The 'conv_layers' parameter of ConvNetClassifier must fit the images: item 3"
        r", ConvLayer\(4, kernel_size=5, padding='valid'\), .*3x3 .*28x28"
    )
    with pytest.raises(ValueError, match=message):
        clf.fit(digits[0][:20], digits[2][:20])
    assert not hasattr(clf, "classes_")
