"""What is held out, validation data, and early stopping by them."""

import numpy as np
import pytest
from every_estimator import Look, networks
from sklearn.base import clone
from skorch.callbacks import Callback
from small_networks import FailAtBatch, N, assert_same, assert_unfitted, mlp, overfit

pytestmark = pytest.mark.usefixtures("one_thread")


class Split(Callback):
    """Keeps the rows that a fit trains on and holds out."""

    def on_epoch_begin(self, net, dataset_train, dataset_valid):
        self.train, self.valid = (
            np.array([X.numpy().sum() for X in data.X])
            for data in (dataset_train, dataset_valid)
        )
        self.images, self.labels = dataset_valid.X.numpy(), dataset_valid.y.numpy()
        self.weights = dataset_valid.weights


def test_early_stopping_holds_out_a_stratified_part(few):
    X, _, y, _ = few
    X = X.copy()
    X[:, 0, 0] = np.arange(N)  # no two images have the same pixels
    split = Split()
    mlp(early_stopping=True, validation_fraction=0.2, callbacks=[split]).fit(X, y)
    rows = sorted(np.concatenate([split.train, split.valid]))
    assert rows == sorted(image.sum() for image in X.astype(int))
    counts = np.bincount(split.labels, minlength=10)
    np.testing.assert_allclose(counts, 0.2 * np.bincount(y), atol=1)
    assert len(split.valid) == 40


@pytest.mark.parametrize("own", [False, True], ids=["held out", "X_val"])
def test_early_stopping_ends_with_the_best_weights(own, few):
    X, X_val, y, y_val = few
    split = Split()
    clf = overfit(n_iter_no_change=4, callbacks=[split])
    clf.fit(X, y, **({"X_val": X_val, "y_val": y_val} if own else {}))
    scores = clf.validation_scores_
    assert clf.n_epochs_ == len(scores) == len(clf.loss_curve_) == len(clf.history_)
    assert scores[clf.best_epoch_ - 1] == max(scores)
    assert clf.score(split.images, split.labels) == pytest.approx(max(scores))
    if own:
        np.testing.assert_array_equal(split.images[:, 0], X_val)
        assert len(split.train) == N


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_held_out_images_are_scored_with_their_weights(precision, few):
    X, _, y, _ = few
    split = Split()
    clf = overfit(precision=precision, callbacks=[split], class_weight="balanced")
    clf.fit(X, y, sample_weight=np.linspace(0.1, 2, N))
    score = clf.score(split.images, split.labels, sample_weight=split.weights)
    assert score == pytest.approx(max(clf.validation_scores_), rel=1e-5)


def test_early_stopping_stops_after_epochs_without_improvement(few):
    X, _, y, _ = few
    clf = overfit(n_iter_no_change=4, tol=0).fit(X, y)
    assert clf.n_epochs_ < 30
    assert clf.n_epochs_ == clf.best_epoch_ + 4
    at_its_best = overfit(n_iter_no_change=4).set_params(max_epochs=clf.best_epoch_)
    assert_same(clf, at_its_best.fit(X, y), X)


def test_best_weights_are_restored_when_the_epochs_run_out(few):
    X, _, y, _ = few
    clf = overfit(n_iter_no_change=100).fit(X, y)
    assert clf.n_epochs_ == 30
    assert clf.best_epoch_ < 30
    split = Split()
    again = clone(clf).set_params(callbacks=[split], max_epochs=clf.best_epoch_)
    assert_same(clf, again.fit(X, y), X)
    assert clf.score(split.images, split.labels) == pytest.approx(
        max(clf.validation_scores_)
    )


def test_improvement_below_tol_is_no_reason_to_go_on_but_is_kept(few):
    X, X_val, y, y_val = few
    clf = mlp(early_stopping=True, tol=0.9, n_iter_no_change=3, max_epochs=10)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.n_epochs_ == 4
    assert max(clf.validation_scores_) > clf.validation_scores_[0]
    assert clf.score(X_val, y_val) == pytest.approx(max(clf.validation_scores_))
    assert clf.best_epoch_ == np.argmax(clf.validation_scores_) + 1


def test_validation_scores_are_what_score_gives(few):
    X, X_val, y, y_val = few
    clf = mlp(max_epochs=3).fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.validation_scores_[-1] == clf.score(X_val, y_val)
    assert clf.best_epoch_ == np.argmax(clf.validation_scores_) + 1


