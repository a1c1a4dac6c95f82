"""Results of a search: lines, bars and heat maps."""

import numpy as np
import pandas as pd
import pytest
from drawn import NAN, make_cv_results
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, zero_one_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from skmnist import ConvLayer
from skmnist.displays import ParameterSweepDisplay


def texts_of(display):
    return [text.get_text() for text in display.texts_]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.fixture(scope="module")
def search(X_y):
    """Over C with one value at which the fit fails, times fit_intercept."""
    X, y = X_y
    grid = {"C": [-1, 0.01, 0.1, 1], "fit_intercept": [True, False]}
    search = GridSearchCV(LogisticRegression(max_iter=500), grid, cv=2)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        return search.fit(X[:200] / 16, y[:200])


def test_one_parameter_gives_a_line_with_error_bars(X_y):
    X, y = X_y
    grid = {"var_smoothing": [1e-2, 1e-4, 1e-6]}
    search = GridSearchCV(GaussianNB(), grid, cv=3).fit(X, y)
    display = ParameterSweepDisplay.from_search(search)
    mean, std = (
        search.cv_results_[f"{key}_test_score"][::-1] for key in ("mean", "std")
    )
    np.testing.assert_array_equal(display.mean, [mean])
    np.testing.assert_array_equal(display.std, [std])
    ((line, _, (bars,)),) = display.series_
    np.testing.assert_array_equal(line.get_xdata(), [1e-6, 1e-4, 1e-2])
    np.testing.assert_allclose(line.get_ydata(), 100 * mean)
    ends = [segment[:, 1] for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, 100 * np.transpose([mean - std, mean + std]))
    assert display.ax_.get_xscale() == "log"
    assert tick_labels(display.ax_.xaxis) == ["1e-6", "0.0001", "0.01"]
    assert display.ax_.get_ylabel() == "Accuracy (%)\nmean ± std over splits"


def test_two_parameters_give_a_heat_map_with_failed_cells_hatched(search):
    display = ParameterSweepDisplay.from_search(search)
    expected = search.cv_results_["mean_test_score"].reshape(4, 2).T
    assert (display.param, display.hue) == ("C", "fit_intercept")
    np.testing.assert_array_equal(display.mean, expected)
    np.testing.assert_array_equal(display.failed, np.isnan(expected))
    np.testing.assert_allclose(display.image_.get_array().filled(NAN), 100 * expected)
    texts = {text.get_position(): text.get_text() for text in display.texts_}
    assert texts[0, 0] == texts[0, 1] == "failed"
    std = search.cv_results_["std_test_score"].reshape(4, 2).T
    assert texts[3, 1] == f"{100 * expected[1, 3]:.1f}\n± {100 * std[1, 3]:.1f}"
    assert [patch.get_hatch() for patch in display.ax_.patches] == ["//", "//"]
    assert tick_labels(display.ax_.yaxis) == ["True", "False"]


def test_a_second_parameter_may_be_lines_or_groups_of_bars(search):
    settings = {"param": "C", "hue": "fit_intercept"}
    lines = ParameterSweepDisplay.from_search(search, kind="line", **settings)
    bars = ParameterSweepDisplay.from_search(search, kind="bar", **settings)
    assert [series.get_label() for series in lines.series_] == ["True", "False"]
    heights = [[bar.get_height() for bar in series] for series in bars.series_]
    np.testing.assert_allclose(heights, 100 * np.nan_to_num(bars.mean))
    assert bars.ax_.get_legend().get_title().get_text() == "fit_intercept"
    assert texts_of(lines).count("failed") == 1
    assert texts_of(bars).count("failed") == 2
    assert bars.series_[0][0].get_hatch() != bars.series_[1][0].get_hatch()


def test_of_lines_that_fail_at_one_value_the_text_says_which():
    cv_results = make_cv_results([0.8, 0.9, NAN, 0.7], lr=[1, 1, 2, 2], b=[0, 5, 0, 5])
    display = ParameterSweepDisplay.from_cv_results(
        cv_results, param="lr", hue="b", kind="line"
    )
    assert texts_of(display) == ["0 failed"]


@pytest.mark.parametrize(
    ("values", "labels", "positions"),
    [
        (["adam", "sgd"], ["adam", "sgd"], [0, 1]),
        ([(), (100,), None], ["()", "(100,)", "None"], [0, 1, 2]),
        ([True, False], ["True", "False"], [0, 1]),
        ([dict, {"a": 1}], ["dict", "{'a': 1}"], [0, 1]),
        # A zero among decades has no place on a logarithmic axis.
        ([0, 1e-4, 1e-2], ["0", "0.0001", "0.01"], [0, 1, 2]),
        ([64, 32, 128], ["32", "64", "128"], [32, 64, 128]),
    ],
)
def test_values_of_all_kinds_have_their_place(values, labels, positions):
    cv_results = make_cv_results(np.linspace(0.5, 0.9, len(values)), lr=values)
    display = ParameterSweepDisplay.from_cv_results(cv_results, kind="line")
    np.testing.assert_array_equal(display.series_[0][0].get_xdata(), positions)
    assert tick_labels(display.ax_.xaxis) == labels
    assert display.ax_.get_xscale() == "linear"


def test_categories_are_bars_by_default():
    cv_results = make_cv_results([0.5, 0.9], optimizer=["adam", "sgd"])
    display = ParameterSweepDisplay.from_cv_results(cv_results)
    assert [bar.get_height() for bar in display.series_[0]] == [50, 90]
    assert texts_of(display) == ["50.0", "90.0"]


def test_long_labels_are_slanted():
    cv_results = make_cv_results(
        [0.5] * 5, layers=[f"{i} long name" * 3 for i in "abcde"]
    )
    display = ParameterSweepDisplay.from_cv_results(cv_results)
    assert {label.get_rotation() for label in display.ax_.get_xticklabels()} == {30}


