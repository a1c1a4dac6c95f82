"""Pixels in another range than those of the fit, and dark for light."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from every_estimator import N, every_estimator, mlp, networks
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.usefixtures("one_thread")

FRACTIONS = {
    "float32": lambda X: (X / 255).astype(np.float32),
    "float64 rows": lambda X: X.reshape(N, -1) / 255,
    "tensor": lambda X: torch.tensor(X) / 255,
    "frame": lambda X: pd.DataFrame(X.reshape(N, -1) / 255),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", FRACTIONS)
@every_estimator
def test_pixels_in_another_range_than_the_fits_are_warned_of(
    make, form, images, labels
):
    fractions = FRACTIONS[form](images)
    whole, parts = make().fit(images, labels), make().fit(fractions, labels)
    with pytest.warns(UserWarning, match=r"to 0\.498039, but .* to 127: .*Mult"):
        whole.predict(fractions)
    with pytest.warns(UserWarning, match=r"to 127, but .* to 0\.498039: .*Divide"):
        parts.predict(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        whole.predict(images)
        whole.predict(images.astype(float))
        whole.predict(np.zeros((2, 784)))  # blank in either range
        parts.predict(fractions)


STANDARDISED = {
    "as torchvision does": lambda X: (X / 255 - 0.1307) / 0.3081,
    "from -1 to 1": lambda X: X / 127.5 - 1,
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", STANDARDISED)
@every_estimator
def test_pixels_that_were_standardised_are_warned_of(make, form, images, labels):
    others = STANDARDISED[form](images).astype(np.float32)
    whole, standardised = make().fit(images, labels), make().fit(others, labels)
    with pytest.warns(UserWarning, match=r"are -.*fitted on pixels of 0 to 127.*alike"):
        whole.predict(others[:1])
    with pytest.warns(UserWarning, match="are 0 to .*fitted on pixels of -.*alike"):
        standardised.predict(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        standardised.predict(others)
        # What interpolation makes of images.
        whole.predict(images - 0.05)


@every_estimator
def test_whole_numbers_that_were_divided_are_warned_of(make, images, labels):
    clf = make().fit(images, labels)
    with pytest.warns(UserWarning, match="are 0 to 1, but .* Multiply X"):
        clf.predict((images / images.max()).astype(np.uint8))


INVERTED = {
    "uint8": lambda X: 127 - X,
    "rows": lambda X: (127 - X).reshape(len(X), -1),
    "float32": lambda X: 127 - X.astype(np.float32),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", INVERTED)
@every_estimator
def test_dark_on_light_for_light_on_dark_is_warned_of(make, form, images, labels):
    others = INVERTED[form](images)
    clf, paper = make().fit(images, labels), make().fit(others, labels)
    with pytest.warns(UserWarning, match=r"mostly light.*all mostly dark.* 127 - X"):
        clf.predict(others)
    with pytest.warns(UserWarning, match="mostly light"):
        clf.predict(others[:1])
    with pytest.warns(UserWarning, match=r"mostly dark.*all mostly light.* 127 - X"):
        paper.predict(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        clf.predict(images)
        paper.predict(others)
        clf.predict(np.zeros((1, 784), np.uint8))
        # One on paper among many that are not.
        clf.predict(np.concatenate([images.reshape(N, -1), others.reshape(N, -1)[:1]]))


def test_images_of_both_grounds_say_nothing_of_one(images, labels):
    both = np.concatenate([images[:1], 127 - images[1:]])
    few = mlp().fit(images[:15], labels[:15])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        mlp().fit(both, labels).predict(images)
        mlp().fit(both, labels).predict(127 - images)
        few.predict(127 - images)


def test_the_warning_points_at_the_user_s_line(images, labels):
    clf, others = mlp().fit(images, labels), 127 - images
    calls = {
        "predict": lambda: clf.predict(others),
        "score": lambda: clf.score(others, labels),
        "a pipeline": lambda: make_pipeline(clf).predict_proba(others),
        "fit": lambda: mlp().fit(images, labels, X_val=others, y_val=labels),
        "partial_fit": lambda: clf.partial_fit(others, labels),
    }
    for name, call in calls.items():
        with pytest.warns(UserWarning, match="mostly light") as found:
            call()
        assert [warning.filename for warning in found] == [__file__], name


@networks
def test_further_training_on_another_range_is_warned_of(make, images, labels):
    message = "are 0 to 0.498039, but .* pixels of 0 to 127"
    clf = make(warm_start=True).fit(images, labels)
    with pytest.warns(UserWarning, match=message):
        clf.fit(images / 255, labels)
    clf = make().partial_fit(images, labels, classes=np.arange(10))
    with pytest.warns(UserWarning, match=message):
        clf.partial_fit(images / 255, labels)
    with pytest.warns(UserWarning, match=message.replace("are", "in X_val are")):
        make().fit(images, labels, X_val=images / 255, y_val=labels)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@every_estimator
def test_standardised_pixels_are_in_no_range_of_their_own(make, images, labels):
    X = StandardScaler().fit_transform(images.reshape(N, -1).astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make().fit(X, labels).predict(X * 300)
        make().fit(X * 300, labels).predict(X / 300)
