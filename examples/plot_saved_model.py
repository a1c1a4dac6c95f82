"""
==========================
A model in another process
==========================

A fitted estimator is a file: for yourself, for others, or for programs without Python.
"""

# %%
# joblib keeps whole estimators. As with every pickle, opening one runs what is in it,
# so open only files that you trust.
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28
from skmnist.displays import ImageGridDisplay

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier((8, 16), (32,), max_epochs=15, random_state=0)
clf.fit(X_train, y_train)
folder = Path(tempfile.mkdtemp())
joblib.dump(clf, folder / "digits.joblib")
joblib.dump(X_test[:8], folder / "images.joblib")

# %%
# Another process needs nothing but the file.
script = """
import joblib, sys
clf, X = joblib.load(sys.argv[1]), joblib.load(sys.argv[2])
print(*clf.predict(X))
"""
answer = subprocess.run(
    [sys.executable, "-c", script, folder / "digits.joblib", folder / "images.joblib"],
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
print("here: ", *clf.predict(X_test[:8]))
print("there:", *answer)
ImageGridDisplay.from_images(X_test[:8], answer)

# %%
# ``skmnist.persistence`` writes files without code, which can be opened whoever sent
# them (``pip install "skmnist[skops]"``), and ONNX files, which need no Python
# (``pip install "skmnist[onnx]"``).
from skmnist.persistence import export_onnx, load, save

save(clf, folder / "digits.skops")
export_onnx(clf, folder / "digits.onnx")
for path in sorted(folder.glob("digits.*")):
    print(f"{path.name:<14} {path.stat().st_size / 1000:6.0f} kB")
print(
    "same predictions:",
    (load(folder / "digits.skops").predict(X_test) == clf.predict(X_test)).all(),
)
plt.show()
