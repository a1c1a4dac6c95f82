"""Training curves: what they show, of whom, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from drawn import NAN
from matplotlib.colors import same_color
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import GaussianNB
from skorch.history import History

from skmnist import MLPClassifier
from skmnist.displays import TrainingCurveDisplay


def make_history(train_loss, **columns):
    history = History()
    for i, loss in enumerate(train_loss):
        history.new_epoch()
        history.record("epoch", i + 1)
        history.record("train_loss", loss)
        for name, values in columns.items():
            history.record(name, values[i])
    return history


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
