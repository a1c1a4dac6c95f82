"""Pickles: of what they are made, where they open, and what they leave alone."""

import copy
import io
import pickle
import pickletools
import shutil
import subprocess
import sys
import threading
from typing import NamedTuple

import joblib
import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    LRScheduler,
    Unfreezer,
)
from skorch.history import History
from small_networks import N, mlp

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

MODELS = {
    "mlp": mlp(dropout=0.2, early_stopping=True),
    "conv": ConvNetClassifier(
        (ConvLayer(4, batch_norm=True), 4), (8,), augment="shift", random_state=0
    ),
    "float64": mlp(precision="float64", optimizer="sgd"),
    "bfloat16": mlp(precision="bfloat16", optimizer=torch.optim.NAdam),
    "softmax": mlp(hidden_layer_sizes=()),
    "linear": LinearClassifier(C=0.01),
}


@pytest.fixture(scope="module")
def fitted(few):
    """MODELS fitted, one of them in the middle of a stream as well."""
    X, _, y, _ = few
    names = np.array([f"digit {k}" for k in range(10)])
    models = {name: model.fit(X, names[y]) for name, model in MODELS.items()}
    return models | {"stream": mlp().partial_fit(X, names[y], classes=names)}


NETWORKS = [*(name for name in MODELS if name != "linear"), "stream"]


def reload(clf):
    return pickle.loads(pickle.dumps(clf))


def assert_same(a, b, X):
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


# -- into another process --

OPEN_ELSEWHERE = """
import pickle, sys, joblib, numpy as np
folder, n_threads = sys.argv[1], int(sys.argv[2])
names, X = joblib.load(folder + "/task")
first = joblib.load(f"{folder}/{names[0]}.joblib")  # skmnist is imported by this
import torch
from threadpoolctl import threadpool_limits
threadpool_limits(n_threads)
torch.set_num_threads(n_threads)
results = {}
for name in names:
    with open(f"{folder}/{name}.pickle", "rb") as file:
        models = [pickle.load(file)]
    models.append(joblib.load(f"{folder}/{name}.joblib"))
    models.append(joblib.load(f"{folder}/{name}.joblib", mmap_mode="r"))
    results[name] = [(m.predict_proba(X), m.predict(X)) for m in models]
joblib.dump(results, folder + "/done")
"""


@pytest.fixture(scope="module")
def elsewhere(fitted, few, tmp_path_factory):
    """What all models predict in another process, by three ways of loading."""
    _, X_test, _, _ = few
    folder = tmp_path_factory.mktemp("elsewhere")
    for name, clf in fitted.items():
        joblib.dump(clf, folder / f"{name}.joblib")
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(clf))
    joblib.dump((list(fitted), X_test), folder / "task")
    n_threads = str(torch.get_num_threads())
    subprocess.run(
        [sys.executable, "-c", OPEN_ELSEWHERE, folder, n_threads], check=True
    )
    return joblib.load(folder / "done")


@pytest.mark.parametrize("name", [*MODELS, "stream"])
def test_model_predicts_the_same_in_another_process(name, fitted, few, elsewhere):
    _, X_test, _, _ = few
    for proba, labels in elsewhere[name]:
        np.testing.assert_array_equal(proba, fitted[name].predict_proba(X_test))
        np.testing.assert_array_equal(labels, fitted[name].predict(X_test))


# -- what is in a pickle --


def strings_of(pickled):
    return [arg for _, arg, _ in pickletools.genops(pickled) if isinstance(arg, str)]


@pytest.mark.parametrize("name", NETWORKS)
def test_pickle_holds_numpy_arrays_and_no_torch_objects(name, fitted):
    named = [text for text in strings_of(pickle.dumps(fitted[name])) if "torch" in text]
    # The class that the user passed is theirs.
    assert set(named) <= {"torch.optim.nadam"}
    assert "numpy" in " ".join(strings_of(pickle.dumps(fitted[name])))


