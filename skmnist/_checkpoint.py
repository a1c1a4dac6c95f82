"""A training's state in a file: written after every epoch, gone on from later."""

import hashlib
import os
import pickle
import tempfile

import torch
from skorch.callbacks import Callback

# These may differ between the runs that share a checkpoint: none of them changes
# what is learned. Of the device only its kind counts, so that "auto" is "cpu".
NOT_COMPARED = {"callbacks", "checkpoint", "device", "verbose", "warm_start"}


def read_checkpoint(path):
    """The state in the file, or None where there is none.

    Only tensors and plain containers are read: no code of the file is run.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        raise ValueError(
            f"The checkpoint {os.fspath(path)!r} is not a file that skmnist wrote, or "
            "is damaged. Move it away to start anew."
        ) from error


def describe_run(estimator, device_type, datasets):
    """What a run must share with a checkpoint: parameters, kind of device, data."""
    parameters = {
        name: repr(value)
        for name, value in estimator.get_params(deep=False).items()
        if name not in NOT_COMPARED
    }
    digest = hashlib.blake2b(digest_size=16)
    for dataset in datasets:
        if dataset is not None:
            for tensor in (
                dataset.images,
                dataset.targets,
                dataset.weights,
                dataset.rows,
            ):
                _add(digest, tensor)
    return {
        **parameters,
        "kind of device": device_type,
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
            f"The checkpoint {os.fspath(path)!r} is of another run and is not gone on "
            f"from ({'; '.join(differences)}). Use another file, or move it away."
        )


def write_atomically(state, path):
    """Write the whole state or nothing: aside, flushed, then moved into place."""
    folder, name = os.path.split(os.path.abspath(path))
    handle, aside = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


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
    early_stopping : StopEarly or None
        Whose count of epochs and best weights belong to the state.
    """

    def __init__(self, path, run, seed, saved=None, early_stopping=None):
        self.path = path
        self.run = run
        self.seed = seed
        self.saved = saved
        self.early_stopping = early_stopping

    def on_train_begin(self, net, **kwargs):
        """Put everything back to where the saved run stood."""
        if self.saved is None:
            return
        net.load_training_state(self.saved["training"])
        if self.early_stopping is not None:
            vars(self.early_stopping).update(self.saved["early_stopping"])

    def on_epoch_end(self, net, **kwargs):
        """Save where the run stands now."""
        stopping = self.early_stopping
        counts = {} if stopping is None else vars(stopping)
        state = {
            "run": self.run,
            "seed": self.seed,
            "training": net.training_state(),
            # What a callback has learned ends in an underscore.
            "early_stopping": {k: v for k, v in counts.items() if k.endswith("_")},
        }
        write_atomically(state, self.path)
