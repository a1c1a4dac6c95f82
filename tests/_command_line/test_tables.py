import csv
import io

from skmnist._command_line import tables as tables
from skmnist.recipes import get_recipe, get_study, list_recipes, list_studies


def test_all_recipes_and_studies_are_listed():
    lines = tables.catalogue_text().splitlines()
    names = [line.split()[0] for line in lines if "/" in line]
    assert names == [*list_recipes(), *list_studies()]


def test_a_mean_has_its_sample_deviation_if_there_are_several_runs():
    # The deviations from 2 are -1, 0, 1: their squares' sum over n - 1 is 1.
    assert tables.spread([1, 2, 3]) == "2.00 ± 1.00"
    assert tables.spread([2.5], "{:.1f}") == "2.5"
    assert tables.with_deviation((82.79, 0.11)) == "82.79 ± 0.11"
    assert tables.with_deviation((57.0, None)) == "57.00"
    assert tables.with_deviation(None) == ""


def test_csv_reads_back(digits):
    result = get_recipe("dat565-2024/mlp-128").run(digits, epochs=2)
    header, rows = tables.epoch_table([result])
    text = tables.as_csv(header, rows)
    first, second = csv.DictReader(io.StringIO(text))
    assert first["published, test accuracy (%)"] == "79.45"
    assert first["independent run, test accuracy (%)"] == "89.33"
    assert second["published, test accuracy (%)"] == ""
    assert second["test accuracy (%)"] == f"{result.test_accuracy:.2f}"


def test_what_is_published_of_mnist_is_told_to_be_left_out_beside_other_images(digits):
    study = get_study("dm566-2022/depth").run(digits, epochs=1, n_repeats=1)
    for text, header in (
        (tables.study_text(study, compares=False), tables.study_table(study, False)[0]),
        (tables.study_text(study), tables.study_table(study)[0]),
    ):
        is_left_out = "The published figures are of MNIST, and left out." in text
        assert is_left_out != ("published, test accuracy (%)" in header)
        assert is_left_out != ("| 90.90" in text)


def test_our_own_recipes_have_targets_and_nothing_published(digits):
    result = get_recipe("skmnist/quick").run(digits, epochs=1)
    text = tables.recipe_text([result])
    assert "target 99.00 %" in text
    assert "73,594 parameters. " in text
    assert "published" not in text
