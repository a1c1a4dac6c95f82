"""Pictures as they come from a scanner or a drawing program."""

import io
import re
import subprocess
import sys

import joblib
import numpy as np
import pytest
from PIL import ExifTags, Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.__main__ import main
from skmnist._command_line.preparation import find_preparation
from skmnist.datasets import load_picture
from skmnist.datasets._picture_conversion import read_picture
from skmnist.persistence import save


def label_in(line):
    """The label of a printed line, whose path may have spaces, but single ones."""
    return re.split(" {2,}", line)[1]


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


def in_a_shadow(image):
    page = np.asarray(large_scan(image), float)
    rows, columns = np.mgrid[:400, :300]
    page *= 1 - 0.3 * rows / 400 - 0.3 * columns / 300
    noise = np.random.default_rng(0).normal(0, 2, page.shape)
    return Image.fromarray((page + noise).clip(0, 255).astype(np.uint8))


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
    in_a_shadow: "inverted, uneven background taken away, ink scaled to",
    colour: "ink scaled to",
    blue_pen: "90x90 colour, dark on light, so inverted",
    transparent: "64x64 colour, transparent, so laid on white, dark on light",
    palette: "56x56 colour, dark on light, so inverted",
    sixteen_bits: "ink scaled to",
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
    right = [label_in(line) == str(y[i]) for line, i in zip(lines, sure, strict=True)]
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
    _, label, probability, *_ = re.split(" {2,}", done.stdout)
    assert label == str(clf.predict(X[:1])[0])
    assert probability == f"{clf.predict_proba(X[:1]).max():.1%}"


def test_sixteen_bits_are_the_same_greys_as_eight(digits, tmp_path):
    image = digits[0][0]
    Image.fromarray(image * np.uint16(257)).save(tmp_path / "deep.png")
    picture = read_picture(tmp_path / "deep.png", (1, 28, 28))
    np.testing.assert_array_equal(picture.image[0], image)


def test_sixteen_bits_may_be_big_endian(digits, tmp_path, model, capsys):
    image = digits[0][0]
    Image.fromarray((image * np.uint16(257)).astype(">u2")).save(tmp_path / "deep.tif")
    picture = read_picture(tmp_path / "deep.tif", (1, 28, 28))
    np.testing.assert_array_equal(picture.image[0], image)
    assert picture.steps == ["28x28 grey"]


@pytest.mark.parametrize("orientation", [0, 1, 3, 6, 9])
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_photographs_are_turned_as_the_camera_was_held(
    orientation, kind, digits, tmp_path
):
    image = digits[0][0]
    lying = {3: np.rot90(image, 2), 6: np.rot90(image)}.get(orientation, image)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / f"photograph.{kind}"
    Image.fromarray(np.ascontiguousarray(lying)).save(path, exif=exif)
    picture = read_picture(path, (1, 28, 28))
    np.testing.assert_array_equal(picture.image[0], image)
    assert ("turned upright" in picture.steps) == (orientation in (3, 6))


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
    # Where MNIST has its centre of mass, 14, is half a pixel right of the middle.
    assert (columns[0], columns[-1]) == (10, 19)


def test_a_solid_shape_is_ink_and_no_background(tmp_path):
    page = np.zeros((200, 200), np.uint8)
    page[70:130, 70:130] = 200
    Image.fromarray(page).save(tmp_path / "page.png")
    picture = read_picture(tmp_path / "page.png", (1, 28, 28))
    assert picture.steps == ["200x200 grey", "ink scaled to 20x20, centred in 28x28"]
    assert picture.image[0, 4:24, 4:24].min() > 200  # its edges are paler


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
    output = capsys.readouterr().out
    assert expected in output
    assert ("28x28 grey, pixels 0 to 1" in output) == fractions


AROUND = {
    "search": lambda clf: GridSearchCV(clf, {"pixel_scaling": ["unit"]}, cv=2),
    "pipeline": lambda clf: Pipeline([("none", "passthrough"), ("clf", clf)]),
    "search of a pipeline": lambda clf: GridSearchCV(make_pipeline(clf), {}, cv=2),
    "calibration": lambda clf: CalibratedClassifierCV(clf, cv=2, ensemble=False),
}


