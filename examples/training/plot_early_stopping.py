"""
============================
Schedules and early stopping
============================

A schedule changes the learning rate during training. Early stopping ends the training
when more epochs no longer improve the accuracy on validation images.
"""

# %%
# The same network with four schedules. ``history_`` holds the learning rate of every
# epoch.
import matplotlib.pyplot as plt

from skmnist import MLPClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import TrainingCurveDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
schedules = {"none": None, **{s: s for s in ("onecycle", "cosine", "exponential")}}
_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for name, schedule in schedules.items():
    clf = MLPClassifier(
        (64,), max_epochs=20, lr_schedule=schedule, lr_decay=0.8, random_state=0
    ).fit(X_train, y_train)
    left.plot(range(1, 21), clf.history_[:, "lr"], label=name)
    right.plot(range(1, 21), clf.loss_curve_, label=name)
    print(f"{name:<12} {clf.score(X_test, y_test):.1%} on the test images")
left.set(xlabel="epoch", ylabel="learning rate")
right.set(xlabel="epoch", ylabel="training loss (nats)", yscale="log")
right.legend(title="lr_schedule")

# %%
# ``early_stopping=True`` holds out a tenth of the images. It stops when their accuracy
# has not improved for ``n_iter_no_change`` epochs, and restores the weights of the best
# epoch.
clf = MLPClassifier(
    (64,),
    max_epochs=100,
    lr_schedule=None,
    early_stopping=True,
    n_iter_no_change=8,
    random_state=0,
).fit(X_train, y_train)
print(f"stopped after {clf.n_epochs_} epochs of 100; the best was {clf.best_epoch_}")
TrainingCurveDisplay.from_estimator(clf, metric="accuracy")
plt.show()
