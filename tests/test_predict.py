"""Pictures as they come from a scanner or a drawing program."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.__main__ import main
from skmnist._predict import read_picture
from skmnist.persistence import save


@pytest.fixture(scope="module")
def clf(digits):
    X, _, y, _ = digits
    return ConvNetClassifier((8, 16), (32,), max_epochs=15, random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def model(clf, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "digits.joblib"
    joblib.dump(clf, path)
    return path


def ink(image, side):
    """A digit, drawn larger on its dark ground."""
    return Image.fromarray(image).resize((side, side))


def as_it_is(image):
    return Image.fromarray(image)


def dark_on_light(image):
    return Image.fromarray(255 - image)


def large_scan(image):
    page = Image.new("L", (300, 400), 235)
    page.paste(ink(255 - image, 120).point(lambda v: min(v, 235)), (150, 30))
    return page


def colour(image):
    large = np.asarray(ink(image, 90))
    return Image.fromarray(np.stack([large // 4, large // 3, large], axis=-1))


def blue_pen(image):
    large = np.asarray(ink(image, 90))
    return Image.fromarray(np.stack([255 - large, 255 - large, 255 - large // 4], -1))


def transparent(image):
    large = np.asarray(ink(image, 64))
    return Image.fromarray(np.stack([0 * large] * 3 + [large], axis=-1))


def palette(image):
    return dark_on_light(image).resize((56, 56)).convert("P")


def sixteen_bits(image):
    return Image.fromarray((ink(image, 60) * np.uint16(257)).astype(np.uint16))


FORMS = {
    as_it_is: "28x28 grey",
    dark_on_light: "28x28 grey, dark on light, so inverted",
    large_scan: "300x400 grey, dark on light, so inverted, ink scaled to",
    colour: "90x90 colour, ink scaled to",
    blue_pen: "90x90 colour, dark on light, so inverted, ink scaled to",
    transparent: "64x64 colour, laid on white, dark on light, so inverted",
    palette: "56x56 colour, dark on light, so inverted, ink scaled to",
    sixteen_bits: "60x60 grey, ink scaled to",
}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_pictures_of_any_form_are_read(form, model, clf, digits, tmp_path, capsys):
    _, X, _, y = digits
    sure = np.flatnonzero(
        (clf.predict(X) == y) & (clf.predict_proba(X).max(axis=1) > 0.95)
    )[:20]
    paths = []
    for i in sure:
        paths.append(str(tmp_path / f"{i}.png"))
        form(X[i]).save(paths[-1])
    assert main(["predict", str(model), *paths]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(FORMS[form] in line for line in lines)
    right = [line.split()[1] == str(y[i]) for line, i in zip(lines, sure, strict=True)]
    # The digits of this set are framed less tightly than MNIST's; most survive it.
    assert np.mean(right) >= (1 if form in (as_it_is, dark_on_light) else 0.7)


def test_picture_of_the_model_s_size_is_the_image_itself(model, clf, digits, tmp_path):
    _, X, _, _ = digits
    Image.fromarray(X[0]).save(tmp_path / "0.png")
    picture = read_picture(tmp_path / "0.png", (1, 28, 28))
    np.testing.assert_array_equal(picture.image, X[:1])
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", "predict", model, tmp_path / "0.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    _, label, probability, *_ = done.stdout.split()
    assert label == str(clf.predict(X[:1])[0])
    assert probability == f"{clf.predict_proba(X[:1]).max():.1%}"


def test_sixteen_bits_are_the_same_greys_as_eight(digits, tmp_path):
    image = digits[0][0]
    Image.fromarray(image * np.uint16(257)).save(tmp_path / "deep.png")
    picture = read_picture(tmp_path / "deep.png", (1, 28, 28))
    np.testing.assert_array_equal(picture.image[0], image)


def test_ink_is_framed_as_in_mnist(tmp_path):
    page = np.zeros((100, 60), np.uint8)
    page[10:50, 5:25] = 200
    Image.fromarray(page).save(tmp_path / "page.png")
    image = read_picture(tmp_path / "page.png", (1, 28, 28)).image[0]
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert len(rows) == 20
    assert len(columns) == 10
    assert image.max() == 255
    assert (rows[0], rows[-1]) == (4, 23)
    assert (columns[0], columns[-1]) == (9, 18)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LinearClassifier(0.01),
        lambda: MLPClassifier((16,), max_epochs=3, pixel_scaling="unit"),
        lambda: MLPClassifier((16,), max_epochs=3),
    ],
)
@pytest.mark.parametrize("fractions", [False, True])
def test_pixels_have_the_range_of_the_training(
    make, fractions, digits, tmp_path, capsys
):
    X, X_test, y, _ = digits
    X = X / np.float32(255) if fractions else X
    clf = make().set_params(random_state=0).fit(X, y)
    joblib.dump(clf, tmp_path / "model")
    Image.fromarray(X_test[0]).save(tmp_path / "0.png")
    main(["predict", str(tmp_path / "model"), str(tmp_path / "0.png")])
    shown = X_test[:1] / np.float32(255) if fractions else X_test[:1]
    expected = f"{clf.predict_proba(shown).max():.1%}"
    assert expected in capsys.readouterr().out


def test_pipelines_and_files_without_code_are_opened(digits, tmp_path, capsys):
    X, X_test, y, _ = digits
    flat = X.reshape(len(X), -1)
    clf = make_pipeline(PCA(16, random_state=0), MLPClassifier((16,), random_state=0))
    save(clf.fit(flat, y), tmp_path / "model.skops")
    Image.fromarray(X_test[0]).save(tmp_path / "0.png")
    assert (
        main(["predict", str(tmp_path / "model.skops"), str(tmp_path / "0.png")]) == 0
    )
    label = clf.predict(X_test[:1].reshape(1, -1))[0]
    assert capsys.readouterr().out.split()[1] == str(label)


@pytest.mark.parametrize(
    ("model_bytes", "picture", "message"),
    [
        (None, None, "No such file"),
        (b"no model", None, "is not a model that joblib can open"),
        ("scaler", None, "holds a dict, no classifier"),
        ("fine", b"no picture", "is no picture that can be read"),
        ("fine", "blank", "is of one colour"),
        ("fine", None, "No such file"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    model_bytes, picture, message, clf, tmp_path, capsys
):
    path, png = tmp_path / "model", tmp_path / "picture.png"
    if isinstance(model_bytes, bytes):
        path.write_bytes(model_bytes)
    elif model_bytes:
        joblib.dump(clf if model_bytes == "fine" else {"mean": 3}, path)
    if isinstance(picture, bytes):
        png.write_bytes(picture)
    elif picture:
        Image.new("L", (30, 30), 200).save(png)
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(path), str(png)])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
