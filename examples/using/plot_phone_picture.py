"""
=================================
A picture from a phone, in steps
=================================

A photograph of a digit is grey, uneven, tilted and grainy; MNIST's images are none of
that. ``load_picture`` brings one to the other. This example shows the way in steps, and
what happens to a network that is spared them.
"""

# %%
# The photograph is made here: a digit of the test set in blue ink on paper, seen from
# the side, under a shadow, with the grain of a small sensor.
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28, load_picture

X_train, X_test, y_train, y_test = load_digits28(split=True)


def photograph(digit, rng):
    large = Image.fromarray(digit).resize((420, 420), Image.Resampling.BICUBIC)
    line = skeletonize(np.asarray(large) > 110)
    ink = np.zeros((640, 480))
    ink[110:530, 30:450] = ndimage.distance_transform_edt(~line) < 7  # a pen's width
    # Where the corners of the photograph lie on the page: it was held at an angle.
    corners = (-40, 30, 20, 600, 520, 660, 440, -20)
    tilted = Image.fromarray(ink.astype(np.float32)).transform(
        (480, 640), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR
    )
    paper, blue = np.array([236, 228, 210.0]), np.array([38, 52, 128.0])
    ink = np.asarray(tilted)[..., None]
    page = (1 - ink) * paper + ink * blue
    y, x = np.mgrid[:640, :480]
    shadow = 1 / (1 + np.exp(-(x + 0.5 * y - 420) / 18))  # a hand with a phone
    light = (0.55 + 0.45 * shadow) * (1 - y / 2600)
    page = page * light[..., None] + rng.normal(scale=7, size=page.shape)
    return Image.fromarray(page.clip(0, 255).astype(np.uint8))


picture = photograph(X_test[np.flatnonzero(y_test == 4)[3]], np.random.default_rng(0))

# %%
# A first attempt: grey, Otsu's threshold, the box of the ink at 20 of 28 pixels.
grey = np.asarray(picture.convert("L"), float)
shaded = grey < threshold_otsu(grey)


def frame(ink):
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = Image.fromarray(255 * box.astype(np.uint8))
    small.thumbnail((20, 20), Image.Resampling.BOX)
    image = Image.new("L", (28, 28))
    image.paste(small, ((28 - small.width) // 2, (28 - small.height) // 2))
    return np.asarray(image)


# %%
# The threshold takes the shadow for ink. The paper itself is what remains when all dark
# strokes are filled by their surroundings: a closing, in the words of morphology [1]_.
# Divided by it, the paper is even, and the threshold finds the ink.
smooth = ndimage.gaussian_filter(grey, 2)
even = smooth / ndimage.grey_closing(smooth, size=(91, 91))
ink = even < threshold_otsu(even)

# %%
# ``load_picture`` does this with more care, and more of it: borders, ruled lines,
# specks and hairlines are looked after, and the centre of mass goes to the middle.
images = {
    "first attempt": frame(shaded),
    "paper evened": frame(ink),
    "load_picture": load_picture(picture),
}
clf = ConvNetClassifier(max_epochs=15, augment="affine", random_state=0)
clf.fit(X_train, y_train)
proba = clf.predict_proba(np.stack(list(images.values())))
answers = [
    f"{name}:\n{clf.classes_[p.argmax()]} ({p.max():.0%})"
    for name, p in zip(images, proba, strict=True)
]
print(*answers, sep="\n")

# %%
# Above, what is looked at; below, what the network is given, and its answer.
_, axes = plt.subplots(
    2, 3, figsize=(7, 6.4), height_ratios=[4, 3], layout="constrained"
)
steps = {"photograph": picture, "threshold": ~shaded, "paper evened": even}
for ax, (name, step) in zip(axes[0], steps.items(), strict=True):
    ax.imshow(step, cmap="gray")
    ax.set(title=name, xticks=[], yticks=[])
for ax, answer, image in zip(axes[1], answers, images.values(), strict=True):
    ax.imshow(image, cmap="gray")
    ax.set(title=answer, xticks=[], yticks=[])
plt.show()

# %%
# For a picture in a file, ``python -m skmnist predict model.joblib picture.jpg`` does
# the same, and says which steps it took.
#
# .. [1] Gonzalez and Woods, "Digital Image Processing", 4th edition, section 9.8.
