import csv
import json
import statistics

import joblib
import pytest

from skmnist._command_line.reproduce import find_all, reproduce
from skmnist.recipes import (
    Recipe,
    Study,
    get_recipe,
    get_study,
    list_recipes,
    list_studies,
)

NAME = "dat405-2023/mlp-64-64"


def broken():
    return Recipe(
        name="mine/broken",
        source="here",
        estimator="MLPClassifier",
        settings={"lr": -1, "max_epochs": 1},
        n_parameters=0,
        published={"test_accuracy": {1: 50.0}},
    )


def test_names_are_found_once_each_and_all_is_every_one():
    assert [r.name for r in find_all([NAME, NAME])] == [NAME]
    everything = [*list_recipes(), *list_studies()]
    assert [r.name for r in find_all(["all"])] == everything
    for names in (["all-of-them"], ["all", "all-of-them"]):
        with pytest.raises(ValueError, match="no recipe or study 'all-of-them'"):
            find_all(names)


def test_results_are_printed_and_written(tmp_path, capsys):
    n_failed = reproduce([get_recipe(NAME)], epochs=2, seeds=2, out=tmp_path)
    printed, progress = capsys.readouterr()
    assert n_failed == 0
    folder = tmp_path / NAME
    assert {path.name for path in folder.iterdir()} == {
        *("figure.png", "model.joblib", "result.json", "table.csv", "table.md")
    }
    assert (folder / "table.md").read_text() in printed
    assert "mlp-64-64, seed 1" in progress
    result = json.loads((folder / "result.json").read_text())
    rows = list(csv.DictReader((folder / "table.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    # The report's accuracies are of other images.
    assert not [name for name in rows[0] if name.startswith("published")]
    assert "published figures are of MNIST, and left out" in printed
    scores = [run["figures"]["test_accuracy"]["2"] for run in result["runs"]]
    assert rows[1]["test accuracy (%)"] == f"{sum(scores) / 2:.2f}"
    deviation = f"{statistics.stdev(scores):.2f}"
    assert rows[1]["test accuracy (%), standard deviation"] == deviation
    assert joblib.load(folder / "model.joblib").n_parameters_ == 55_050


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (NAME, "published"),
        pytest.param("skmnist/quick", "target", marks=pytest.mark.slow),
    ],
)
def test_published_figures_stand_beside_those_on_mnist(
    name, known, tmp_path, mnist_home, capsys
):
    recipe = get_recipe(name)
    reproduce([recipe], data="mnist", data_home=mnist_home, epochs=1, out=tmp_path)
    assert "left out" not in capsys.readouterr().out
    (row,) = csv.DictReader((tmp_path / name / "table.csv").open())
    expected = f"{recipe.published['test_accuracy'][1]:.2f}"
    assert row[f"{known}, test accuracy (%)"] == expected


def test_layers_are_listed_where_the_report_lists_them(capsys):
    reproduce([get_recipe("dl-2020/convnet-16-4")], epochs=1)
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("| ")
    ]
    assert ["Conv2d 3x3", "(16, 28, 28)", "160"] in rows
    assert ["Conv2d 3x3", "(4, 14, 14)", "580"] in rows
    assert ["Linear", "(10,)", "1,970"] in rows


def test_what_is_done_is_not_done_again_and_what_is_not_is(tmp_path, capsys):
    names = ["dm566-2022/softmax", NAME]
    reproduce(find_all(names[:1]), epochs=1, out=tmp_path)
    written = (tmp_path / names[0] / "result.json").stat().st_mtime_ns
    # As if the second had been broken off: some of its files, but no result.
    (tmp_path / NAME).mkdir(parents=True)
    (tmp_path / NAME / "table.md").write_text("half")
    capsys.readouterr()
    reproduce(find_all(names), epochs=1, out=tmp_path)
    assert f"{names[0]}: already done" in capsys.readouterr().out
    assert (tmp_path / names[0] / "result.json").stat().st_mtime_ns == written
    assert (tmp_path / NAME / "result.json").exists()
    # Another request is another run.
    reproduce(find_all(names[:1]), epochs=2, out=tmp_path)
    assert (tmp_path / names[0] / "result.json").stat().st_mtime_ns > written


