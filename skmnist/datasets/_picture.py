"""load_picture: one's own picture as an image like MNIST's."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from skmnist._public import public

if TYPE_CHECKING:
    import numpy as np

    from skmnist._typing import FilePath, ImageShape


@public
def load_picture(
    file: FilePath | IO[bytes], image_shape: ImageShape = (28, 28)
) -> np.ndarray:
    """Load a picture of a single digit as an image like those of MNIST.

    Photographs are turned upright, colours made grey, dark ink on light paper
    inverted, an uneven background taken away, and the ink is scaled to a box of 20/28
    of the size, with its centre of mass in the middle, as MNIST's makers did [1]_.
    A picture that has the size already keeps its position and its background.

    Parameters
    ----------
    file : str, path or binary file
        A PNG, a JPEG or another format of Pillow's.
    image_shape : tuple (height, width) or (channels, height, width), \
            default=(28, 28)
        The shape to return, such as the ``image_shape_`` of an estimator. With 3
        channels the picture keeps its colours and is resized only.

    Returns
    -------
    image : ndarray of shape `image_shape` and dtype uint8
        Light ink on a dark ground. For models that were trained on fractions, divide
        it by 255.

    Raises
    ------
    ModuleNotFoundError
        Without Pillow: ``pip install "skmnist[plot]"``.
    OSError
        For a file that is not there.
    ValueError
        For a file that is not a picture, a picture of a single colour, or an
        ``image_shape`` that is none.

    References
    ----------
    .. [1] LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

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
    """
    from ._picture_conversion import read_picture

    shape = (1, *image_shape) if len(image_shape) == 2 else tuple(image_shape)
    if (
        len(shape) != 3
        or shape[0] not in (1, 3)
        or not all(isinstance(side, int) and side > 0 for side in shape)
    ):
        raise ValueError(
            "The 'image_shape' parameter of load_picture must be (height, width) or "
            f"(channels, height, width) with 1 or 3 channels. Got {image_shape!r} "
            "instead."
        )
    return read_picture(file, shape).image.reshape(image_shape)
