"""Fitted models in a pickle, for later versions to open: run once a release.

Writes pickles-VERSION.joblib beside this file: by name an estimator, and the logits
that it gives for the first 20 test images of the embedded digits.
"""

from pathlib import Path

import joblib

import skmnist
from skmnist import ConvLayer, ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.datasets import load_digits28

X, X_test, y, _ = load_digits28(split=True)
names = [f"digit {label}" for label in y]
small = {"hidden_layer_sizes": (4,), "max_epochs": 1, "random_state": 0}
models = {
    "unfitted": MLPClassifier(**small),
    "linear": LinearClassifier(max_iter=5).fit(X[:200], y[:200]),
    "mlp": MLPClassifier(**small, early_stopping=True, dropout=0.1).fit(X, names),
    "stream": MLPClassifier(**small, optimizer="sgd").partial_fit(X, y, range(10)),
    "conv": ConvNetClassifier((ConvLayer(4, batch_norm=True), 4), **small).fit(X, y),
}
kept = {
    name: (model, model.decision_function(X_test[:20]) if name != "unfitted" else None)
    for name, model in models.items()
}
path = Path(__file__).with_name(f"pickles-{skmnist.__version__}.joblib")
joblib.dump(kept, path, compress=9)
print(f"{path.name}: {path.stat().st_size:,} bytes")
