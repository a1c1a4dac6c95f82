"""The rules and the words of the training parameters."""

import inspect
import re

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EpochScoring

from skmnist import ConvNetClassifier, MLPClassifier, ModuleClassifier
from skmnist._estimators.parameters import LAYER_RULES, TRAINING_RULES, document

pytestmark = pytest.mark.usefixtures("one_thread")


class Start(Callback):
    """Knows whether a training has begun."""

    begun = False

    def on_train_begin(self, net, **kwargs):
        self.begun = True


def multi_margin(logits, targets):
    return torch.nn.functional.multi_margin_loss(logits, targets, reduction="none")


NAN, INF = float("nan"), float("inf")
BAD = {
    "activation": ["Relu", None, torch.relu, ""],
    "dropout": [-0.1, 1, 1.0, NAN, "0.5", None, True],
    "optimizer": ["SGD", "lbfgs", None, torch.optim, int, torch.nn.Linear],
    "optimizer_params": [[("nesterov", True)], "nesterov", {1: 2}],
    "lr": [0, -1, -1e-9, NAN, INF, "0.1", None, True, [0.1]],
    "weight_decay": [-1e-9, NAN, INF, None, "0"],
    "momentum": [-0.1, 1, 1.5, None],
    "lr_schedule": ["OneCycle", "constant", 0, False, len],
    "lr_decay": [0, -1, 1.01, None],
    "batch_size": [0, -1, 64.0, "64", None, True, "auto"],
    "max_epochs": [0, -1, 1.5, None, True],
    "loss": ["crossentropy", None, 3, ["cross_entropy"]],
    "label_smoothing": [-0.1, 1, 1.5, NAN, None, "0.1", True],
    "shuffle": [1, 0, None, "True"],
    "class_weight": ["Balanced", {0: -1}, {0: "1"}, {0: NAN}, [1, 2]],
    "early_stopping": [1, None, "True"],
    "validation_fraction": [0, 1, -0.1, 1.1, 30, None, NAN],
    "n_iter_no_change": [0, -1, 2.5, None, INF],
    "tol": [-1e-9, NAN, INF, None],
    "pixel_scaling": ["minmax", "Standard", 255, False],
    "augment": ["mirror", 3, ["shift", 3], ("Shift", "affine"), {"shift"}, [["flip"]]],
    "precision": ["float16", "double", torch.float32, None, 32],
    "micro_batch_size": [0, -1, 2.5, "Auto", None],
    "callbacks": ["print", 3, [3], [len], [("a", 3)], [("a", EpochScoring, 1)], {}],
    "checkpoint": ["", 3, True],
    "warm_start": [1, None, "True"],
    "random_state": [-1, 2**32, 1.5, "0", np.random.default_rng(0)],
    "verbose": [-1, 0.5, None, "yes"],
}


def test_every_training_parameter_has_its_rule_and_bad_values():
    shared = set(MLPClassifier().get_params()) & set(ConvNetClassifier().get_params())
    shared -= {"hidden_layer_sizes", "device"}  # see test_mlp.py, test_devices.py
    rules = set(TRAINING_RULES) | set(LAYER_RULES) - {"hidden_layer_sizes"}
    assert rules == shared == set(BAD)
    of_modules = set(ModuleClassifier(None).get_params())
    assert of_modules == {
        *("module", "module_params", "image_shape", "device", *TRAINING_RULES)
    }


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD for value in BAD[name]]
)
@pytest.mark.parametrize("Estimator", [MLPClassifier, ConvNetClassifier])
def test_bad_values_are_refused_in_one_sentence_before_training(
    Estimator, name, value, digits
):
    start = Start()
    clf = Estimator(callbacks=[start]).set_params(**{name: value})
    with pytest.raises(ValueError) as caught:
        clf.fit(digits[0][:20], digits[2][:20])
    message = str(caught.value)
    assert message.startswith(
        f"The {name!r} parameter of {Estimator.__name__} must be "
    )
    assert message.endswith(f"Got {value!r} instead.")
    assert not start.begun
    assert not hasattr(clf, "classes_")
    with pytest.raises(ValueError, match=re.escape(message)):
        clf.partial_fit(digits[0][:20], digits[2][:20], classes=range(10))


