import subprocess
import sys
from functools import partial
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from sklearn.datasets import load_digits as load_small_digits
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    RidgeClassifier,
)
from sklearn.metrics import make_scorer, zero_one_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from skorch.history import History

from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.displays import (
    FilterDisplay,
    ImageGridDisplay,
    ParameterSweepDisplay,
    SaliencyDisplay,
    TrainingCurveDisplay,
)

NAN = float("nan")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def X_y():
    return load_small_digits(return_X_y=True)


@pytest.fixture(scope="module")
def bayes(X_y):
    X, y = X_y
    return GaussianNB().fit(X[:1000], y[:1000])


@pytest.fixture(scope="module")
def network(X_y):
    X, y = X_y
    network = ConvNetClassifier(conv_layers=(4,), max_epochs=2, random_state=0)
    return network.fit(X[:200], y[:200], X_val=X[200:300], y_val=y[200:300])


@pytest.fixture(scope="module")
def search(X_y):
    """Over C with one value at which the fit fails, times fit_intercept."""
    X, y = X_y
    grid = {"C": [-1, 0.01, 0.1, 1], "fit_intercept": [True, False]}
    search = GridSearchCV(LogisticRegression(max_iter=500), grid, cv=2)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        return search.fit(X[:200] / 16, y[:200])


def make_history(train_loss, **columns):
    history = History()
    for i, loss in enumerate(train_loss):
        history.new_epoch()
        history.record("epoch", i + 1)
        history.record("train_loss", loss)
        for name, values in columns.items():
            history.record(name, values[i])
    return history


def make_cv_results(scores, **params):
    columns = {f"param_{name}": values for name, values in params.items()}
    scores = np.asarray(scores, dtype=float)
    return {**columns, "mean_test_score": scores, "std_test_score": 0 * scores + 0.01}


def texts_of(display):
    return [text.get_text() for text in display.texts_]


def titles_of(display):
    return [image.axes.get_title() for image in display.images_]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# -- all of them --


