"""Files without code: what goes in comes out, and what is planted is refused."""

import json
import os
import subprocess
import sys
import warnings
import zipfile
from unittest import SkipTest

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    StratifiedShuffleSplit,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances
from skorch.callbacks import Callback, Freezer, LRScheduler

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV
from skmnist.persistence import TRUSTED_TYPES, load, save

pytestmark = pytest.mark.usefixtures("one_thread")

skops_io = pytest.importorskip("skops.io", reason="needs the extra 'skops'")


def mlp(**params):
    params = {"hidden_layer_sizes": (16,), "max_epochs": 2, "random_state": 0} | params
    return MLPClassifier(**params)


MODELS = {
    "mlp": mlp(dropout=0.1, early_stopping=True, class_weight={"digit 3": 2.0}),
    "conv": ConvNetClassifier(
        (ConvLayer(4, 5, pool="avg", batch_norm=True), 4), (8,), augment="affine"
    ),
    "linear": LinearClassifier(0.01, pixel_scaling="symmetric"),
    "float64": mlp(precision="float64", optimizer=torch.optim.NAdam),
    "drawn": mlp(random_state=np.random.RandomState(3), device=torch.device("cpu")),
    "search": GridSearchCV(mlp(), {"lr": [0.01, 0.001]}, cv=2),
    "batched grid": BatchedGridSearchCV(mlp(), {"lr": [0.01, 0.001]}, cv=2),
    "batched randomized": BatchedRandomizedSearchCV(
        mlp(), {"lr": [0.01, 0.001]}, n_iter=2, cv=2
    ),
}


def described(estimator):
    """All parameters as text; of a generator where it stands."""
    return {
        name: repr(value.get_state() if hasattr(value, "get_state") else value)
        for name, value in estimator.get_params().items()
    }


@pytest.mark.parametrize("name", MODELS)
def test_estimator_comes_back_whole(name, few, tmp_path):
    X, X_test, y, _ = few
    labels = np.array([f"digit {k}" for k in range(10)])[y]
    clf = MODELS[name].fit(X, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(clf, tmp_path / "model.skops")
        opened = load(str(tmp_path / "model.skops"))
    assert type(opened) is type(clf)
    assert described(opened) == described(clf)
    np.testing.assert_array_equal(
        opened.predict_proba(X_test), clf.predict_proba(X_test)
    )
    np.testing.assert_array_equal(opened.predict(X_test), clf.predict(X_test))
    if hasattr(clf, "cv_results_"):
        assert opened.cv_results_["params"] == clf.cv_results_["params"]
    if hasattr(clf, "history_"):
        assert list(opened.history_) == list(clf.history_)


def test_pipeline_comes_back_whole(few, tmp_path):
    X, X_test, y, _ = few
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    model = make_pipeline(StandardScaler(), PCA(20), mlp()).fit(X, y)
    save(model, tmp_path / "model.skops")
    opened = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(
        opened.predict_proba(X_test), model.predict_proba(X_test)
    )


def test_stream_goes_on_after_loading_as_without(few, tmp_path):
    X, X_test, y, _ = few
    clf = mlp(dropout=0.2).partial_fit(X, y, classes=range(10))
    save(clf, tmp_path / "model.skops")
    opened = load(tmp_path / "model.skops")
    for stream in (clf, opened):
        stream.partial_fit(X, y)
    np.testing.assert_array_equal(
        opened.predict_proba(X_test), clf.predict_proba(X_test)
    )


@pytest.mark.parametrize("stream", [False, True])
def test_frozen_layer_comes_back_frozen(stream, few, tmp_path):
    X, _, y, _ = few
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    clf = mlp(lr_schedule=None, callbacks=[Freezer("layers.1.*"), schedule])
    clf = clf.partial_fit(X, y, classes=range(10)) if stream else clf.fit(X, y)
    # A callback may hold functions, which no such file does.
    clf.set_params(callbacks=None)
    save(clf, tmp_path / "file")
    again = load(tmp_path / "file")
    trained = [w.requires_grad for w in again.module_.parameters()]
    assert trained == [False, False, True, True]
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_unfitted_estimator_comes_back_with_its_parameters(tmp_path):
    save(ConvNetClassifier((ConvLayer(3), 5)), tmp_path / "model.skops")
    assert repr(load(tmp_path / "model.skops")) == (
        "ConvNetClassifier(conv_layers=(ConvLayer(3), 5))"
    )


# -- hostile and damaged files --

PLANT = """
import os, sys
import numpy as np
import skops.io
from skmnist import MLPClassifier

class RunsCode:
    def __reduce__(self):
        return os.mkdir, (sys.argv[2],)

clf = MLPClassifier()
clf.callbacks = [RunsCode()]
skops.io.dump(clf, sys.argv[1])
"""


def reader(module, name, content):
    """A node of skops's schema that makes an object when it is read."""
    return {
        "__class__": name,
        "__module__": module,
        "__loader__": "ConstructorFromReduceNode",
        "content": {
            "__class__": "tuple",
            "__module__": "builtins",
            "__loader__": "TupleNode",
            "content": [
                {
                    "__class__": "str",
                    "__module__": "builtins",
                    "__loader__": "JsonNode",
                    "content": json.dumps(content),
                    "is_json": True,
                }
            ],
        },
    }


def plant(path, node):
    """Put a node in the place of a parameter of the estimator in a file."""
    save(MLPClassifier(), path)
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
    schema["content"]["content"]["callbacks"] = node
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))


