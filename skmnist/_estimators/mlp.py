"""MLPClassifier: dense layers on pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from skmnist._estimators.base import NetworkClassifier
from skmnist._estimators.parameters import LAYER_RULES, TRAINING_RULES, document
from skmnist._public import public
from skmnist._training.modules import MLP

if TYPE_CHECKING:
    import torch
    from torch.optim import Optimizer

    from skmnist._estimators.parameters import Augment, Callbacks, Loss
    from skmnist._typing import (
        Activation,
        ClassWeight,
        FilePath,
        LayerSizes,
        OptimizerName,
        PixelScaling,
        Precision,
        RandomState,
        Schedule,
    )


@public
@document
class MLPClassifier(NetworkClassifier):
    """Multi-layer perceptron for images: dense layers, softmax, cross-entropy.

    Trained by PyTorch through skorch; used like any scikit-learn classifier.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(256,)
        Units of every hidden layer. ``()`` is softmax regression: the pixels go
        straight to the logits.
    {layer_parameters}
    {training_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    ConvNetClassifier : Convolution layers first, better on images.
    ModuleClassifier : Any torch module of your own.
    LinearClassifier : Logistic regression, the baseline.

    References
    ----------
    {references}
    {layer_references}

    Examples
    --------
    >>> from skmnist import MLPClassifier
    >>> from skmnist.datasets import load_digits28
    >>> X_train, X_test, y_train, y_test = load_digits28(split=True)
    >>> clf = MLPClassifier(random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    _rules = LAYER_RULES | TRAINING_RULES
    _module_class = MLP
    _usual_epochs = 10

    def __init__(
        self,
        hidden_layer_sizes: LayerSizes = (256,),
        *,
        activation: Activation = "relu",
        dropout: float = 0.0,
        optimizer: OptimizerName | type[Optimizer] = "adamw",
        optimizer_params: dict[str, Any] | None = None,
        lr: float = 0.003,
        weight_decay: float = 0.01,
        momentum: float = 0.9,
        lr_schedule: Schedule = "onecycle",
        lr_decay: float = 0.95,
        batch_size: int = 64,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout

    def _module_arguments(self, image_shape, n_classes):
        return {
            "image_shape": image_shape,
            "n_classes": n_classes,
            "hidden_layer_sizes": tuple(map(int, self.hidden_layer_sizes)),
            "activation": self.activation,
            "dropout": float(self.dropout),
        }