def test_importing_the_displays_imports_neither_matplotlib_nor_torch():
    code = (
        "import sys, skmnist.displays; print({'matplotlib', 'torch'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).strip() == "set()"


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "skmnist\[plot\]"'):
        TrainingCurveDisplay.from_arrays([1.0, 0.5])


def test_every_display_draws_on_given_axes_of_a_figure_without_pyplot(bayes, X_y):
    axes = Figure(layout="constrained").subplots(2, 2).ravel()
    displays = [
        TrainingCurveDisplay.from_arrays([1.0, 0.5], ax=axes[0]),
        ImageGridDisplay.from_images(X_y[0][:5], ax=axes[1]),
        FilterDisplay(np.ones((3, 1, 2, 2))).plot(ax=axes[2]),
        ParameterSweepDisplay.from_cv_results(
            make_cv_results([0.8, 0.9], lr=[1, 2]), ax=axes[3]
        ),
    ]
    assert [display.ax_ for display in displays] == list(axes)
    assert all(display.figure_ is axes[0].figure for display in displays)
    assert not plt.get_fignums()


# -- TrainingCurveDisplay --


def test_a_curve_is_what_the_history_recorded():
    history = make_history([2.0, 1.0, 0.5], valid_loss=[2.1, 1.2, 0.9])
    display = TrainingCurveDisplay.from_histories(history)
    train, valid = display.lines_
    np.testing.assert_array_equal(train.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(train.get_ydata(), [2.0, 1.0, 0.5])
    np.testing.assert_array_equal(valid.get_ydata(), [2.1, 1.2, 0.9])
    assert (train.get_label(), valid.get_label()) == ("training", "validation")
    assert (train.get_linestyle(), valid.get_linestyle()) == ("--", "-")
    assert display.bands_ == []
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_ylabel() == "Cross-entropy loss (nats)"


def test_accuracies_are_kept_as_fractions_and_drawn_in_percent():
    history = make_history([2.0, 1.0], valid_acc=[0.8, 0.9])
    display = TrainingCurveDisplay.from_histories(history, metric="accuracy")
    (line,) = display.lines_
    np.testing.assert_array_equal(display.valid["run"], [[0.8, 0.9]])
    np.testing.assert_allclose(line.get_ydata(), [80, 90])
    assert display.ax_.get_ylabel() == "Accuracy (%)"


def test_repeated_runs_give_their_mean_and_a_band_of_one_standard_deviation():
    runs = np.array([[2.0, 1.0], [1.0, 0.6], [1.5, 0.2]])
    display = TrainingCurveDisplay.from_histories([make_history(run) for run in runs])
    (line,), (band,) = display.lines_, display.bands_
    mean, std = runs.mean(axis=0), runs.std(axis=0)
    np.testing.assert_allclose(line.get_ydata(), mean)
    (path,) = band.get_paths()
    for corner in [(1, (mean - std)[0]), (2, (mean + std)[1])]:
        assert np.isclose(path.vertices, corner).all(axis=1).any()
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["training", "± 1 standard deviation"]


def test_a_run_that_stopped_early_counts_as_far_as_it_goes():
    display = TrainingCurveDisplay.from_arrays([[2.0, 1.0, 0.5], [1.0]])
    np.testing.assert_array_equal(display.train["run"][1], [1.0, NAN, NAN])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [1.5, 1.0, 0.5])


def test_curves_may_be_series_frames_and_tensors():
    torch = pytest.importorskip("torch")
    values = [1.0, 0.5, 0.3]
    # Rows that begin at 1, as those of a table of epochs do.
    series = pd.Series(values, index=[1, 2, 3])
    runs = pd.DataFrame([values, values], index=[1, 2])
    for curve, n_runs in (
        *((series, 1), (torch.tensor(values), 1), (np.array(values), 1)),
        *((runs, 2), ([series, series], 2), (np.array([values] * 2), 2)),
    ):
        display = TrainingCurveDisplay.from_arrays(curve)
        np.testing.assert_allclose(display.train["run"], [values] * n_runs)


def test_named_curves_differ_in_more_than_colour():
    histories = {
        str(lr): make_history([2.0, lr], valid_loss=[2.1, lr]) for lr in range(7)
    }
    display = TrainingCurveDisplay.from_histories(histories)
    train = display.lines_[:7]
    assert len({line.get_color() for line in train}) == 7
    assert len({line.get_marker() for line in train}) == 7
    assert [line.get_color() for line in display.lines_[7:]] == [
        line.get_color() for line in train
    ]
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [*histories, "training", "validation"]


def test_a_curve_without_validation_stands_beside_one_with_it():
    histories = {"a": make_history([2.0]), "b": make_history([1.0], valid_loss=[1.1])}
    display = TrainingCurveDisplay.from_histories(histories)
    labels = [line.get_label() for line in display.lines_]
    assert labels == ["a, training", "b, training", "b, validation"]
    assert same_color(display.lines_[1].get_color(), display.lines_[2].get_color())


def test_points_can_lie_elsewhere_than_at_epochs():
    display = TrainingCurveDisplay.from_arrays(
        valid={"0.1": [0.1, 0.9]}, metric="accuracy", x=[0, 50], x_label="Step"
    )
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [0, 50])
    assert display.ax_.get_xlabel() == "Step"


def test_a_fitted_network_shows_its_history(network):
    display = TrainingCurveDisplay.from_estimator(network)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), network.loss_curve_)
    display = TrainingCurveDisplay.from_estimator({"a": [network]}, metric="accuracy")
    np.testing.assert_array_equal(display.valid["a"], [network.validation_scores_])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: TrainingCurveDisplay.from_histories(
                make_history([1.0]), metric="accuracy"
            ),
            ValueError,
            "'train_acc' or 'valid_acc'.*early_stopping=True",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays([1.0], metric="f1"),
            ValueError,
            "The 'metric' parameter of TrainingCurveDisplay must be one of 'loss', "
            "'accuracy'. Got 'f1' instead.",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays([97.1], metric="accuracy"),
            ValueError,
            "divide percentages by 100",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays([NAN, 97, 98], metric="accuracy"),
            ValueError,
            "divide percentages by 100",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays([1.0], metric=["loss"]),
            ValueError,
            r"must be one of 'loss', 'accuracy'. Got \['loss'\] instead.",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays(0.5),
            ValueError,
            r"of shape \(n_points,\) or \(n_runs, n_points\).* Got .*shape \(\)",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays(np.zeros((2, 3, 4))),
            ValueError,
            r"Got .*shape \(2, 3, 4\)",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays([[1.0, 0.5], 0.3]),
            ValueError,
            r"Got .*shape \(\)",
        ),
        (
            lambda: TrainingCurveDisplay.from_arrays([1.0, 2.0], x=[1]),
            ValueError,
            r"x of shape \(2,\).*Got shape \(1,\)",
        ),
        (lambda: TrainingCurveDisplay.from_arrays(), ValueError, "Got none"),
        (lambda: TrainingCurveDisplay.from_arrays([]), ValueError, "Got none"),
        (
            lambda: TrainingCurveDisplay.from_estimator(MLPClassifier()),
            NotFittedError,
            "MLPClassifier",
        ),
        (
            lambda: TrainingCurveDisplay.from_estimator(
                GaussianNB().fit([[0], [1]], [0, 1])
            ),
            TypeError,
            "Got GaussianNB",
        ),
    ],
)
def test_what_cannot_be_a_training_curve_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- ImageGridDisplay --


