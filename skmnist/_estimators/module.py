"""ModuleClassifier: any torch module of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch

from skmnist._estimators import rules
from skmnist._estimators.base import NetworkClassifier
from skmnist._estimators.parameters import TRAINING_RULES, document
from skmnist._public import public
from skmnist._training.user_module import make_user_module
from skmnist._warn import warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

    from skmnist._estimators.parameters import Augment, Callbacks, Loss
    from skmnist._typing import (
        ClassWeight,
        FilePath,
        ImageShape,
        OptimizerName,
        PixelScaling,
        Precision,
        RandomState,
        Schedule,
    )

MODULE_RULES = {
    "module": rules.Rule(
        "a class or a function of (image_shape, n_classes, **module_params) that "
        "returns a torch.nn.Module, and no module itself",
        lambda value: callable(value) and not isinstance(value, torch.nn.Module),
    ),
    "module_params": rules.NAMED_ARGUMENTS,
    "image_shape": rules.IMAGE_SHAPE,
}


@public
@document
class ModuleClassifier(NetworkClassifier):
    """A torch module of your own, as a classifier of images.

    Trained by PyTorch through skorch; used like any scikit-learn classifier.

    Parameters
    ----------
    module : class or callable
        Called as ``module(image_shape, n_classes, **module_params)`` with an
        ``image_shape`` of (channels, height, width), it returns a `torch.nn.Module`
        that takes scaled pixels of shape (n, channels, height, width) and gives
        logits of shape (n, n_classes). It is tried on one image before the training,
        which also shapes torch's lazy layers. Weights that require no gradient stay
        as they are.
    module_params : dict, default=None
        Further arguments of ``module``.
    image_shape : tuple (height, width) or (channels, height, width), default=None
        The image that a flat row is. None sees a square image if possible, else
        a strip one pixel high. Images that come in their own shape need none.
    {training_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    ConvNetClassifier : Convolution layers that are described by parameters.
    MLPClassifier : Dense layers only.
    LinearClassifier : Logistic regression, the baseline.

    Notes
    -----
    What the module draws, when it is made and while it is trained (as
    `torch.nn.Dropout` does), it draws from the global generators: they begin from a
    seed that ``random_state`` gives, and are put back each time. Fits in several
    threads of one process share them, so that only those in processes of their own can
    be repeated bit for bit.

    Pickles refer to ``module`` by its name: whoever opens them needs its code. What a
    lambda makes cannot be pickled.

    References
    ----------
    {references}

    Examples
    --------
    >>> from torch import nn
    >>> from skmnist import ModuleClassifier
    >>> from skmnist.datasets import load_digits28
    >>> def strided(image_shape, n_classes, width=16):
    ...     return nn.Sequential(
    ...         nn.Conv2d(image_shape[0], width, 5, stride=2),
    ...         nn.BatchNorm2d(width),
    ...         nn.ReLU(),
    ...         nn.Flatten(),
    ...         nn.LazyLinear(n_classes),
    ...     )
    >>> X_train, X_test, y_train, y_test = load_digits28(split=True)
    >>> clf = ModuleClassifier(strided, module_params={"width": 8}, random_state=0)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    """

    _rules = MODULE_RULES | TRAINING_RULES
    _usual_epochs = 10

    def __init__(
        self,
        module: Callable[..., torch.nn.Module],
        *,
        module_params: dict[str, Any] | None = None,
        image_shape: ImageShape | None = None,
        optimizer: OptimizerName | type[Optimizer] = "adamw",
        optimizer_params: dict[str, Any] | None = None,
        lr: float = 0.003,
        weight_decay: float = 0.01,
        momentum: float = 0.9,
        lr_schedule: Schedule = "onecycle",
        lr_decay: float = 0.95,
        batch_size: int = 128,
        max_epochs: int | Literal["auto"] = "auto",
        loss: Loss = "cross_entropy",
        label_smoothing: float | Literal["auto"] = "auto",
        shuffle: bool = True,
        class_weight: ClassWeight = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        pixel_scaling: PixelScaling = "standard",
        augment: Augment = None,
        device: str | torch.device = "auto",
        precision: Precision = "float32",
        micro_batch_size: int | Literal["auto"] = "auto",
        callbacks: Callbacks | None = None,
        checkpoint: FilePath | None = None,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            optimizer=optimizer,
            optimizer_params=optimizer_params,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            lr_schedule=lr_schedule,
            lr_decay=lr_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            loss=loss,
            label_smoothing=label_smoothing,
            shuffle=shuffle,
            class_weight=class_weight,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            pixel_scaling=pixel_scaling,
            augment=augment,
            device=device,
            precision=precision,
            micro_batch_size=micro_batch_size,
            callbacks=callbacks,
            checkpoint=checkpoint,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )
        self.module = module
        self.module_params = module_params
        self.image_shape = image_shape

    def _module_arguments(self, image_shape, n_classes):
        return {
            "module": self.module,
            "module_params": dict(self.module_params or {}),
            "image_shape": image_shape,
            "n_classes": n_classes,
        }

    def _initial_module(self, seed):
        self._module_seed = seed
        module = self._empty_module()
        if module.gives_probabilities:
            warn(
                f"The 'module' parameter of {type(self).__name__} seems to give "
                "probabilities: numbers of 0 or more whose sum is 1. It should give "
                "logits, as the loss takes their softmax: a second one makes the "
                "training slow and the probabilities wrong. Leave the softmax out."
            )
        return module

    def _empty_module(self, dtype=torch.float32):
        """As it was first made: what is no weight comes from the same seed again."""
        module = make_user_module(
            **self._module_settings, seed=self._module_seed, owner=type(self).__name__
        )
        return module.to(dtype)
