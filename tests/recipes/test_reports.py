"""Published figures of the reports, on the real MNIST. Minutes long."""

import pytest

from skmnist import ConvNetClassifier, LinearClassifier, MLPClassifier

pytestmark = pytest.mark.slow

# Report D (dm566-2022): pixels in [0, 1], SGD without momentum, 15 epochs.
DM566 = {
    "optimizer": "sgd",
    "momentum": 0,
    "lr": 0.01,
    "weight_decay": 0,
    "lr_schedule": None,
    "batch_size": 100,
    "max_epochs": 15,
    "pixel_scaling": "unit",
}


@pytest.mark.parametrize(
    ("hidden_layer_sizes", "accuracy", "first_loss", "last_loss"),
    [
        ((), 90.9, 1.146, 0.356),
        ((100,), 92.79, 1.532, 0.255),
        ((100, 100), 93.67, 2.049, 0.232),
    ],
)
def test_report_d_is_reproduced(
    mnist, hidden_layer_sizes, accuracy, first_loss, last_loss
):
    X_train, X_test, y_train, y_test = mnist
    clf = MLPClassifier(hidden_layer_sizes, random_state=0, **DM566)
    clf.fit(X_train, y_train)
    assert 100 * clf.score(X_test, y_test) == pytest.approx(accuracy, abs=0.5)
    assert clf.loss_curve_[0] == pytest.approx(first_loss, rel=0.1)
    assert clf.loss_curve_[-1] == pytest.approx(last_loss, rel=0.1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_linear_baseline_is_reproduced(mnist):
    X_train, X_test, y_train, y_test = mnist
    clf = LinearClassifier().fit(X_train, y_train)
    assert 100 * clf.score(X_test, y_test) == pytest.approx(92.57, abs=0.1)


def test_default_convnet_reaches_99_2_percent(mnist):
    X_train, X_test, y_train, y_test = mnist
    scores = [
        ConvNetClassifier(random_state=seed).fit(X_train, y_train).score(X_test, y_test)
        for seed in range(5)
    ]
    assert sum(scores) / 5 >= 0.992
