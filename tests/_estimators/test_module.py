"""ModuleClassifier: modules of the user's, of every kind that people write."""

import copy
import pickle
import random
import re
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, Freezer
from torch import nn

from skmnist import MLPClassifier, ModuleClassifier
from skmnist.model_selection import BatchedGridSearchCV
from skmnist.persistence import export_onnx, load, save

pytestmark = pytest.mark.usefixtures("one_thread")


class Net(nn.Module):
    """Batch normalisation, dropout, and a skip that no Sequential has."""

    def __init__(self, image_shape, n_classes, width=4, dropout=0.2):
        super().__init__()
        self.first = nn.Conv2d(image_shape[0], width, 3, stride=2)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.LazyLinear(n_classes)

    def forward(self, x):
        x = self.norm(self.first(x)).relu()
        x = x + self.second(x).relu()
        return self.head(self.dropout(x.flatten(1)))


def dense(image_shape, n_classes, width=16):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(int(np.prod(image_shape)), width),
        nn.ReLU(),
        nn.Linear(width, n_classes),
    )


def half_frozen(image_shape, n_classes):
    network = dense(image_shape, n_classes)
    network[1].requires_grad_(False)
    return network


def own(module=Net, **params):
    return ModuleClassifier(module, **{"max_epochs": 2, "random_state": 0} | params)


@pytest.fixture(scope="module")
def fitted(few):
    X, _, y, _ = few
    return {
        module.__name__: own(module).fit(X, y) for module in (Net, dense, half_frozen)
    }


MODULES = ["Net", "dense", "half_frozen"]


def assert_same(a, b, X):
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


# -- what it learns --


def test_a_module_learns_the_digits(digits):
    X, X_test, y, y_test = digits
    clf = own(module_params={"width": 8}, max_epochs="auto").fit(X, y)
    assert clf.score(X_test, y_test) > 0.9
    assert clf.n_epochs_ == 10


def test_the_mlp_written_as_a_module_learns_the_same(few):
    X, X_test, y, _ = few
    same = {"lr": 0.01, "batch_size": 32, "shuffle": False, "random_state": 0}
    mlp = MLPClassifier((16,), **same).fit(X, y)
    first = MLPClassifier((16,), **same | {"max_epochs": 1, "lr": 1e-30}).fit(X, y)
    start = first.module_.layers.state_dict()

    def beginning_as_the_mlp(image_shape, n_classes):
        network = dense(image_shape, n_classes)
        network.load_state_dict(start)
        return network

    clf = ModuleClassifier(beginning_as_the_mlp, **same).fit(X, y)
    np.testing.assert_allclose(
        clf.predict_proba(X_test), mlp.predict_proba(X_test), rtol=1e-3, atol=1e-5
    )


def test_the_module_sees_scaled_images_and_the_classes(few):
    X, _, y, _ = few
    calls = []

    def watched(image_shape, n_classes, **params):
        calls.append((image_shape, n_classes, params))
        return dense(image_shape, n_classes)

    colour = np.stack([X, X, X], axis=1)
    clf = own(watched, module_params={"extra": None}, max_epochs=1)
    clf.fit(colour, [f"class {label % 3}" for label in y])
    assert calls == [((3, 28, 28), 3, {"extra": None})]
    assert type(clf.module_.network) is nn.Sequential
    flat = own(watched, image_shape=(14, 56), max_epochs=1).fit(X.reshape(200, -1), y)
    assert flat.image_shape_ == (1, 14, 56)


# -- what is drawn --


def numpy_state():
    return np.random.get_state()[1]  # noqa: NPY002


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_seed_gives_the_same_model_and_leaves_global_generators_alone(dropout, few):
    X, X_test, y, _ = few
    clf = own(module_params={"dropout": dropout}).fit(X, y)
    torch.manual_seed(5)
    before = torch.get_rng_state(), numpy_state(), random.getstate()
    again = clone(clf).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(numpy_state(), before[1])
    assert random.getstate() == before[2]
    assert_same(clf, again, X_test)
    other = clone(clf).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), clf.predict_proba(X))


class Drawn(nn.Module):
    """Keeps something random that is no weight, drawn by three generators."""

    def __init__(self, image_shape, n_classes):
        super().__init__()
        self.order = torch.randperm(image_shape[2])
        self.flip = np.random.rand(image_shape[1]) > 0.5  # noqa: NPY002
        self.sign = random.choice([-1, 1])
        self.rest = dense(image_shape, n_classes)

    def forward(self, x):
        x = x[..., self.order] * self.sign
        flip = torch.as_tensor(self.flip)[:, None]
        return self.rest(torch.where(flip, x.flip(-1), x))