def test_samples_are_the_first_images_with_their_predictions(bayes, X_y):
    X, y = X_y[0][1000:], X_y[1][1000:]
    display = ImageGridDisplay.from_estimator(bayes, X, y, n_images=8)
    np.testing.assert_array_equal(display.images, X[:8].reshape(8, 8, 8))
    np.testing.assert_array_equal(display.y_pred, bayes.predict(X[:8]))
    np.testing.assert_array_equal(display.indices, range(8))
    assert len(display.images_) == 8
    np.testing.assert_array_equal(display.images_[3].get_array(), display.images[3])
    assert titles_of(display)[0] == "1 ✓\n100.0 %"


def test_mistakes_come_in_order_of_confidence_in_the_wrong_label(X_y):
    X, y = X_y
    model = LogisticRegression(C=0.01).fit(X[:300] / 16, y[:300])
    X, y = X[300:] / 16, y[300:]
    proba = model.predict_proba(X)
    predicted = proba.argmax(axis=1)
    mistakes = np.flatnonzero(predicted != y)
    expected = sorted(mistakes, key=lambda i: -proba[i, predicted[i]])[:10]
    display = ImageGridDisplay.from_estimator(model, X, y, kind="mistakes", n_images=10)
    np.testing.assert_array_equal(display.indices, expected)
    worst = expected[0]
    assert titles_of(display)[0] == (
        f"{y[worst]} → {predicted[worst]}\n{100 * proba[worst].max():.1f} %"
    )


def test_right_and_wrong_differ_in_more_than_colour():
    X, y_true, y_pred = np.zeros((2, 4, 4)), ["cat", "dog"], ["cat", "cat"]
    display = ImageGridDisplay.from_predictions(X, y_true, y_pred)
    assert titles_of(display) == ["cat ✓", "dog → cat"]
    right, wrong = (image.axes.spines["left"] for image in display.images_)
    assert (right.get_linestyle(), wrong.get_linestyle()) == ("solid", "--")


def test_probabilities_of_all_labels_may_be_passed():
    proba = np.array([[0.4, 0.6], [0.9, 0.1]])
    display = ImageGridDisplay.from_predictions(
        np.zeros((2, 9)), [0, 1], [1, 0], proba, kind="mistakes"
    )
    np.testing.assert_array_equal(display.indices, [1, 0])
    np.testing.assert_array_equal(display.y_proba, [0.9, 0.6])


def test_a_classifier_without_probabilities_shows_mistakes_as_they_come(X_y):
    X, y = X_y
    model = RidgeClassifier().fit(X[:200], y[:200])
    display = ImageGridDisplay.from_estimator(model, X, y, kind="mistakes")
    expected = np.flatnonzero(model.predict(X) != y)[:16]
    np.testing.assert_array_equal(display.indices, expected)
    assert display.y_proba is None


def test_no_mistakes_is_said_on_the_axes(X_y):
    X, y = X_y
    display = ImageGridDisplay.from_predictions(X, y, y, kind="mistakes")
    (text,) = display.ax_.texts
    assert text.get_text() == "No mistakes among 1,797 images"
    assert display.images_ == []


def test_flat_images_take_the_shape_of_the_estimator_or_the_one_given(network, X_y):
    X, y = X_y
    shown = ImageGridDisplay.from_estimator(network, X, y, n_images=3)
    assert shown.images.shape == (3, *network.image_shape_)
    shown = ImageGridDisplay.from_images(X[:3], image_shape=(4, 16))
    assert shown.images.shape == (3, 4, 16)


def test_frames_tensors_and_single_channels_are_images_too(X_y):
    torch = pytest.importorskip("torch")
    X = X_y[0][:4]
    for form in (pd.DataFrame(X), torch.tensor(X), X.reshape(4, 1, 8, 8)):
        display = ImageGridDisplay.from_images(form)
        np.testing.assert_array_equal(
            display.images_[1].get_array(), X[1].reshape(8, 8)
        )


