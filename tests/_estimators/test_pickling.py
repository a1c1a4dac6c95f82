"""Pickles of other versions: opened with a warning, or refused with the reason."""

import copy
import pickle
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.model_selection import GridSearchCV

import skmnist
from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.model_selection import BatchedGridSearchCV
from skmnist.persistence import save

pytestmark = pytest.mark.usefixtures("one_thread")

KEPT = sorted((Path(__file__).parents[1] / "data").glob("pickles-*.joblib"))


def of_version(clf, version):
    """The state of an estimator as another version would have pickled it."""
    return {**clf.__getstate__(), "_skmnist_version": version}


def restored(cls, state):
    clf = cls.__new__(cls)
    clf.__setstate__(state)
    return clf


def test_there_is_a_pickle_of_this_release():
    assert f"pickles-{skmnist.__version__}.joblib" in [path.name for path in KEPT]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_pickles_of_all_releases_are_opened(path, digits):
    X, X_test, y, _ = digits
    version = path.stem.removeprefix("pickles-")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # scikit-learn's own, where it is older than what wrote the file.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        kept = joblib.load(path)
    assert len(caught) == (0 if version == skmnist.__version__ else len(kept))
    for clf, logits in kept.values():
        if logits is None:
            logits = clf.fit(X[:100], y[:100]).decision_function(X_test[:20])
        found = clf.decision_function(X_test[:20])
        np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(
            clf.predict(X_test[:20]), clf.classes_[logits.argmax(axis=1)]
        )


@pytest.mark.parametrize("cls", [LinearClassifier, MLPClassifier])
def test_another_version_is_opened_with_a_warning(cls, few):
    X, X_test, y, _ = few
    clf = cls(random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match=r"pickled by skmnist 0\.0\.1; this is"):
        opened = restored(cls, of_version(clf, "0.0.1"))
    np.testing.assert_array_equal(opened.predict(X_test), clf.predict(X_test))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(opened))
        copy.deepcopy(clf)


def test_parameters_that_came_later_have_their_defaults(few):
    X, X_test, y, _ = few
    clf = MLPClassifier((8,), random_state=0).fit(X, y)
    state = of_version(clf, "0.0.1")
    for name in ("micro_batch_size", "checkpoint"):
        del state[name]
    state["_settings"] = {
        k: v for k, v in state["_settings"].items() if k != "micro_batch_size"
    }
    with pytest.warns(UserWarning, match="pickled by"):
        opened = restored(MLPClassifier, state)
    assert opened.get_params() == clf.get_params()
    np.testing.assert_array_equal(opened.predict(X_test), clf.predict(X_test))
    opened.fit(X, y)


def test_what_cannot_be_opened_says_which_version_can(few):
    X, _, y, _ = few
    state = of_version(MLPClassifier((8,)).fit(X, y), "7.0")
    state["_net_state"]["module"] = {"transformer.weight": np.zeros(3)}
    with (
        pytest.warns(UserWarning, match="pickled by"),
        pytest.raises(ValueError, match=r"Open it with skmnist==7.0, or fit it again"),
    ):
        restored(MLPClassifier, state)


def test_pickles_do_not_name_private_modules(few, tmp_path):
    X, _, y, _ = few
    search = BatchedGridSearchCV(
        MLPClassifier((8,), max_epochs=1), {"lr": [0.1, 0.01]}, cv=2
    ).fit(X, y)
    layers = ConvLayer(4, batch_norm=True), 4
    models = {
        "linear": LinearClassifier(max_iter=500).fit(X, y),
        "conv": ConvNetClassifier(layers, (8,), max_epochs=1).fit(X, y),
        "stopped early": MLPClassifier(early_stopping=True, device="cpu").fit(X, y),
        "stream": MLPClassifier((8,)).partial_fit(X, y, classes=np.unique(y)),
        "plain search": GridSearchCV(search.estimator, {"lr": [0.1]}, cv=2).fit(X, y),
        "search": search,
        "layer": ConvLayer(4),
    }
    for name, model in models.items():
        assert b"skmnist._" not in pickle.dumps(model), name
        if name != "layer":
            save(model, tmp_path / "model.skops")
            with zipfile.ZipFile(tmp_path / "model.skops") as archive:
                assert b"skmnist._" not in archive.read("schema.json"), name


def test_names_of_earlier_pickles_lead_to_what_they_meant():
    # Protocol 0 is text: GLOBAL "module" "name".
    former = {
        b"cskmnist._linear\nLinearClassifier\n.": LinearClassifier,
        b"cskmnist._mlp\nMLPClassifier\n.": MLPClassifier,
        b"cskmnist._convnet\nConvNetClassifier\n.": ConvNetClassifier,
        b"cskmnist._convnet\nConvLayer\n.": ConvLayer,
    }
    for name, now in former.items():
        assert pickle.loads(name) is now