def test_what_a_module_drew_when_it_was_made_comes_back_from_pickles(few):
    X, X_test, y, _ = few
    clf = own(Drawn).fit(X, y)
    assert_same(pickle.loads(pickle.dumps(clf)), clf, X_test)
    assert_same(clone(clf).fit(X, y), clf, X_test)


def test_the_caller_s_default_dtype_does_not_matter(few):
    X, X_test, y, _ = few
    expected = own().fit(X, y).predict_proba(X_test)
    torch.set_default_dtype(torch.float64)
    try:
        clf = own().fit(X, y)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(clf.predict_proba(X_test), expected)


def test_micro_batches_are_the_batch(few):
    X, X_test, y, _ = few
    whole, parts = (
        own(dense, micro_batch_size=size, precision="float64").fit(X, y)
        for size in (128, 7)
    )
    np.testing.assert_allclose(
        whole.predict_proba(X_test), parts.predict_proba(X_test), rtol=1e-8
    )


def test_batch_norm_gets_whole_batches(few):
    X, X_test, y, _ = few
    quiet = {"dropout": 0.0}
    whole, asked = (
        own(module_params=quiet, micro_batch_size=size).fit(X, y)
        for size in ("auto", 7)
    )
    assert_same(whole, asked, X_test)


def normalised(image_shape, n_classes):
    return nn.Sequential(
        nn.Flatten(), nn.LazyLinear(8), nn.BatchNorm1d(8), nn.LazyLinear(n_classes)
    )


def test_batch_norm_of_single_values_is_refused_in_words(few):
    X, _, y, _ = few
    own(normalised, batch_size=100).fit(X, y)
    with pytest.raises(ValueError, match="batches of two images or more"):
        own(normalised, batch_size=1).fit(X, y)
    own(batch_size=1, max_epochs=1).fit(X[:4], y[:4])  # maps of many pixels


# -- where it comes from --


def test_a_module_that_is_given_every_time_is_left_as_it_is(few):
    X, X_test, y, _ = few
    network = dense((1, 28, 28), 10)
    before = copy.deepcopy(network.state_dict())
    clf = own(lambda image_shape, n_classes: network)
    first = clf.fit(X, y).predict_proba(X_test)
    np.testing.assert_array_equal(clf.fit(X, y).predict_proba(X_test), first)
    assert all(torch.equal(network.state_dict()[k], v) for k, v in before.items())
    assert network.training


def test_weights_that_are_frozen_stay(fitted, few):
    X, X_test, y, _ = few
    clf = fitted["half_frozen"]
    with torch.random.fork_rng():
        torch.manual_seed(clf._module_seed)
        made = half_frozen((1, 28, 28), 10)
    assert torch.equal(clf.module_.network[1].weight, made[1].weight)
    assert not torch.equal(clf.module_.network[3].weight, made[3].weight)
    for twin in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        assert not twin.module_.network[1].weight.requires_grad
        twin.partial_fit(X, y)
        assert torch.equal(twin.module_.network[1].weight, made[1].weight)
    assert_same(clone(clf).fit(X, y), clf, X_test)


class Reporting(ModuleClassifier):
    """A subclass of the kind that people write."""

    def __init__(self, width=8, *, max_epochs=2, random_state=None):
        super().__init__(
            dense,
            module_params={"width": width},
            max_epochs=max_epochs,
            random_state=random_state,
        )
        self.width = width


class WithMethods(ModuleClassifier):
    def predict_twice(self, X):
        return np.stack([self.predict(X)] * 2)


def test_a_subclass_works_as_it_is(few):
    X, X_test, y, _ = few
    clf = clone(WithMethods(dense, max_epochs=1, random_state=0)).fit(X, y)
    assert_same(clf, own(dense, max_epochs=1).fit(X, y), X_test)
    assert pickle.loads(pickle.dumps(clf)).predict_twice(X_test).shape == (2, 100)
    reporting = clone(Reporting(4, random_state=0)).fit(X, y)
    assert_same(pickle.loads(pickle.dumps(reporting)), reporting, X_test)
    assert reporting.n_parameters_ == 784 * 4 + 4 + 4 * 10 + 10


def test_the_summary_counts_every_weight_once(fitted):
    summary = fitted["Net"].summary()
    assert [line.layer for line in summary] == [
        *("PixelScaling", "Conv2d 3x3", "BatchNorm2d", "Conv2d 3x3", "Dropout 0.2"),
        "Linear",
    ]
    assert summary.n_parameters == fitted["Net"].n_parameters_
    assert summary[1] == ("Conv2d 3x3", (4, 13, 13), 40)