def test_validation_without_early_stopping_changes_nothing(few):
    X, X_val, y, y_val = few
    plain = mlp(max_epochs=3).fit(X, y)
    assert plain.validation_scores_ is None
    assert plain.best_epoch_ is None
    scored = mlp(max_epochs=3).fit(X, y, X_val=X_val, y_val=y_val)
    assert_same(plain, scored, X)
    assert len(scored.validation_scores_) == 3


def test_validation_labels_may_be_some_of_the_classes(few):
    X, X_val, y, y_val = few
    some = np.isin(y_val, [3, 5])
    clf = mlp().fit(X, y, X_val=X_val[some], y_val=y_val[some])
    assert clf.validation_scores_[-1] == clf.score(X_val[some], y_val[some])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": 1}, "X_val came without y_val"),
        ({"y_val": 1}, "y_val came without X_val"),
        ({"X_val": 2, "y_val": 1}, "X_val and y_val must have one label"),
        ({"X_val": 1, "y_val": 3}, "y_val contains labels .*77"),
        ({"X_val": 4, "y_val": 1}, "NaN"),
        ({"X_val": 5, "y_val": 1}, "784 features"),
    ],
)
def test_wrong_validation_data_is_refused_before_training(given, message, few):
    X, X_val, y, y_val = few
    values = {
        "X_val": {1: X_val, 2: X_val[:-1], 4: X_val * np.nan, 5: X_val[:, 0]},
        "y_val": {1: y_val, 3: np.where(y_val == 1, 77, y_val)},
    }
    clf = mlp(callbacks=[FailAtBatch(1)])
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, **{name: values[name][key] for name, key in given.items()})
    assert_unfitted(clf, X)


@pytest.mark.parametrize("fraction", [0.01, 0.999])
def test_validation_fraction_that_leaves_a_class_out_is_refused(fraction, few):
    X, _, y, _ = few
    clf = mlp(early_stopping=True, validation_fraction=fraction)
    clf.set_params(callbacks=[FailAtBatch(1)])
    with pytest.raises(ValueError, match=f"'validation_fraction'.*{fraction}"):
        clf.fit(X, y)
    assert_unfitted(clf, X)


def test_class_of_one_sample_cannot_be_held_out(few):
    X, _, y, _ = few
    y = np.where(np.arange(N) == 17, 77, y)
    with pytest.raises(ValueError, match="'validation_fraction'"):
        mlp(early_stopping=True).fit(X, y)


BAD_VALIDATION = {
    "no labels": ({"X_val": [[0] * 784]}, "X_val came without y_val"),
    "no images": ({"y_val": [0]}, "y_val came without X_val"),
    "unknown label": (
        {"X_val": np.zeros((2, 784)), "y_val": [0, 77]},
        r"y_val contains labels that are not among the classes of the fit: \[77\]",
    ),
    "strings for ints": (
        {"X_val": np.zeros((2, 784)), "y_val": ["0", "1"]},
        r"y_val contains labels .*\['0', '1'\]",
    ),
    "other length": (
        {"X_val": np.zeros((2, 784)), "y_val": [0]},
        "X_val and y_val .* Got 2 images and 1 labels",
    ),
    "other features": (
        {"X_val": np.zeros((2, 27)), "y_val": [0, 1]},
        "X has 27 features, but .* is expecting 784",
    ),
    "other shape": (
        {"X_val": np.zeros((2, 14, 56)), "y_val": [0, 1]},
        r"\(1, 14, 56\), but .* fitted on \(1, 28, 28\)",
    ),
    "NaN": (
        {"X_val": np.full((2, 784), np.nan), "y_val": [0, 1]},
        "contains NaN",
    ),
}


@pytest.mark.parametrize("case", BAD_VALIDATION)
@networks
def test_bad_validation_data_are_refused_before_training(make, case, images, labels):
    validation, message = BAD_VALIDATION[case]
    look = Look()
    clf = make(callbacks=[look])
    with pytest.raises(ValueError, match=message):
        clf.fit(images, labels, **validation)
    assert not hasattr(look, "images")
    assert not hasattr(clf, "classes_")


# Not one of five is left in, or held out, of a class with few images.
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.99])
def test_a_validation_fraction_that_leaves_a_class_out_is_refused(
    fraction, images, labels
):
    clf = mlp(early_stopping=True, validation_fraction=fraction)
    message = (
        "The 'validation_fraction' parameter of MLPClassifier must .* each of the 10 "
        rf"classes\. Got {fraction} of 60 samples instead"
    )
    with pytest.raises(ValueError, match=message):
        clf.fit(images, labels)