def test_three_channels_are_drawn_in_colour():
    X = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    display = ImageGridDisplay.from_images(X.astype(np.uint8))
    np.testing.assert_array_equal(
        display.images_[0].get_array(), X[0].transpose(1, 2, 0)
    )
    display = ImageGridDisplay.from_images(X / 7 - 3)
    assert display.images_[0].get_array().min() == 0
    assert display.images_[1].get_array().max() == 1
    # In these dtypes 127 - -128 overflows, and True - False is an error.
    X = np.repeat([[-128], [0], [127]], 4, axis=1).reshape(1, 3, 2, 2)
    (image,) = ImageGridDisplay.from_images(X.astype(np.int8)).images_
    np.testing.assert_allclose(image.get_array()[0, 0], [0, 128 / 255, 1])
    (image,) = ImageGridDisplay.from_images(X > 0).images_
    np.testing.assert_array_equal(image.get_array()[0, 0], [0, 0, 1])


def test_all_images_have_one_scale_of_brightness():
    display = ImageGridDisplay.from_images(np.arange(8.0).reshape(2, 2, 2))
    assert [image.get_clim() for image in display.images_] == [(0, 7), (0, 7)]


@pytest.mark.parametrize("n_images", [1, 7, 16])
@pytest.mark.parametrize("names", ["0123456789", ["Ankle boot", "T-shirt/top"] * 5])
def test_a_grid_stays_inside_its_axes_and_titles_do_not_overlap(X_y, n_images, names):
    labels = [names[i] for i in X_y[1][:n_images]]
    figure = Figure(figsize=(11, 9), layout="constrained")
    ax = figure.subplots(2, 2)[1, 0]
    display = ImageGridDisplay.from_predictions(
        X_y[0][:n_images], labels, labels[::-1], np.ones(n_images), ax=ax
    )
    figure.draw_without_rendering()
    boxes = [image.axes.title.get_window_extent() for image in display.images_]
    boxes += [image.get_window_extent() for image in display.images_]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    outside = ax.get_window_extent().padded(1)
    assert all(outside.contains(*corner) for box in boxes for corner in box.corners())


def test_the_number_of_columns_can_be_set(X_y):
    display = ImageGridDisplay.from_images(X_y[0][:6], n_columns=2)
    display.figure_.draw_without_rendering()
    lefts = {round(image.get_window_extent().x0) for image in display.images_}
    assert len(lefts) == 2


