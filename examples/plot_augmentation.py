"""
============
Augmentation
============

A digit that is shifted or rotated a little is still the same digit. ``augment`` shows
the network new versions of the images in every epoch. This helps most if there are few
images.
"""

# %%
# The package has two transforms, which process whole batches on the device.
import matplotlib.pyplot as plt
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


shown = rub_out(torch.from_numpy(X_train[:8])[:, None].float())
ImageGridDisplay.from_images(shown[:, 0].numpy(), y_train[:8])

# %%
# Its random numbers are determined by the estimator's ``random_state``, like all
# others. Not every idea helps: here the accuracy falls.
print(f"rubbed out     {fit(rub_out).score(X_test, y_test):.1%}")
plt.show()
