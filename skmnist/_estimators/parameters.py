"""The parameters that the networks share: their rules and their words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from inspect import cleandoc, signature
from textwrap import indent
from typing import Literal, TypeAlias

import torch
from skorch.callbacks import Callback

from skmnist._estimators import rules
from skmnist._training.augment import TRANSFORMS, as_steps
from skmnist._training.modules import ACTIVATIONS
from skmnist._training.optimizers import OPTIMIZERS

AugmentStep: TypeAlias = (
    Literal["shift", "affine", "flip", "crop", "brightness", "erase"]
    | Callable[[torch.Tensor], torch.Tensor]
)
Augment: TypeAlias = AugmentStep | Sequence[AugmentStep] | None
Loss: TypeAlias = (
    Literal["cross_entropy"] | Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
)
Callbacks: TypeAlias = Sequence[
    Callback | type[Callback] | tuple[str, Callback | type[Callback]]
]


def _is_callback(item):
    named = isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
    callback = item[1] if named else item
    if isinstance(callback, type):
        return issubclass(callback, Callback)
    return isinstance(callback, Callback)


def _is_augmentation(value):
    return all(
        callable(step) or (isinstance(step, str) and step in TRANSFORMS)
        for step in as_steps(value)
    )


# Of the networks whose layers are described by parameters.
LAYER_RULES = {
    "hidden_layer_sizes": rules.LAYER_SIZES,
    "activation": rules.one_of(*ACTIVATIONS),
    "dropout": rules.number("a float in [0, 1)", low=0, high=1, high_open=True),
}

# The device is not here: what is allowed depends on the machine (_training/devices.py).
TRAINING_RULES = {
    "optimizer": rules.one_of(
        *OPTIMIZERS,
        also=rules.Rule(
            "a torch.optim.Optimizer class", lambda value: isinstance(value, type)
        ),
    ),
    "optimizer_params": rules.NAMED_ARGUMENTS,
    "lr": rules.POSITIVE_FLOAT,
    "weight_decay": rules.NON_NEGATIVE_FLOAT,
    "momentum": rules.number("a float in [0, 1)", low=0, high=1, high_open=True),
    "lr_schedule": rules.one_of(None, "onecycle", "cosine", "exponential", "plateau"),
    "lr_decay": rules.number("a float in (0, 1]", low=0, low_open=True, high=1),
    "batch_size": rules.POSITIVE_INT,
    "max_epochs": rules.one_of("auto", also=rules.POSITIVE_INT),
    "loss": rules.one_of("cross_entropy", also=rules.CALLABLE),
    "label_smoothing": rules.one_of(
        "auto", also=rules.number("a float in [0, 1)", low=0, high=1, high_open=True)
    ),
    "shuffle": rules.BOOL,
    "class_weight": rules.CLASS_WEIGHT,
    "early_stopping": rules.BOOL,
    "validation_fraction": rules.number(
        "a float in (0, 1)", low=0, low_open=True, high=1, high_open=True
    ),
    "n_iter_no_change": rules.POSITIVE_INT,
    "tol": rules.NON_NEGATIVE_FLOAT,
    "pixel_scaling": rules.PIXEL_SCALING,
    "augment": rules.Rule(
        f"None, one of {', '.join(map(repr, TRANSFORMS))}, a callable, or a list of "
        "these",
        _is_augmentation,
    ),
    "precision": rules.one_of("float32", "float64", "bfloat16", "auto"),
    "micro_batch_size": rules.one_of("auto", also=rules.POSITIVE_INT),
    "callbacks": rules.Rule(
        "None or a list of skorch callbacks, or of (name, callback) pairs",
        lambda value: (
            value is None
            or (isinstance(value, (list, tuple)) and all(map(_is_callback, value)))
        ),
    ),
    "checkpoint": rules.PATH,
    "warm_start": rules.BOOL,
    "random_state": rules.RANDOM_STATE,
    "verbose": rules.VERBOSITY,
}

LAYER_PARAMETERS = """
    activation : str, default="relu"
        The function after every hidden layer, as in `torch.nn`: "relu",
        "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh" or "identity".
    dropout : float in [0, 1), default=0.0
        The fraction of the inputs of every dense layer, except raw pixels, that
        is dropped in each training step [4]_.
