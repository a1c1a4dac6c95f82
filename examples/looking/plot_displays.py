"""
==================================
Looking inside a fitted classifier
==================================

The displays of ``skmnist.displays`` work like scikit-learn's: a ``from_…`` method draws
the plot, in a figure of its own or in the axes ``ax``, and the data and artists are
attributes. So all of them can make one figure.
"""

# %%
# A network to look at, and a search.
import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV

from skmnist import ConvLayer, ConvNetClassifier, MLPClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import (
    FilterDisplay,
    ImageGridDisplay,
    ParameterSweepDisplay,
    SaliencyDisplay,
    TrainingCurveDisplay,
)

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier(
    conv_layers=(ConvLayer(16, kernel_size=5), 32), max_epochs=15, random_state=0
)
clf.fit(X_train, y_train, X_val=X_test, y_val=y_test)
search = GridSearchCV(
    MLPClassifier(max_epochs=5, random_state=0),
    {"lr": [3e-4, 1e-3, 3e-3, 1e-2], "weight_decay": [0, 1e-2, 1]},
    cv=3,
    n_jobs=2,
).fit(X_train, y_train)

# %%
# Training on the left, the search and the worst mistakes in the middle, the filters and
# the pixels that count on the right.
figure, axes = plt.subplot_mosaic(
    [["loss", "search", "filters"], ["accuracy", "mistakes", "saliency"]],
    figsize=(13, 8),
    layout="constrained",
)
TrainingCurveDisplay.from_estimator(clf, metric="loss", ax=axes["loss"])
TrainingCurveDisplay.from_estimator(clf, metric="accuracy", ax=axes["accuracy"])
FilterDisplay.from_estimator(clf, ax=axes["filters"])
mistakes = ImageGridDisplay.from_estimator(
    clf, X_test, y_test, kind="mistakes", n_images=9, ax=axes["mistakes"]
)
ParameterSweepDisplay.from_search(search, ax=axes["search"])
SaliencyDisplay.from_estimator(clf, X_test[:9], method="gradient", ax=axes["saliency"])
for name, ax in axes.items():
    ax.set_title(name)

# %%
# What a display has computed is stored in it: here, which images are wrong, and how
# sure the network was.
for i, proba in zip(mistakes.indices, mistakes.y_proba, strict=True):
    print(f"image {i}: {proba:.1%}")
plt.show()
