"""Pictures of one's own, classified by a model in a file."""

import csv
import glob
import io
import os
import sys
from functools import partial
from pathlib import Path

import joblib
from sklearn.utils.validation import check_is_fitted

from skmnist._command_line.preparation import find_preparation
from skmnist._files import write_whole
from skmnist.datasets._folder import find_files


def predict(model, sources, csv_file=None, *, paper=None, pixels=None):
    """Print label and probability of every picture; return how many were unreadable.

    A source is a picture, a folder of them, or a pattern that the shell left alone.
    What the model does not tell of its pixels is taken from `paper` and `pixels`.
    """
    estimator = open_model(model)
    preparation = find_preparation(estimator, paper, pixels)
    if preparation.guesses:
        print(f"{model}: {preparation.guesses}", file=sys.stderr)
    paths, read, n_failed = [], [], 0
    for source in sources:
        found = find_pictures(source)
        paths += found
        if not found:
            n_failed += 1
            print(f"{source}: no pictures found", file=sys.stderr)
    for path in paths:
        try:
            read.append((path, *preparation.read(path)))
        except OSError as error:  # the others are still to be classified
            print(f"{path}: {error.strerror}", file=sys.stderr)
        except ValueError as error:
            print(error, file=sys.stderr)
    n_failed += len(paths) - len(read)
    if read:
        answers = list(classify(estimator, preparation, read))
        if csv_file is not None:
            # Before anything is printed: the reader may leave (`| head`).
            csv_file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(csv_file, partial(write_csv, answers))
        print_answers(answers)
    return n_failed


def find_pictures(source):
    """The paths that an argument stands for; none for a folder or pattern of none."""
    if os.path.isdir(source):
        return find_files(source)
    if os.path.lexists(source) or not glob.has_magic(source):
        return [source]
    return [
        path
        for match in sorted(glob.glob(source, recursive=True))
        for path in (find_files(match) if os.path.isdir(match) else [match])
    ]


def classify(estimator, preparation, read):
    """Add label and probability to each (path, image, steps)."""
    pixels = preparation.pixels([image for _, image, _ in read])
    labels, proba = estimator.predict(pixels), estimator.predict_proba(pixels)
    for (path, _, steps), label, p in zip(read, labels, proba, strict=True):
        yield path, label, p.max(), steps


def print_answers(answers):
    """Print a line for each (path, label, probability, steps)."""
    width = max(len(str(path)) for path, *_ in answers)
    for path, label, p, steps in answers:
        print(f"{path!s:<{width}}  {label}  {p:6.1%}  ({', '.join(steps)})")


def write_csv(answers, file):
    """Write file, label and probability of every picture, in UTF-8."""
    # Names of files that are no UTF-8 keep their bytes.
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    table = csv.writer(text)
    table.writerow(["file", "label", "probability"])
    table.writerows((path, label, f"{p:.6f}") for path, label, p, _ in answers)
    text.flush()
    text.detach()


def open_model(path):
    """A fitted classifier from a file of joblib's or of skmnist.persistence.save's."""
    path = Path(path)
    if path.suffix == ".skops":
        from skmnist.persistence import load

        estimator = load(path)
    elif path.suffix == ".onnx":
        raise ValueError(f"{path} is for programs such as onnxruntime, not for predict")
    else:
        with open(path, "rb") as file:
            try:
                estimator = joblib.load(file)
            except (AttributeError, ModuleNotFoundError) as error:
                raise ValueError(
                    f"{path} needs code that is not here: {error}. What the script of "
                    "its training defined itself, such as a module, a loss or a "
                    "callback, has to be in a file that can be imported"
                ) from error
            except Exception as error:
                why = ": ".join(filter(None, (type(error).__name__, str(error))))
                raise ValueError(
                    f"{path} is not a model that joblib can open ({why})"
                ) from error
    held = f"a {type(estimator).__name__}"
    if isinstance(estimator, type):
        raise ValueError(f"{path} holds a class, {estimator.__name__}, not a model")
    if not hasattr(estimator, "fit"):
        raise ValueError(f"{path} holds {held}, not a model")
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"{path} holds {held}, which has no predict_proba")
    check_is_fitted(estimator)
    return estimator
