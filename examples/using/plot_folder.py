"""
======================
A folder of pictures
======================

Pictures in one folder for each class are all that a classifier needs. ``load_folder``
reads them, whatever their sizes, and the model remembers what was done to them.
"""

# %%
# A folder as it may lie on your disk, drawn here: three kinds of pictures in colours
# and sizes of their own.
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from sklearn.model_selection import train_test_split

from skmnist import ConvNetClassifier
from skmnist.datasets import load_folder, load_picture
from skmnist.displays import ImageGridDisplay

rng = np.random.default_rng(0)


def draw(kind):
    width, height = rng.integers(90, 160, size=2).tolist()
    ground = tuple(rng.integers(190, 256, size=3).tolist())
    colour = tuple(rng.integers(140, size=3).tolist())
    page = Image.new("RGB", (width, height), ground)
    x, y = rng.uniform(0.4, 0.6, size=2) * (width, height)
    radius, turn = rng.uniform(22, 32), rng.uniform(0, 6.28)
    if kind == "flower":
        for angle in turn + 2 * np.pi * np.arange(6) / 6:
            petal = (x + radius * np.cos(angle), y + radius * np.sin(angle), radius / 2)
            ImageDraw.Draw(page).circle(petal[:2], petal[2], fill=colour)
    elif kind == "star":
        angles = turn + 2 * np.pi * np.arange(10) / 10
        long = radius * np.where(np.arange(10) % 2, 0.6, 1.5)
        points = zip(x + long * np.cos(angles), y + long * np.sin(angles), strict=True)
        ImageDraw.Draw(page).polygon(list(points), fill=colour)
    else:
        ImageDraw.Draw(page).circle((x, y), radius, fill=colour)
        spot = (x + radius / 2 * np.cos(turn), y + radius / 2 * np.sin(turn))
        ImageDraw.Draw(page).circle(spot, radius / 3, fill=ground)
    return page.filter(ImageFilter.GaussianBlur(1))


folder = Path(tempfile.mkdtemp()) / "pictures"
for kind in ("flower", "moon", "star"):
    (folder / kind).mkdir(parents=True)
    for i in range(100):
        draw(kind).save(folder / kind / f"{i:03}.png")

# %%
# ``data``, ``target`` and ``target_names`` are as in scikit-learn's own data sets.
pictures = load_folder(folder, image_shape=(3, 32, 32), resize="crop")
X, y = pictures.data, pictures.target_names[pictures.target]
print(X.shape, X.dtype, pictures.target_names)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# A few hundred pictures are not many: small batches make more steps of them, and turned
# and shifted copies more pictures.
clf = ConvNetClassifier(
    (16, 32, 64), max_epochs=15, batch_size=32, augment="affine", random_state=0
).fit(X_train, y_train)
print(f"{clf.score(X_test, y_test):.1%} of {len(X_test)} others are right")
ImageGridDisplay.from_estimator(clf, X_test, y_test, n_images=18)

# %%
# ``picture_options`` brings one more picture to the same form.
draw("star").save(folder.parent / "new.png")
image = load_picture(folder.parent / "new.png", **pictures.picture_options)
print(clf.predict(image[np.newaxis]))

# %%
# The same without a line of Python: ``train`` holds out a fifth of the pictures, and
# ``predict`` knows from the model how to prepare others.
for command in (
    ["train", "pictures", "--out", "model.joblib", "--epochs", "10"],
    ["predict", "model.joblib", "new.png"],
):
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder.parent,
    )
    print("$ python -m skmnist", *command)
    print(done.stdout)
plt.show()
