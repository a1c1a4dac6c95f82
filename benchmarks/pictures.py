"""Pictures that people made: python -m benchmarks.pictures [PICTURES] [MNIST].

Trains the two networks with their defaults on MNIST, then reads the pictures of a
folder with `load_picture` and with the plain recipe that most people write: Otsu's
threshold, the ink in a box, its centre of mass in the middle. PICTURES holds
pictures.csv with the columns file, label and medium; the medium `several` is left out.
"""

import argparse
import csv
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from skimage.filters import threshold_otsu
from tabulate import tabulate

from benchmarks.measure import environment, environment_text
from skmnist import ConvNetClassifier, MLPClassifier
from skmnist.datasets import fetch_mnist, load_picture

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ENLARGED = 2_000


def read_plainly(source):
    """What a tutorial does: grey, dark on light inverted, Otsu, box, centre."""
    picture = ImageOps.exif_transpose(Image.open(source)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    greys = np.asarray(Image.alpha_composite(white, picture).convert("L"))
    border = np.r_[greys[0], greys[-1], greys[:, 0], greys[:, -1]]
    if np.median(border) > threshold_otsu(greys):
        greys = 255 - greys
    ink = np.where(greys > threshold_otsu(greys), greys, 0)
    box = Image.fromarray(ink).getbbox()
    scale = 20 / max(box[2] - box[0], box[3] - box[1])
    size = [max(1, round(scale * (box[i + 2] - box[i]))) for i in (0, 1)]
    small = np.asarray(Image.fromarray(ink).crop(box).resize(size))
    framed = np.zeros((28, 28), np.uint8)
    rows, columns = np.indices(small.shape)
    top, left = (
        int(np.clip(round(14 - np.average(places, weights=small)), 0, 28 - length))
        for places, length in zip((rows, columns), small.shape, strict=True)
    )
    framed[top : top + size[1], left : left + size[0]] = small
    return framed


def read_all(read, sources):
    """Images of all sources; of what cannot be read, a black one."""
    images = np.zeros((len(sources), 28, 28), np.uint8)
    for image, source in zip(images, sources, strict=True):
        try:
            image[:] = read(source)
        except ValueError as error:
            print(error)
    return images


def as_file(image, scale=1):
    """An image of MNIST as a PNG file; enlarged, it is dark on light."""
    picture = Image.fromarray(image)
    if scale > 1:
        picture = ImageOps.invert(picture).resize((28 * scale, 28 * scale))
    file = io.BytesIO()
    picture.save(file, "PNG")
    file.seek(0)
    return file


def main():
    """Train, read, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="?", type=Path, default=DATA / "pictures")
    parser.add_argument("mnist", nargs="?", type=Path, default=DATA / "mnist")
    options = parser.parse_args()
    with open(options.pictures / "pictures.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["medium"] != "several"]
    X, X_test, y, y_test = fetch_mnist(data_home=options.mnist, split=True)
    networks = [
        estimator(random_state=0).fit(X, y)
        for estimator in (ConvNetClassifier, MLPClassifier)
    ]
    print(environment_text(environment()))

    warnings.simplefilter("ignore", UserWarning)  # of what it takes for several digits
    paths = [options.pictures / row["file"] for row in rows]
    read = [read_all(how, paths) for how in (read_plainly, load_picture)]
    answers = [[net.predict(images) for images in read] for net in networks]
    print(f"\nRight, in %:\n\n{medium_table(rows, answers)}")
    print("\nErrors on MNIST's test images, before and after a file:\n")
    print(file_table(networks, X_test, y_test))
    print("\nRead wrongly through load_picture:\n")
    print(failure_table(rows, answers))


def medium_table(rows, answers):
    """Right answers in percent, by medium, network and way of reading."""
    labels = np.array([int(row["label"]) for row in rows])
    media = np.array([row["medium"] for row in rows])
    right = np.array(answers) == labels
    header = ["medium", "pictures"] + [
        f"{name}, {how}"
        for name in ("ConvNet", "MLP")
        for how in ("plain recipe", "load_picture")
    ]
    groups = [(medium, media == medium) for medium in sorted(set(media))]
    groups.append(("all", np.ones(len(rows), bool)))
    table = [
        (name, members.sum(), *(100 * right[..., members].mean(-1)).ravel())
        for name, members in groups
    ]
    return tabulate(table, header, tablefmt="github", floatfmt=".1f")


def file_table(networks, X_test, y_test):
    """Errors on MNIST's own images, and on what was read from them as files."""
    small = read_all(load_picture, [as_file(image) for image in X_test])
    few, few_labels = X_test[:ENLARGED], y_test[:ENLARGED]
    large = read_all(load_picture, [as_file(image, scale=10) for image in few])
    table = [
        (name, *(np.sum(net.predict(i) != labels) for net in networks for i in pair))
        for name, labels, pair in (
            ("28x28", y_test, (X_test, small)),
            (f"the first {ENLARGED:,}, 280x280, inverted", few_labels, (few, large)),
        )
    ]
    header = ["PNG", "ConvNet", "from the file", "MLP", "from the file"]
    return tabulate(table, header, tablefmt="github")


def failure_table(rows, answers):
    """The pictures that a network read wrongly, or the two differently."""
    failures = [
        (row["file"], row["label"], conv, mlp)
        for row, conv, mlp in zip(rows, answers[0][1], answers[1][1], strict=True)
        if int(row["label"]) not in (conv, mlp) or conv != mlp
    ]
    return tabulate(failures, ["file", "label", "ConvNet", "MLP"], tablefmt="github")


if __name__ == "__main__":
    main()
