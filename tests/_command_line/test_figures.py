import numpy as np
import pytest
from matplotlib.colors import to_rgba

from skmnist._command_line import figures as figures
from skmnist.recipes import Study, get_recipe, get_study


def signs(ax):
    """The published figures that were drawn: positions by label."""
    black = to_rgba("black")
    return {
        dots.get_label(): dots.get_offsets().tolist()
        for dots in ax.collections
        if dots.get_facecolor().tolist() == [list(black)]
    }


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_recipe_s_figure_has_its_curves_and_the_published_figures(digits):
    recipe = get_recipe("dat405-2023/mlp-64-64")
    results = [recipe.run(digits, epochs=2, random_state=seed) for seed in (0, 1)]
    loss, accuracy = figures.draw_recipe(results).axes
    train, test = (line.get_ydata() for line in accuracy.lines)
    runs = [list(r.figures["test_accuracy"].values()) for r in results]
    np.testing.assert_allclose(test, np.mean(runs, axis=0))
    runs = [list(r.figures["train_accuracy"].values()) for r in results]
    np.testing.assert_allclose(train, np.mean(runs, axis=0))
    assert signs(accuracy) == {
        "published, train": [[10, 97.96]],
        "published, test": [[1, 92.45], [10, 96.99]],
    }
    assert signs(loss) == {"published, test": [[10, 0.0985]]}
    # The report has no validation images: what is scored are the test images.
    assert legend(loss) == [
        *("training", "test", "± 1 standard deviation", "published, test")
    ]


def test_beside_other_images_published_figures_are_left_out_and_it_is_said(digits):
    recipe, study = get_recipe("dat405-2023/mlp-64-64"), get_study("dm566-2022/depth")
    drawn = (
        figures.draw_recipe([recipe.run(digits, epochs=1)], compares=False),
        figures.draw_study(study.run(digits, epochs=1, n_repeats=1), compares=False),
    )
    for figure, entry in zip(drawn, (recipe, study), strict=True):
        assert [signs(ax) for ax in figure.axes] == [{} for _ in figure.axes]
        assert figure.get_suptitle() == f"{entry.name}, on scikit-learn's digits"


def test_targets_of_our_own_recipes_are_called_so(digits):
    result = get_recipe("skmnist/quick").run(digits, epochs=1)
    _, accuracy = figures.draw_recipe([result]).axes
    assert signs(accuracy) == {"target, test": [[1, 99.0]]}


def test_the_baseline_has_no_epochs_and_no_figure(digits):
    few = digits[0][:300], digits[1], digits[2][:300], digits[3]
    assert figures.draw_recipe([get_recipe("baseline/linear").run(few)]) is None


def test_curves_of_a_study_are_drawn_by_what_is_varied(digits):
    result = get_study("dl-2020/learning-rate").run(digits, epochs=2)
    curves, sweep = figures.draw_study(result).axes
    assert legend(curves)[:4] == ["lr 1e-05", "lr 0.0001", "lr 0.001", "lr 0.01"]
    assert legend(curves)[4:] == ["training", "validation"]
    # Before the first epoch, and before the second.
    assert curves.lines[0].get_xdata().tolist() == [0, 1]
    np.testing.assert_allclose(
        sweep.lines[0].get_ydata(), result.accuracies.mean(axis=1)
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dm566-2022/depth", [[0, 90.9], [1, 92.79], [2, 93.67]]),
        (
            "dat405-2023/l2-factor",
            list(enumerate([57, 66.6, 73.9, 84.4, 89.1])),
        ),
    ],
)
def test_published_figures_stand_where_the_measured_ones_do(name, expected, digits):
    result = get_study(name).run(digits, epochs=1, n_repeats=1)
    (ax,) = figures.draw_study(result).axes
    (points,) = signs(ax).values()
    np.testing.assert_allclose(points, expected)


def test_a_heat_map_says_what_its_deviations_are_over(digits):
    study = get_study("dm566-2022/batch-size")
    figure = figures.draw_study(study.run(digits, epochs=1, n_repeats=2))
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert any("mean ± std over seeds" in label for label in labels)
    assert not any("splits" in label for label in labels)


def test_a_study_that_shows_nothing_has_no_figure(digits):
    settings = {"max_epochs": 1}
    study = Study(name="a/b", source="c", estimator="MLPClassifier", settings=settings)
    assert figures.draw_study(study.run(digits)) is None


def test_steps_of_several_seeds_are_a_mean_and_a_band(digits):
    result = get_study("dl-2020/seed-spread").run(digits, epochs=2)
    loss, accuracy = figures.draw_study(result).axes
    for ax, metric, factor in (
        (loss, "train_loss", 1),
        (accuracy, "train_accuracy", 100),
    ):
        assert ax.get_xlabel() == "Step"
        mean = factor * result.curves[metric][0].mean(axis=0)
        np.testing.assert_allclose(ax.lines[0].get_ydata(), mean)
        assert len(ax.collections) == 1
