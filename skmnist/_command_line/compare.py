"""The three estimators trained on digits and compared."""

import time
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from scipy.stats import binomtest
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from tabulate import tabulate

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist._extras import import_extra
from skmnist._files import write_whole
from skmnist._progress import progress_bar
from skmnist._training.devices import find_device
from skmnist._training.progress import EpochProgress
from skmnist.datasets import fetch_mnist, load_digits28

# Passes over the training images where the estimators' own number, made for
# MNIST, would be too few: 1,415 images are 23 batches.
EPOCHS = {"digits": 20, "mnist": None}

INTERVAL = (
    "95 % interval: of the errors to expect on {:,} such images (binomial, by Wilson's "
    "score)."
)


class Result(NamedTuple):
    """A fitted estimator and how it did."""

    name: str
    estimator: BaseEstimator
    fit_seconds: float
    accuracy: float
    n_errors: int


def compare(
    data="digits", data_home=None, device="auto", epochs=None, seed=0, out=None
):
    """Train the three estimators and print a table; write models and figure."""
    X_train, X_test, y_train, y_test = prepare("compare", data, data_home, device, out)
    results = [
        fit_and_score(estimator, X_train, X_test, y_train, y_test)
        for estimator in make_estimators(device, epochs or EPOCHS[data], seed)
    ]
    # Written before anything is printed: the reader may leave (`| head`).
    paths = [] if out is None else list(write_results(results, X_test, y_test, out))
    print(format_table(results, len(X_train), len(X_test)))
    for path in paths:
        print(f"wrote {path}")


def prepare(command, data, data_home, device, out):
    """Load the images, if device, folder and matplotlib are there for later."""
    find_device(device, command)
    if out is not None:
        import_extra("matplotlib", "plot", f"{command} --out")
        Path(out).mkdir(parents=True, exist_ok=True)
    if data == "mnist":
        return fetch_mnist(data_home=data_home, split=True)
    return load_digits28(split=True)


def make_estimators(device, epochs, seed):
    """Make the three with their defaults, except for a given number of epochs."""
    networks = [
        MLPClassifier(device=device, random_state=seed),
        ConvNetClassifier(device=device, random_state=seed),
    ]
    for network in networks:
        if epochs is not None:
            network.set_params(max_epochs=epochs)
    return [LinearClassifier(random_state=seed), *networks]


def fit_and_score(estimator, X_train, X_test, y_train, y_test):
    """Fit with a progress bar, and count the errors on the test images."""
    name = type(estimator).__name__
    start = time.perf_counter()
    if isinstance(estimator, LinearClassifier):
        with progress_bar(name, 1, "fit") as bar, warnings.catch_warnings():
            # The baseline is logistic regression after 100 iterations, converged or
            # not: more of them change the accuracy by less than its error.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(X_train, y_train)
            bar.update()
    else:
        estimator.set_params(callbacks=[EpochProgress(name)])
        estimator.fit(X_train, y_train)
        estimator.set_params(callbacks=None)
    seconds = time.perf_counter() - start
    n_errors = int((estimator.predict(X_test) != y_test).sum())
    return Result(name, estimator, seconds, 1 - n_errors / len(y_test), n_errors)


def format_table(results, n_train, n_test):
    """One aligned row per model, as a string."""
    rows = [
        (
            result.name,
            f"{result.estimator.n_parameters_:,}",
            f"{result.fit_seconds:.1f}",
            f"{100 * result.accuracy:.2f} %",
            f"{result.n_errors:,}",
            "{:,} to {:,}".format(*likely_errors(result.n_errors, n_test)),
        )
        for result in results
    ]
    header = (
        *("model", "parameters", "seconds to fit", "test accuracy", "test errors"),
        "95 % interval",
    )
    table = tabulate(
        rows, header, colalign=("left", *["right"] * 5), disable_numparse=True
    )
    remarks = "".join(
        f"{result.name} stopped after its {estimator.max_iter} iterations, before it "
        "had converged.\n"
        for result in results
        if isinstance(estimator := result.estimator, LinearClassifier)
        and estimator.n_iter_.max() >= estimator.max_iter
    )
    images = f"{n_train:,} training images, {n_test:,} test images"
    return f"\n{images}\n\n{table}\n\n{INTERVAL.format(n_test)}\n{remarks}"


