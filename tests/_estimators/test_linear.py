"""LinearClassifier against scikit-learn's LogisticRegression, which it is."""

import pickle
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skmnist import LinearClassifier
from skmnist.datasets import load_digits28

pytestmark = pytest.mark.usefixtures("one_thread")

SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"]
METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.fixture(scope="module")
def few(digits):
    """Some digits of few pixels, as 14x14 images: enough to compare solvers."""
    X_train, X_test, y_train, y_test = digits
    return X_train[:150, ::2, ::2], X_test[:100, ::2, ::2], y_train[:150], y_test[:100]


def flat(X):
    return X.reshape(len(X), -1)


def test_coefficients_are_scikit_learns_on_the_pixels_in_float32(few):
    X, X_test, y, _ = few
    ours = LinearClassifier(pixel_scaling=None, C=1e-6).fit(X, y)
    theirs = LogisticRegression(C=1e-6).fit(flat(X).astype(np.float32), y)
    assert ours.coef_.dtype == np.float32
    assert_array_equal(ours.coef_, theirs.coef_.astype(np.float32))
    assert_array_equal(ours.intercept_, theirs.intercept_.astype(np.float32))
    assert_array_equal(ours.n_iter_, theirs.n_iter_)
    pixels = flat(X_test).astype(np.float32)
    for method in METHODS:
        # Ours takes the softmax in float64, and the logarithm of it, not of what
        # it is rounded to. scikit-learn before 1.9 has coefficients in float64.
        assert_allclose(
            getattr(ours, method)(X_test),
            getattr(theirs, method)(pixels),
            rtol=1e-6,
            atol=1e-6,
        )