@pytest.mark.parametrize("hidden_layer_sizes", [(), (300,)])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_pickle_is_the_weights_and_little_else(hidden_layer_sizes, early_stopping, few):
    X, X_val, y, y_val = few
    clf = mlp(hidden_layer_sizes=hidden_layer_sizes, early_stopping=early_stopping)
    clf.set_params(max_epochs=5)
    clf.fit(X, y, np.ones(N), X_val=X_val, y_val=y_val)
    assert len(pickle.dumps(clf)) < 1.2 * 4 * clf.n_parameters_ + 20_000


@pytest.mark.parametrize(("optimizer", "n_states"), [("sgd", 1), ("adamw", 2)])
def test_pickle_of_a_stream_adds_the_state_of_the_optimizer(optimizer, n_states, few):
    X, _, y, _ = few
    clf = mlp(hidden_layer_sizes=(300,), optimizer=optimizer)
    clf.partial_fit(X, y, classes=range(10))
    weights = 4 * clf.n_parameters_
    assert len(pickle.dumps(clf)) < 1.1 * weights * (1 + n_states) + 30_000


def test_pickle_of_what_was_fitted_through_batch_hooks_is_small(few):
    X, X_val, y, y_val = few
    scoring = EpochScoring(lambda net, X, y: 0.5, name="half")
    clf = mlp(max_epochs=5, callbacks=[scoring]).set_params(batch_size=10)
    clf.fit(X, y, X_val=X_val, y_val=y_val).set_params(callbacks=None)
    assert len(pickle.dumps(clf)) < 1.2 * 4 * clf.n_parameters_ + 30_000


# -- what comes back --


@pytest.mark.parametrize("name", NETWORKS)
def test_everything_that_was_known_comes_back(name, fitted, few):
    _, X_test, _, _ = few
    clf, loaded = fitted[name], reload(fitted[name])
    assert type(loaded.history_) is History
    for known in (
        *("n_epochs_", "best_epoch_", "loss_curve_", "validation_scores_"),
        *("n_features_in_", "image_shape_", "n_parameters_", "device_"),
    ):
        assert getattr(loaded, known) == getattr(clf, known)
    np.testing.assert_array_equal(loaded.classes_, clf.classes_)
    assert loaded.history_ == clf.history_
    assert loaded.summary() == clf.summary()
    assert repr(loaded.get_params()) == repr(clf.get_params())
    assert vars(loaded).keys() == vars(clf).keys()
    assert_same(loaded, clf, X_test)


class Point(NamedTuple):
    x: int
    y: int


class RecordThings(Callback):
    def on_epoch_end(self, net, **kwargs):
        net.history.record("things", [np.ones(3), Point(1, 2), torch.ones(2)])


def test_what_a_callback_recorded_comes_back_as_it_was(few):
    X, _, y, _ = few
    array, point, tensor = reload(mlp(callbacks=[RecordThings()]).fit(X, y)).history_[
        -1, "things"
    ]
    np.testing.assert_array_equal(array, np.ones(3), strict=True)
    assert type(point) is Point
    assert torch.equal(tensor, torch.ones(2))


@pytest.mark.parametrize("name", [*MODELS, "stream"])
def test_pickles_of_pickles_are_the_same(name, fitted, few):
    _, X_test, _, _ = few
    once = reload(fitted[name])
    twice = reload(once)
    assert_same(twice, fitted[name], X_test)
    assert len(pickle.dumps(twice)) == len(pickle.dumps(once))
    assert_same(reload(fitted[name]), once, X_test)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy])
def test_copy_predicts_the_same(name, duplicate, fitted, few):
    _, X_test, _, _ = few
    assert_same(duplicate(fitted[name]), fitted[name], X_test)


