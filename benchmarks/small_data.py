"""The defaults on few images: python -m benchmarks.small_data [--seeds N].

On some of the digits that come with scikit-learn, the default number of epochs stands
beside `max_epochs=20` and beside a forest; both networks are asked about all images
that they were not trained on. The target is at most 2 points less than 20 epochs give,
on 190 images.
"""

import argparse
import statistics

from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from benchmarks.measure import environment, environment_text, table, write
from skmnist import ConvNetClassifier, MLPClassifier
from skmnist.datasets import load_digits28

SIZES = (100, 190, 500, 1000)


def main():
    """Fit, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(environment_text(environment()))
    figures = {
        n_images: [scores(n_images, seed) for seed in range(options.seeds)]
        for n_images in SIZES
    }
    names = list(figures[SIZES[0]][0])
    rows = [
        (n_images, *(f"{statistics.mean(run[n] for run in runs):.1f}" for n in names))
        for n_images, runs in figures.items()
    ]
    print(table(("images", *names), rows))
    write("small-data", {"runs": figures})


def scores(n_images, seed):
    """Percent right, by what was fitted on so many images."""
    X, y = load_digits28(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=n_images, stratify=y, random_state=seed
    )
    contenders = {"forest": RandomForestClassifier(random_state=seed)}
    for make in (MLPClassifier, ConvNetClassifier):
        for text, settings in (("", {}), ("max_epochs=20", {"max_epochs": 20})):
            name = f"{make.__name__}({text})"
            contenders[name] = make(random_state=seed, **settings)
    found = {}
    for name, clf in contenders.items():
        flat = name == "forest"
        clf.fit(X_train.reshape(n_images, -1) if flat else X_train, y_train)
        rows = X_test.reshape(len(X_test), -1) if flat else X_test
        found[name] = 100 * clf.score(rows, y_test)
    return found


if __name__ == "__main__":
    main()
