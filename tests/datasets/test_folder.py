"""A folder of pictures, one subfolder for each class."""

import warnings

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skmnist.datasets import load_folder, load_picture

COLOURS = {"red": (200, 30, 20), "green": (10, 180, 40)}


@pytest.fixture
def folder(tmp_path):
    """Two red pictures, one of them in a folder further down, and a green one."""
    for name, size in (
        ("red/2.png", (40, 40)),
        ("red/more/1.bmp", (60, 30)),
        ("green/10.png", (30, 30)),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, COLOURS[name.split("/")[0]]).save(path)
    for hidden in ("red/.DS_Store", ".cache/x", "loose.txt"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_text("no picture")
    return tmp_path


def test_subfolders_are_the_classes(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = load_folder(folder)
    assert pictures.data.shape == (3, 3, 32, 32)
    assert pictures.data.dtype == np.uint8
    assert pictures.target_names.tolist() == ["green", "red"]
    assert pictures.target.tolist() == [0, 1, 1]
    expected = ["green/10.png", "red/2.png", "red/more/1.bmp"]
    assert pictures.filenames.tolist() == [str(folder / name) for name in expected]
    for image, target in zip(pictures.data, pictures.target, strict=True):
        colour = COLOURS[pictures.target_names[target]]
        np.testing.assert_array_equal(image[:, 16, 16], colour)


@pytest.mark.parametrize("shape", [(28, 28), (1, 20, 20), (3, 16, 24)])
@pytest.mark.parametrize("options", [{}, {"mode": "plain", "resize": "crop"}])
def test_pictures_are_prepared_as_load_picture_does(tmp_path, shape, options):
    for name, x in (("one", 50), ("two", 90)):
        (tmp_path / name).mkdir()
        page = Image.new("RGB", (150, 100), "white")
        ImageDraw.Draw(page).line([(x, 20), (60, 80)], "navy", 7)
        page.save(tmp_path / name / "page.png")
    pictures = load_folder(str(tmp_path), shape, **options)
    assert pictures.data.shape == (2, *shape)
    for image, path in zip(pictures.data, pictures.filenames, strict=True):
        np.testing.assert_array_equal(image, load_picture(path, shape, **options))
        again = load_picture(path, **pictures.picture_options)
        np.testing.assert_array_equal(image, again)


def test_files_that_are_no_pictures_are_left_out_and_named_once(folder):
    (folder / "red" / "notes.txt").write_text("no picture")
    (folder / "green" / "cut.png").write_bytes(
        (folder / "green" / "10.png").read_bytes()[:60]
    )
    with pytest.warns(UserWarning, match="left out") as warned:
        pictures = load_folder(folder)
    assert len(warned) == 1
    assert str(warned[0].message) == (
        f"2 of 5 files in {folder} were left out, as they cannot be read as pictures: "
        "green/cut.png, red/notes.txt."
    )
    assert len(pictures.data) == len(pictures.target) == len(pictures.filenames) == 3
    names = [folder / "green" / "cut.png", folder / "red" / "notes.txt"]
    assert pictures.unreadable == list(map(str, names))


def test_a_warning_of_many_files_names_some_of_them(folder):
    for i in range(13):
        (folder / "red" / f"{i:02}.txt").write_text("no picture")
    with pytest.warns(UserWarning, match=r"red/09\.txt and 3 more\.$"):
        assert len(load_folder(folder).unreadable) == 13


def test_the_progress_bar_is_on_request_and_on_standard_error(folder, capsys):
    load_folder(folder)
    assert capsys.readouterr() == ("", "")
    load_folder(folder, verbose=True)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "3/3" in errors


def test_a_class_without_pictures_is_an_error(folder):
    (folder / "blue").mkdir()
    with pytest.raises(ValueError, match=r"blue has no pictures\. Each subfolder"):
        load_folder(folder)
    (folder / "blue" / "x.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"blue has no pictures, only files that are"):
        load_folder(folder)


def test_what_is_no_folder_of_classes_is_an_error(folder):
    with pytest.raises(ValueError, match=r"has no subfolders\. load_folder expects"):
        load_folder(folder / "green")
    with pytest.raises(FileNotFoundError):
        load_folder(folder / "there is none")
    with pytest.raises(NotADirectoryError):
        load_folder(folder / "green" / "10.png")
    with pytest.raises(TypeError, match=r"'folder' parameter of load_folder must be"):
        load_folder([folder])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (2, 8, 8)}, "'image_shape' parameter of load_folder must"),
        ({"mode": "photo"}, "'mode' parameter of load_folder must be 'digit' or"),
        ({"resize": None}, "'resize' parameter of load_folder must be 'pad' or"),
    ],
)
def test_parameters_are_checked_before_the_folder_is_read(options, message):
    with pytest.raises(ValueError, match=message):
        load_folder("there is none", **options)