def function(module, name):
    return {"__class__": name, "__module__": module, "__loader__": "FunctionNode"}


def partial(trap):
    return {
        "__class__": "partial",
        "__module__": "functools",
        "__loader__": "PartialNode",
        "content": {
            "func": function("os", "mkdir"),
            **{
                key: reader("builtins", "tuple", [])["content"]
                for key in ("args", "kwds", "namespace")
            },
        },
    }


PAYLOADS = {
    "constructor": lambda trap: reader("os", "mkdir", trap),
    "constructor of another name": lambda trap: reader("posix", "mkdir", trap),
    "method of ours": lambda trap: reader("skmnist._files.os", "mkdir", trap),
    "open": lambda trap: reader("builtins", "open", trap),
    "eval": lambda trap: reader(
        "builtins", "eval", f"__import__('os').mkdir({trap!r})"
    ),
    "function": lambda trap: function("os", "mkdir"),
    "partial": partial,
}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_planted_payload_is_refused_and_does_not_run(payload, tmp_path):
    trap, path = tmp_path / "the trap has sprung", tmp_path / "model.skops"
    plant(path, PAYLOADS[payload](str(trap)))
    with pytest.raises(
        ValueError,
        match=r"holds types that are not trusted.*model.skops|"
        "model.skops.*holds types that are not trusted",
    ):
        load(path)
    assert not trap.exists()


def test_object_whose_reduce_runs_a_command_is_refused_and_does_not_run(tmp_path):
    trap, path = tmp_path / "the trap has sprung", tmp_path / "model.skops"
    subprocess.run([sys.executable, "-c", PLANT, path, trap], check=True)
    with pytest.raises(ValueError, match=r"RunsCode.*was not opened"):
        load(path)
    assert not trap.exists()


def test_pickle_is_refused_and_does_not_run(tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(b"cos\nmkdir\n(S'" + os.fsencode(tmp_path / "trap") + b"'\ntR.")
    with pytest.raises(ValueError, match="damaged, or not a file that"):
        load(path)
    assert os.listdir(tmp_path) == ["model.skops"]


def test_flipped_byte_is_harmless_or_refused(few, tmp_path):
    X, X_test, y, _ = few
    path, clf = tmp_path / "model.skops", mlp().fit(X, y)
    save(clf, path)
    content = path.read_bytes()
    expected = clf.predict_proba(X_test)
    for at in np.random.RandomState(0).randint(len(content), size=25):
        flipped = content[at] ^ 0x80
        path.write_bytes(content[:at] + bytes([flipped]) + content[at + 1 :])
        try:
            opened = load(path)
        except ValueError as error:
            assert "model.skops" in str(error)  # noqa: PT017
        else:
            np.testing.assert_array_equal(opened.predict_proba(X_test), expected)


def test_half_a_file_is_refused(tmp_path):
    save(mlp(), tmp_path / "model.skops")
    content = (tmp_path / "model.skops").read_bytes()
    (tmp_path / "model.skops").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path / "model.skops")


