"""
========================
Calibrated probabilities
========================

Of the images that a classifier is 80 % sure of, it should get 80 % right.
scikit-learn's ``CalibrationDisplay`` shows whether it does, and
``CalibratedClassifierCV`` mends it.
"""

# %%
# A network that has seen few images, many times, becomes too sure of itself.
import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.metrics import log_loss

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

X_train, X_test, y_train, y_test = load_digits28(split=True)
X_few, y_few = X_train[:200], y_train[:200]
clf = MLPClassifier((64,), max_epochs=50, lr=0.01, weight_decay=0, random_state=0)
clf.fit(X_few, y_few)

# %%
# Temperature scaling divides all logits by one number, chosen on images held out by
# cross-validation. No prediction changes, only how sure they are.
calibrated = CalibratedClassifierCV(clf, method="temperature", cv=5, ensemble=False)
calibrated.fit(X_few, y_few)

# %%
# How often is it right, by how sure it is? The closer to the diagonal, the more a
# probability means what it says; the log loss is lower where it can be trusted.
_, ax = plt.subplots(figsize=(5, 5), layout="constrained")
for name, model in {"as it comes": clf, "calibrated": calibrated}.items():
    proba = model.predict_proba(X_test).astype(float)
    right = model.predict(X_test) == y_test
    CalibrationDisplay.from_predictions(
        right, proba.max(axis=1), n_bins=6, strategy="quantile", name=name, ax=ax
    )
    loss = log_loss(y_test, proba / proba.sum(axis=1, keepdims=True))
    print(f"{name:<12} {right.mean():.1%} right, log loss {loss:.2f}")
ax.set(xlabel="how sure it is, mean of a sixth of the images", ylabel="share right")
plt.show()
