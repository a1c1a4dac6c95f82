"""The version of this package, and the lowest that it needs of others."""

import re
import sys

__version__ = "0.1.0.dev1"

# As in pyproject.toml, which pip reads; a checkout that is not installed has no pip.
LOWEST = {
    "filelock": "3.12",
    "joblib": "1.4",
    "lazy-loader": "0.4",
    "numpy": "2.0",
    "psutil": "5.9",
    "scikit-learn": "1.7",
    "scipy": "1.13",
    "skorch": "1.1",
    "tabulate": "0.9",
    "torch": "2.6",
    "tqdm": "4.60",
}


def check_versions():
    """Raise ImportError for what the estimators cannot run with, in one sentence."""
    if sys.flags.optimize > 1:
        raise ImportError(
            "skmnist cannot run under python -OO, which removes the docstrings that "
            "skorch reads when it is imported; python -O works."
        )
    # Late, because it takes longer than all else that `import skmnist` does.
    from importlib.metadata import PackageNotFoundError, version

    for name, lowest in LOWEST.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue  # its own import will say so, or it came without metadata
        if _numbers(found) < _numbers(lowest):
            raise ImportError(
                f"skmnist needs {name} {lowest} or later; this is {found}. Upgrade "
                f'it: pip install "{name}>={lowest}"'
            )


def _numbers(version):
    """Major and minor, which is all that the lowest versions name."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))
