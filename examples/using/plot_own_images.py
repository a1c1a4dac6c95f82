"""
===========================
Classify your own PNG files
===========================

A scan shows dark ink on light paper and can have any size. The training images show
light ink on a dark background, at 28x28 pixels. The command line and ``load_picture``
convert one to the other.
"""

# %%
# Train a model and save it to a file.
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28, load_picture
from skmnist.displays import ImageGridDisplay

X_train, _, y_train, _ = load_digits28(split=True)
clf = ConvNetClassifier(max_epochs=12, augment="affine", random_state=0)
folder = Path(tempfile.mkdtemp())
joblib.dump(clf.fit(X_train, y_train), folder / "digits.joblib")

# %%
# Draw three "scans" with strokes of a pen on paper.
strokes = {
    "seven": [(60, 60), (150, 60), (95, 190)],
    "one": [(85, 80), (120, 45), (120, 200)],
    "four": [(125, 200), (125, 50), (60, 140), (160, 140)],
}
_, axes = plt.subplots(1, len(strokes), figsize=(6, 2.5), layout="constrained")
for ax, (name, points) in zip(axes, strokes.items(), strict=True):
    page = Image.new("RGB", (220, 250), (240, 235, 220))
    ImageDraw.Draw(page).line(points, fill=(30, 40, 120), width=16, joint="curve")
    page.save(folder / f"{name}.png")
    ax.imshow(page)
    ax.set(title=f"{name}.png", xticks=[], yticks=[])

# %%
# ``python -m skmnist predict`` converts them to the form of the training images,
# reports how, and prints the predicted label and its probability.
command = ["predict", "digits.joblib", *(f"{name}.png" for name in strokes)]
answer = subprocess.run(
    [sys.executable, "-m", "skmnist", *command],
    capture_output=True,
    text=True,
    check=True,
    cwd=folder,
)
print(answer.stdout.strip())

# %%
# ``load_picture`` is the same conversion in Python. This is what the network sees.
images = np.stack([load_picture(folder / f"{name}.png") for name in strokes])
ImageGridDisplay.from_images(images, clf.predict(images))
plt.show()