class Attention(nn.Module):
    """Weights of its own, a layer that is used twice, and one behind a function."""

    def __init__(self, image_shape, n_classes):
        super().__init__()
        self.start = nn.Parameter(torch.zeros(1, 1, image_shape[2]))
        self.attention = nn.MultiheadAttention(image_shape[2], 2, batch_first=True)
        self.norm = nn.LayerNorm(image_shape[2])
        self.head = nn.Linear(image_shape[2], n_classes)

    def forward(self, images):
        x = torch.cat([self.start.expand(len(images), -1, -1), images[:, 0]], dim=1)
        x = x + self.attention(self.norm(x), x, x)[0]
        return nn.functional.linear(self.norm(x)[:, 0], self.head.weight)


def test_the_summary_of_an_unusual_module_is_complete(few):
    X, X_test, y, _ = few
    clf = own(Attention, max_epochs=1).fit(X, y)
    assert clf.summary().n_parameters == clf.n_parameters_
    assert_same(pickle.loads(pickle.dumps(clf)), clf, X_test)


# -- files, processes, searches --

OPEN = """
import sys, joblib
sys.path.insert(0, sys.argv[2])
models, X = joblib.load(sys.argv[1] + "/models")
joblib.dump([m.predict_proba(X) for m in models], sys.argv[1] + "/done")
"""


def test_models_open_in_another_process(fitted, few, tmp_path):
    _, X_test, _, _ = few
    models = list(fitted.values())
    joblib.dump((models, X_test), tmp_path / "models")
    folder = __file__.rpartition("/")[0]
    subprocess.run([sys.executable, "-c", OPEN, tmp_path, folder], check=True)
    for proba, clf in zip(joblib.load(tmp_path / "done"), models, strict=True):
        np.testing.assert_allclose(proba, clf.predict_proba(X_test), rtol=1e-4)


def test_the_pickle_of_a_lambda_s_is_refused_as_python_refuses_it(few):
    X, _, y, _ = few
    clf = own(lambda image_shape, n_classes: dense(image_shape, n_classes)).fit(X, y)
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(clf)


def test_pickles_hold_arrays_and_no_tensors(fitted):
    assert b"torch._utils" not in pickle.dumps(fitted["Net"])


@pytest.mark.parametrize("name", MODULES)
def test_skops_files_name_the_module(name, fitted, few, tmp_path):
    pytest.importorskip("skops.io", reason="needs the extra 'skops'")
    _, X_test, _, _ = few
    clf, path = fitted[name], tmp_path / "model.skops"
    with pytest.raises(TypeError, match=rf"trusted=\['test_module.{name}'\]"):
        save(clf, path)
    save(clf, path, trusted=[f"test_module.{name}"])
    with pytest.raises(ValueError, match=rf"test_module.{name}"):
        load(path)
    assert_same(load(path, trusted=[f"test_module.{name}"]), clf, X_test)


