"""The page "Bringing your data", run over files of the kinds that it reads.

All hold the same images, so that every block must give them.
"""

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.io import savemat

from skmnist.datasets import load_digits28

Image = pytest.importorskip("PIL.Image")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bringing_your_data.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
N_IMAGES = 100

# After every block: its X and y are the images that were written.
CHECK = """
if "X" in globals():
    pixels = np.asarray(X)
    if pixels.ndim == 4:
        pixels = pixels[:, 2:-2, 2:-2, 1]
    np.testing.assert_array_equal(pixels.reshape(X_true.shape), X_true)
    np.testing.assert_array_equal(np.asarray(y).astype(int), y_true)
    assert pixels.dtype == np.uint8
"""


def test_every_block_reads_the_images_that_were_written(tmp_path):
    X, y = (a[:N_IMAGES] for a in load_digits28(return_X_y=True))
    np.savez(tmp_path / "true.npz", X=X, y=y)
    for write in (write_csv, write_npz, write_mat, write_parquet, write_idx):
        write(tmp_path, X, y)
    write_openml(tmp_path / "sklearn", X, y)
    write_folder(tmp_path / "digits", X, y)
    start = (
        "import os, numpy as np\n"
        "os.environ |= {'SCIKIT_LEARN_DATA': 'sklearn', 'MPLBACKEND': 'Agg'}\n"
        "true = np.load('true.npz')\n"
        "X_true, y_true = true['X'], true['y']\n"
    )
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHECK.join([start, *blocks, ""])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answer = pd.read_csv(tmp_path / "submission.csv")
    assert list(answer.columns) == ["ImageId", "Label"]
    assert list(answer["ImageId"]) == list(range(1, N_IMAGES + 1))


def write_csv(folder, X, y):
    """Kaggle's two files."""
    columns = [f"pixel{i}" for i in range(784)]
    frame = pd.DataFrame(X.reshape(len(X), -1), columns=columns)
    frame.to_csv(folder / "test.csv", index=False)
    frame.insert(0, "label", y)
    frame.to_csv(folder / "train.csv", index=False)


def write_npz(folder, X, y):
    """Keras's file."""
    np.savez(folder / "mnist.npz", x_train=X, y_train=y, x_test=X, y_test=y)


def write_mat(folder, X, y):
    """The file of mldata.org, and that of SVHN: colours, and 10 for 0."""
    flat = {"data": X.reshape(len(X), -1).T, "label": y[None].astype(float)}
    savemat(folder / "mnist-original.mat", flat)
    large = np.pad(X, ((0, 0), (2, 2), (2, 2)))
    colours = np.stack([large // 2, large, large // 3], axis=-1)
    street = {"X": np.moveaxis(colours, 0, -1), "y": np.where(y == 0, 10, y)[:, None]}
    savemat(folder / "train_32x32.mat", street)


def write_parquet(folder, X, y):
    """A file of Hugging Face's."""
    cells = []
    for image in X:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        cells.append({"bytes": file.getvalue(), "path": None})
    frame = pl.DataFrame({"image": cells, "label": y})
    frame.write_parquet(folder / "train-00000-of-00001.parquet")


def write_idx(folder, X, y):
    """torchvision's two files of MNIST's training images."""
    raw = folder / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, array in (
        ("train-images-idx3-ubyte", X),
        ("train-labels-idx1-ubyte", y.astype(np.uint8)),
    ):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (raw / name).write_bytes(header + array.tobytes())


def write_folder(folder, X, y):
    for i, (image, label) in enumerate(zip(X, y, strict=True)):
        path = folder / str(label) / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def write_openml(folder, X, y):
    """What `fetch_openml("mnist_784", version=1)` leaves in scikit-learn's folder."""
    names = [f"pixel{i}" for i in range(1, 785)]
    labels = ",".join(map(str, range(10)))
    arff = "\n".join(
        [
            "@RELATION mnist_784",
            *(f"@ATTRIBUTE {name} real" for name in names),
            f"@ATTRIBUTE class {{{labels}}}",
            "@DATA",
            *(
                ",".join(map(str, [*row, label]))
                for row, label in zip(X.reshape(len(X), -1), y, strict=True)
            ),
        ]
    ).encode()
    site = folder / "openml" / "openml.org"
    description = {
        "id": "554",
        "name": "mnist_784",
        "version": "1",
        "description": "",
        "format": "ARFF",
        "status": "active",
        "url": "https://www.openml.org/data/v1/download/52667/mnist_784.arff",
        "md5_checksum": hashlib.md5(arff, usedforsecurity=False).hexdigest(),
    }
    features = [
        {
            "index": str(i),
            "name": name,
            "data_type": "nominal" if name == "class" else "numeric",
            "is_target": str(name == "class").lower(),
            "is_ignore": "false",
            "is_row_identifier": "false",
            "number_of_missing_values": "0",
        }
        for i, name in enumerate([*names, "class"])
    ]
    quality = {"name": "NumberOfInstances", "value": str(len(X))}
    listed = {"did": 554, "name": "mnist_784", "version": 1}
    api = "api/v1/json/data"
    for path, content in {
        f"{api}/list/data_name/mnist_784/limit/2/data_version/1": {
            "data": {"dataset": [listed]}
        },
        f"{api}/554": {"data_set_description": description},
        f"{api}/features/554": {"data_features": {"feature": features}},
        f"{api}/qualities/554": {"data_qualities": {"quality": [quality]}},
        "data/v1/download/52667/mnist_784.arff": arff,
    }.items():
        file = site / f"{path}.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        file.write_bytes(gzip.compress(data))
