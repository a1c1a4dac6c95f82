"""Libraries that an extra installs."""

import importlib


def import_extra(module, extra, purpose):
    """A module, or an error that says which extra installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed. "
            f'Install it with: pip install "skmnist[{extra}]"'
        ) from error