@pytest.mark.parametrize(
    ("pixel_scaling", "scaler"),
    [
        ("unit", MinMaxScaler()),
        ("symmetric", MinMaxScaler((-1, 1))),
        ("standard", StandardScaler()),
    ],
)
def test_coefficients_are_scikit_learns_on_scaled_pixels(pixel_scaling, scaler, few):
    X, X_test, y, _ = few
    # All pixels are one channel, so they are scaled as one column.
    scaler.fit(X.reshape(-1, 1).astype(float))
    scaled = [
        scaler.transform(part.reshape(-1, 1).astype(float)).reshape(len(part), -1)
        for part in (X, X_test)
    ]
    ours = LinearClassifier(
        C=0.01, pixel_scaling=pixel_scaling, precision="float64", tol=1e-8, max_iter=500
    ).fit(X, y)
    theirs = LogisticRegression(C=0.01, tol=1e-8, max_iter=500).fit(scaled[0], y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    assert_allclose(
        ours.predict_proba(X_test), theirs.predict_proba(scaled[1]), atol=1e-6
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_parameter_reaches_the_solver(solver, few):
    X, _, y, _ = few
    params = {
        "C": 0.05,
        "solver": solver,
        "tol": 0.02,
        "max_iter": 7,
        "class_weight": {0: 3.0, 1: 0.5},
        "random_state": 5,
    }
    X, y = X[y < 3], y[y < 3]
    ours = LinearClassifier(pixel_scaling=None, precision="float64", **params)
    theirs = LogisticRegression(**params).fit(flat(X).astype(float), y)
    assert_array_equal(ours.fit(X, y).coef_, theirs.coef_)
    assert_array_equal(ours.n_iter_, theirs.n_iter_)
    given = {name: ours.estimator_.get_params()[name] for name in params}
    assert given == params


def test_the_defaults_are_scikit_learns():
    theirs = LogisticRegression().get_params()
    ours = LinearClassifier().get_params()
    assert {name: ours[name] for name in theirs if name in ours} == {
        name: theirs[name] for name in theirs if name in ours
    }
    assert set(ours) - set(theirs) == {"pixel_scaling", "precision"}


def test_the_baseline_has_784_coefficients_and_an_intercept_per_class(digits):
    clf = LinearClassifier(C=0.01).fit(digits[0][:100], digits[2][:100])
    assert clf.coef_.shape == (10, 784)
    assert clf.n_parameters_ == 7_850
    assert clf.image_shape_ == (1, 28, 28)
    two = digits[2][:100] < 2
    clf.fit(digits[0][:100][two], digits[2][:100][two])
    assert clf.coef_.shape == (1, 784)
    assert clf.n_parameters_ == 785


def test_the_default_learns_the_digits(digits):
    X, X_test, y, y_test = digits
    clf = LinearClassifier()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert clf.fit(X, y).score(X_test, y_test) > 0.9


def test_stopping_too_early_is_said(few):
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        LinearClassifier(max_iter=2).fit(few[0], few[2])


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_precision_is_what_coefficients_and_logits_are_in(precision, few):
    X, X_test, y, _ = few
    clf = LinearClassifier(C=0.01, precision=precision).fit(X.astype(np.float64), y)
    assert clf.coef_.dtype == precision
    clf.set_params(precision="float16")  # means nothing to a fit that is done
    X_test = X_test.astype(np.float64)
    assert clf.decision_function(X_test).dtype == precision
    assert clf.predict_proba(X_test).dtype == np.float64


@pytest.mark.parametrize("pixel_scaling", ["standard", "unit"])
def test_weights_stand_for_rows_left_out_and_repeated(pixel_scaling, few):
    X, X_test, y, _ = few
    weights = np.arange(len(y)) % 3
    params = {
        "C": 0.01,
        "pixel_scaling": pixel_scaling,
        "precision": "float64",
        "tol": 1e-8,
        "max_iter": 500,
    }
    weighted = LinearClassifier(**params).fit(X, y, weights)
    repeated = LinearClassifier(**params).fit(
        X.repeat(weights, axis=0), y.repeat(weights)
    )
    assert_allclose(
        weighted.predict_proba(X_test), repeated.predict_proba(X_test), atol=1e-6
    )


def test_binary_decisions_are_positive_for_the_second_class(few):
    X, X_test, y, _ = few
    clf = LinearClassifier(C=0.01).fit(X, np.where(y > 4, "high", "above"))
    decisions = clf.decision_function(X_test)
    assert decisions.shape == (100,)
    assert_array_equal(clf.predict(X_test) == "high", decisions > 0)


def test_colour_images_are_scaled_by_channel(few):
    X, _, y, _ = few
    colour = np.stack([X, X // 2 + 100], axis=1)
    clf = LinearClassifier(C=0.01).fit(colour, y)
    assert clf.image_shape_ == (2, 14, 14)
    # Both channels are scaled to the whole range, so that they are nearly the same.
    first, second = clf.coef_.reshape(10, 2, -1).transpose(1, 0, 2)
    assert_allclose(first, second, atol=0.02 * abs(first).max())
    assert_array_equal(clf.predict(flat(colour)), clf.predict(colour))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sag", "saga"])
def test_numpys_global_generator_is_left_as_found(solver, few):
    def state():
        return pickle.dumps(np.random.get_state())  # noqa: NPY002

    before = state()
    LinearClassifier(solver=solver, max_iter=2).fit(few[0], few[2])
    assert state() == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_int_random_state_decides_and_a_generator_goes_on(few):
    def coefficients(random_state):
        clf = LinearClassifier(solver="saga", max_iter=2, random_state=random_state)
        return clf.fit(few[0], few[2]).coef_.copy()

    assert_array_equal(coefficients(3), coefficients(3))
    generator = np.random.RandomState(3)
    assert not np.array_equal(coefficients(generator), coefficients(generator))


def test_pickles_hold_the_coefficients_and_no_images(few):
    X, X_test, y, _ = few
    clf = LinearClassifier(C=0.01).fit(X, y)
    data = pickle.dumps(clf)
    assert len(data) < clf.coef_.nbytes + 4_000
    assert_array_equal(
        pickle.loads(data).predict_proba(X_test), clf.predict_proba(X_test)
    )


def test_nothing_is_known_before_the_fit():
    clf = LinearClassifier()
    for method in METHODS:
        with pytest.raises(NotFittedError, match="LinearClassifier instance is not"):
            getattr(clf, method)([[0, 1]])
    for name in ("coef_", "intercept_", "n_iter_", "n_parameters_", "classes_"):
        assert not hasattr(clf, name)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("C", 0, "a positive float"),
        ("C", -1.0, "a positive float"),
        ("C", "1", "a positive float"),
        ("solver", "liblinear", "one of 'lbfgs', 'newton-cg', 'newton-cholesky', 'sag"),
        ("solver", None, "one of 'lbfgs'"),
        ("tol", 0, "a positive float"),
        ("max_iter", 0, "a positive int"),
        ("max_iter", 10.0, "a positive int"),
        ("class_weight", "equal", "one of None, 'balanced', or a dict"),
        ("class_weight", {0: -1}, "one of None, 'balanced', or a dict"),
        ("pixel_scaling", "minmax", "one of None, 'standard', 'unit', 'symmetric'"),
        ("precision", "bfloat16", "one of 'float32', 'float64'"),
        ("precision", np.float32, "one of 'float32', 'float64'"),
        ("random_state", -1, "None, an int between 0 and 2**32 - 1, or a numpy.ran"),
        ("verbose", -1, "a non-negative int or a bool"),
    ],
)
def test_bad_parameters_are_refused_in_one_sentence(name, value, expected, few):
    clf = LinearClassifier(**{name: value})
    message = f"The {name!r} parameter of LinearClassifier must be {expected}"
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        clf.fit(few[0], few[2])
    assert str(caught.value).endswith(f"Got {value!r} instead.")
    assert not hasattr(clf, "classes_")


def test_classes_keep_their_names():
    X, y = load_digits28(return_X_y=True)
    names = np.array(["zero", "one"])[y[y < 2]]
    clf = LinearClassifier(C=0.01).fit(X[y < 2], names)
    assert clf.classes_.tolist() == ["one", "zero"]
    assert clf.score(X[y < 2], names) == 1


def test_logarithms_of_probabilities_that_underflow_are_finite(few):
    X, _, y, _ = few
    for labels in (y, y > 4):
        clf = LinearClassifier(C=np.inf, pixel_scaling=None).fit(X, labels)
        log_proba, proba = clf.predict_log_proba(X), clf.predict_proba(X)
        there = proba > 1e-3  # below, what one of two classes lacks of 1 is rough
        assert_allclose(log_proba[there], np.log(proba[there]), rtol=1e-4, atol=1e-6)
        far = 1e4 * X.astype(float)
        assert (clf.predict_proba(far) == 0).any()
        assert np.isfinite(clf.predict_log_proba(far)).all()
