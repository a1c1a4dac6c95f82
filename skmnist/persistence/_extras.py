"""Libraries that come with an extra."""

import importlib


def import_extra(module, extra, purpose):
    """A module, or an error that says which extra brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{purpose} needs {module.partition('.')[0]}: pip install "
            f'"skmnist[{extra}]".'
        ) from error
