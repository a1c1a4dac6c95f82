"""A model trained on a folder of one's own pictures."""

import sys
import warnings
from functools import partial
from pathlib import Path

import joblib
import numpy as np
from sklearn.model_selection import train_test_split

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist._command_line.compare import draw_figure, fit_and_score, format_table
from skmnist._extras import import_extra
from skmnist._files import write_whole
from skmnist._training.devices import find_device
from skmnist.datasets import load_folder

ESTIMATORS = {
    "convnet": ConvNetClassifier,
    "mlp": MLPClassifier,
    "linear": LinearClassifier,
}

# The share of the pictures that the model does not learn from.
HELD_OUT = 0.2


def train(
    folder, out, *, estimator="convnet", device="auto", epochs=None, seed=0, **options
):
    """Train on a folder, print how well it went, write the model and a figure.

    The options are those of `load_folder`. The model remembers them.
    """
    options = check_options(**options)
    find_device(device, "train")
    import_extra("matplotlib", "plot", "train")
    model = make_estimator(estimator, device, epochs, seed)
    pictures = load_pictures(folder, options)
    labels = pictures.target_names[pictures.target]
    X_train, X_test, y_train, y_test = hold_out(pictures.data, labels, seed)
    result = fit_and_score(model, X_train, X_test, y_train, y_test)
    model.picture_options_ = pictures.picture_options
    # Written before anything is printed: the reader may leave (`| head`).
    paths = write_results(result, X_test, y_test, Path(out))
    print(format_table([result], len(X_train), len(X_test)))
    for path in paths:
        print(f"wrote {path}")


def check_options(image_shape, mode=None, resize=None):
    """Those of `load_folder` that were given; one without an effect is refused."""
    in_colour = len(image_shape) == 3 and image_shape[0] == 3
    if in_colour and mode == "digit":
        raise ValueError(
            "argument --mode: pictures in colour are only resized. To frame their ink "
            "as digits, add --image-shape 28x28"
        )
    if resize is not None and not in_colour and mode != "plain":
        raise ValueError(
            "argument --resize: what is framed as a digit is not resized as a whole. "
            "For other grey pictures, add --mode plain"
        )
    given = {"image_shape": image_shape, "mode": mode, "resize": resize}
    return {name: value for name, value in given.items() if value is not None}


def load_pictures(folder, options):
    """Load the folder with a progress bar; say in a line what was left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pictures = load_folder(folder, **options, verbose=True)
    for path in pictures.unreadable:
        print(f"{path}: left out, no picture that can be read", file=sys.stderr)
    return pictures


def make_estimator(name, device, epochs, seed):
    """An estimator with its defaults, except for what is given."""
    estimator = ESTIMATORS[name](random_state=seed)
    if name != "linear":
        estimator.set_params(device=device)
        if epochs is not None:
            estimator.set_params(max_epochs=epochs)
    elif epochs is not None:
        raise ValueError("argument --epochs: the linear estimator has none")
    return estimator


def hold_out(data, labels, seed):
    """Split off a fifth of the pictures, of every class alike."""
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise ValueError(
            f"train needs two classes or more, each in a subfolder. There is only "
            f"{classes[0]!s}"
        )
    if counts.min() < 2:
        raise ValueError(
            "train needs two pictures or more of each class, as some are held out for "
            f"the test. There is one of {', '.join(classes[counts < 2])}"
        )
    n_test = max(len(classes), round(HELD_OUT * len(labels)))
    return train_test_split(
        data, labels, test_size=n_test, stratify=labels, random_state=seed
    )


def write_results(result, X_test, y_test, out):
    """Write the model and, beside it, the figure; return their paths."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = draw_figure([result], X_test, y_test)
    drawn = out.with_suffix(".png")
    write_whole(out, partial(joblib.dump, result.estimator))
    write_whole(drawn, partial(figure.savefig, dpi=150, format="png"))
    return out, drawn
