"""
============
Augmentation
============

A digit that is moved or turned a little is the same digit. ``augment`` shows the
network new versions in every epoch, which counts most where images are few.
"""

# %%
# Two transforms come with the package; they work on whole batches, on the device.
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
# A callable of your own takes and returns a float tensor of shape (n, channels, height,
# width), of pixels as they are. This one rubs out a square of every image, so that no
# single stroke decides.
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
# Its random numbers come from the estimator's ``random_state``, like all others. Not
# every idea helps: these digits have no stroke to spare.
print(f"rubbed out     {fit(rub_out).score(X_test, y_test):.1%}")
plt.show()
