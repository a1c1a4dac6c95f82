"""scikit-learn's bundled digits in MNIST's format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from skmnist._public import public

if TYPE_CHECKING:
    from skmnist._typing import Split

_SIDE = 28
_FIELD = 20
# The labels repeat one form of about 130 digits, 14 times over; the last three
# forms begin here (see the docstring, and the test that holds it).
_N_TRAIN = 1415

_DESCR = """\
scikit-learn's handwritten digits in MNIST's format
---------------------------------------------------

1,797 images of handwritten digits, 28x28 uint8 pixels from 0 (background) to
255 (ink), ten classes of 174 to 183 images, in scikit-learn's order. They are
the 8x8 images of `sklearn.datasets.load_digits` (the test set of the UCI
"Optical Recognition of Handwritten Digits", by E. Alpaydin and C. Kaynak, 1998),
enlarged to 20x20 by cubic splines, their contrast doubled, in the middle of a
28x28 image. They are far fewer and coarser than MNIST's, and other people wrote
them: accuracies on the two are not comparable.
"""


@overload
def load_digits28(*, split: Literal[True], return_X_y: bool = ...) -> Split: ...
@overload
def load_digits28(
    *, split: Literal[False] = ..., return_X_y: Literal[True]
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def load_digits28(
    *, split: Literal[False] = ..., return_X_y: Literal[False] = ...
) -> Bunch: ...
@public
def load_digits28(
    *, split: bool = False, return_X_y: bool = False
) -> Split | tuple[np.ndarray, np.ndarray] | Bunch:
    """Load scikit-learn's bundled handwritten digits as 28x28 images.

    These are 1,797 real handwritten digits that need no network, in the format
    of MNIST, so that whatever is built for MNIST can be tried on them.

    Parameters
    ----------
    split : bool, default=False
        If True, return the four arrays of a fixed split instead of a `Bunch`
        (`return_X_y` then changes nothing).
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a `Bunch`.

    Returns
    -------
    digits : :class:`~sklearn.utils.Bunch`
        With the attributes:

        data : ndarray of shape (1797, 28, 28), dtype uint8
            The images, 0 (background) to 255 (ink).
        target : ndarray of shape (1797,), dtype int64
            The digits, 0 to 9.
        target_names : ndarray of shape (10,), dtype str
            The names of the classes.
        DESCR : str
            Where the data comes from.
    (data, target) : tuple of ndarray
        If `return_X_y` is True.
    X_train, X_test, y_train, y_test : tuple of ndarray
        If `split` is True, with 1,415 and 382 images.

    Notes
    -----
    The source is a bilevel bitmap of 32x32 pixels averaged over blocks of 4x4
    [1]_, as MNIST is one averaged onto a field of 20x20 [2]_. So the 8x8 counts
    are interpolated onto 20x20 by cubic splines and placed with MNIST's border
    of 4 pixels; the contrast around mid-grey is then doubled, because averaging
    over the coarser blocks left the strokes blurred. With that factor the shares
    of grey pixels (9 %, MNIST: 8 %) and of ink (22 %, MNIST: 19 %) come close to
    MNIST's, and the images look like it.

    The split is by order, never shuffled. The labels repeat the same form of
    about 130 digits 14 times: people filled it in one after the other. The
    last three forms are the test set, so that no form is in both parts, and
    each class has 35 to 39 test images. A shuffled split puts the same
    handwriting on both sides and flatters: a support vector machine reaches
    98.8 % there, 95.3 % here.

    References
    ----------
    .. [1] E. Alpaydin, C. Kaynak (1998), "Optical Recognition of Handwritten
       Digits", UCI Machine Learning Repository, https://archive.ics.uci.edu/
       dataset/80/optical+recognition+of+handwritten+digits. Bundled with
       scikit-learn as :func:`sklearn.datasets.load_digits`.
    .. [2] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), "Gradient-based
       learning applied to document recognition", Proceedings of the IEEE
       86(11), 2278-2324.

    Examples
    --------
    >>> from skmnist.datasets import load_digits28
    >>> digits = load_digits28()
    >>> digits.data.shape, digits.data.dtype
    ((1797, 28, 28), dtype('uint8'))
    >>> X_train, X_test, y_train, y_test = load_digits28(split=True)
    >>> X_train.shape, X_test.shape
    ((1415, 28, 28), (382, 28, 28))
    """
    source = load_digits()
    data = _to_mnist_format(source.images / 16)
    target = source.target.astype(np.int64)
    if split:
        return data[:_N_TRAIN], data[_N_TRAIN:], target[:_N_TRAIN], target[_N_TRAIN:]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array([str(digit) for digit in range(10)]),
        DESCR=_DESCR,
    )


def _to_mnist_format(images):
    # Splines are linear and separable, so one small matrix enlarges every row
    # and column; zooming the stack as a whole would also filter across images.
    side = images.shape[1]
    enlarge = np.stack(
        [
            ndimage.zoom(unit, _FIELD / side, mode="grid-constant", grid_mode=True)
            for unit in np.eye(side)
        ],
        axis=1,
    )
    field = enlarge @ images @ enlarge.T
    field = (field - 0.5) * 2 + 0.5
    border = (_SIDE - _FIELD) // 2
    data = np.zeros((len(images), _SIDE, _SIDE), dtype=np.uint8)
    inside = slice(border, border + _FIELD)
    data[:, inside, inside] = np.rint(np.clip(field, 0, 1) * 255)
    return data