def test_deep_copy_learns_on_its_own(few):
    X, _, y, _ = few
    clf = mlp().partial_fit(X, y, classes=range(10))
    before = clf.predict_proba(X)
    twin = copy.deepcopy(clf)
    twin.partial_fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    assert_same(clf.partial_fit(X, y), twin, X)


@pytest.mark.parametrize("name", NETWORKS)
def test_pickling_leaves_the_model_alone(name, fitted, few):
    _, X_test, _, _ = few
    clf = fitted[name]
    before = clf.predict_proba(X_test)
    held = [weight.data_ptr() for weight in clf.module_.parameters()]
    net, attributes = clf.net_, vars(clf).copy()
    pickle.dumps(clf)
    joblib.dump(clf, io.BytesIO())
    assert clf.net_ is net
    assert vars(clf) == attributes
    assert [weight.data_ptr() for weight in clf.module_.parameters()] == held
    np.testing.assert_array_equal(clf.predict_proba(X_test), before)


@pytest.mark.parametrize("name", MODELS)
def test_estimator_without_a_fit_can_be_pickled(name, few):
    X, X_test, y, _ = few
    clf = MODELS[name].__class__(**MODELS[name].get_params())
    loaded = reload(clf)
    assert vars(loaded).keys() == vars(clf).keys()
    assert_same(loaded.fit(X, y), clf.fit(X, y), X_test)


# -- going on after loading --


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.2, "augment": "shift"},
        {"optimizer": "sgd"},
        {"optimizer": "rmsprop", "lr_schedule": "exponential", "lr_decay": 0.5},
        {"optimizer": "adam", "lr_schedule": "plateau", "tol": 100},
        {"optimizer": torch.optim.LBFGS, "lr": 0.1},
        {"precision": "float64"},
    ],
    ids=["adamw", "sgd", "rmsprop", "plateau", "LBFGS", "float64"],
)
@pytest.mark.parametrize("after", [1, 2])
def test_stream_goes_on_after_loading_as_without(params, after, few):
    X, _, y, _ = few
    clf = mlp(**params)
    for _ in range(after):
        clf.partial_fit(X, y, classes=range(10))
    loaded = reload(clf)
    for _ in range(3):
        clf.partial_fit(X, y)
        loaded = reload(loaded.partial_fit(X, y))
    assert_same(loaded, clf, X)
    assert loaded.loss_curve_ == clf.loss_curve_
    np.testing.assert_array_equal(loaded.history_[:, "lr"], clf.history_[:, "lr"])


@pytest.mark.parametrize("go_on", ["partial_fit", "fit"])
def test_fitted_model_goes_on_after_loading_as_without(go_on, few):
    X, _, y, _ = few
    clf = mlp(warm_start=True).fit(X, y)
    loaded = reload(clf)
    for model in (clf, loaded):
        getattr(model, go_on)(X, y)
    assert_same(loaded, clf, X)
    assert loaded.loss_curve_ == clf.loss_curve_
    assert loaded.n_epochs_ == (3 if go_on == "partial_fit" else 4)


class CountEpochs(Callback):
    """Starts anew with every net, and records what it has learned since."""

    def initialize(self):
        self.n_ = 0
        return self

    def on_epoch_end(self, net, **kwargs):
        self.n_ += 1
        net.history.record("n", self.n_)


class HasALock(Callback):
    def on_train_begin(self, net, **kwargs):
        self.lock_ = threading.Lock()

    def __getstate__(self):
        return {}


def test_stream_goes_on_with_its_callbacks_after_loading(few):
    X, _, y, _ = few
    clf = mlp(
        lr_schedule=None,
        callbacks=[
            LRScheduler("StepLR", step_size=1, gamma=0.5),
            Freezer("layers.1.*", at=2),
            GradientNormClipping(0.1),
            CountEpochs,
        ],
    )
    for _ in range(2):
        clf.partial_fit(X, y, classes=range(10))
    loaded = reload(reload(clf))
    for _ in range(3):
        clf.partial_fit(X, y)
        loaded = reload(loaded.partial_fit(X, y))
    assert_same(loaded, clf, X)
    for key in ("lr", "event_lr", "n"):
        assert loaded.history_[:, key] == clf.history_[:, key]
    assert clf.history_[:, "n"] == [1, 2, 3, 4, 5]