# -- types of one's own --


class Quiet(Callback):
    """A callback of the user's."""


def test_types_of_one_s_own_have_to_be_trusted_by_name(few, tmp_path):
    X, X_test, y, _ = few
    clf = mlp(callbacks=[Quiet()]).fit(X, y)
    name = f"{Quiet.__module__}.Quiet"
    with pytest.raises(TypeError, match=rf"trusted=\['{name}'\] to save and to load"):
        save(clf, tmp_path / "model.skops")
    assert not list(tmp_path.iterdir())
    save(clf, tmp_path / "model.skops", trusted=[name])
    with pytest.raises(ValueError, match=name):
        load(tmp_path / "model.skops")
    opened = load(tmp_path / "model.skops", trusted=[name])
    assert isinstance(opened.callbacks[0], Quiet)
    np.testing.assert_array_equal(opened.predict(X_test), clf.predict(X_test))


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    path = tmp_path / "model.skops"
    path.write_text("what was there")
    with pytest.raises(TypeError, match="cannot be saved without executable code"):
        save(mlp(augment=lambda images: images), path)
    assert path.read_text() == "what was there"
    assert os.listdir(tmp_path) == ["model.skops"]


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such"):
        load(tmp_path / "no such")


# -- what scikit-learn makes of an estimator --

NET = MLPClassifier((8,), max_epochs=8, random_state=0)
TWO = [("net", NET), ("linear", LinearClassifier(tol=0.1))]
MADE_OF_OURS = {
    "calibrated": CalibratedClassifierCV(NET, cv=2),
    "calibrated by steps": CalibratedClassifierCV(NET, cv=2, method="isotonic"),
    "calibrated by temperature": CalibratedClassifierCV(
        NET, cv=2, method="temperature"
    ),
    "stack": StackingClassifier(TWO, cv=2),
    "votes": VotingClassifier(TWO, voting="soft"),
    "bag": BaggingClassifier(NET, 2),
    "boosted": AdaBoostClassifier(NET, n_estimators=2),
    "tuned threshold": TunedThresholdClassifierCV(NET, cv=2),
    "fixed threshold": FixedThresholdClassifier(NET),
    "one against the rest": OneVsRestClassifier(NET),
    "search": GridSearchCV(NET, {"lr": [0.1]}, cv=KFold(2), scoring="roc_auc_ovr"),
    "search of several": GridSearchCV(
        NET,
        {"lr": [0.1]},
        cv=StratifiedShuffleSplit(2),
        scoring=["accuracy", "f1_macro"],
        refit="accuracy",
    ),
    "Pipeline": make_pipeline(StandardScaler(), SelectKBest(k=50), PCA(5), NET),
}


def flat(few, name):
    """Rows of the pixels that change; two classes where there is a threshold."""
    X, X_test, y, _ = few
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    varied = np.ptp(X, axis=0) > 0
    return X[:, varied], X_test[:, varied], y % 2 if "threshold" in name else y


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MADE_OF_OURS)
def test_what_scikit_learn_makes_of_an_estimator_is_saved_and_loaded(
    name, few, tmp_path
):
    if name == "calibrated by temperature":
        pytest.importorskip("sklearn", "1.8", reason="began in scikit-learn 1.8")
    X, X_test, y = flat(few, name)
    model = clone(MADE_OF_OURS[name]).fit(X, y)
    save(model, tmp_path / "model.skops")
    loaded = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict(X_test), model.predict(X_test))
    # The list is enough for loaders that know no more than skops.
    loaded = skops_io.load(tmp_path / "model.skops", trusted=list(TRUSTED_TYPES))
    np.testing.assert_array_equal(loaded.predict(X_test), model.predict(X_test))


def test_a_calibrated_frozen_net_is_saved_and_loaded(few, tmp_path):
    X, X_test, y = flat(few, "frozen")
    model = CalibratedClassifierCV(FrozenEstimator(clone(NET).fit(X, y))).fit(X, y)
    save(model, tmp_path / "model.skops")
    np.testing.assert_array_equal(
        load(tmp_path / "model.skops").predict_proba(X_test),
        model.predict_proba(X_test),
    )