def test_long_values_are_wrapped():
    layers = [(ConvLayer(8, kernel_size=5), 16, 32), (8,)]
    cv_results = make_cv_results([0.5, 0.6], conv_layers=layers)
    display = ParameterSweepDisplay.from_cv_results(cv_results)
    long, short = tick_labels(display.ax_.xaxis)
    assert long.replace("\n", " ") == str(layers[0])
    assert max(map(len, long.split("\n"))) <= 24
    assert short == "(8,)"


def test_the_best_candidate_stands_for_those_that_share_the_parameters_drawn():
    cv_results = make_cv_results(
        [0.8, 0.9, NAN, 0.7], lr=[1, 1, 2, 2], dropout=[0, 0.5, 0, 0.5]
    )
    display = ParameterSweepDisplay.from_cv_results(cv_results, param="lr")
    np.testing.assert_array_equal(display.mean, [[0.9, 0.7]])
    assert not display.failed.any()


def test_cells_that_were_not_tried_stay_blank(X_y):
    X, y = X_y
    grid = [{"C": [0.1, 1]}, {"fit_intercept": [False], "C": [1]}]
    search = GridSearchCV(LogisticRegression(max_iter=500), grid, cv=2)
    search.fit(X[:100] / 16, y[:100])
    display = ParameterSweepDisplay.from_search(search, param="C", hue="fit_intercept")
    np.testing.assert_array_equal(np.isnan(display.mean), [[True, False]])
    assert not display.failed.any()
    assert len(display.texts_) == 1
    # A frame has NaN where cv_results_ is masked.
    framed = ParameterSweepDisplay.from_cv_results(
        pd.DataFrame(search.cv_results_), param="C", hue="fit_intercept"
    )
    assert framed.hue_values == display.hue_values == [False]
    np.testing.assert_array_equal(framed.mean, display.mean)


def test_scores_are_called_by_their_names(X_y):
    X, y = X_y
    grid = {"var_smoothing": [1e-6, 1e-4]}

    def name(display):
        return display.ax_.get_ylabel().split("\n")[0]

    for scoring, refit, expected in [
        ("neg_log_loss", True, "Negative log loss"),
        ("balanced_accuracy", True, "Balanced accuracy (%)"),
        (make_scorer(zero_one_loss, greater_is_better=False), True, "Score"),
        (["accuracy", "f1_macro"], "f1_macro", "F1 macro"),
    ]:
        search = GridSearchCV(GaussianNB(), grid, cv=2, scoring=scoring, refit=refit)
        search.fit(X[:300], y[:300])
        assert name(ParameterSweepDisplay.from_search(search)) == expected
    times = ParameterSweepDisplay.from_search(search, score="mean_fit_time")
    assert name(times) == "Fit time (s)"
    named = ParameterSweepDisplay.from_search(search, score_name="Quality")
    assert name(named) == "Quality"


def test_only_means_have_a_spread(search):
    for column in ("split0_test_score", "rank_test_score", "std_test_score"):
        display = ParameterSweepDisplay.from_search(search, score=column)
        assert np.nansum(display.std) == 0
        assert "std over splits" not in display.colorbar_.ax.get_ylabel()
    display = ParameterSweepDisplay.from_search(search, score="mean_fit_time")
    expected = search.cv_results_["std_fit_time"].reshape(4, 2).T
    np.testing.assert_array_equal(display.std, expected)


def test_scores_outside_of_0_and_1_are_no_accuracies():
    cv_results = make_cv_results([-0.5, 0.3], lr=[1, 2])
    display = ParameterSweepDisplay.from_cv_results(cv_results)
    assert display.score_name == "Score"
    np.testing.assert_array_equal(display.series_[0][0].get_ydata(), [-0.5, 0.3])


def test_cv_results_may_be_a_frame(search):
    frame = pd.DataFrame(search.cv_results_)
    display = ParameterSweepDisplay.from_cv_results(frame)
    expected = ParameterSweepDisplay.from_search(search)
    np.testing.assert_array_equal(display.mean, expected.mean)


def test_numbers_that_do_not_fit_into_the_cells_are_left_out():
    lr, decay = np.meshgrid(np.arange(40.0), np.arange(3.0))
    cv_results = make_cv_results(lr.ravel() / 50, lr=lr.ravel(), decay=decay.ravel())
    display = ParameterSweepDisplay.from_cv_results(
        cv_results, param="lr", hue="decay", kind="heatmap"
    )
    assert set(texts_of(display)) == {""}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"param": "learning_rate"}, r"one of \['lr', 'b', 'c'\]. Got 'learning_rate'"),
        ({"hue": "d"}, "Got 'd'"),
        (
            {"score": "mean_test_f1"},
            r"one of \['mean_test_score'\]. Got 'mean_test_f1'",
        ),
        ({}, r"Got \['lr', 'b', 'c'\]: pass param"),
        ({"param": "lr", "kind": "pie"}, "'line', 'bar', 'heatmap'. Got 'pie' instead"),
        ({"param": "lr", "kind": np.ones(2)}, "'kind' parameter"),
        ({"param": "lr", "kind": "heatmap"}, "pass hue"),
    ],
)
def test_what_cannot_be_a_sweep_is_refused(settings, message):
    cv_results = make_cv_results([0.1, 0.2], lr=[1, 2], b=[1, 2], c=[1, 2])
    with pytest.raises(ValueError, match=message):
        ParameterSweepDisplay.from_cv_results(cv_results, **settings)


def test_a_search_that_has_not_been_fitted_is_refused():
    with pytest.raises(NotFittedError):
        ParameterSweepDisplay.from_search(GridSearchCV(GaussianNB(), {}))