@pytest.mark.parametrize(
    ("X", "settings", "message"),
    [
        (
            np.zeros((2, 10)),
            {},
            r"Expected 9 features .* \(3, 3\). Got 10.*image_shape",
        ),
        (np.zeros((2, 9)), {"image_shape": (2, 4)}, "Expected 8 features"),
        (np.zeros(4), {}, r"Got an array of shape \(4,\)"),
        (np.zeros((2, 2, 4, 4)), {}, "1 or 3 channels"),
        (np.zeros((2, 9)), {"labels": [1]}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_images_is_refused(X, settings, message):
    with pytest.raises(ValueError, match=message):
        ImageGridDisplay.from_images(X, **settings)


def test_an_unknown_kind_of_grid_is_refused(bayes, X_y):
    with pytest.raises(ValueError, match="'kind' parameter of ImageGridDisplay"):
        ImageGridDisplay.from_estimator(bayes, *X_y, kind="errors")


@pytest.mark.parametrize("number", [0, -1, 2.5, True, "2"])
def test_numbers_of_images_filters_and_columns_are_positive_ints(bayes, X_y, number):
    X, y = X_y[0][:20], X_y[1][:20]
    filters = FilterDisplay(np.ones((3, 1, 2, 2)))
    linear = RidgeClassifier().fit(X, y)
    for owner, name, call in (
        (
            "ImageGridDisplay",
            "n_images",
            partial(ImageGridDisplay.from_estimator, bayes, X, y),
        ),
        (
            "ImageGridDisplay",
            "n_images",
            partial(ImageGridDisplay.from_predictions, X, y, y),
        ),
        ("ImageGridDisplay", "n_columns", partial(ImageGridDisplay.from_images, X)),
        ("FilterDisplay", "n_filters", partial(FilterDisplay.from_estimator, linear)),
        ("FilterDisplay", "n_columns", filters.plot),
    ):
        with pytest.raises(ValueError) as caught:
            call(**{name: number})
        expected = "a positive int" + " or None" * (name != "n_images")
        assert str(caught.value) == (
            f"The {name!r} parameter of {owner} must be {expected}. "
            f"Got {number!r} instead."
        )


def test_probabilities_of_another_shape_are_refused(X_y):
    X, y = X_y[0][:4], X_y[1][:4]
    with pytest.raises(ValueError, match=r"\(4, n_classes\).*Got shape \(4, 2, 2\)"):
        ImageGridDisplay.from_predictions(X, y, y, np.zeros((4, 2, 2)))


# -- FilterDisplay --


def test_a_linear_model_shows_one_image_a_class(X_y):
    X, y = X_y
    model = LogisticRegression(max_iter=500).fit(X[:300] / 16, y[:300] + 10)
    display = FilterDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.filters, model.coef_.reshape(10, 1, 8, 8))
    assert titles_of(display) == [str(label) for label in range(10, 20)]


def test_of_two_classes_the_weights_are_those_of_the_second(X_y):
    X, y = X_y
    model = LinearClassifier().fit(X[:100], np.where(y[:100] > 4, "high", "low"))
    assert titles_of(FilterDisplay.from_estimator(model)) == ["low"]


def test_weights_that_belong_to_no_class_have_no_names(X_y):
    X, y = X_y
    # One against one: a row for every pair of classes, and of three as many as classes.
    for n_classes, n_rows in ((10, 45), (3, 3)):
        known = y < n_classes
        model = SVC(kernel="linear").fit(X[known][:300], y[known][:300])
        assert titles_of(FilterDisplay.from_estimator(model)) == [""] * n_rows
    regression = LinearRegression().fit(X, y)
    assert titles_of(FilterDisplay.from_estimator(regression)) == [""]
    binary = SVC(kernel="linear").fit(X[y < 2], y[y < 2])
    assert titles_of(FilterDisplay.from_estimator(binary)) == ["1"]


def test_the_colour_scale_has_zero_in_its_middle():
    display = FilterDisplay(np.array([[[[-3.0, 1.0]]], [[[0.5, 2.0]]]])).plot()
    assert [image.get_clim() for image in display.images_] == [(-3, 3), (-3, 3)]
    assert display.colorbar_.ax.get_ylabel() == "Weight"


def test_a_convolution_shows_its_filters(network):
    display = FilterDisplay.from_estimator(network)
    weights = next(p for p in network.module_.parameters() if p.ndim == 4)
    np.testing.assert_array_equal(display.filters, weights.detach().cpu().numpy())


def test_dense_weights_have_the_shape_of_the_image(X_y):
    X, y = X_y
    network = MLPClassifier(hidden_layer_sizes=(70,), max_epochs=1, random_state=0)
    network.fit(X[:100].reshape(-1, 4, 16), y[:100])
    display = FilterDisplay.from_estimator(network)
    assert display.filters.shape == (64, 1, 4, 16)
    assert display.ax_.get_title() == "64 of 70 filters"
    assert len(FilterDisplay.from_estimator(network, n_filters=70).images_) == 70


def test_the_channels_of_a_filter_stand_side_by_side():
    filters = np.arange(1.0, 13.0).reshape(1, 3, 2, 2)
    (image,) = FilterDisplay(filters).plot().images_
    np.testing.assert_array_equal(
        image.get_array().filled(NAN),
        [[1, 2, NAN, 5, 6, NAN, 9, 10], [3, 4, NAN, 7, 8, NAN, 11, 12]],
    )


def test_an_estimator_without_weights_is_refused(bayes):
    with pytest.raises(TypeError, match=r"'coef_'.*Got GaussianNB"):
        FilterDisplay.from_estimator(bayes)
    with pytest.raises(NotFittedError):
        FilterDisplay.from_estimator(ConvNetClassifier())


# -- ParameterSweepDisplay --


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


# -- what speaks for a prediction --


def test_saliency_lies_over_the_images(network, X_y):
    X = X_y[0][:5]
    display = SaliencyDisplay.from_estimator(network, X)
    assert display.images.shape[0] == len(display.maps) == len(display.maps_) == 5
    assert display.maps.min() >= 0
    assert titles_of(display) == [str(label) for label in network.predict(X)]
    for image, heat in zip(display.images_, display.maps_, strict=True):
        assert heat.axes is image.axes
        assert heat.get_array().shape == image.get_array().shape


def test_saliency_of_given_labels_and_method(network, X_y):
    X = X_y[0][:5]
    label = network.classes_[1]
    display = SaliencyDisplay.from_estimator(
        network, X, [label] * 5, method="gradient", n_columns=1
    )
    assert titles_of(display) == [str(label)] * 5


def test_saliency_of_other_estimators_and_methods_is_refused(network, bayes, X_y):
    X = X_y[0][:5]
    with pytest.raises(TypeError, match="Got GaussianNB instead"):
        SaliencyDisplay.from_estimator(bayes, X)
    with pytest.raises(ValueError, match="'method' parameter of SaliencyDisplay"):
        SaliencyDisplay.from_estimator(network, X, method="lime")
