import os
import subprocess
import sys

import joblib
import pytest
from matplotlib import pyplot

from skmnist import LinearClassifier
from skmnist.__main__ import main


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "skmnist", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["compare", "--help"], ["reproduce", "--help"]]
)
def test_help_imports_neither_torch_nor_scikit_learn(arguments):
    code = (
        "import sys\n"
        "from skmnist.__main__ import main\n"
        "try:\n"
        f"    main({arguments})\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0\n"
        "heavy = {'torch', 'skorch', 'sklearn', 'numpy', 'matplotlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: COMMAND"),
        (["learn"], "invalid choice: 'learn'"),
        (["compare", "--epochs", "0"], "--epochs: must be a whole number of 1 or more"),
        (["compare", "--epochs", "many"], "of 1 or more, got 'many'"),
        (["compare", "--seed", "-1"], "number between 0 and 2**32 - 1, got '-1'"),
        (["compare", "--seed", "4294967296"], "number between 0 and 2**32 - 1"),
        (["compare", "--seed", "one"], "number between 0 and 2**32 - 1, got 'one'"),
        (["compare", "--data", "cifar"], "--data: invalid choice: 'cifar'"),
        (["compare", "--data-home", "."], "--data-home: requires --data mnist"),
        (["compare", "--out", "/dev/null/x"], "/dev/null is not a folder"),
        (["compare", "--device", "cuda:77"], "'device' parameter of compare must be"),
        (["compare", "--device", "toaster"], "'device' parameter of compare must be"),
        (["reproduce", "all", "--device", "x"], "'device' parameter of reproduce must"),
        (["reproduce"], "required: NAME"),
        (["reproduce", "dm566-2022/sofmax"], "Did you mean dm566-2022/softmax"),
        (["reproduce", "nope"], "or study 'nope'. `python -m skmnist recipes` lists"),
        (["reproduce", "all", "--seeds", "0"], "--seeds: must be a whole number of 1"),
        (["reproduce", "all", "--out", "/dev/null/x"], "--out: cannot make the folder"),
    ],
)
def test_wrong_arguments_get_one_line_and_status_2(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    output, errors = capsys.readouterr()
    assert stop.value.code == 2
    assert output == ""
    assert errors.count("\n") == 1
    assert errors.startswith("python -m skmnist")
    assert complaint in errors


def test_wrong_names_leave_no_folder_behind(tmp_path):
    out = tmp_path / "new" / "folder"
    with pytest.raises(SystemExit):
        main(["reproduce", "dm566-2022/sofmax", "--out", str(out)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["compare"], ["reproduce", "dm566-2022/softmax"]])
def test_without_matplotlib_nothing_is_trained_for_figures(
    command, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--epochs", "1", "--out", str(tmp_path / "out")])
    output, errors = capsys.readouterr()
    assert output == ""
    assert f"{command[0]} --out needs matplotlib" in errors
    assert 'pip install "skmnist[plot]"' in errors
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "default"),
    [("compare", "20 with --data digits"), ("reproduce", "as many as in the report")],
)
def test_help_tells_each_command_s_own_number_of_epochs(command, default, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    words = " ".join(capsys.readouterr().out.split())
    _, _, text = words.partition("--epochs N passes ")
    assert default in text[:150]


@pytest.mark.skipif(os.name != "posix", reason="a closed pipe is another error there")
@pytest.mark.parametrize("arguments", [["recipes"], ["--help"]])
def test_a_reader_who_leaves_is_no_error(arguments):
    # Where nothing is buffered, argparse itself overlooks that its reader has left.
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", *arguments],
        env=buffered,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 141


def test_missing_data_say_how_to_put_them_there(tmp_path, capsys, monkeypatch):
    # Nobody listens at this address, so that no test waits for a real mirror.
    mirrors = {"digits": ("http://127.0.0.1:9/",)}
    monkeypatch.setattr("skmnist.datasets._mnist._MIRRORS", mirrors)
    with pytest.raises(SystemExit) as stop:
        main(["compare", "--data", "mnist", "--data-home", str(tmp_path)])
    assert stop.value.code == 2
    assert "To put the data there by hand" in capsys.readouterr().err


def test_compare_prints_a_table_and_writes_models_and_a_figure(tmp_path, digits):
    _, X_test, _, y_test = digits
    done = run("compare", "--epochs", "2", "--seed", "3", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = {
        line.split()[0]: line.split()[1:]
        for line in done.stdout.splitlines()
        if line.partition(" ")[0].endswith("Classifier")
    }
    assert list(rows) == ["LinearClassifier", "MLPClassifier", "ConvNetClassifier"]
    for name, (parameters, _, accuracy, sign, errors, low, _, high) in rows.items():
        clf = joblib.load(tmp_path / f"{name}.joblib")
        assert f"{clf.n_parameters_:,}" == parameters
        assert f"{100 * clf.score(X_test, y_test):.2f} %" == f"{accuracy} {sign}"
        assert (clf.predict(X_test) != y_test).sum() == int(errors)
        assert int(low) < int(errors) < int(high)
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 4
    assert "loss " in done.stderr
    assert "2/2" in done.stderr


@pytest.mark.parametrize("command", [["compare"], ["reproduce", "dm566-2022/softmax"]])
def test_results_are_written_even_if_nobody_reads_the_table(command, tmp_path):
    arguments = [*command, "--epochs", "1", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "skmnist", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.close()
    process.wait(timeout=300)
    assert list(tmp_path.rglob("*.joblib"))
    assert list(tmp_path.rglob("*.png"))


def test_compare_without_out_writes_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", "compare", "--epochs", "1"],
        cwd=tmp_path,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_reproduce_says_by_its_status_that_all_went_well(capsys):
    assert main(["reproduce", "dm566-2022/softmax", "--epochs", "1"]) == 0
    assert "# dm566-2022/softmax" in capsys.readouterr().out


def test_recipes_lists_them(capsys):
    assert main(["recipes"]) == 0
    assert "dl-2020/convnet-16-4" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_the_terminal_cannot_encode_is_escaped(encoding, tmp_path, digits):
    X, X_test, y, _ = digits
    joblib.dump(LinearClassifier(C=1e-3).fit(X[:200], y[:200]), tmp_path / "model")
    path = tmp_path / "日本.png"
    pyplot.imsave(path, X_test[0], cmap="gray")
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", "predict", tmp_path / "model", path],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert rb"\u65e5\u672c.png" in done.stdout
