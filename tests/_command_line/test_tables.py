import csv
import io

from skmnist._command_line import tables as tables
from skmnist.recipes import get_recipe, list_recipes, list_studies


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
