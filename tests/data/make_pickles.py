"""Fitted models in a pickle, for later versions to open: run once a release.

Writes pickles-VERSION.joblib beside this file: by name an estimator, and the logits
that it gives for the first 20 test images of the embedded digits.
"""

from pathlib import Path

import joblib

import skmnist
from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.datasets import load_digits28


def make_models(X, y):
    """Small models of every kind, by name."""
    names = [f"digit {label}" for label in y]
    small = {"hidden_layer_sizes": (4,), "max_epochs": 1, "random_state": 0}
    norm = ConvLayer(4, batch_norm=True)
    return {
        "unfitted": MLPClassifier(**small),
        "linear": LinearClassifier(max_iter=5).fit(X[:200], y[:200]),
        "mlp": MLPClassifier(**small, early_stopping=True, dropout=0.1).fit(X, names),
        "stream": MLPClassifier(**small, optimizer="sgd").partial_fit(X, y, range(10)),
        "conv": ConvNetClassifier((norm, 4), **small).fit(X, y),
    }


# Not when the file is only looked into, as by a collector of tests.
if __name__ == "__main__":
    X, X_test, y, _ = load_digits28(split=True)
    kept = {
        name: (
            model,
            None if name == "unfitted" else model.decision_function(X_test[:20]),
        )
        for name, model in make_models(X, y).items()
    }
    path = Path(__file__).with_name(f"pickles-{skmnist.__version__}.joblib")
    joblib.dump(kept, path, compress=9)
    print(f"{path.name}: {path.stat().st_size:,} bytes")