"""

TRAINING_PARAMETERS = """
    optimizer : str or torch.optim.Optimizer class, default="adamw"
        The optimiser: "sgd", "adam", "adamw" [1]_, "rmsprop", or a class.
    optimizer_params : dict, default=None
        Further arguments of the optimiser, such as ``{"nesterov": True}`` of "sgd".
    lr : float, default={lr}
        Learning rate. With "onecycle" it is the schedule's peak.
    weight_decay : float, default={weight_decay}
        As the optimiser defines it: an L2 penalty of half this factor for "sgd",
        "adam" and "rmsprop", decoupled from the gradient for "adamw".
    momentum : float in [0, 1), default=0.9
        Used by "sgd" and "rmsprop", and by a class that takes it.
    lr_schedule : str or None, default="onecycle"
        How the learning rate changes. "onecycle": up and down again over the whole
        fit [2]_; "cosine": down along a half cosine; "exponential": by the factor
        ``lr_decay`` after every epoch; "plateau": times 0.2 after two consecutive
        epochs in which the loss (the validation loss if there is one) improved by
        less than ``tol``; None: not at all.
    lr_decay : float in (0, 1], default=0.95
        The factor of "exponential".
    batch_size : int, default={batch_size}
        Images per step of the optimiser, at most: the batches of an epoch differ in
        size by one image or none.
    max_epochs : int or "auto", default={max_epochs}
        Passes over the training images. "auto": {usual_epochs}, and on few images as
        many as make 50 steps of the optimiser; ``n_epochs_`` says how many it was.
    loss : "cross_entropy" or callable, default="cross_entropy"
        What the training makes small. A callable takes logits of shape (n, n_classes)
        and the positions of the true labels in ``classes_``, of shape (n,), and
        returns a tensor of n losses, which are then weighted and averaged.
    label_smoothing : float in [0, 1) or "auto", default="auto"
        The share of every target that is spread evenly over all classes, against
        overconfidence [3]_; of "cross_entropy" alone, for which "auto" is
        {usual_smoothing}.
    shuffle : bool, default=True
        Whether every epoch takes the images in a new order.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss; they multiply with ``sample_weight``.
        "balanced" is inversely proportional to the summed weights of a class.
    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the images, stratified by
        class, to stop when their accuracy no longer improves, and to go back to
        the weights of the best epoch. With ``X_val`` nothing is held out.
    validation_fraction : float in (0, 1), default=0.1
        The share that ``early_stopping`` holds out.
    n_iter_no_change : int, default=10
        Epochs in a row without improvement after which ``early_stopping`` stops.
    tol : float, default=0.0001
        What counts as an improvement: of the accuracy (a fraction of 1) for
        ``early_stopping``, of the loss (in nats) for "plateau".
    pixel_scaling : {"standard", "unit", "symmetric"} or None, default="standard"
        What the network's first layer does to pixels, channel by channel: mean 0
        and standard deviation 1; the training images' lowest and highest pixel to
        0 and 1; to -1 and 1; nothing. The statistics are weighted by
        ``sample_weight`` and part of the model.
    augment : str, callable, list of these or None, default=None
        Random changes of the training images, new ones in every epoch. "shift":
        by up to 2 pixels; "affine": small rotations, scalings, shears and shifts;
        "flip": half of the images mirrored; "crop": a part of three quarters of each
        side or more, enlarged; "brightness": pixels times 0.7 to 1.3; "erase": in half
        of the images, a rectangle of their mean. A callable takes and returns a float
        tensor of shape (n, channels, height, width) of unscaled pixels. Those of a list
        are made in its order.
    device : str or torch.device, default="auto"
        "auto" is the best there is: CUDA, else Apple's MPS, else the CPU. Set on a
        fitted estimator it moves the model at its next use.
    precision : {"float32", "float64", "bfloat16", "auto"}, default="float32"
        Precision of the computation. "bfloat16" keeps float32 weights and is faster
        where the hardware does it natively; "auto" uses it there only.
    micro_batch_size : int or "auto", default="auto"
        Images that go through the network at once; gradients are summed over the
        batch, so the result is the batch's own. "auto" fits the CPU's cache; on an
        accelerator it is the batch, halved when memory runs out. Not used with
        batch normalisation, whose statistics are the whole batch's.
    callbacks : list of skorch callbacks, default=None
        As in skorch, instances, classes, or pairs of a name and one of these.
        skorch's `LRScheduler` needs ``lr_schedule=None``.
    checkpoint : str, path or None, default=None
        A file to which the state of the training, callbacks included, is written
        after every epoch, and from which `fit` resumes if it exists and belongs to
        the same run.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous fit.
    random_state : int, RandomState instance or None, default=None
        Governs initial weights, shuffling, the held-out part, dropout and
        augmentation. An int gives the same model, bit for bit, on the same machine
        with the same number of threads. Global generators are left alone.
    verbose : int or bool, default=0
        1 or True shows a progress bar, on standard error or in the notebook, with the
        loss and the accuracies so far; 2 or more prints skorch's table, a line for
        every epoch.