def test_callback_with_a_state_that_no_file_holds_pickles_as_it_says_itself(few):
    X, _, y, _ = few
    clf = mlp(callbacks=[HasALock()]).partial_fit(X, y, classes=range(10))
    loaded = reload(clf)
    assert_same(loaded.partial_fit(X, y), clf.partial_fit(X, y), X)


def test_loading_alone_starts_no_callback(few, tmp_path):
    X, _, y, _ = few
    folder = tmp_path / "saved"
    clf = mlp(callbacks=[Checkpoint(None, dirname=folder)])
    clf.partial_fit(X, y, classes=range(10))
    shutil.rmtree(folder)
    loaded = reload(clf)
    assert_same(loaded, clf, X)
    assert not folder.exists()
    loaded.partial_fit(X, y)
    assert folder.exists()


def frozen(clf):
    parameters = clf.module_.named_parameters()
    return [name for name, weights in parameters if not weights.requires_grad]


FIRST_LAYER = ["layers.1.weight", "layers.1.bias"]


@pytest.mark.parametrize("go_on", ["partial_fit", "fit"])
@pytest.mark.parametrize("stream", [False, True])
def test_frozen_layer_stays_frozen(stream, go_on, few):
    X, _, y, _ = few
    clf = mlp(callbacks=[Freezer("layers.1.*")], warm_start=True)
    clf = clf.partial_fit(X, y, classes=range(10)) if stream else clf.fit(X, y)
    models = [reload(clf), copy.deepcopy(clf), clf]
    held = clf.module_.layers[1].weight.detach().clone()
    for model in models:
        assert frozen(model) == FIRST_LAYER
        getattr(model, go_on)(X, y)
        assert frozen(model) == FIRST_LAYER
        assert torch.equal(model.module_.layers[1].weight, held)
        assert_same(model, models[0], X)


def test_models_of_before_frozen_layers_were_kept_have_none(few):
    X, _, y, _ = few
    clf = mlp(callbacks=[Freezer("layers.1.*")]).partial_fit(X, y, classes=range(10))
    state = clf.__getstate__()
    del state["_net_state"]["frozen"], state["_net_state"]["callbacks"]
    old = MLPClassifier.__new__(MLPClassifier)
    old.__setstate__(state)
    assert frozen(old) == []
    np.testing.assert_array_equal(old.predict_proba(X), clf.predict_proba(X))
    assert old.partial_fit(X, y).n_epochs_ == 2