@pytest.mark.parametrize("around", AROUND)
def test_what_is_around_a_model_hides_neither_shape_nor_range(around, tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(40, 3, 8, 8)).astype(np.uint8)
    y = np.arange(40) % 2
    X[y == 1, 0] //= 4
    clf = AROUND[around](MLPClassifier((8,), max_epochs=5, random_state=0))
    clf.fit(X / np.float32(255), y)
    joblib.dump(clf, tmp_path / "model")
    paths = [str(tmp_path / f"{i}.png") for i in range(4)]
    for path, image in zip(paths, X, strict=False):
        Image.fromarray(np.moveaxis(image, 0, -1)).save(path)
    main(["predict", str(tmp_path / "model"), *paths])
    proba = clf.predict_proba(X[:4] / np.float32(255)).max(axis=1)
    lines = capsys.readouterr().out.splitlines()
    for line, p in zip(lines, proba, strict=True):
        assert f" {p:.1%}  (8x8 colour, pixels 0 to 1)" in line


@pytest.mark.parametrize("scale", [1, np.float32(255)])
@pytest.mark.parametrize("make", [lambda: LinearClassifier(0.01), MLPClassifier])
def test_a_model_of_dark_digits_on_light_paper_gets_such(
    make, scale, digits, tmp_path, capsys
):
    X, X_test, y, y_test = digits
    clf = make().set_params(random_state=0).fit((255 - X[:500]) / scale, y[:500])
    sure = np.flatnonzero(clf.predict((255 - X_test) / scale) == y_test)[:10]
    joblib.dump(clf, tmp_path / "model")
    paths = [str(tmp_path / f"{i}.png") for i in sure]
    for i, path in zip(sure, paths, strict=True):
        # Bright on dark, as the model has never seen it.
        Image.fromarray(X_test[i]).save(path)
    main(["predict", str(tmp_path / "model"), *paths])
    lines = capsys.readouterr().out.splitlines()
    assert all("dark on light, as the model knows it" in line for line in lines)
    assert [label_in(line) for line in lines] == [str(y_test[i]) for i in sure]


def divide_by_255(X):
    return X / 255


