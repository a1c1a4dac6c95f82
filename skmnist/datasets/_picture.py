"""load_picture and load_picture_digits: one's own pictures as images like MNIST's."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal, TypeAlias

from skmnist._public import public
from skmnist._warn import warn

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from skmnist._typing import FilePath, ImageShape

    PictureSource: TypeAlias = FilePath | bytes | IO[bytes] | Image.Image | np.ndarray


@public
def load_picture(
    file: PictureSource,
    image_shape: ImageShape = (28, 28),
    *,
    mode: Literal["digit", "plain"] = "digit",
    resize: Literal["pad", "crop"] = "pad",
) -> np.ndarray:
    """Load a picture of a single digit as an image like those of MNIST.

    A photograph is turned upright and made grey. Its ink is what stands out from the
    paper around it [2]_ by more than Otsu's threshold [3]_, be it dark or light; the
    borders of a form, the lines of ruled paper, specks and what the picture's edge has
    cut off are left out. Hairlines are thickened, and the digit is scaled to a box of
    20/28 of the size, with its centre of mass in the middle, as MNIST's makers did
    [1]_. A picture that has this form already stays as it is, except that dark ink
    becomes light.

    Parameters
    ----------
    file : str, path, bytes, binary file, PIL image or array
        A PNG, a JPEG or another format of Pillow's: its path, its content, or opened.
        Of an animation, the first frame is taken. An array has the shape
        (height, width) or (height, width, 3 or 4), with pixels of 0 to 255, fractions
        of 0 to 1, or 16 bits.
    image_shape : tuple (height, width) or (channels, height, width), \
            default=(28, 28)
        The shape to return, such as the ``image_shape_`` of an estimator, with 1 or 3
        channels.
    mode : {"digit", "plain"}, default="digit"
        "plain" changes nothing but the size: for pictures of other things, and for
        models of dark digits on light paper. With 3 channels it is always so.
    resize : {"pad", "crop"}, default="pad"
        How a plain picture of other proportions gets its size: the whole picture with a
        margin in the colour of its border, or the middle of it.

    Returns
    -------
    image : ndarray of shape `image_shape` and dtype uint8
        Light ink on a dark ground. For models that were trained on fractions, divide
        it by 255.

    Warns
    -----
    UserWarning
        If the file holds several frames, or the picture several digits. The image is
        that of the digit with the most ink, far from the edge; ``load_picture_digits``
        returns all.

    Raises
    ------
    ModuleNotFoundError
        Without scikit-image or Pillow: ``pip install "skmnist[pictures]"``.
    OSError
        For a file that is not there.
    TypeError
        For a `file` that is none of these.
    ValueError
        For a file that is not a picture, a picture without ink, or another parameter
        that is none of the above.

    See Also
    --------
    load_picture_digits : One image for each digit of a picture.

    References
    ----------
    .. [1] LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
    .. [2] Gonzalez and Woods, "Digital Image Processing", 4th edition, section 9.8
       (top-hat transformation of shaded pictures).
    .. [3] Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE
       Transactions on Systems, Man, and Cybernetics 9 (1979).

    Examples
    --------
    >>> import io
    >>> from PIL import Image, ImageDraw
    >>> from skmnist.datasets import load_picture
    >>> page = Image.new("RGB", (300, 400), "white")
    >>> ImageDraw.Draw(page).line([(120, 100), (120, 300)], fill="navy", width=20)
    >>> file = io.BytesIO()
    >>> page.save(file, "PNG")
    >>> image = load_picture(file)
    >>> image.shape, image.dtype
    ((28, 28), dtype('uint8'))
    >>> (load_picture(page) == image).all()
    np.True_
    """
    shape = check_shape("load_picture", image_shape, channels=(1, 3))
    check_choice("load_picture", "mode", mode, ("digit", "plain"))
    check_choice("load_picture", "resize", resize, ("pad", "crop"))
    from ._picture_conversion import read_picture

    picture = read_picture(file, shape, mode, resize)
    _warn_of_frames(picture)
    if picture.n_digits > 1:
        warn(
            f"The picture shows {picture.n_digits} digits, of which the image is one. "
            "load_picture_digits returns all of them.",
        )
    return picture.image.reshape(image_shape)


@public
def load_picture_digits(
    file: PictureSource, image_shape: ImageShape = (28, 28)
) -> np.ndarray:
    """Load each digit of a picture as an image like those of MNIST.

    Digits are told apart by the space between them: those that touch come as one. What
    is less than half as large as the main digit is left out. Otherwise this is
    `load_picture`.

    Parameters
    ----------
    file : str, path, bytes, binary file, PIL image or array
        The picture, as `load_picture` takes it.
    image_shape : tuple (height, width) or (1, height, width), default=(28, 28)
        The shape of an image.

    Returns
    -------
    images : ndarray of shape (n_digits, height, width) and dtype uint8
        The digits from left to right.

    Warns
    -----
    UserWarning
        If the file holds several frames.

    Raises
    ------
    ModuleNotFoundError
        Without scikit-image or Pillow: ``pip install "skmnist[pictures]"``.
    OSError
        For a file that is not there.
    TypeError
        For a `file` that `load_picture` does not take.
    ValueError
        For a file that is not a picture, a picture without ink, or an `image_shape`
        that is none.

    See Also
    --------
    load_picture : The image of a single digit.

    Examples
    --------
    >>> from PIL import Image, ImageDraw
    >>> from skmnist.datasets import load_picture_digits
    >>> page = Image.new("L", (300, 200), "white")
    >>> for left in (50, 150, 250):
    ...     ImageDraw.Draw(page).line([(left, 50), (left, 150)], fill="black", width=9)
    >>> load_picture_digits(page).shape
    (3, 28, 28)
    """
    shape = check_shape("load_picture_digits", image_shape, channels=(1,))
    from ._picture_conversion import read_digits

    picture = read_digits(file, shape)
    _warn_of_frames(picture)
    return picture.image.reshape(-1, *image_shape)


def _warn_of_frames(picture):
    if picture.n_frames > 1:
        warn(
            f"The picture has {picture.n_frames} frames, of which the first was taken.",
        )


def check_shape(function, image_shape, channels):
    """The shape as (channels, height, width)."""
    shape = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    shape = (1, *shape) if len(shape) == 2 else shape
    if (
        len(shape) != 3
        or shape[0] not in channels
        or not all(isinstance(side, int) and side > 0 for side in shape)
    ):
        raise ValueError(
            f"The 'image_shape' parameter of {function} must be (height, width) or "
            f"(channels, height, width) with {' or '.join(map(str, channels))} "
            f"channel{'s' * (len(channels) > 1)}. Got {image_shape!r} instead."
        )
    return shape


def check_choice(function, name, value, choices):
    """Refuse a value that is none of the choices."""
    if value not in choices:
        raise ValueError(
            f"The '{name}' parameter of {function} must be "
            f"{' or '.join(map(repr, choices))}. Got {value!r} instead."
        )
