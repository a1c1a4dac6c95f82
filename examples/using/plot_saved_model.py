"""
================================
Using a model in another process
================================

A fitted estimator can be saved for yourself, for other people, or for programs without
Python.
"""

# %%
# joblib saves whole estimators. As with every pickle, opening a file can run code, so
# open only files that you trust.
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt

from skmnist import ConvNetClassifier
from skmnist.datasets import load_digits28

X_train, X_test, y_train, y_test = load_digits28(split=True)
clf = ConvNetClassifier((8, 16), (32,), max_epochs=15, random_state=0)
clf.fit(X_train, y_train)
folder = Path(tempfile.mkdtemp())
joblib.dump(clf, folder / "digits.joblib")
joblib.dump(X_test[:8], folder / "images.joblib")

# %%
# Another process needs only the file and an installed skmnist.
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

# %%
# ``skmnist.persistence`` writes files that contain no code, so that other people can
# open them (``pip install "skmnist[skops]"``), and ONNX files, which can be used
# without Python (``pip install "skmnist[onnx]"``).
from skmnist.persistence import export_onnx, load, save

save(clf, folder / "digits.skops")
export_onnx(clf, folder / "digits.onnx")
print(
    "same predictions:",
    (load(folder / "digits.skops").predict(X_test) == clf.predict(X_test)).all(),
)

# %%
# The weights alone take 4 bytes each.
paths = [folder / f"digits.{suffix}" for suffix in ("onnx", "joblib", "skops")]
sizes = [path.stat().st_size / 1000 for path in paths]
_, ax = plt.subplots(figsize=(5, 4), layout="constrained")
bars = ax.bar([path.name for path in paths], sizes, width=0.5)
bars[0].set_color("tab:green")
bars[2].set_color("tab:orange")
ax.bar_label(bars, fmt="%.0f kB", padding=3)
weights = 4 * clf.n_parameters_ / 1000
ax.axhline(weights, color="black", linestyle="--", label="the weights alone")
ax.legend(loc="upper left")
ax.set(ylabel="size of the file (kB)")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