def test_without_seeds_asked_those_that_were_run_will_do(tmp_path, capsys):
    recipes = find_all(["dm566-2022/softmax"])
    reproduce(recipes, epochs=1, seeds=2, out=tmp_path)
    capsys.readouterr()
    reproduce(recipes, epochs=1, out=tmp_path)
    assert "already done" in capsys.readouterr().out
    reproduce(recipes, epochs=1, seeds=1, out=tmp_path)
    assert "already done" not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["half", "[]", "{}"])
def test_what_is_no_result_is_not_taken_for_one(text, tmp_path):
    path = tmp_path / "dm566-2022" / "softmax" / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert reproduce(find_all(["dm566-2022/softmax"]), epochs=1, out=tmp_path) == 0
    assert "runs" in json.loads(path.read_text())


@pytest.mark.filterwarnings("ignore:One or more of the test scores:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_study_of_which_fits_failed_is_told_and_not_done(tmp_path, capsys):
    study = Study(
        name="mine/half",
        source="here",
        estimator="MLPClassifier",
        settings={"max_epochs": 1},
        grid={"lr": (0.01, -1.0)},
    )
    assert reproduce([study], out=tmp_path) == 1
    printed, errors = capsys.readouterr()
    assert "mine/half: 1 of its fits failed" in errors
    assert "1 of 1 failed: mine/half" in printed
    rows = list(csv.DictReader((tmp_path / "mine/half/table.csv").open()))
    assert [row["test accuracy (%)"] == "failed" for row in rows] == [False, True]
    assert not (tmp_path / "mine/half/result.json").exists()


def test_a_failure_does_not_stop_the_others_and_is_told_at_the_end(tmp_path, capsys):
    recipes = [broken(), get_recipe("dm566-2022/softmax")]
    assert reproduce(recipes, epochs=1, out=tmp_path) == 1
    printed, errors = capsys.readouterr()
    assert "mine/broken failed: The 'lr' parameter of MLPClassifier" in errors
    assert printed.splitlines()[-1] == "1 of 2 failed: mine/broken"
    assert (tmp_path / "dm566-2022" / "softmax" / "result.json").exists()
    assert not (tmp_path / "mine").exists()


def test_runs_of_two_jobs_are_those_of_one(tmp_path):
    for jobs in (1, 2):
        reproduce(
            find_all(["dm566-2022/softmax"]),
            epochs=1,
            seeds=2,
            jobs=jobs,
            device="cpu",
            out=tmp_path / str(jobs),
        )
    one, two = (
        json.loads((tmp_path / jobs / "dm566-2022/softmax/result.json").read_text())
        for jobs in ("1", "2")
    )
    for first, second in zip(one["runs"], two["runs"], strict=True):
        assert first["test_accuracy"] == second["test_accuracy"]


def test_all_networks_and_studies_run_on_the_embedded_digits(reproduced):
    written = {
        str(path.parent.relative_to(reproduced)) for path in reproduced.rglob("*.json")
    }
    assert written == {*list_recipes(), *list_studies()}


def test_a_study_is_written_and_is_not_done_again(tmp_path, capsys):
    name = "dm566-2022/depth"
    reproduce([get_study(name)], epochs=1, seeds=2, out=tmp_path)
    folder = tmp_path / name
    assert {path.name for path in folder.iterdir()} == {
        *("figure.png", "result.json", "table.csv", "table.md")
    }
    assert (folder / "table.md").read_text() in capsys.readouterr().out
    result = json.loads((folder / "result.json").read_text())
    rows = list(csv.DictReader((folder / "table.csv").open()))
    assert [row["hidden_layer_sizes"] for row in rows] == ["()", "(100,)", "(100, 100)"]
    for row, accuracies in zip(rows, result["accuracies"], strict=True):
        assert [row["seed 0"], row["seed 1"]] == [f"{a:.2f}" for a in accuracies]
        assert row["test accuracy (%)"] == f"{sum(accuracies) / 2:.2f}"
        deviation = f"{statistics.stdev(accuracies):.2f}"
        assert row["test accuracy (%), standard deviation"] == deviation
    reproduce([get_study(name)], epochs=1, seeds=2, out=tmp_path)
    assert f"{name}: already done" in capsys.readouterr().out


def test_a_study_has_the_seeds_of_its_report_unless_others_are_asked(tmp_path):
    study = get_study("dl-2020/seed-spread")
    for seeds, expected in ((None, 3), (1, 1)):
        reproduce([study], epochs=1, seeds=seeds, out=tmp_path)
        result = json.loads((tmp_path / study.name / "result.json").read_text())
        assert result["request"]["seeds"] == expected
        assert len(result["accuracies"][0]) == expected
