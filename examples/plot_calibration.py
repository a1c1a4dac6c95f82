"""
=======================
Can it be taken at 80 %?
=======================

Of the images that a classifier is 80 % sure of, it should get 80 % right.
scikit-learn's ``CalibrationDisplay`` shows whether it does, and
``CalibratedClassifierCV`` mends it.
"""

# %%
# For a question with two answers: is it an even digit? Without weight decay, networks
# become too sure of themselves.
import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.metrics import log_loss

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

X_train, X_test, y_train, y_test = load_digits28(split=True)
even_train, even_test = y_train % 2 == 0, y_test % 2 == 0
clf = MLPClassifier((64,), max_epochs=30, weight_decay=0, random_state=0)
clf.fit(X_train[:400], even_train[:400])

# %%
# Temperature scaling divides all logits by one number, chosen on images held out by
# cross-validation.
calibrated = CalibratedClassifierCV(clf, method="temperature", cv=5, ensemble=False)
calibrated.fit(X_train[:400], even_train[:400])

# %%
# The closer to the diagonal, the more a probability means what it says. The log loss
# is lower for probabilities that can be trusted.
_, ax = plt.subplots(figsize=(5, 5), layout="constrained")
for name, model in {"as it comes": clf, "calibrated": calibrated}.items():
    CalibrationDisplay.from_estimator(
        model, X_test, even_test, n_bins=5, strategy="quantile", name=name, ax=ax
    )
    loss = log_loss(even_test, model.predict_proba(X_test))
    print(
        f"{name:<12} accuracy {model.score(X_test, even_test):.1%}, log loss {loss:.3f}"
    )
plt.show()
