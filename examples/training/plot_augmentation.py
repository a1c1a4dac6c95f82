"""
============
Augmentation
============

A digit that is shifted or rotated a little is still the same digit. ``augment`` shows
the network new versions of the images in every epoch. This helps most if there are few
images.
"""

# %%
# The package has several changes, which process whole batches on the device.
import matplotlib.pyplot as plt
import numpy as np
import torch

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import ImageGridDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
few, labels = X_train[:300], y_train[:300]


def fit(augment):
    clf = ConvNetClassifier(max_epochs=30, augment=augment, random_state=0)
    return clf.fit(few, labels)


for augment in (None, "shift", "affine"):
    accuracy = fit(augment).score(X_test, y_test)
    print(f"augment={augment!s:<7} {accuracy:.1%} from {len(few)} images")


# %%
# You can also pass your own function. It takes and returns a float tensor of shape
# (n, channels, height, width), with unscaled pixels. This one erases a square of every
# image, so that the network cannot rely on a single stroke.
def rub_out(images, side=5):
    images = images.clone()
    n_images, _, height, width = images.shape
    top = torch.randint(0, height - side, (n_images,))
    left = torch.randint(0, width - side, (n_images,))
    for image, y, x in zip(images, top, left, strict=True):
        image[:, y : y + side, x : x + side] = 0
    return images


# %%
# Changes in a list are made one after the other. So a second function that only keeps
# what it is given shows what the network sees: each digit comes in five versions.
def versions(augment):
    kept = []

    def keep(images):
        kept.append(images[:, 0].numpy())
        return images

    digits = np.repeat(X_train[:4], 5, axis=0)
    clf = ConvNetClassifier(max_epochs=1, batch_size=20, shuffle=False, random_state=0)
    clf.set_params(augment=[augment, keep]).fit(digits, np.repeat(y_train[:4], 5))
    return kept[-1]


figure, axes = plt.subplots(1, 3, figsize=(11, 3.3), layout="constrained")
figure.get_layout_engine().set(wspace=0.06)
for ax, augment in zip(axes, ("shift", "affine", rub_out), strict=True):
    ImageGridDisplay.from_images(versions(augment), n_columns=5, ax=ax)
    ax.set_title(augment if isinstance(augment, str) else augment.__name__)

# %%
# Its random numbers are determined by the estimator's ``random_state``, like all
# others. Not every idea helps: here the accuracy falls.
print(f"rubbed out     {fit(rub_out).score(X_test, y_test):.1%}")
plt.show()