def likely_errors(n_errors, n_test):
    """The 95 % interval of the errors to expect on as many images of this kind.

    That of a binomial proportion by Wilson's score (Wilson, "Probable inference, the
    law of succession, and statistical inference", JASA 22, 1927).
    """
    interval = binomtest(n_errors, n_test).proportion_ci(method="wilson")
    return round(n_test * interval.low), round(n_test * interval.high)


def write_results(results, X_test, y_test, out):
    """Write every model and the figure, each whole or not at all; yield the paths."""
    for result in results:
        path = Path(out, f"{result.name}.joblib")
        write_whole(path, partial(joblib.dump, result.estimator))
        yield path
    figure = draw_figure(results, X_test, y_test)
    path = Path(out, "compare.png")
    write_whole(path, partial(figure.savefig, dpi=150, format="png"))
    yield path


def draw_figure(results, X_test, y_test):
    """Errors, training curves, and what the best model gets wrong."""
    from matplotlib.figure import Figure

    from skmnist.displays import ImageGridDisplay, TrainingCurveDisplay

    best = max(results, key=lambda result: result.accuracy)
    networks = {r.name: r.estimator for r in results if hasattr(r.estimator, "net_")}
    several = len(results) > 1
    panels = ["bars"] * several + ["curves"] * bool(networks) + ["matrix", "mistakes"]
    wide = len(panels) == 3  # the mistakes, in a row of their own
    layout = np.reshape([*panels, *panels[-1:] * wide], (-1, 2))
    heights = [4.5, 2.7 if wide else 4.5][: len(layout)]
    figure = Figure(figsize=(11, sum(heights)), layout="constrained")
    axes = figure.subplot_mosaic(layout.tolist(), height_ratios=heights)
    if several:
        draw_errors(results, len(y_test), axes["bars"])
    else:
        title = f"Errors on {len(y_test):,} test images: {count_errors(best)}"
        figure.suptitle(title)
    if networks:
        TrainingCurveDisplay.from_estimator(networks, ax=axes["curves"])
        axes["curves"].set_title("Training")
    draw_confusion(best.estimator, X_test, y_test, axes["matrix"])
    axes["matrix"].set_title(f"{best.name}: confusion matrix")
    ImageGridDisplay.from_estimator(
        *(best.estimator, X_test, y_test),
        kind="mistakes",
        n_images=24,
        n_columns=12 if wide else 6,
        ax=axes["mistakes"],
    )
    axes["mistakes"].set_title(
        "Its worst mistakes (true \N{RIGHTWARDS ARROW} predicted)"
    )
    return figure


def count_errors(result):
    """The number of errors and the accuracy, in words."""
    return f"{result.n_errors:,} ({100 * result.accuracy:.2f} % right)"


def draw_errors(results, n_test, ax):
    """Bars of the numbers of errors, labelled with the accuracies too."""
    names = [result.name for result in results]
    bars = ax.barh(names, [result.n_errors for result in results], height=0.6)
    ax.bar_label(bars, [count_errors(result) for result in results], padding=3)
    ax.invert_yaxis()
    ax.margins(x=0.6)
    ax.set(xticks=[], title=f"Errors on {n_test:,} test images")
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def draw_confusion(estimator, X_test, y_test, ax):
    """All counts, but colours for the errors only: beside the rest they would fade."""
    classes = estimator.classes_
    counts = confusion_matrix(y_test, estimator.predict(X_test), labels=classes)
    right = counts.diagonal()
    display = ConfusionMatrixDisplay(counts - np.diag(right), display_labels=classes)
    display.plot(ax=ax, cmap="Blues", colorbar=False)
    if (counts == np.diag(right)).all():  # white on white otherwise
        for text in display.text_.ravel():
            text.set_color("black")
    for text, count in zip(display.text_.diagonal(), right, strict=True):
        text.set_text(count)