BEFORE = {
    "range": MinMaxScaler(),
    "range of -1 to 1": MinMaxScaler((-1, 1)),
    "mean and deviation": StandardScaler(),
    "deviation": StandardScaler(with_mean=False),
    "median and quartiles": RobustScaler(),
    "maximum": MaxAbsScaler(),
    "components": PCA(32, random_state=0),
    "length of each": Normalizer(),
    "a function": FunctionTransformer(divide_by_255),
    "a range of a range": make_pipeline(MinMaxScaler(), StandardScaler()),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("paper", ["light", "dark"])
@pytest.mark.parametrize("highest", [1, 255])
@pytest.mark.parametrize("before", BEFORE)
def test_what_is_in_front_of_a_model_hides_neither_paper_nor_range(
    before, highest, paper, digits
):
    X, _, y, _ = digits
    X = X[:400].reshape(400, -1) * (highest / 255)
    if paper == "light":
        X = highest - X
    if before == "a function" and highest == 1:
        pytest.skip("fractions of fractions")
    model = make_pipeline(BEFORE[before], LinearClassifier(0.01, max_iter=5))
    preparation = find_preparation(model.fit(X, y[:400]))
    assert preparation.light_paper == (paper == "light")
    if before != "length of each":  # which makes the ranges one
        assert preparation.highest == highest
    assert preparation.guesses == ""


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("last", [LogisticRegression, LinearSVC])
@pytest.mark.parametrize("paper", ["light", "dark"])
def test_scalers_tell_for_estimators_of_others(last, paper, digits):
    X, _, y, _ = digits
    X = X[:200].reshape(200, -1) / 255
    model = make_pipeline(MinMaxScaler(), last(max_iter=5))
    model.fit(1 - X if paper == "light" else X, y[:200])
    preparation = find_preparation(model)
    assert (preparation.light_paper, preparation.highest) == (paper == "light", 1)


@pytest.mark.parametrize("scaler", [MinMaxScaler, StandardScaler])
def test_a_pipeline_of_dark_digits_on_light_paper_gets_such(
    scaler, digits, tmp_path, capsys
):
    X, X_test, y, y_test = digits
    clf = make_pipeline(scaler(), MLPClassifier((32,), random_state=0))
    clf.fit(255 - X.reshape(len(X), -1), y)
    joblib.dump(clf, tmp_path / "model")
    paths = [str(tmp_path / f"{i}.png") for i in range(10)]
    for path, image in zip(paths, X_test, strict=False):
        Image.fromarray(image).save(path)
    rows = [255 - load_picture(path).ravel() for path in paths]
    main(["predict", str(tmp_path / "model"), *paths])
    output, error = capsys.readouterr()
    lines = output.splitlines()
    assert all("dark on light, as the model knows it" in line for line in lines)
    answers = [label_in(line) for line in lines]
    assert answers == list(map(str, clf.predict(rows)))
    # Chance is 0.1; MinMaxScaler makes much of ink where the training had none.
    assert np.mean(np.array(answers) == y_test[:10].astype(str)) >= 0.5
    assert error == ""


def test_what_a_model_does_not_tell_is_said_and_can_be_given(digits, tmp_path, capsys):
    X, X_test, y, y_test = digits
    rows = 1 - X_test.reshape(len(X_test), -1) / np.float32(255)
    clf = LogisticRegression(max_iter=500).fit(1 - X.reshape(len(X), -1) / 255, y)
    i = np.flatnonzero(clf.predict(rows) == y_test)[0]
    joblib.dump(clf, tmp_path / "model")
    Image.fromarray(X_test[i]).save(tmp_path / "0.png")
    command = ["predict", str(tmp_path / "model"), str(tmp_path / "0.png")]
    assert main(command) == 0
    output, error = capsys.readouterr()
    assert error.count("\n") == 1
    assert "the LogisticRegression that gets the pixels does not say" in error
    assert "--paper light" in error
    assert "--pixels" in error
    assert "(28x28 grey)" in output
    assert main([*command, "--paper", "light", "--pixels", "1"]) == 0
    output, error = capsys.readouterr()
    assert error == ""
    assert label_in(output) == str(y_test[i])
    assert "dark on light, as the model knows it, pixels 0 to 1)" in output


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_a_range_that_no_picture_has_is_not_known(scaler, digits):
    X, _, y, _ = digits
    model = make_pipeline(scaler(), LinearClassifier(0.01, max_iter=5))
    model.fit(X[:200].reshape(200, -1) * 1e6, y[:200])
    assert "--pixels for others" in find_preparation(model).guesses


def test_what_is_given_goes_before_what_a_model_tells(clf):
    preparation = find_preparation(clf, "light", 1)
    assert (preparation.light_paper, preparation.highest) == (True, 1)
    assert find_preparation(clf, "light").highest == 255


def test_the_sixteen_greys_of_scikit_learn_are_known(tmp_path):
    X, y = load_digits(return_X_y=True)
    preparation = find_preparation(LinearClassifier(0.01).fit(X, y))
    image, steps = preparation.read(np.uint8(255 / 16 * X[0].reshape(8, 8)))
    assert steps[-1] == "pixels 0 to 16"
    assert preparation.pixels([image]).max() == 16


@pytest.mark.parametrize("after", [None, PCA])
def test_pixels_that_were_scaled_before_are_refused(after, digits, tmp_path, capsys):
    X, _, y, _ = digits
    X = StandardScaler().fit_transform(X[:200].reshape(200, -1)) - 0.1
    clf = MLPClassifier((4,), max_epochs=1)
    clf = clf if after is None else make_pipeline(after(4), clf)
    joblib.dump(clf.fit(X, y[:200]), tmp_path / "model")
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(tmp_path / "model"), "0.png"])
    assert "was fitted on some below 0" in capsys.readouterr().err


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
    assert label_in(capsys.readouterr().out) == str(label)


