"""
=========================
What the first layer sees
=========================

The filters of the first convolution are small enough to look at. So are the maps that
they compute from an image.
"""

# %%
# Sixteen filters of 5x5 pixels.
import matplotlib.pyplot as plt
import torch

from skmnist import ConvLayer, ConvNetClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import FilterDisplay, ImageGridDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier(
    (ConvLayer(16, kernel_size=5), 32), max_epochs=20, random_state=0
).fit(X_train, y_train)
FilterDisplay.from_estimator(clf)

# %%
# ``module_`` is an ordinary torch module. Its first layer scales the pixels, then come
# the layers that ``summary`` lists. From one image, the first convolution computes a
# map for each filter.
with torch.no_grad():
    image = clf.module_.scaling(torch.from_numpy(X_test[:1])[:, None])
    maps = clf.module_.layers[0](image)[0]
ImageGridDisplay.from_images(maps.numpy(), [f"filter {i}" for i in range(16)])

# %%
# A softmax regression has no filters. It has a weight for every pixel and class, which
# shows where ink is evidence for a digit, and where against it.
from skmnist import MLPClassifier

softmax = MLPClassifier((), max_epochs=20, weight_decay=1, random_state=0)
FilterDisplay.from_estimator(softmax.fit(X_train, y_train))
plt.show()