@pytest.mark.parametrize("name", MODULES)
def test_onnx_files_say_the_same(name, fitted, few, tmp_path):
    pytest.importorskip("onnxscript", reason="needs the extra 'onnx'")
    onnxruntime = pytest.importorskip("onnxruntime")
    if any(isinstance(m, nn.BatchNorm2d) for m in fitted[name].module_.modules()):
        pytest.importorskip("torch", "2.7", reason="2.6 exports no normalisation")
    _, X_test, _, _ = few
    export_onnx(fitted[name], tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    label, proba = session.run(None, {"images": X_test})
    np.testing.assert_array_equal(label, fitted[name].predict(X_test))
    np.testing.assert_allclose(proba, fitted[name].predict_proba(X_test), atol=1e-5)


class BreakOff(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise RuntimeError("broken off")


def test_a_checkpoint_goes_on_as_if_nothing_had_been(few, tmp_path):
    X, X_test, y, _ = few
    whole = own(max_epochs=4).fit(X, y)
    clf = own(max_epochs=4, checkpoint=tmp_path / "training")
    with pytest.raises(RuntimeError, match="broken off"):
        clone(clf).set_params(callbacks=[BreakOff()]).fit(X, y)
    assert_same(clf.fit(X, y), whole, X_test)
    with pytest.raises(ValueError, match=r"another run.*module_params"):
        clf.set_params(module_params={"width": 5}).fit(X, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("Search", [GridSearchCV, BatchedGridSearchCV])
def test_searches_over_module_params(Search, n_jobs, few):
    X, _, y, _ = few
    grid = {"module_params": [{"width": 1}, {"width": 8}], "lr": [1e-6, 1e-2]}
    with parallel_config("loky", inner_max_num_threads=1):
        search = Search(own(dense), grid, cv=2, n_jobs=n_jobs).fit(X, y)
    assert search.best_params_ == {"module_params": {"width": 8}, "lr": 1e-2}
    assert_same(search.best_estimator_, clone(search.best_estimator_).fit(X, y), X)


def test_a_pipeline_and_a_callback(few):
    X, X_test, y, _ = few
    clf = own(dense, callbacks=[Freezer("network.1.*")], image_shape=(28, 28))
    pipe = make_pipeline(StandardScaler(), clf).fit(X.reshape(200, -1), y)
    assert pipe.predict(X_test.reshape(100, -1)).shape == (100,)
    assert not pipe[-1].module_.network[1].weight.requires_grad


def test_going_on(few):
    X, X_test, y, _ = few
    clf = own(warm_start=True, max_epochs=1).fit(X, y)
    twin = pickle.loads(pickle.dumps(clf))
    assert_same(clf.fit(X, y), twin.fit(X, y), X_test)
    assert clf.n_epochs_ == 2
    with pytest.raises(ValueError, match=r"\['module_params'\] changed"):
        clf.set_params(module_params={"width": 5}).fit(X, y)
    stream = own().partial_fit(X, y, classes=range(10))
    twin = pickle.loads(pickle.dumps(stream))
    assert_same(stream.partial_fit(X, y), twin.partial_fit(X, y), X_test)


# -- what is refused --


def no_logits(image_shape, n_classes):
    return nn.Flatten()


def scores_in_a_row(image_shape, n_classes):
    return nn.Sequential(dense(image_shape, n_classes), nn.Flatten(0))


def gives_two(image_shape, n_classes):
    network = dense(image_shape, n_classes)
    network.forward = lambda x: (x, x)
    return network


def all_frozen(image_shape, n_classes):
    return dense(image_shape, n_classes).requires_grad_(False)


def wrong_size(image_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(5, n_classes))


def returns_nothing(image_shape, n_classes):
    pass


def no_arguments():
    return nn.Flatten()


@pytest.mark.parametrize(
    ("params", "name", "came"),
    [
        ({"module": "Net"}, "module", "Got 'Net' instead"),
        ({"module": None}, "module", "Got None instead"),
        ({"module": nn.Flatten()}, "module", r"no module itself. Got Flatten"),
        ({"module": returns_nothing}, "module", "returned NoneType instead"),
        ({"module": no_arguments}, "module", r"no_arguments\(\) does not"),
        ({"module": nn.Linear}, "module", "Linear failed with image_shape"),
        ({"module": no_logits}, "module", r"\(n, 10\).*no_logits gave \(1, 784\)"),
        ({"module": scores_in_a_row}, "module", r"gave \(10,\) for one image"),
        ({"module": gives_two}, "module", "gave tuple for one image"),
        ({"module": all_frozen}, "module", "weights to train"),
        ({"module": wrong_size}, "module", r"\(1, 28, 28\). wrong_size failed on one"),
        ({"module_params": {"widht": 3}}, "module_params", r"\['widht'\] instead"),
        ({"module_params": {"n_classes": 3}}, "module_params", "'n_classes'"),
        ({"module_params": {"width": -3}}, "module", "'width': -3"),
        ({"module_params": [("width", 3)]}, "module_params", "Got .* instead"),
        ({"module_params": {3: 3}}, "module_params", "dict of argument name"),
    ],
)
def test_bad_modules_are_refused_before_training(params, name, came, few):
    X, _, y, _ = few
    clf = own().set_params(**params)
    message = rf"The '{name}' parameter of ModuleClassifier must .*{came}"
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y)
    assert not hasattr(clf, "classes_")


def ends_in(layer):
    def make(image_shape, n_classes):
        return nn.Sequential(dense(image_shape, n_classes), layer)

    return make


def test_probabilities_in_place_of_logits_are_warned_of_once(few):
    X, _, y, _ = few
    with pytest.warns(UserWarning, match=r"'module' .* probabilities.*logits") as found:
        clf = own(ends_in(nn.Softmax(1))).fit(X, y)
    assert len(found) == 1
    assert found[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.predict(X)
        copy.deepcopy(clf)
        own(ends_in(nn.LogSoftmax(1))).fit(X, y)


class InDouble(nn.Module):
    def forward(self, x):
        return x.double()


def test_logits_may_come_in_another_precision(few):
    X, X_test, y, _ = few
    expected = own(dense).fit(X, y).predict_proba(X_test)
    proba = own(ends_in(InDouble())).fit(X, y).predict_proba(X_test)
    np.testing.assert_allclose(proba, expected, atol=1e-5)
    with pytest.warns(UserWarning, match="seems to give probabilities"):
        own(ends_in(nn.Sequential(nn.Softmax(1), InDouble()))).fit(X, y)


def test_nested_names_are_refused_with_what_to_pass():
    for name in ("module__width", "module_params__width"):
        expected = re.escape('Pass module_params={"width": ...} instead.')
        with pytest.raises(ValueError, match=expected):
            own().set_params(**{name: 3})


def test_a_failed_fit_leaves_the_generators_as_found(few):
    X, _, y, _ = few
    before = torch.get_rng_state()
    with pytest.raises(ValueError):
        own(wrong_size).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before)