TREE = "sklearn.tree._tree.Tree"
WITH_COMPILED_TREES = {
    "forest": (RandomForestClassifier(3, random_state=0), {TREE}),
    "boosts": (
        HistGradientBoostingClassifier(max_iter=2),
        {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"},
    ),
    "neighbours": (
        KNeighborsClassifier(algorithm="kd_tree"),
        {
            "sklearn.metrics._dist_metrics.EuclideanDistance64",
            "sklearn.neighbors._kd_tree.KDTree",
        },
    ),
}


@pytest.mark.parametrize("name", WITH_COMPILED_TREES)
def test_compiled_trees_are_refused_when_saved_unless_they_are_trusted(
    name, few, tmp_path
):
    X, X_test, y = flat(few, name)
    path, (other, types) = tmp_path / "model.skops", WITH_COMPILED_TREES[name]
    model = VotingClassifier([("net", NET), (name, other)]).fit(X, y)
    with pytest.raises(TypeError, match=r"This VotingClassifier holds types") as told:
        save(model, path)
    assert all(name in str(told.value) for name in types)
    assert not path.exists()
    save(model, path, trusted=sorted(types))
    loaded = load(path, trusted=sorted(types))
    np.testing.assert_array_equal(loaded.predict(X_test), model.predict(X_test))


def test_a_tree_that_would_read_anywhere_in_memory_is_refused(few, tmp_path):
    X, _, y = flat(few, "forest")
    forest = RandomForestClassifier(1, random_state=0).fit(X, y)
    # The state of the arrays is the tree's own memory.
    forest.estimators_[0].tree_.children_left[0] = 10**9
    (tmp_path / "model.skops").write_bytes(skops_io.dumps(forest))
    with pytest.raises(ValueError, match=TREE):
        load(tmp_path / "model.skops")


def test_a_part_that_refers_to_itself_is_refused_in_words(few, tmp_path):
    pytest.importorskip(
        "sklearn", "1.8", reason="requests know their owner from 1.8 on"
    )
    with config_context(enable_metadata_routing=True):
        clf = clone(NET).set_fit_request(sample_weight=True)

    def save_from(depth):
        if depth > 0:
            return save_from(depth - 1)
        return save(clf, tmp_path / "model.skops")

    # What meets the end of the stack depends on where the call comes from.
    for depth in range(12):
        with pytest.raises(TypeError, match="refers back to itself, as after set_fit"):
            save_from(depth)


def test_what_runs_functions_or_code_of_its_state_is_not_on_the_list():
    assert len(TRUSTED_TYPES) == len(set(TRUSTED_TYPES))
    for name in TRUSTED_TYPES:
        assert name.split(".")[0] in ("skmnist", "sklearn", "torch")
        assert not name.endswith(("make_scorer", "get_scorer", "pairwise_distances"))
        assert not name.startswith(("sklearn.externals", "sklearn.utils._testing"))


# Of other libraries, or of estimators that cluster; these files name them when saved.
NOT_TRUSTED = {
    "numpy.dtype",
    "numpy.mean",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
    *(name for _, types in WITH_COMPILED_TREES.values() for name in types),
}


@pytest.mark.slow  # half a minute: all of scikit-learn's
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["classifier", "transformer"])
def test_all_that_scikit_learns_estimators_hold_is_trusted_or_known_not_to_be(kind):
    X, y = np.random.RandomState(0).rand(40, 4), np.arange(40) % 2
    n_saved, strange = 0, set()
    for _, cls in all_estimators(type_filter=kind):
        for estimator in examples_of(cls):
            try:
                content = skops_io.dumps(estimator.fit(X, y))
            except (ValueError, TypeError, AttributeError, IndexError):
                continue  # it takes other data, or skops does not take it
            n_saved += 1
            strange |= set(skops_io.get_untrusted_types(data=content))
    assert n_saved > 40
    assert strange - set(TRUSTED_TYPES) <= NOT_TRUSTED


def examples_of(cls):
    try:
        return list(_construct_instances(cls))
    except SkipTest:
        return []
