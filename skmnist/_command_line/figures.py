"""The figures of recipes and studies."""

from skmnist._command_line.tables import stated
from skmnist.displays import ParameterSweepDisplay, TrainingCurveDisplay

PANEL = (5, 4)  # inches


def draw_recipe(results, compares=True):
    """Loss and accuracy by epoch, the published figures as black markers.

    These are of MNIST: left out where they do not compare.
    """
    recipe, figures = results[0].recipe, results[0].figures
    if "train_loss" not in figures:
        return None
    scored = "validation" if "validation_loss" in figures else "test"
    figure, axes = make_panels(2, title(recipe, compares))
    for ax, kind, scale in zip(axes, ("loss", "accuracy"), (1, 100), strict=True):
        train, valid = (
            [[value / scale for value in r.figures[metric].values()] for r in results]
            if metric in figures
            else None
            for metric in (f"train_{kind}", f"{scored}_{kind}")
        )
        TrainingCurveDisplay.from_arrays(train, valid, metric=kind, ax=ax)
        name_scored_images(ax, scored)
        for part, marker in (("train", "P"), ("test", "X")):
            points = recipe.published.get(f"{part}_{kind}", {})
            if compares:
                label = f"{stated(recipe)}, {part}"
                mark_published(ax, points.items(), label, marker)
    return figure


def draw_study(result, compares=True):
    """The curves that the report shows, and the accuracies by what was varied.

    None where the study has neither.
    """
    curves = [
        kind for kind in ("loss", "accuracy") if curves_of(result, kind) != (None, None)
    ]
    varied = len(result.candidates) > 1
    if not curves and not varied:
        return None
    figure, axes = make_panels(len(curves) + varied, title(result.study, compares))
    for ax, kind in zip(axes, curves, strict=False):
        draw_curves(ax, result, kind)
    if varied:
        draw_sweep(axes[-1], result, compares)
    return figure


def title(entry, compares):
    """The name, and that the images are not the report's where they are not."""
    return entry.name if compares else f"{entry.name}, on scikit-learn's digits"


def draw_curves(ax, result, kind):
    """One kind of curve, by candidate: the mean and the spread of its runs."""
    train, valid = curves_of(result, kind)
    first = result.study.curves.first
    n_points = next(iter(result.curves.values())).shape[-1]
    TrainingCurveDisplay.from_arrays(
        train,
        valid,
        metric=kind,
        x=range(first, first + n_points),
        x_label=result.study.curves.x_label,
        ax=ax,
    )
    name_scored_images(ax, result.scored)
    if train is None:
        ax.set_ylabel(f"{result.scored.capitalize()} {ax.get_ylabel().lower()}")


def curves_of(result, kind):
    """The curves of training and of what was scored, by candidate; or None."""
    names = [
        ", ".join(f"{name} {value}" for name, value in candidate.items()) or "run"
        for candidate in result.candidates
    ]
    return tuple(
        dict(zip(names, result.curves[metric], strict=True))
        if metric in result.curves
        else None
        for metric in (f"train_{kind}", f"valid_{kind}")
    )


def draw_sweep(ax, result, compares=True):
    """The accuracies by what was varied, the published ones as black markers."""
    display = ParameterSweepDisplay.from_cv_results(
        result.cv_results,
        score="mean_test_accuracy",
        score_name="Test accuracy",
        kind=result.study.chart,
        ax=ax,
    )
    bar = display.colorbar_
    labelled = ax if bar is None else bar.ax
    labelled.set_ylabel(labelled.get_ylabel().replace("splits", "seeds"))
    published = result.study.published
    if published and compares:
        points = [
            (x, published[value][0])
            for x, value in zip(places_of(display), display.values, strict=True)
            if value in published
        ]
        mark_published(ax, points, "published", "X")


def places_of(display):
    """Where along the x axis a sweep's values were drawn."""
    series = display.series_[0]
    if hasattr(series, "patches"):
        return [bar.get_x() + bar.get_width() / 2 for bar in series.patches]
    return series.lines[0].get_xdata()


def mark_published(ax, points, label, marker):
    """Draw published figures as black markers, and add them to the legend."""
    if not points:
        return
    look = {"color": "black", "edgecolor": "white", "s": 60, "zorder": 3}
    signs = ax.scatter(*zip(*points, strict=True), marker=marker, label=label, **look)
    legend = ax.get_legend()
    handles, labels = [], []
    if legend is not None:
        handles = legend.legend_handles
        labels = [text.get_text() for text in legend.get_texts()]
    ax.legend([*handles, signs], [*labels, label], fontsize=9)


def name_scored_images(ax, scored):
    """Say "test" where a display says "validation": most reports score test images."""
    for text in ax.get_legend().get_texts():
        text.set_text(text.get_text().replace("validation", scored))


def make_panels(n, title):
    """A figure with a number of axes in a row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(n * PANEL[0], PANEL[1]), layout="constrained")
    figure.suptitle(title)
    return figure, list(figure.subplots(1, n, squeeze=False)[0])
