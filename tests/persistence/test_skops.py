"""Files without code: what goes in comes out, and what is planted is refused."""

import json
import os
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest
import torch
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
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, Freezer, LRScheduler

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV, BatchedRandomizedSearchCV
from skmnist.persistence import TRUSTED_TYPES, load, save
from skmnist.persistence._skops import _is_scikit_learns

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
    with pytest.warns(UserWarning, match=rf"trusted=\['{name}'\]"):
        save(clf, tmp_path / "model.skops")
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


def made_of_scikit_learns():
    clf = MLPClassifier((8,), max_epochs=1, random_state=0)
    two = [("net", clf), ("forest", RandomForestClassifier(3, random_state=0))]
    grid, folds = {"lr": [0.1]}, KFold(2)
    return {
        "calibrated": CalibratedClassifierCV(clf, cv=2),
        "calibrated by steps": CalibratedClassifierCV(clf, cv=2, method="isotonic"),
        "stack": StackingClassifier(two, cv=2),
        "votes": VotingClassifier([*two, ("boosts", HistGradientBoostingClassifier())]),
        "bag": BaggingClassifier(clf, 2),
        "boosted": AdaBoostClassifier(clf, n_estimators=2),
        "tuned threshold": TunedThresholdClassifierCV(clf, cv=2),
        "fixed threshold": FixedThresholdClassifier(clf),
        "search": GridSearchCV(clf, grid, cv=folds, scoring="roc_auc_ovr"),
        "Pipeline": make_pipeline(StandardScaler(), PCA(5), clf),
    }


@pytest.mark.parametrize("name", made_of_scikit_learns())
def test_what_scikit_learn_makes_of_an_estimator_is_saved_and_loaded(
    name, few, tmp_path
):
    X, X_test, y, _ = few
    X, X_test = X.reshape(len(X), -1), X_test.reshape(len(X_test), -1)
    y = y % 2 if "threshold" in name else y
    model = made_of_scikit_learns()[name].fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        save(model, tmp_path / "model.skops")
    loaded = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict(X_test), model.predict(X_test))


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.externals._arff.ArffDecoder",
        "sklearn.utils.extmath.softmax",
        "sklearn.utils.os",
        "sklearn.datasets._base.load_files",
        "sklearn.no_such_module.Class",
        "sklearn.metrics.no_such_metric",
    ],
)
def test_other_names_of_scikit_learn_are_not_trusted(name):
    assert not _is_scikit_learns(name)


def test_the_list_is_enough_for_other_loaders_of_skops_files(few):
    X, X_test, y, _ = few
    clf = ConvNetClassifier((ConvLayer(4), 4), device=torch.device("cpu"))
    content = skops_io.dumps(clf.fit(X[:60], y[:60]))
    assert set(skops_io.get_untrusted_types(data=content)) <= set(TRUSTED_TYPES)
    loaded = skops_io.loads(content, trusted=list(TRUSTED_TYPES))
    np.testing.assert_array_equal(loaded.predict(X_test), clf.predict(X_test))
