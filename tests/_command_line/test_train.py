"""A model from a folder of pictures; real processes where a process matters."""

import csv
import os
import re
import subprocess
import sys

import joblib
import numpy as np
import pytest
from PIL import Image, ImageDraw

from skmnist import LinearClassifier, MLPClassifier
from skmnist.__main__ import main
from skmnist._command_line.train import hold_out
from skmnist.datasets import load_folder, load_picture


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "skmnist", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env=os.environ | environment,
        check=False,
    )


def page(kind, rng):
    """A dark ring or bar on light paper, not always in the same place."""
    picture = Image.new("L", (60, 80), 240)
    pen = ImageDraw.Draw(picture)
    x, y = rng.integers(5, 20, 2).tolist()
    if kind == "ring":
        pen.ellipse((x, y, x + 30, y + 40), outline=20, width=6)
    else:
        pen.line((x, y, x + 8, y + 45), fill=20, width=7)
    return picture


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("pages"), np.random.default_rng(0)
    for kind in ("bar", "ring"):
        (folder / kind).mkdir()
        for i in range(15):
            page(kind, rng).save(folder / kind / f"{i:02}.png")
    (folder / "bar" / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def trained(pages, tmp_path_factory):
    """What a training in a folder that is still to be made said and wrote."""
    out = tmp_path_factory.mktemp("out") / "new" / "model.joblib"
    options = ("--image-shape", "28x28", "--mode", "plain", "--resize", "crop")
    return run("train", pages, *options, "--estimator", "mlp", "--out", out), out


def test_a_training_prints_the_table_and_writes_model_and_figure(trained, pages):
    done, out = trained
    assert done.returncode == 0, done.stderr
    assert "24 training images, 6 test images" in done.stdout
    assert "MLPClassifier" in done.stdout
    assert done.stdout.endswith(f"wrote {out}\nwrote {out.with_suffix('.png')}\n")
    assert f"{pages / 'bar' / 'notes.txt'}: left out" in done.stderr
    assert "31/31 files" in done.stderr
    assert Image.open(out.with_suffix(".png")).size[0] > 1000
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "model.joblib",
        "model.png",
    ]


def test_the_model_knows_its_classes_and_how_its_pictures_were_prepared(trained, pages):
    clf = joblib.load(trained[1])
    assert isinstance(clf, MLPClassifier)
    assert clf.classes_.tolist() == ["bar", "ring"]
    image = load_picture(pages / "bar" / "00.png", **clf.picture_options_)
    assert image.shape == (28, 28)
    assert image[0, 0] == 240  # nothing was inverted
    with pytest.warns(UserWarning, match="notes"):
        pictures = load_folder(pages, **clf.picture_options_)
    labels = pictures.target_names[pictures.target]
    _, X_test, _, y_test = hold_out(pictures.data, labels, 0)
    assert (clf.predict(X_test) == y_test).mean() > 0.8


def test_predict_prepares_pictures_as_they_were_for_the_training(trained, pages):
    model, path = trained[1], pages / "ring" / "03.png"
    done = run("predict", model, path)
    assert done.returncode == 0, done.stderr
    clf = joblib.load(model)
    image = load_picture(path, **clf.picture_options_)
    p = clf.predict_proba(image[np.newaxis]).max()
    label = clf.predict(image[np.newaxis])[0]
    assert done.stdout == (
        f"{path}  {label}  {p:6.1%}  (60x80 grey, resized to 28x28, cropped)\n"
    )


