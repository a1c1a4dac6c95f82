"""
===========================
Which pixels speak for it
===========================

``SaliencyDisplay`` shows where a network looks: which pixels speak for its prediction,
and which for another label.
"""

# %%
# For convolutions it uses Grad-CAM [1]_: the maps that the last convolution, its
# activation and its pooling make, weighted by how much each speaks for the label.
import matplotlib.pyplot as plt
import numpy as np

from skmnist import ConvNetClassifier, MLPClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import SaliencyDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier(max_epochs=20, random_state=0).fit(X_train, y_train)
one_of_each = [np.flatnonzero(y_test == digit)[0] for digit in clf.classes_]
SaliencyDisplay.from_estimator(clf, X_test[one_of_each], n_columns=5)

# %%
# The same nine, asked about other labels. Each map has its own scale: for a four, it is
# above all the empty ground over the loop, where a four would be open.
nine = X_test[[one_of_each[9]] * 4]
SaliencyDisplay.from_estimator(clf, nine, [9, 8, 4, 7], n_columns=4)

# %%
# Without convolutions, it is the gradient of the label's score by the pixels [2]_:
# finer, and noisier.
dense = MLPClassifier(max_epochs=20, random_state=0).fit(X_train, y_train)
SaliencyDisplay.from_estimator(dense, X_test[one_of_each], n_columns=5)

# %%
# And where it is wrong? Above each is what the pixels speak for, the wrong label.
wrong = np.flatnonzero(clf.predict(X_test) != y_test)[:6]
SaliencyDisplay.from_estimator(clf, X_test[wrong])
print("they are", y_test[wrong])
plt.show()

# %%
# Such maps are a hint and not a proof: they show where the score would change, not why.
#
# .. [1] Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via
#    gradient-based localization", ICCV 2017.
# .. [2] Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks:
#    visualising image classification models and saliency maps", 2013.
