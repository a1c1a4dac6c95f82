"""load_folder: pictures of one's own in a folder for each class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.utils import Bunch

from skmnist._progress import progress_bar
from skmnist._public import public
from skmnist._warn import warn

from ._picture import check_choice, check_shape

if TYPE_CHECKING:
    from skmnist._typing import FilePath, ImageShape

# Names that a warning lists; all are in the result.
MOST_NAMES = 10


@public
def load_folder(
    folder: FilePath,
    image_shape: ImageShape = (3, 32, 32),
    *,
    mode: Literal["digit", "plain"] = "digit",
    resize: Literal["pad", "crop"] = "pad",
    verbose: bool = False,
) -> Bunch:
    """Load the pictures of a folder that has one subfolder for each class.

    The names of the subfolders are the classes, as in scikit-learn's `load_files`.
    Their files, also those in folders further down, are prepared as by `load_picture`;
    those whose name begins with a dot are skipped.

    Parameters
    ----------
    folder : str or path
        The folder of the classes.
    image_shape : tuple (height, width) or (channels, height, width), \
            default=(3, 32, 32)
        The shape of an image, with 1 or 3 channels.
    mode : {"digit", "plain"}, default="digit"
        With one channel, whether the pictures show digits, which are framed as in
        MNIST, or are only resized. With three, they are only resized.
    resize : {"pad", "crop"}, default="pad"
        How pictures of other proportions are resized: with a margin, or by their
        middle.
    verbose : bool, default=False
        Whether to show a progress bar on standard error.

    Returns
    -------
    pictures : Bunch
        With the attributes

        data : ndarray of uint8 of shape (n_images, ...), each as in ``image_shape``
            The images, sorted by class and name of file.
        target : ndarray of shape (n_images,) and dtype int
            The class of each, as its place in `target_names`.
        target_names : ndarray of shape (n_classes,) and dtype str
            The names of the subfolders, sorted.
        filenames : ndarray of shape (n_images,) and dtype str
            The path of each picture.
        unreadable : list of str
            The paths of the files that are no pictures, and are left out.
        picture_options : dict
            What `load_picture` takes to prepare another picture in the same way.

    Warns
    -----
    UserWarning
        If files cannot be read as pictures. It names them.

    Raises
    ------
    ModuleNotFoundError
        Without scikit-image or Pillow: ``pip install "skmnist[pictures]"``.
    OSError
        For a folder that is not there.
    TypeError
        For a `folder` that is no path.
    ValueError
        For a folder without subfolders, a subfolder without pictures, or another
        parameter that is none of the above.

    See Also
    --------
    load_picture : One picture.
    sklearn.datasets.load_files : Texts.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from skmnist.datasets import load_folder
    >>> folder = Path(tempfile.mkdtemp())
    >>> for colour in ("green", "red"):
    ...     (folder / colour).mkdir()
    ...     Image.new("RGB", (60, 40), colour).save(folder / colour / "picture.png")
    >>> pictures = load_folder(folder)
    >>> pictures.data.shape, pictures.target, pictures.target_names
    ((2, 3, 32, 32), array([0, 1]), array(['green', 'red'], dtype='<U5'))
    """
    shape = check_shape("load_folder", image_shape, channels=(1, 3))
    check_choice("load_folder", "mode", mode, ("digit", "plain"))
    check_choice("load_folder", "resize", resize, ("pad", "crop"))
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(
            "The 'folder' parameter of load_folder must be a path. Got "
            f"{type(folder).__name__} instead."
        )
    from ._picture_conversion import read_picture

    names = _find_classes(folder)
    files = [
        (path, label)
        for label, name in enumerate(names)
        for path in find_files(os.path.join(folder, name))
    ]
    data = np.empty((len(files), *image_shape), np.uint8)
    read, unreadable = _read_into(
        data, files, lambda path: read_picture(path, shape, mode, resize), verbose
    )
    target = np.array([label for _, label in read], int)
    _check_all_are_there(folder, names, target, unreadable)
    if unreadable:
        warn(
            f"{len(unreadable)} of {len(files)} files in {os.fspath(folder)} were left "
            f"out, as they cannot be read as pictures: {_list(unreadable, folder)}.",
        )
    return Bunch(
        data=data[: len(read)],
        target=target,
        target_names=np.array(names),
        filenames=np.array([path for path, _ in read]),
        unreadable=unreadable,
        picture_options={
            "image_shape": tuple(image_shape),
            "mode": mode,
            "resize": resize,
        },
    )


def _read_into(data, files, read_one, verbose):
    """Read what can be read of the files, each to the next place of the data.

    Returns
    -------
    read : list of (path, label)
    unreadable : list of path
    """
    read: list[tuple[str, int]] = []
    unreadable: list[str] = []
    with progress_bar("load_folder", len(files), "file", disable=not verbose) as bar:
        for path, label in files:
            try:
                picture = read_one(path)
            except (OSError, ValueError):
                unreadable.append(path)
            else:
                data[len(read)] = picture.image.reshape(data.shape[1:])
                read.append((path, label))
            bar.update()
    return read, unreadable


def find_files(folder):
    """The paths of all files in a folder and below, sorted, without hidden ones."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            os.path.join(place, name)
            for name in sorted(files)
            if not name.startswith(".")
        ]
    return found


def _find_classes(folder):
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if entry.is_dir() and not entry.name.startswith(".")
        )
    if not names:
        raise ValueError(
            f"{os.fspath(folder)} has no subfolders. load_folder expects one for each "
            f"class, with its pictures: {Path(folder, 'cat')}, {Path(folder, 'dog')} "
            "and so on."
        )
    return names


def _check_all_are_there(folder, names, target, unreadable):
    counts = np.bincount(target, minlength=len(names))
    empty = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if empty:
        cause = (
            f", only files that are none: {_list(unreadable, folder)}"
            if unreadable
            else ""
        )
        raise ValueError(
            f"{Path(folder, empty[0])} has no pictures{cause}. Each subfolder of "
            f"{os.fspath(folder)} is a class; remove it or put pictures in it."
        )


def _list(paths, folder):
    shown = [os.path.relpath(path, folder) for path in paths[:MOST_NAMES]]
    rest = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")