@pytest.mark.parametrize("n_features", [3 * 64, 7])
@pytest.mark.parametrize("make", [LogisticRegression, lambda: MLPClassifier((4,))])
def test_rows_of_unknown_shape_are_refused(make, n_features, tmp_path, capsys):
    # 192 features may be 3x8x8 or 8x8x3.
    X, y = np.random.default_rng(0).normal(size=(20, n_features)), np.arange(20) % 2
    joblib.dump(make().fit(X, y), tmp_path / "model")
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(tmp_path / "model"), "0.png"])
    assert f"takes rows of {n_features} features" in capsys.readouterr().err


class Halver(TransformerMixin, BaseEstimator):
    """A transformer that keeps no number of features."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X / 2


def refused(digits):
    X, _, y, _ = digits
    flat = X[:200].reshape(200, -1)
    return {
        "scaler": {"mean": 3},
        "class": MLPClassifier,
        "svc": LinearSVC().fit(flat, y[:200]),
        "unfitted": MLPClassifier(),
        "halver": make_pipeline(Halver(), MLPClassifier((4,), max_epochs=1)).fit(
            flat, y[:200]
        ),
    }


@pytest.mark.parametrize(
    ("model_bytes", "message"),
    [
        (None, "No such file"),
        (b"no model", "is not a model that joblib can open"),
        (b"", "is not a model that joblib can open (EOFError)"),
        (
            b"cskmnist.__main__\nPets\n.",
            "needs code that is not here: module 'skmnist.__main__' has no attribute",
        ),
        ("scaler", "holds a dict, not a model"),
        ("class", "holds a class, MLPClassifier, not a model"),
        ("svc", "holds a LinearSVC, which has no predict_proba"),
        ("unfitted", "This MLPClassifier instance is not fitted yet"),
        ("halver", "the Halver that gets the pixels does not say how many"),
    ],
)
def test_a_model_that_cannot_be_used_is_one_line(
    model_bytes, message, digits, tmp_path, capsys
):
    path = tmp_path / "model"
    if isinstance(model_bytes, bytes):
        path.write_bytes(model_bytes)
    elif model_bytes:
        joblib.dump(refused(digits)[model_bytes], path)
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(path), "picture.png"])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"no picture", "picture.png cannot be read as a picture\n"),
        ("truncated", "picture.png cannot be read as a picture: image file is"),
        ("blank", "picture.png has only one colour"),
        (None, "picture.png: No such file"),
    ],
)
def test_a_picture_that_cannot_be_read_is_one_line_beside_the_others(
    picture, message, model, digits, tmp_path, capsys
):
    png, good = tmp_path / "picture.png", tmp_path / "good.png"
    Image.fromarray(digits[0][0]).save(good)
    if isinstance(picture, bytes):
        png.write_bytes(picture)
    elif picture == "truncated":
        Image.fromarray(digits[0][0]).save(png)
        png.write_bytes(png.read_bytes()[:150])
    elif picture:
        Image.new("L", (30, 30), 200).save(png)
    assert main(["predict", str(model), str(png), str(good)]) == 1
    output, error = capsys.readouterr()
    assert message in error
    assert error.count("\n") == 1
    assert output.startswith(f"{good}  0  ")


def test_load_picture_gives_what_predict_sees(digits, tmp_path):
    path = tmp_path / "scan.png"
    large_scan(digits[0][3]).save(path)
    seen = read_picture(path, (1, 28, 28)).image
    np.testing.assert_array_equal(load_picture(path), seen[0], strict=True)
    np.testing.assert_array_equal(load_picture(path, (1, 28, 28)), seen, strict=True)
    with open(path, "rb") as file:
        np.testing.assert_array_equal(load_picture(file), seen[0])
    with pytest.raises(ValueError, match=r"^The file cannot be read as a picture$"):
        load_picture(io.BytesIO(b"no picture"))
    colours = load_picture(path, (3, 20, 30))
    assert (colours.shape, colours.dtype) == ((3, 20, 30), np.uint8)


@pytest.mark.parametrize("shape", [(28,), (2, 28, 28), (28, 0), (28, 28.0), "ab"])
def test_shapes_of_no_picture_are_refused(shape):
    with pytest.raises(ValueError, match=r"'image_shape' parameter of load_picture"):
        load_picture("there is none", shape)
