"""
========================
Calibrated probabilities
========================

If a classifier gives its predictions a probability of 80 %, then 80 % of them should be
right. scikit-learn's ``CalibrationDisplay`` shows whether this is so, and
``CalibratedClassifierCV`` corrects the probabilities.
"""

# %%
# A network that is trained on few images for many epochs becomes overconfident.
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
# Temperature scaling divides the logits, which are the inputs of the softmax, by one
# number. It is chosen on images held out by cross-validation. The probabilities change,
# but the predicted labels do not.
calibrated = CalibratedClassifierCV(clf, method="temperature", cv=5, ensemble=False)
calibrated.fit(X_few, y_few)

# %%
# The plot shows how often the classifier is right, against the probability that it
# gives. The closer to the diagonal, the better the probabilities; a lower log loss says
# the same.
_, ax = plt.subplots(figsize=(5, 5), layout="constrained")
for name, model in {"uncalibrated": clf, "calibrated": calibrated}.items():
    proba = model.predict_proba(X_test).astype(float)
    right = model.predict(X_test) == y_test
    CalibrationDisplay.from_predictions(
        right, proba.max(axis=1), n_bins=6, strategy="quantile", name=name, ax=ax
    )
    loss = log_loss(y_test, proba / proba.sum(axis=1, keepdims=True))
    print(f"{name:<12} {right.mean():.1%} right, log loss {loss:.2f}")
ax.set(xlabel="mean predicted probability", ylabel="fraction correct")
plt.show()
