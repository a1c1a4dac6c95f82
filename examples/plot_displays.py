"""
==================================
Looking inside a fitted classifier
==================================

The displays of ``skmnist.displays`` work like scikit-learn's: a ``from_…`` method draws
the plot, and the data and artists are attributes.
"""

# %%
# Images with their labels.
import matplotlib.pyplot as plt

from skmnist import ConvLayer, ConvNetClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import (
    FilterDisplay,
    ImageGridDisplay,
    ParameterSweepDisplay,
    TrainingCurveDisplay,
)

X_train, X_test, y_train, y_test = load_digits28(split=True)
ImageGridDisplay.from_images(X_train[:16], y_train[:16])

# %%
# The loss during training, on the training images and on validation images.
clf = ConvNetClassifier(
    conv_layers=(ConvLayer(16, kernel_size=5), 32), max_epochs=15, random_state=0
)
clf.fit(X_train, y_train, X_val=X_test, y_val=y_test)
TrainingCurveDisplay.from_estimator(clf, metric="loss")

# %%
# The most confident mistakes.
ImageGridDisplay.from_estimator(clf, X_test, y_test, kind="mistakes", n_images=8)

# %%
# The filters of the first layer.
FilterDisplay.from_estimator(clf)

# %%
# The scores of a search over two parameters, as a heat map.
from sklearn.model_selection import GridSearchCV

from skmnist import MLPClassifier

search = GridSearchCV(
    MLPClassifier(max_epochs=5, random_state=0),
    {"lr": [3e-4, 1e-3, 3e-3, 1e-2], "weight_decay": [0, 1e-2, 1]},
    cv=3,
    n_jobs=2,
)
ParameterSweepDisplay.from_search(search.fit(X_train, y_train))
plt.show()
