"""Pictures as people make them: drawn, photographed, scanned, cut from a form."""

import csv
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skmnist import ConvNetClassifier, MLPClassifier
from skmnist.datasets import load_picture, load_picture_digits
from skmnist.datasets._picture_conversion import read_picture

PICTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "pictures"
SEVEN = [(60, 60), (140, 60), (90, 190)]


def draw(points=SEVEN, size=(200, 250), width=14, ink=0, paper=255, mode="L"):
    page = Image.new(mode, size, paper)
    ImageDraw.Draw(page).line(points, fill=ink, width=width, joint="curve")
    return page


def as_bytes(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def steps_of(picture):
    return read_picture(picture, (1, 28, 28)).steps


def assert_alike(image, other, most=12):
    """Of the same digit in the same place, up to the edges of its strokes."""
    assert min(image.max(), other.max()) > 250
    assert np.abs(image.astype(float) - other).mean() < most


def test_a_picture_may_come_in_any_form(tmp_path):
    page = draw()
    expected = load_picture(page)
    page.save(tmp_path / "seven.png")
    greys = np.asarray(page)
    for source in (
        tmp_path / "seven.png",
        str(tmp_path / "seven.png"),
        as_bytes(page),
        io.BytesIO(as_bytes(page)),
        greys,
        greys[..., np.newaxis],
        np.stack([greys] * 3, axis=-1),
        greys / 255,
        greys > 0,
        greys * np.uint16(257),
        greys.astype(np.int64),
        page.convert("RGBA"),
        page.convert("1"),
    ):
        np.testing.assert_array_equal(load_picture(source), expected)


def test_the_picture_that_is_passed_stays_as_it_is():
    page, greys = draw(), np.asarray(draw()).copy()
    load_picture(page)
    load_picture(greys)
    np.testing.assert_array_equal(np.asarray(page), greys)


def test_fractions_in_a_tiff_are_greys():
    greys = np.asarray(draw())
    tiff = as_bytes(Image.fromarray(greys / np.float32(255)), "TIFF")
    np.testing.assert_array_equal(load_picture(tiff), load_picture(greys))


@pytest.mark.parametrize("ink", ["white", "yellow", "navy", "black"])
def test_strokes_on_a_transparent_ground_are_ink(ink):
    clear = draw(ink=ink, paper=(255, 255, 255, 0), mode="RGBA")
    np.testing.assert_array_equal(load_picture(clear), load_picture(draw()))
    ground = "black" if ink in ("white", "yellow") else "white"
    assert f"transparent, so laid on {ground}" in steps_of(clear)


def test_the_paper_may_have_transparent_corners():
    page = draw().convert("RGBA")
    page.putalpha(Image.new("L", page.size))
    page.paste(draw().convert("RGBA").crop((20, 20, 180, 230)), (20, 20))
    np.testing.assert_array_equal(load_picture(page), load_picture(draw()))


def test_the_first_frame_of_an_animation_is_taken():
    ring = Image.new("L", (200, 250), 255)
    ImageDraw.Draw(ring).ellipse((50, 50, 150, 200), outline=0, width=14)
    gif = as_bytes(draw(), "GIF", save_all=True, append_images=[ring, draw()])
    for read in (load_picture, load_picture_digits):
        with pytest.warns(UserWarning, match=r"has 3 frames, of which the first was"):
            image = read(gif)
        np.testing.assert_array_equal(image.squeeze(), load_picture(draw()))
    assert "the first of 3 frames" in steps_of(gif)


def test_the_errors_of_heic_and_empty_files_say_what_to_do():
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(ValueError, match=r"is a HEIC picture.*JPEG.*pillow-heif"):
        load_picture(heic)
    with pytest.raises(ValueError, match=r"^The picture is empty$"):
        load_picture(b"")


@pytest.mark.parametrize("noise", [0, 3, 12])
@pytest.mark.parametrize("slope", [0, 60, 200])
@pytest.mark.parametrize("shape", [(28, 28), (300, 400), (1500, 1200)])
def test_blank_paper_has_no_ink(noise, slope, shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    page = 230 - slope * (0.7 * rows / shape[0] + 0.3 * columns / shape[1])
    page += np.random.default_rng(0).normal(0, noise, shape)
    with pytest.raises(ValueError, match=r"^The array has (no ink|only one colour)"):
        load_picture(page.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("width", [2, 14, 40])
def test_light_and_dark_ink_give_the_same_image(width):
    dark = draw(width=width)
    light = draw(width=width, ink=255, paper=0)
    np.testing.assert_array_equal(load_picture(dark), load_picture(light))


def test_pale_ink_becomes_as_light_as_strong_ink():
    np.testing.assert_array_equal(
        load_picture(draw(ink=200)), load_picture(draw(ink=0))
    )


def test_a_shadow_on_the_paper_is_no_ink():
    rows, columns = np.mgrid[:250, :200]
    light = np.where(rows + 0.5 * columns > 240, 0.5, 1) * (1 - 0.2 * columns / 200)
    page = np.asarray(draw(), float) * light
    page += np.random.default_rng(0).normal(0, 2, page.shape)
    picture = read_picture(page.clip(0, 255).astype(np.uint8), (1, 28, 28))
    assert "uneven background taken away" in picture.steps
    assert_alike(picture.image[0], load_picture(draw()))


@pytest.mark.parametrize("turn", range(45, 360, 45))
def test_a_shadow_from_any_side_leaves_dark_ink_dark(turn):
    page = draw(size=(400, 300), ink=110, paper=220)
    rows, columns = np.mgrid[-150:150, -200:200]
    angle = np.radians(turn)
    beyond = np.cos(angle) * columns + np.sin(angle) * rows - 20
    light = 0.55 + 0.45 / (1 + np.exp(-beyond / 6))
    greys = (np.asarray(page) * light).astype(np.uint8)
    assert "dark on light, so inverted" in steps_of(greys)


@pytest.mark.parametrize("soft", [0.5, 15])
@pytest.mark.parametrize("depth", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("width", [14, 34, 44])
def test_a_digit_across_a_hard_shadow_is_whole(width, depth, soft):
    page = draw(size=(240, 240), width=width)
    rows, columns = np.mgrid[-120:120, -120:120]
    beyond = columns + 0.36 * rows
    light = 1 - depth / (1 + np.exp(-beyond / soft))
    greys = ((0.9 * np.asarray(page) + 20) * light).astype(np.uint8)
    # The ink in the shadow is as strong as that in the light; a deep one leaves a rim.
    assert_alike(load_picture(greys), load_picture(page), most=20)


def test_a_form_s_border_is_left_out_even_where_a_digit_touches_it():
    page = draw()
    pen = ImageDraw.Draw(page)
    for line in [(0, 12, 200, 12), (8, 0, 8, 250), (193, 0, 193, 250)]:
        pen.line(line, fill=0, width=5)
    assert_alike(load_picture(page), load_picture(draw()), most=1)
    pen.line((90, 190, 85, 250), fill=0, width=14)  # a long 7, down to the border
    pen.line((0, 240, 200, 240), fill=0, width=5)
    image = load_picture(page)
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert len(rows) == 20
    assert len(columns) < 15


@pytest.mark.parametrize("across", [False, True])
def test_the_lines_of_ruled_paper_are_left_out(across):
    page = Image.new("L", (200, 250), 255)
    pen = ImageDraw.Draw(page)
    for place in range(25, 250, 25):
        pen.line((0, place, 200, place), fill=190, width=2)
        if across:
            pen.line((place, 0, place, 250), fill=190, width=2)
    pen.line(SEVEN, fill=0, width=14, joint="curve")
    assert_alike(load_picture(page), load_picture(draw()), most=2)


def test_what_the_edge_cuts_off_and_specks_are_left_out():
    page = draw()
    pen = ImageDraw.Draw(page)
    pen.ellipse((150, 225, 230, 300), fill=0)
    pen.rectangle((0, 0, 200, 4), fill=0)
    pen.point([(20, 30), (180, 100), (30, 200)], fill=0)
    np.testing.assert_array_equal(load_picture(page), load_picture(draw()))


def test_a_digit_may_be_cut_out_as_closely_as_can_be():
    page = draw()
    closely = page.crop(Image.fromarray(255 - np.asarray(page)).getbbox())
    assert_alike(load_picture(closely), load_picture(page), most=2)


def test_hairlines_are_as_thick_as_thin_strokes_of_mnist():
    hairline = draw(width=1)
    assert "strokes thickened" in steps_of(hairline)
    assert "strokes thickened" not in steps_of(draw(width=20))
    # The 7 is about 33 pixels long when it is 20 high.
    ink = load_picture(hairline).sum() / 255
    assert 1.5 * 33 < ink < 2.5 * 33


def test_a_page_is_read_as_a_small_picture_is():
    points = [(20 * x, 20 * y) for x, y in SEVEN]
    page = draw(points, (4000, 5000), width=280)
    assert_alike(load_picture(page), load_picture(draw()), most=6)


def test_an_image_of_mnist_s_form_stays_as_it_is():
    image = load_picture(draw())
    for picture in (image, 255 - image):
        np.testing.assert_array_equal(load_picture(picture), image)
    moved = np.roll(image, 5, axis=1)
    assert_alike(load_picture(moved), image)


def test_images_of_mnist_that_were_enlarged_come_back(mnist):
    _, X_test, _, _ = mnist
    for image in X_test[:100]:
        large = Image.fromarray(255 - image).resize((280, 280))
        assert_alike(load_picture(as_bytes(large)), image, most=25)


def test_images_of_mnist_come_back_from_a_file(mnist):
    _, X_test, _, _ = mnist
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same = [np.array_equal(load_picture(i), i) for i in X_test[:2000]]
    assert np.mean(same) > 0.998


def row_of_digits():
    """A ring, a line and a 7, not in the order in which they are drawn."""
    page = draw([(x + 230, y) for x, y in SEVEN], (420, 250))
    pen = ImageDraw.Draw(page)
    pen.line([(190, 60), (190, 190)], fill=0, width=14)
    pen.ellipse((30, 60, 130, 190), outline=0, width=14)
    return page


def test_several_digits_are_told_of():
    with pytest.warns(UserWarning, match=r"shows 3 digits.*load_picture_digits"):
        load_picture(row_of_digits())
    assert "the main one of 3 digits" in steps_of(row_of_digits())


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28)])
def test_digits_of_a_picture_come_from_left_to_right(shape):
    page = row_of_digits()
    images = load_picture_digits(page, shape)
    assert images.shape == (3, *shape)
    assert images.dtype == np.uint8
    for image, left, right in zip(images, (0, 160, 240), (160, 240, 420), strict=True):
        alone = load_picture(page.crop((left, 0, right, 250)), shape)
        assert_alike(image, alone, most=2)


def test_the_parts_of_a_digit_stay_together():
    five = draw([(70, 80), (70, 120), (120, 130), (130, 170), (70, 190)])
    ImageDraw.Draw(five).line([(80, 60), (140, 55)], fill=0, width=14)
    broken = np.asarray(draw()).copy()
    broken[100:110] = 255
    for page in (five, broken):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = load_picture(page)
        rows = np.flatnonzero(np.asarray(page).min(axis=1) < 128)
        assert len(load_picture_digits(page)) == 1
        # The upper part is there, so that the whole is as high as MNIST's digits.
        assert np.ptp(np.flatnonzero(image.any(axis=1))) == 19
        assert np.ptp(rows) > 120


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resize", ["pad", "crop"])
def test_plain_pictures_are_never_distorted(channels, resize):
    page = Image.new("RGB", (300, 150), (200, 180, 160))
    ImageDraw.Draw(page).rectangle((120, 45, 179, 104), fill="black")
    image = load_picture(page, (channels, 30, 30), mode="plain", resize=resize)
    assert image.shape == (channels, 30, 30)
    square = image[0] < 90
    side = {"pad": 6, "crop": 12}[resize]
    shape = square.any(0).sum(), square.any(1).sum()
    np.testing.assert_allclose(shape, side, atol=1)
    # The margin has the colour of the border: nothing is inverted.
    corner = [200, 180, 160] if channels == 3 else [184]
    np.testing.assert_allclose(image[:, 0, 0], corner, atol=1)


def test_three_channels_are_plain():
    page = draw(mode="RGB", ink="navy", paper="white")
    np.testing.assert_array_equal(
        load_picture(page, (3, 32, 32)), load_picture(page, (3, 32, 32), mode="plain")
    )


def test_plain_pictures_need_no_ink():
    image = load_picture(Image.new("L", (40, 40), 77), mode="plain")
    np.testing.assert_array_equal(image, np.full((28, 28), 77))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "photo"}, "'mode' parameter of load_picture must be 'digit' or 'pla"),
        ({"resize": 3}, "'resize' parameter of load_picture must be 'pad' or 'crop'. "),
        ({"image_shape": (28,)}, "'image_shape' parameter of load_picture must be"),
        ({"image_shape": 28}, "'image_shape' parameter of load_picture must .* Got 28"),
    ],
)
def test_parameters_are_checked_before_the_file_is_opened(options, message):
    with pytest.raises(ValueError, match=message):
        load_picture("there is none", **options)
    with pytest.raises(ValueError, match=r"with 1 channel\. Got \(3, 28, 28\)"):
        load_picture_digits("there is none", (3, 28, 28))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (None, TypeError, r"'file' parameter of load_picture must be a path, bytes, a"),
        (np.zeros((2, 3, 28, 28)), ValueError, r"one picture, channels last. Got \(2,"),
        (np.zeros((3, 28, 28)), ValueError, r"channels last\. Got \(3, 28, 28\)"),
        (np.zeros((0, 28)), ValueError, r"Got \(0, 28\) instead"),
        (np.array([["a"]]), ValueError, r"must hold numbers. Got <U1"),
        (np.full((9, 9), np.nan), ValueError, r"pixels that are not finite"),
        (b"no picture", ValueError, r"^The picture cannot be read as a picture$"),
        ("there is none", OSError, r"No such file"),
    ],
)
def test_what_is_no_picture_is_an_error_that_says_so(source, error, message):
    with pytest.raises(error, match=message):
        load_picture(source)