def test_predict_takes_folders_and_patterns_and_writes_a_table(
    trained, pages, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(pages)
    table = tmp_path / "tables" / "answers.csv"
    pictures = ["ring", "bar/0*.png", "nothing*.png", "bar"]
    assert main(["predict", str(trained[1]), *pictures, "--csv", str(table)]) == 1
    output, errors = capsys.readouterr()
    assert errors.splitlines() == [
        "nothing*.png: no pictures found",
        "bar/notes.txt cannot be read as a picture",
    ]
    names = [
        *(f"ring/{i:02}.png" for i in range(15)),
        *(f"bar/{i:02}.png" for i in range(10)),
        *(f"bar/{i:02}.png" for i in range(15)),
    ]
    lines = [line.split() for line in output.splitlines()]
    assert [line[0] for line in lines] == names
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == names
    assert [row["label"] for row in rows] == [line[1] for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert f"{float(row['probability']):.1%}" == line[2]


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are only bytes")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_a_terminal_cannot_show_lose_no_line(
    encoding, trained, pages, tmp_path
):
    picture = (pages / "ring" / "00.png").read_bytes()
    names = [b"plain.png", "\N{SNOWMAN}.png".encode(), b"\xff.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(picture)
    table = tmp_path.parent / f"{encoding}.csv"
    done = run(
        *("predict", trained[1], tmp_path, "--csv", table), PYTHONIOENCODING=encoding
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    listed = [line.split(b",")[0] for line in table.read_bytes().splitlines()[1:]]
    assert {os.path.basename(path) for path in listed} == set(names)


def test_three_channels_are_the_default_and_a_linear_model_has_no_curve(
    tmp_path, capsys
):
    for name in ("green", "red"):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("RGB", (9 + i, 9), name).save(tmp_path / name / f"{i}.png")
    out = tmp_path / "model.joblib"
    options = ["--estimator", "linear", "--out", str(out)]
    assert main(["train", str(tmp_path), *options]) == 0
    clf = joblib.load(out)
    assert isinstance(clf, LinearClassifier)
    assert clf.image_shape_ == (3, 32, 32)
    capsys.readouterr()
    assert main(["predict", str(out), str(tmp_path / "red")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.split(" {2,}", line)[1] for line in lines] == ["red"] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none: No such file or directory"),
        (["bar"], "bar has no subfolders"),
        (["--out", "model.png"], "argument --out: must end in .joblib"),
        (["--out", "bar/00.png/m.joblib"], "argument --out: cannot make the folder"),
        (["--image-shape", "28"], "argument --image-shape: must be like 28x28"),
        (["--image-shape", "2x8x8"], "'image_shape' parameter of load_folder"),
        (["--device", "abacus"], "abacus"),
        (["--mode", "digit"], "argument --mode: pictures in colour are only resized"),
        (
            ["--image-shape", "28x28", "--resize", "crop"],
            "argument --resize: what is framed as a digit",
        ),
        (["--estimator", "linear", "--epochs", "3"], "the linear estimator has none"),
    ],
)
def test_nothing_is_trained_or_overwritten_when_an_argument_is_wrong(
    arguments, message, pages, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(pages)
    out = tmp_path / "model.joblib"
    out.write_text("an older model")
    folder = [] if arguments[0] in ("none", "bar") else [str(pages)]
    with pytest.raises(SystemExit) as caught:
        main(["train", "--out", str(out), *folder, *arguments])
    assert caught.value.code == 2
    output, errors = capsys.readouterr()
    assert message in errors
    assert errors.count("\n") == 1
    assert "epochs" not in output
    assert out.read_text() == "an older model"
    assert os.listdir(tmp_path) == ["model.joblib"]


def test_a_table_overwrites_no_picture(trained, pages, capsys):
    picture = pages / "bar" / "00.png"
    before = picture.read_bytes()
    with pytest.raises(SystemExit) as caught:
        main(["predict", str(trained[1]), str(picture), "--csv", str(picture)])
    assert caught.value.code == 2
    assert "argument --csv: must end in .csv" in capsys.readouterr().err
    assert picture.read_bytes() == before


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["cat"] * 5, r"two classes or more, each in a subfolder\. There is only cat"),
        (["cat", "cat", "dog"], r"two pictures or more of each.* There is one of dog"),
    ],
)
def test_too_few_pictures_to_hold_some_out_are_an_error(labels, message):
    with pytest.raises(ValueError, match=message):
        hold_out(np.zeros((len(labels), 8, 8)), np.array(labels), 0)


@pytest.mark.parametrize("n", [2, 3, 20])
def test_every_class_is_in_both_parts(n):
    labels = np.repeat(["cat", "dog", "eel"], n)
    *_, y_train, y_test = hold_out(np.arange(3 * n), labels, 0)
    assert set(y_train) == set(y_test) == {"cat", "dog", "eel"}
    assert len(y_test) == max(3, round(0.2 * 3 * n))
