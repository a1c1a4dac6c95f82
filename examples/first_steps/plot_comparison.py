"""
=====================================
Linear, dense or convolutional layers
=====================================

How much better is a network than logistic regression, and a convolutional network than
one of dense layers? This example compares the three estimators and their costs.
"""

# %%
# All three accept the same images and labels, so one loop is enough.
import time

import matplotlib.pyplot as plt

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier
from skmnist.datasets import load_digits28

X_train, X_test, y_train, y_test = load_digits28(split=True)
estimators = {
    "linear": LinearClassifier(max_iter=1000),
    "dense": MLPClassifier(max_epochs=20, random_state=0),
    "convolutional": ConvNetClassifier(max_epochs=20, random_state=0),
}
n_errors = {}
for name, clf in estimators.items():
    start = time.perf_counter()
    clf.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    n_errors[name] = int((clf.predict(X_test) != y_test).sum())
    print(
        f"{name:<14} {clf.n_parameters_:>8,} parameters  {seconds:4.1f} s  "
        f"{n_errors[name]:>3} errors of {len(y_test)}"
    )

# %%
# Numbers of errors differ more visibly than accuracies near 100 %.
_, ax = plt.subplots(figsize=(6, 2.5), layout="constrained")
bars = ax.barh(list(n_errors), list(n_errors.values()))
ax.bar_label(bars, padding=3)
ax.set(xlabel=f"errors on {len(y_test)} test images")
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)

# %%
# Do they misclassify the same images? Each cell counts the images that both estimators
# get wrong; the diagonal counts all errors of one estimator.
import numpy as np

wrong = np.array([clf.predict(X_test) != y_test for clf in estimators.values()])
both = wrong.astype(int) @ wrong.T.astype(int)
print("wrong together:")
for name, row in zip(estimators, both, strict=True):
    print(f"{name:<14}", *(f"{count:>4}" for count in row))
plt.show()