class FailInSecondEpoch(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise RuntimeError("broken off")


def test_partial_fit_that_fails_freezes_and_thaws_nothing(few):
    X, _, y, _ = few
    callbacks = [
        Freezer("layers.1.*"),
        Unfreezer("layers.1.*", at=2),
        Freezer("layers.3.*", at=2),
        FailInSecondEpoch(),
    ]
    clf = mlp(callbacks=callbacks).partial_fit(X, y, classes=range(10))
    with pytest.raises(RuntimeError, match="broken off"):
        clf.partial_fit(X, y)
    assert frozen(clf) == FIRST_LAYER


@pytest.mark.parametrize("name", ["stream", "conv", "linear"])
def test_memory_mapped_model_learns_on_without_touching_its_file(
    name, fitted, few, tmp_path
):
    X, X_test, y, _ = few
    path = tmp_path / "model.joblib"
    joblib.dump(fitted[name], path)
    written = path.read_bytes()
    loaded = joblib.load(path, mmap_mode="r")
    assert_same(loaded, fitted[name], X_test)
    labels = fitted[name].classes_[y]
    if name == "linear":
        loaded.fit(X, labels)
    else:
        expected = reload(fitted[name]).partial_fit(X, labels)
        assert_same(loaded.partial_fit(X, labels), expected, X_test)
    assert path.read_bytes() == written


def test_settings_changed_after_the_fit_do_not_stop_loading(few):
    X, X_test, y, _ = few
    clf = ConvNetClassifier((4,), (8,), max_epochs=1, random_state=0).fit(X, y)
    proba = clf.predict_proba(X_test)
    changes = [
        {"conv_layers": (32, ConvLayer(2)), "hidden_layer_sizes": ()},
        {"activation": "tanh", "dropout": 0.5, "pixel_scaling": None},
        {"precision": "float64", "optimizer": "sgd", "lr_schedule": "cosine"},
        {"optimizer": None, "optimizer_params": {"wrong": 1}, "lr": "fast"},
        {"verbose": 1, "batch_size": 1, "random_state": None, "image_shape": (1, 1)},
    ]
    for change in changes:
        loaded = reload(clf.set_params(**change))
        np.testing.assert_array_equal(loaded.predict_proba(X_test), proba)
        assert loaded.get_params() == clf.get_params()


class SaveEveryEpoch(Callback):
    """Keeps a pickle of the estimator after every epoch, without itself."""

    def __init__(self, clf):
        self.clf = clf
        self.pickles = []

    def on_epoch_end(self, net, **kwargs):
        self.clf.set_params(callbacks=None)
        self.pickles.append(pickle.dumps(self.clf))


def test_estimator_can_be_saved_in_the_middle_of_its_fit(few):
    X, X_test, y, _ = few
    clf = mlp(lr_schedule=None)
    saving = SaveEveryEpoch(clf)
    clf.set_params(callbacks=[saving]).fit(X, y)
    first, last = map(pickle.loads, saving.pickles)
    assert_same(last, clf, X_test)
    assert_same(first, mlp(lr_schedule=None, max_epochs=1).fit(X, y), X_test)


# -- devices --


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda")])
@pytest.mark.parametrize("stream", [False, True])
def test_model_for_a_missing_device_opens_on_the_cpu(stream, device, few):
    X, X_test, y, _ = few
    clf = mlp().partial_fit(X, y, classes=range(10)) if stream else mlp().fit(X, y)
    proba = clf.predict_proba(X_test)
    pickled = pickle.dumps(clf.set_params(device=device))
    with pytest.warns(UserWarning, match="cuda"):
        loaded = pickle.loads(pickled)
    np.testing.assert_array_equal(loaded.predict_proba(X_test), proba)
    assert loaded.device_ == "cpu"
    assert loaded.device == device
    assert clf.device == device
    with pytest.warns(UserWarning, match="cuda"):
        again = reload(loaded)
    np.testing.assert_array_equal(again.predict_proba(X_test), proba)
    if stream:
        loaded.partial_fit(X, y)
    loaded.set_params(device="cpu")
    reload(loaded).predict(X_test)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_missing_device_is_an_error_where_it_is_asked_for(few):
    X, X_test, y, _ = few
    clf = mlp().fit(X, y).set_params(device="cuda")
    with pytest.raises(ValueError, match=r"'device' parameter of MLPC.*'cuda'"):
        clf.predict(X_test)
    with pytest.warns(UserWarning, match="cuda"):
        loaded = reload(clf)
    with pytest.raises(ValueError, match=r"'device' parameter of MLPC.*'cuda'"):
        loaded.fit(X, y)
    assert loaded.predict(X_test).shape == (100,)


@pytest.mark.parametrize("device", ["auto", "cpu", torch.device("cpu")])
@pytest.mark.filterwarnings("error")
def test_device_that_is_there_opens_without_a_warning(device, few):
    X, X_test, y, _ = few
    clf = mlp(device=device).fit(X, y)
    assert_same(reload(clf), clf, X_test)