"""

FITTED_ATTRIBUTES = """
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Pixels per image, all channels together.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, where ``X`` was a data frame with names of type str.
    image_shape_ : tuple (channels, height, width)
        How the network sees an image.
    n_parameters_ : int
        The number of weights and biases.
    n_epochs_ : int
        Epochs trained, over all calls that continued the same training. One that a
        callback broke off is in ``history_``, and not counted.
    best_epoch_ : int or None
        The epoch with the best validation accuracy, counted from 1: with
        ``early_stopping`` the one whose weights the model has. None where nothing
        was validated.
    loss_curve_ : list of float
        The mean training loss of every epoch, in nats if it is cross-entropy.
    training_scores_ : list of float
        The accuracy on the training images in every epoch, as a fraction of 1: of each
        batch before its step, with dropout and augmentation, and therefore lower than
        what `score` gives for these images.
    validation_scores_ : list of float or None
        The validation accuracy after every epoch, as a fraction of 1.
    history_ : skorch.history.History
        Everything that was recorded, epoch by epoch.
    net_ : skorch.NeuralNetClassifier
        The skorch net that was trained; its classes are the positions in
        ``classes_``. It predicts, and is trained by the estimator alone.
    module_ : torch.nn.Module
        The network: from raw pixels to logits.
    device_ : str
        The device that the model is on.
"""

REFERENCES = """
    .. [1] Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    .. [2] Smith and Topin, "Super-convergence: very fast training of neural networks
       using large learning rates" (2018), arXiv:1708.07120.
    .. [3] Szegedy et al., "Rethinking the Inception architecture for computer vision",
       CVPR 2016, section 7.
"""

LAYER_REFERENCES = """
    .. [4] Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", JMLR 15 (2014).
"""


def document(cls):
    """Put the shared words, and the class's own defaults, into its docstring."""
    if cls.__doc__ is None:  # python -OO drops docstrings
        return cls
    words = {
        "layer_parameters": LAYER_PARAMETERS,
        "training_parameters": TRAINING_PARAMETERS,
        "fitted_attributes": FITTED_ATTRIBUTES,
        "references": REFERENCES,
        "layer_references": LAYER_REFERENCES,
    }
    words["training_parameters"] = TRAINING_PARAMETERS.replace(
        "{usual_epochs}", str(cls._usual_epochs)
    ).replace("{usual_smoothing}", f"{cls._usual_smoothing:g}")
    for name, text in words.items():
        # With the margin that Python left: 3.13 removes it from docstrings.
        cls.__doc__ = re.sub(
            rf"^( *)\{{{name}\}}",
            lambda found, text=text: indent(cleandoc(text), found[1]),
            cls.__doc__,
            flags=re.MULTILINE,
        )
    for name, parameter in signature(cls).parameters.items():
        default = f"default={parameter.default!r}"
        cls.__doc__ = cls.__doc__.replace(f"default={{{name}}}", default)
    return cls
