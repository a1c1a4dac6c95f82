"""Warnings that point at the line of the user's that led to them."""

import sys
import warnings

# What lies between the user's line and ours: this package, decorators, searches.
PASSED = {"skmnist", "sklearn", "skorch", "torch", "joblib", "pickle", "contextlib"}


def warn(message, category=UserWarning):
    """`warnings.warn`, with the nearest line outside this package and its helpers."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and _package(frame) in PASSED:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
