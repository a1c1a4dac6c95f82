"""
==========
Focal loss
==========

``loss`` takes a function of your own, which returns one loss for each image. This
example trains with the focal loss on digits of which most are zeros and ones.
"""

# %%
# The focal loss is cross-entropy times ``(1 - p) ** gamma``, where ``p`` is the
# probability of the true class [1]_. Images that are classified well already hardly
# count, so that many easy ones do not drown the few that are hard.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import recall_score
from torch.nn import functional as F

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28


class FocalLoss:
    """Cross-entropy that passes over what is classified well."""

    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, logits, targets):
        losses = F.cross_entropy(logits, targets, reduction="none")
        return (1 - (-losses).exp()) ** self.gamma * losses

    def __repr__(self):
        return f"FocalLoss({self.gamma})"


# %%
# With a ``gamma`` of 0 it is cross-entropy; the larger it is, the less an image counts
# that is classified well.
import torch

p = torch.linspace(0.01, 0.99, 99)
logits = torch.stack([p.log(), (1 - p).log()], dim=1)
_, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for gamma in (0, 0.5, 1, 2, 5):
    losses = FocalLoss(gamma)(logits, torch.zeros(len(p), dtype=torch.long))
    ax.plot(p, losses, label=f"gamma={gamma}")
ax.set(xlabel="probability of the true class", ylabel="loss (nats)", ylim=(0, 4))
ax.legend()

# %%
# Of all digits but zeros and ones, one in eight is kept.
X_train, X_test, y_train, y_test = load_digits28(split=True)
rng = np.random.default_rng(0)
kept = np.flatnonzero((y_train < 2) | (rng.random(len(y_train)) < 1 / 8))
X_few, y_few = X_train[kept], y_train[kept]
print(f"{(y_few < 2).sum()} zeros and ones, {(y_few >= 2).sum()} others")

# %%
# A loss is a parameter like any other, and multiplies with the weights of classes.
recalls = {}
for name, params in {
    "cross-entropy": {},
    "focal": {"loss": FocalLoss(2)},
    "balanced": {"class_weight": "balanced"},
    "focal, balanced": {"loss": FocalLoss(2), "class_weight": "balanced"},
}.items():
    found = []
    for seed in range(5):
        clf = MLPClassifier((64,), max_epochs=20, random_state=seed, **params)
        y_pred = clf.fit(X_few, y_few).predict(X_test)
        rare = list(range(2, 10))
        found.append(recall_score(y_test, y_pred, labels=rare, average="macro"))
    recalls[name] = np.mean(found)
    print(f"{name:<16} rare digits found {recalls[name]:.1%} +- {np.std(found):.1%}")

# %%
_, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
bars = ax.barh(list(recalls), [100 * recall for recall in recalls.values()])
ax.bar_label(bars, fmt="%.1f %%", padding=3)
ax.set(xlabel="rare digits of the test images that are found (%)", xlim=(0, 110))
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Here the weights of the classes find more of the rare digits, and the focal loss none:
# it was made for thousands of easy examples to each hard one. Whether a loss helps is
# measured as for any parameter.
#
# .. [1] Lin et al., "Focal loss for dense object detection", ICCV 2017.
