"""The embedded digits."""

import hashlib

import numpy as np
from sklearn.datasets import load_digits

from skmnist.datasets import load_digits28


def test_digits28_are_uint8_images_from_black_to_white():
    digits = load_digits28()
    assert digits.data.shape == (1797, 28, 28)
    assert digits.data.dtype == np.uint8
    assert digits.data.flags.c_contiguous
    assert digits.data.flags.writeable
    # Every image uses the whole range, as MNIST's do.
    assert (digits.data.min(axis=(1, 2)) == 0).all()
    assert (digits.data.max(axis=(1, 2)) == 255).all()


def test_digits28_keep_labels_and_order_of_scikit_learn():
    digits, source = load_digits28(), load_digits()
    assert digits.target.dtype == np.int64
    np.testing.assert_array_equal(digits.target, source.target)
    assert digits.target_names.tolist() == list("0123456789")
    assert "UCI" in digits.DESCR
    # A block of the enlarged image has the brightness order of its source pixel.
    field = digits.data[:, 4:24, 4:24].astype(float)
    blocks = field.reshape(-1, 4, 5, 4, 5).mean(axis=(2, 4))
    coarse = source.images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    assert np.corrcoef(blocks.ravel(), coarse.ravel())[0, 1] > 0.98


def test_digits28_have_the_border_and_the_greys_of_mnist():
    data = load_digits28().data
    inside = np.zeros((28, 28), dtype=bool)
    inside[4:24, 4:24] = True
    assert not data[:, ~inside].any()
    assert 0.15 < (data > 0).mean() < 0.25
    assert 0.05 < ((data > 30) & (data < 225)).mean() < 0.12


def test_digits28_are_the_same_bytes_everywhere():
    md5 = hashlib.md5(load_digits28().data, usedforsecurity=False).hexdigest()
    assert md5 == "86bfd3194e6236250a47d61e94e7b5fd"


def test_digits28_split_holds_out_whole_forms_with_every_class():
    X_train, X_test, y_train, y_test = load_digits28(split=True)
    assert X_train.shape == (1415, 28, 28)
    assert X_test.shape == (382, 28, 28)
    data, target = load_digits28(return_X_y=True)
    np.testing.assert_array_equal(np.concatenate([X_train, X_test]), data)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), target)
    # Every form begins with the ten digits in order, three times over; the
    # digit before is the last of the form before, which always is an 8.
    np.testing.assert_array_equal(y_test[:30], np.tile(np.arange(10), 3))
    np.testing.assert_array_equal(y_test[30:60], y_train[30:60])
    assert y_train[-1] == y_test[-1] == 8
    assert np.bincount(y_test).min() >= 35
