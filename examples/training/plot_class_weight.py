"""
==================
Imbalanced classes
==================

If one class is rare, a classifier can reach a high accuracy by ignoring it.
``class_weight`` and ``sample_weight`` are multiplied and weight the loss, as in
scikit-learn.
"""

# %%
# Only every tenth eight is kept.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import balanced_accuracy_score, recall_score

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28

X_train, X_test, y_train, y_test = load_digits28(split=True)
eights = np.flatnonzero(y_train == 8)
kept = np.setdiff1d(np.arange(len(y_train)), np.delete(eights, np.s_[::10]))
X_few, y_few = X_train[kept], y_train[kept]
print(f"{(y_few == 8).sum()} eights among {len(y_few)} images")
counts = np.bincount(y_few)
colours = np.where(counts == counts.min(), "tab:orange", "tab:blue")
_, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.bar(range(10), counts, color=colours)
ax.set(xlabel="digit", ylabel="training images", xticks=range(10))
ax.spines[["top", "right"]].set_visible(False)

# %%
# ``"balanced"`` weights every class by the inverse of its frequency; a dict sets the
# weights of single classes.
recalls = {}
for name, weight in {
    "no weights": None,
    "eights three times": {8: 3.0},
    "balanced": "balanced",
}.items():
    clf = MLPClassifier((64,), max_epochs=20, class_weight=weight, random_state=0)
    y_pred = clf.fit(X_few, y_few).predict(X_test)
    recalls[name] = recall_score(y_test, y_pred, labels=[8], average=None)[0]
    print(
        f"{name:<18} eights found {recalls[name]:.0%}, balanced accuracy "
        f"{balanced_accuracy_score(y_test, y_pred):.1%}"
    )

# %%
_, ax = plt.subplots(figsize=(6, 2.2), layout="constrained")
bars = ax.barh(list(recalls), [100 * recall for recall in recalls.values()])
ax.bar_label(bars, fmt="%.0f %%", padding=3)
ax.set(xlabel="eights of the test images that are found (%)", xlim=(0, 110))
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)
plt.show()
