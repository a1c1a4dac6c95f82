"""
==================
The worst mistakes
==================

The accuracy is only one number. Which digits are mistaken for which, and which mistakes
was the network most confident of?
"""

# %%
# The confusion matrix shows which digits are mistaken for which.
import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import ImageGridDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier(max_epochs=20, random_state=0).fit(X_train, y_train)
ConfusionMatrixDisplay.from_estimator(clf, X_test, y_test, cmap="Blues", colorbar=False)

# %%
# The most confident mistakes come first. Some are the network's fault, some the
# writer's. At 8x8 pixels, the original size of scikit-learn's digits, a 9 can look like
# a 3.
ImageGridDisplay.from_estimator(clf, X_test, y_test, kind="mistakes", n_images=12)

# %%
# What if the classifier may decline to answer? The nine tenths of the images that it is
# most confident of contain only a minority of the mistakes.
import numpy as np

proba = clf.predict_proba(X_test)
wrong = proba.argmax(axis=1) != y_test
surest = np.argsort(proba.max(axis=1))[::-1]
for share in (1, 0.95, 0.9, 0.8):
    answered = surest[: int(share * len(surest))]
    print(f"{share:4.0%} answered, {wrong[answered].sum():>2} wrong")
plt.show()
