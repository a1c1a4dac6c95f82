"""
===================
A page to draw on
===================

``python -m skmnist draw`` opens a page on your machine, where you draw a digit and see
live what a model makes of it. This example serves the page, sends it a drawing as the
page does, and shows the answer.
"""

# %%
# Any classifier in a file will do; without one, the command trains its own.
# sphinx_gallery_thumbnail_path = "images/draw.png"
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import urlopen

import joblib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28

X, y = load_digits28(return_X_y=True)
clf = ConvNetClassifier(max_epochs=15, augment="affine", random_state=0).fit(X, y)
model = Path(tempfile.mkdtemp()) / "digits.joblib"
joblib.dump(clf, model)

# %%
# The server answers this machine only. Port 0 is any that is free, and ``--no-browser``
# leaves the page closed; without these, it opens in your browser.
command = [sys.executable, "-m", "skmnist", "draw", model, "--no-browser"]
server = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
greeting = server.stdout.readline()
address = greeting.split()[2]

# %%
# After every stroke, the page sends its canvas as a PNG. Half a drawing has an answer
# too.
points = [(360, 100), (190, 110), (180, 260), (290, 240), (370, 310)]
points += [(350, 420), (260, 470), (160, 430)]


def ask(n_points):
    canvas = Image.new("RGBA", (560, 560))
    ImageDraw.Draw(canvas).line(points[:n_points], "black", 40, joint="curve")
    file = io.BytesIO()
    canvas.save(file, "PNG")
    with urlopen(f"{address}look", file.getvalue()) as answer:
        return canvas, json.load(answer)


answers = [ask(n) for n in (3, 5, 8)]
server.terminate()
server.wait()

# %%
# What is drawn, what the model sees, and what it takes it for.
_, axes = plt.subplots(3, 3, figsize=(7, 6.6), layout="constrained")
for column, (canvas, answer) in zip(axes.T, answers, strict=True):
    drawn, seen, bars = column
    drawn.imshow(canvas)
    seen.imshow(np.array(answer["image"]), cmap="gray")
    for ax in (drawn, seen):
        ax.set(xticks=[], yticks=[])
    bars.bar(clf.classes_, answer["probabilities"])
    bars.set(xticks=clf.classes_, ylim=(0, 1), yticks=[0, 0.5, 1])
for ax, title in zip(axes[:, 0], ("drawn", "seen", "probability"), strict=True):
    ax.set_ylabel(title)
plt.show()
