"""predict, predict_proba and their family: labels, agreement, rows on their own."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.special
import torch
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss
from small_networks import conv, mlp

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("make", [mlp, conv])
def test_flat_rows_and_images_are_the_same_data(make, few):
    X, X_test, y, y_test = few
    forms = [
        lambda X: X,
        lambda X: X.reshape(len(X), -1),
        lambda X: X[:, None],
        lambda X: X.astype(np.float32),
    ]
    models = [make(early_stopping=True).fit(form(X), y) for form in forms]
    proba = models[0].predict_proba(X_test)
    for clf in models:
        for form in forms:
            np.testing.assert_array_equal(clf.predict_proba(form(X_test)), proba)
    mixed = make(early_stopping=True).fit(
        X, y, X_val=X_test.reshape(100, -1), y_val=y_test
    )
    assert mixed.image_shape_ == (1, 28, 28)


@pytest.mark.parametrize(
    "name_of",
    [
        lambda y: np.array([f"digit {k}" for k in y]),
        lambda y: np.array([f"digit {k}" for k in y], dtype=object),
        lambda y: y * 7 - 30,
        lambda y: y.astype(np.int8) - 5,
        lambda y: y.astype(np.uint64) + 2**60,
        lambda y: y > 4,
        lambda y: np.where(y > 4, "high", "low"),
        lambda y: y.astype(float),
    ],
    ids=["str", "object", "gaps", "int8", "uint64", "bool", "two str", "float"],
)
def test_labels_of_any_kind_come_back(name_of, few):
    X, X_test, y, y_test = few
    clf = conv(max_epochs=10).fit(X, name_of(y))
    predicted = clf.predict(X_test)
    assert predicted.dtype == name_of(y).dtype
    np.testing.assert_array_equal(clf.classes_, np.unique(name_of(y)))
    assert accuracy_score(name_of(y_test), predicted) > 0.7
    assert clf.score(X_test, name_of(y_test)) == accuracy_score(
        name_of(y_test), predicted
    )


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("make", [mlp, conv])
def test_predictions_agree_with_one_another(make, n_classes, few):
    X, X_test, y, _ = few
    clf = make(precision="float64").fit(X, y % n_classes)
    logits = clf.module_(torch.tensor(X_test[:, None])).detach().numpy()
    tight = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(
        clf.predict_proba(X_test), softmax(logits, axis=1), **tight
    )
    np.testing.assert_allclose(
        clf.predict_log_proba(X_test), log_softmax(logits, axis=1), **tight
    )
    np.testing.assert_array_equal(clf.predict(X_test), logits.argmax(axis=1))
    decision = clf.decision_function(X_test)
    if n_classes == 2:
        np.testing.assert_allclose(decision, logits[:, 1] - logits[:, 0], **tight)
        np.testing.assert_array_equal(clf.predict(X_test), decision > 0)
    else:
        np.testing.assert_allclose(decision, logits, **tight)


def test_rows_are_predicted_each_on_their_own(few):
    X, X_test, y, _ = few
    clf = conv(conv_layers=(ConvLayer(4, batch_norm=True),), dropout=0.5).fit(X, y)
    proba = clf.predict_proba(X_test)
    order = np.random.RandomState(0).permutation(100)
    np.testing.assert_allclose(
        clf.predict_proba(X_test[order]), proba[order], rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(
        clf.predict_proba(X_test[:1]), proba[:1], rtol=1e-5, atol=1e-7
    )


def test_many_rows_are_predicted_like_few(few):
    X, X_test, y, _ = few
    clf = conv(conv_layers=(32,)).fit(X, y)
    many = np.tile(X_test, (20, 1, 1))
    np.testing.assert_allclose(
        clf.predict_proba(many),
        np.tile(clf.predict_proba(X_test), (20, 1)),
        rtol=1e-5,
        atol=1e-7,
    )


def test_threads_predict_what_one_predicts(few):
    X, X_test, y, _ = few
    clf = conv(dropout=0.3).fit(X, y)
    expected = clf.predict_proba(X_test)
    clf.set_params(device="cpu")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: clf.predict_proba(X_test), range(64)))
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "clf",
    [
        LinearClassifier(max_iter=30, C=100),
        MLPClassifier(max_epochs=30, random_state=0),
        ConvNetClassifier((8,), max_epochs=30, random_state=0),
    ],
    ids=lambda clf: type(clf).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_classes", [2, 10])
def test_probabilities_are_the_softmax_of_the_logits_in_float64(clf, n_classes, few):
    X, X_test, y, y_test = few
    y, y_test = y % n_classes, y_test % n_classes
    clf = clone(clf).fit(X, y)
    logits = clf.decision_function(X_test).astype(np.float64)
    if n_classes == 2:
        logits = np.stack([0 * logits, logits], axis=1)
    proba, log_proba = clf.predict_proba(X_test), clf.predict_log_proba(X_test)
    assert proba.dtype == log_proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)
    # For two classes only the difference of float32 logits is known.
    rtol = 1e-12 if n_classes > 2 else 1e-5
    np.testing.assert_allclose(proba, scipy.special.softmax(logits, axis=1), rtol=rtol)
    np.testing.assert_allclose(
        log_proba, scipy.special.log_softmax(logits, axis=1), rtol=rtol, atol=1e-10
    )
    # scikit-learn clips probabilities at the epsilon of their dtype.
    true = log_proba[np.arange(len(y_test)), y_test]
    assert log_loss(y_test, proba, labels=clf.classes_) == pytest.approx(-true.mean())
    assert json.loads(json.dumps(proba[0].tolist())) == proba[0].tolist()
