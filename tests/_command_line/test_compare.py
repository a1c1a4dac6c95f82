import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from skmnist import LinearClassifier
from skmnist._command_line.compare import (
    compare,
    draw_figure,
    fit_and_score,
    format_table,
    likely_errors,
    make_estimators,
)


@pytest.fixture(scope="module")
def results(digits):
    X_train, X_test, y_train, y_test = digits
    return [
        fit_and_score(estimator, X_train[:300], X_test, y_train[:300], y_test)
        for estimator in make_estimators("cpu", 2, 0)
    ]


def test_accuracy_and_errors_agree_with_the_estimator(results, digits):
    _, X_test, _, y_test = digits
    for result in results:
        accuracy = result.estimator.score(X_test, y_test)
        assert result.accuracy == pytest.approx(accuracy)
        assert result.n_errors == round((1 - accuracy) * len(y_test))


def test_fitted_estimators_carry_no_progress_bar(results):
    for result in results:
        assert result.estimator.get_params().get("callbacks") is None


def test_figure_has_bars_curves_matrix_and_mistakes(results, digits):
    _, X_test, _, y_test = digits
    figure = draw_figure(results, X_test, y_test)
    bars, curves, matrix, mistakes = figure.axes[:4]
    widths = [bar.get_width() for bar in bars.patches]
    assert widths == [result.n_errors for result in results]
    labels = [text.get_text() for text in bars.texts]
    assert labels == [
        f"{result.n_errors} ({100 * result.accuracy:.2f} % right)" for result in results
    ]
    assert [line.get_label() for line in curves.lines]
    best = max(results, key=lambda result: result.accuracy)
    assert best.name in matrix.get_title()
    assert "mistakes" in mistakes.get_title()


@pytest.mark.parametrize("name", ["LinearClassifier", "MLPClassifier"])
def test_figure_of_one_model_has_no_bars(name, results, digits):
    _, X_test, _, y_test = digits
    (one,) = (result for result in results if result.name == name)
    figure = draw_figure([one], X_test, y_test)
    titles = [ax.get_title() for ax in figure.axes]
    assert [title for title in titles if title] == [
        *["Training"] * (name == "MLPClassifier"),
        f"{name}: confusion matrix",
        "Its worst mistakes (true \N{RIGHTWARDS ARROW} predicted)",
    ]
    assert figure.get_suptitle() == (
        f"Errors on {len(y_test)} test images: {one.n_errors} "
        f"({100 * one.accuracy:.2f} % right)"
    )


def test_confusion_matrix_counts_all_but_colours_only_the_errors(results, digits):
    _, X_test, _, y_test = digits
    best = max(results, key=lambda result: result.accuracy)
    matrix = draw_figure(results, X_test, y_test).axes[2]
    counts = np.array([int(text.get_text()) for text in matrix.texts]).reshape(10, 10)
    predicted = best.estimator.predict(X_test)
    np.testing.assert_array_equal(counts, confusion_matrix(y_test, predicted))
    colours = matrix.images[0].get_array()
    np.testing.assert_array_equal(colours, counts * (1 - np.eye(10)))
    assert colours.sum() == best.n_errors


def test_same_seed_prints_the_same_accuracies(capsys):
    printed = []
    for _ in range(2):
        compare(epochs=1, seed=5)
        table = capsys.readouterr().out.splitlines()
        # All but the seconds.
        printed.append([line.split()[:2] + line.split()[3:] for line in table])
    assert printed[0] == printed[1]


@pytest.mark.parametrize(("n_errors", "n_test"), [(0, 382), (32, 382), (76, 10_000)])
def test_the_interval_of_errors_is_wilsons(n_errors, n_test):
    # By the formula of Wilson (1927), equation 4, with 1.96 standard deviations.
    z, p = 1.959964, n_errors / n_test
    centre = (p + z**2 / (2 * n_test)) / (1 + z**2 / n_test)
    half = z * (p * (1 - p) / n_test + z**2 / (4 * n_test**2)) ** 0.5
    half /= 1 + z**2 / n_test
    low, high = likely_errors(n_errors, n_test)
    assert low == round(n_test * (centre - half))
    assert high == round(n_test * (centre + half))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_linear_model_that_did_not_converge_is_told_of(few):
    X, X_test, y, y_test = few
    remark = "LinearClassifier stopped after its"
    for clf, told in (
        (LinearClassifier(max_iter=2), True),
        (LinearClassifier(), False),
    ):
        result = fit_and_score(clf, X, X_test, y, y_test)
        table = format_table([result], len(y), len(y_test))
        assert (remark in table) == told
        assert "the errors to expect on 100 such images" in table
        assert "Wilson's score" in table