GOOD = {
    "activation": ["relu", "gelu", np.str_("tanh")],
    "dropout": [0, 0.999, np.float32(0.5)],
    "optimizer": ["sgd", "rmsprop", torch.optim.NAdam],
    "optimizer_params": [None, {}, {"eps": 1e-6}],
    "lr": [1, 1e-9, np.float64(0.1)],
    "weight_decay": [0, np.float64(0.01)],
    "momentum": [0, np.float64(0.5)],
    "lr_schedule": [None, "onecycle", "cosine", "exponential", "plateau"],
    "lr_decay": [1, 1e-3],
    "batch_size": [1, np.int64(7), 10**6],
    "max_epochs": [2, np.int64(2)],
    "loss": ["cross_entropy", np.str_("cross_entropy"), multi_margin],
    "label_smoothing": [0, 0.1, 0.999, np.float32(0.5), "auto"],
    "shuffle": [False, np.bool_(True)],
    "class_weight": [None, "balanced", {0: 2, 5: 0.5}],
    "validation_fraction": [0.3],
    "tol": [0],
    "pixel_scaling": [None, "standard", "unit", "symmetric"],
    "augment": [None, "shift", "erase", torch.clone, [], ("flip", torch.clone)],
    "precision": ["float32", "float64", "bfloat16", "auto"],
    "micro_batch_size": ["auto", 1, np.int64(3), 1000],
    "callbacks": [None, [], (), [Start], [Start()], [("a", Start()), ("b", Start)]],
    "random_state": [None, 0, 2**32 - 1, np.int64(3), np.random.RandomState(0)],
    "verbose": [0, False, np.int64(0)],
    "warm_start": [True],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in GOOD for value in GOOD[name]]
)
def test_good_values_train(name, value, digits):
    clf = MLPClassifier((4,), max_epochs=2).set_params(**{name: value})
    clf.fit(digits[0][:40], digits[2][:40])
    assert clf.n_epochs_ == 2
    assert np.isfinite(clf.loss_curve_).all()


def test_unknown_arguments_of_the_optimizer_are_refused_by_name(digits):
    clf = MLPClassifier(optimizer="sgd", optimizer_params={"beta": 1, "eps": 0})
    message = (
        r"The 'optimizer_params' parameter of MLPClassifier must hold arguments of SGD"
        r".*'nesterov'.*Got \['beta', 'eps'\] instead\."
    )
    with pytest.raises(ValueError, match=message):
        clf.fit(digits[0][:20], digits[2][:20])


@pytest.mark.parametrize("params", [{"lr": 0.5}, {"params": []}, {"weight_decay": 0.1}])
def test_what_has_a_parameter_of_its_own_is_not_taken_twice(params, digits):
    clf = MLPClassifier(optimizer_params=params)
    with pytest.raises(ValueError, match="'optimizer_params' parameter"):
        clf.fit(digits[0][:20], digits[2][:20])


# -- words --------------------------------------------------------------------


@document
class Documented:
    """A class with shared words.

    Parameters
    ----------
    {training_parameters}

    Attributes
    ----------
    {fitted_attributes}

    References
    ----------
    {references}
    """

    _usual_epochs = 7
    _usual_smoothing = 0.0

    def __init__(self, lr=0.125, batch_size=7, weight_decay=None, max_epochs="many"):
        pass


def test_shared_words_stand_in_the_class_s_own_indentation():
    doc = inspect.getdoc(Documented)
    assert "{" not in re.sub(r"\{\"[^}]*\}", "", doc)
    assert "\noptimizer : " in doc
    assert "\n    Learning rate." in doc
    assert "\nclasses_ : ndarray" in doc
    assert "\n.. [1] Loshchilov" in doc


def test_defaults_in_the_words_are_the_class_s_own():
    doc = inspect.getdoc(Documented)
    for name, default in [
        ("lr", "0.125"),
        ("batch_size", "7"),
        ("weight_decay", "None"),
        ("max_epochs", "'many'"),
    ]:
        assert re.search(rf"^{name} : .*default={default}$", doc, re.MULTILINE)


def test_a_class_without_a_docstring_stays_so():
    class Bare:
        pass

    assert document(Bare).__doc__ is None


def test_words_are_put_into_docstrings_without_indentation():
    class Stripped(Documented):
        pass

    # As Python 3.13 compiles it.
    Stripped.__doc__ = "Parameters\n----------\n{training_parameters}\n"
    doc = document(Stripped).__doc__
    assert "\noptimizer_params : " in doc
    assert "\n    Learning rate." in doc
    assert "{training_parameters}" not in doc
