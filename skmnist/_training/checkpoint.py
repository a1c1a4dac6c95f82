"""A training's state in a file: written after every epoch, resumed from later."""

import contextlib
import errno
import hashlib
import io
import itertools
import os
import pickle
import re

import numpy as np
import torch
from filelock import Timeout
from skorch.callbacks import Callback

from skmnist._files import sole_writer, write_whole
from skmnist._training.callback_state import PLAIN, CallbackStates
from skmnist._training.state import load_training_state, training_state

# The first line of the file; the digest of all that follows stands behind it, so
# that a damaged file is known for one before anything is read from it.
SIGNATURE = b"skmnist checkpoint 2\n"
# Without the states of callbacks, and without which weights are frozen.
OLD_SIGNATURE = b"skmnist checkpoint 1\n"
DIGEST_SIZE = 16

# These may differ between the runs that share a checkpoint: none of them changes
# what is learned. Of the device only its kind counts, so that "auto" is "cpu".
NOT_COMPARED = {"callbacks", "checkpoint", "device", "verbose", "warm_start"}


@contextlib.contextmanager
def owned_checkpoint(path):
    """Keep a checkpoint to one training at a time; None is none.

    Raises
    ------
    ValueError
        For a checkpoint that another fit is using now.
    OSError
        For a file that could not be written: it is a folder, or its folder is not
        there or read-only.
    """
    if path is None:
        yield
        return
    if os.path.isdir(path):
        raise IsADirectoryError(
            errno.EISDIR,
            "The 'checkpoint' parameter must be a file, and this is a folder",
            os.fspath(path),
        )
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(sole_writer(path))
        except Timeout as error:
            raise ValueError(
                f"The checkpoint {os.fspath(path)!r} is in use by another fit, in this "
                "process or another. Wait for it to finish, or give each its own file."
            ) from error
        except OSError as error:
            raise OSError(
                error.errno,
                "The 'checkpoint' parameter must be a file in a folder that exists and "
                f"can be written to ({error.strerror})",
                os.fspath(path),
            ) from error
        yield


def read_checkpoint(path):
    """The state in the file, or None where there is none.

    Only tensors and plain containers are read: no code of the file is run.

    Raises
    ------
    ValueError
        For a file that is damaged, or not one of these, or of an earlier version.
    """
    try:
        with open(path, "rb") as file:
            signature = file.read(len(SIGNATURE))
            digest, content = file.read(DIGEST_SIZE), file.read()
    except FileNotFoundError:
        return None
    if signature == OLD_SIGNATURE:
        raise ValueError(
            f"The checkpoint {os.fspath(path)!r} was written by an earlier version of "
            "skmnist, which did not save all that resuming needs. Resume with that "
            "version, or move the file away to start over."
        )
    damaged = ValueError(
        f"The checkpoint {os.fspath(path)!r} was not written by skmnist, or is "
        "damaged. Move it away to start over."
    )
    if signature != SIGNATURE or digest != _digest(content):
        raise damaged
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise damaged from error


def write_checkpoint(state, path):
    """Write the whole state or nothing.

    Raises
    ------
    TypeError
        For a state with a part that could not be read back.
    """
    content = io.BytesIO()
    torch.save(_plain(state, "state"), content)
    content = content.getvalue()
    write_whole(path, lambda file: file.write(SIGNATURE + _digest(content) + content))


def _digest(content):
    return hashlib.blake2b(content, digest_size=DIGEST_SIZE).digest()


def _plain(value, name):
    """The value with Python's numbers for NumPy's, which torch does not read back."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {key: _plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    if type(value) in (list, tuple):
        items = (_plain(item, f"{name}[{i}]") for i, item in enumerate(value))
        return type(value)(items)
    if type(value) not in PLAIN and not isinstance(value, torch.Tensor):
        raise TypeError(
            f"A checkpoint holds numbers, strings and tensors, in lists, tuples and "
            f"dicts. Got a {type(value).__name__} as {name} instead. If a callback "
            "recorded it in the history, record one of these, or use no checkpoint."
        )
    return value


def _same(value):
    """Values that mean the same as one value: NumPy's as Python's, lists as tuples."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    return tuple(map(_same, value)) if isinstance(value, (list, tuple)) else value


def describe_run(estimator, device_type, datasets, epochs_before):
    """What a run must share with a checkpoint: where it starts, and from what."""
    parameters = {
        # An address says where an object lies in memory, not what it is.
        name: re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(_same(value)))
        for name, value in estimator.get_params(deep=False).items()
        if name not in NOT_COMPARED
    }
    digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for data in datasets:
        if data is not None:
            for tensor in (data.images, data.targets, data.weights, data.rows):
                _add(digest, tensor)
    return {
        **parameters,
        "kind of device": device_type,
        "epochs before": epochs_before,
        "training data": digest.hexdigest(),
    }


def _add(digest, tensor):
    if tensor is None:
        digest.update(b"None")
        return
    digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
    digest.update(memoryview(tensor.cpu().contiguous().numpy()).cast("B"))


def check_same_run(path, saved, run):
    """Raise a ValueError that says what differs, if something does."""
    differences = [
        f"{name}: {saved.get(name)} in the checkpoint, {run.get(name)} now"
        for name in sorted(saved | run)
        if saved.get(name) != run.get(name)
    ]
    if differences:
        raise ValueError(
            f"The checkpoint {os.fspath(path)!r} belongs to another run, so training "
            f"cannot resume from it ({'; '.join(differences)}). Use another file, or "
            "move it away."
        )


class Checkpointer(Callback):
    """Restores a training at its begin and saves it after every epoch.

    Parameters
    ----------
    path : path
    run : dict
        What `describe_run` gave.
    seed : int
        The seed of the run, kept because ``random_state=None`` draws a new one.
    saved : dict or None
        What `read_checkpoint` gave.
    """

    def __init__(self, path, run, seed, saved=None):
        self.path = path
        self.run = run
        self.seed = seed
        self.saved = saved

    def on_train_begin(self, net, **kwargs):
        """Put everything back to where the saved run stood."""
        before = itertools.takewhile(lambda item: item[1] is not self, net.callbacks_)
        self.states_ = CallbackStates(net, list(before))
        if self.saved is None:
            return
        self.states_.load(self.saved["callbacks"])
        load_training_state(net, self.saved["training"])
        net._epochs_left = self.saved["epochs left"]
        self.saved = None

    def on_epoch_end(self, net, **kwargs):
        """Save where the run stands now."""
        state = {
            "run": self.run,
            "seed": self.seed,
            "training": training_state(net),
            "callbacks": self.states_.save(),
            "epochs left": net._epochs_left,
        }
        write_checkpoint(state, self.path)