@pytest.fixture(scope="module")
def real_pictures():
    if not PICTURES.is_dir():
        pytest.skip(f"needs the pictures in {PICTURES}, which is not there")
    with open(PICTURES / "pictures.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_nearly_every_real_picture_shows_one_digit(real_pictures):
    rows = [row for row in real_pictures if row["medium"] != "several"]
    n_digits = [
        read_picture(PICTURES / row["file"], (1, 28, 28)).n_digits for row in rows[::5]
    ]
    assert np.mean(np.array(n_digits) == 1) > 0.97


def test_the_digits_of_real_pictures_are_counted(real_pictures):
    rows = [row for row in real_pictures if row["medium"] == "several"]
    known = [row for row in rows if row["label"].isdigit()]
    # This one shows 7 digits, of which its writer made out the 5 of the label.
    known = [row for row in known if row["file"] != "w06-00-several.jpg"]
    assert known
    for row in known:
        images = load_picture_digits(PICTURES / row["file"])
        assert len(images) == len(row["label"])


@pytest.mark.slow
def test_real_pictures_are_read_rightly(real_pictures, mnist):
    X, _, y, _ = mnist
    rows = [row for row in real_pictures if row["medium"] != "several"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a second digit
        images = np.stack([load_picture(PICTURES / row["file"]) for row in rows])
    labels = np.array([int(row["label"]) for row in rows])
    for network, least in ((ConvNetClassifier, 0.97), (MLPClassifier, 0.94)):
        assert network(random_state=0).fit(X, y).score(images, labels) >= least
