"""ConvNetClassifier: convolution blocks, then dense layers; and ConvLayer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skmnist._estimators import rules
from skmnist._estimators.base import NetworkClassifier
from skmnist._estimators.parameters import LAYER_RULES, TRAINING_RULES, document
from skmnist._public import public
from skmnist._training.modules import ConvNet, block_output_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch.optim import Optimizer

    from skmnist._estimators.parameters import Augment, Callbacks, Loss
    from skmnist._typing import (
        Activation,
        ClassWeight,
        FilePath,
        ImageShape,
        LayerSizes,
        OptimizerName,
        PixelScaling,
        Precision,
        RandomState,
        Schedule,
    )


@public
@dataclass(frozen=True, repr=False)
class ConvLayer:
    """A convolution with its activation and pooling: one item of `conv_layers`.

    Immutable, hashable and picklable, so that a layer is a grid value.

    Parameters
    ----------
    filters : int
        Feature maps.
    kernel_size : int, default=3
        Height and width of the kernel, in pixels.
    stride : int, default=1
        Pixels from one position of the kernel to the next.
    padding : {"same", "valid"} or int, default="same"
        Zeros around the image: "same" keeps its size with stride 1 (with stride s
        it becomes size / s, rounded up), "valid" adds none, an int adds so many
        pixels on each side.
    pool : {"max", "avg", "global"} or None, default="max"
        How the pixels of a window are pooled to one: by their highest, or by their
        mean. "global" takes the mean of the whole map; None pools nothing.
    pool_size : int, default=2
        Height and width of the window. On a shorter side of the image the window
        shrinks to that side.
    pool_stride : int or None, default=None
        Pixels from one window to the next; None for ``pool_size``.
    batch_norm : bool, default=False
        Whether to normalise every feature map over the batch, before the
        activation [1]_. The convolution then has no bias.
    residual : bool, default=False
        Whether to add the layer's input before the activation [2]_, so that many
        layers can be trained. Needs padding "same"; where the number of maps or their
        size changes, the input passes a convolution of a single pixel.

    Raises
    ------
    ValueError
        For an invalid value.

    References
    ----------
    .. [1] Ioffe and Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", ICML 2015.
    .. [2] He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> from skmnist import ConvLayer
    >>> ConvLayer(16, kernel_size=5, pool=None)
    ConvLayer(16, kernel_size=5, pool=None)
    """

    filters: int
    kernel_size: int = 3
    stride: int = 1
    padding: Literal["same", "valid"] | int = "same"
    pool: Literal["max", "avg", "global"] | None = "max"
    pool_size: int = 2
    pool_stride: int | None = None
    batch_norm: bool = False
    residual: bool = False

    def __post_init__(self):
        rules.check_parameters(self, CONV_LAYER_RULES)
        for name, value in vars(self).items():
            if isinstance(value, np.generic):  # as grids hold them
                object.__setattr__(self, name, value.item())
        if self.padding == "same" and self.stride > 1 and self.kernel_size % 2 == 0:
            raise ValueError(
                "The 'padding' parameter of ConvLayer must be 'valid' or an int for an "
                "even kernel_size with a stride, as 'same' would need more on one side "
                f"than on the other. Got 'same' with kernel_size={self.kernel_size}, "
                f"stride={self.stride} instead."
            )

        if self.residual and self.padding != "same":
            raise ValueError(
                "The 'padding' parameter of ConvLayer must be 'same' with residual="
                f"True, as the input and the output are added. Got {self.padding!r} "
                "instead."
            )

    def __repr__(self):
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)[1:]
            if getattr(self, field.name) != field.default
        ]
        return f"ConvLayer({', '.join([repr(self.filters), *changed])})"


CONV_LAYER_RULES = {
    "filters": rules.POSITIVE_INT,
    "kernel_size": rules.POSITIVE_INT,
    "stride": rules.POSITIVE_INT,
    "padding": rules.one_of("same", "valid", also=rules.NON_NEGATIVE_INT),
    "pool": rules.one_of("max", "avg", "global", None),
    "pool_size": rules.POSITIVE_INT,
    "pool_stride": rules.one_of(None, also=rules.POSITIVE_INT),
    "batch_norm": rules.BOOL,
    "residual": rules.BOOL,
}

CONV_LAYERS = rules.Rule(
    "a tuple of positive ints and ConvLayer",
    lambda value: (
        isinstance(value, (tuple, list))
        and all(
            isinstance(layer, ConvLayer) or rules.POSITIVE_INT.accepts(layer)
            for layer in value
        )
    ),
)


@public
@document
class ConvNetClassifier(NetworkClassifier):
    """Convolutional network for images: convolution blocks, then dense layers.

    Trained by PyTorch through skorch; used like any scikit-learn classifier.

    Parameters
    ----------
    conv_layers : tuple of int or ConvLayer, default=(16, 32)
        The convolution blocks. An int is the number of filters of a 3x3 "same"
        convolution with the activation and 2x2 max-pooling; a `ConvLayer` says
        more.
    hidden_layer_sizes : tuple of int, default=(128,)
        Units of every hidden dense layer after the convolutions; ``()`` for none.
    image_shape : tuple (height, width) or (channels, height, width), default=None
        The image that a flat row is. None sees a square image if possible, else
        a strip one pixel high. Images that come in their own shape need none.
    {layer_parameters}
    {training_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    ConvLayer : One item of ``conv_layers``.
    MLPClassifier : Dense layers only.
    ModuleClassifier : Any torch module of your own.
    LinearClassifier : Logistic regression, the baseline.

    References
    ----------
    {references}
    {layer_references}

    Examples
    --------
    >>> from skmnist import ConvNetClassifier
    >>> from skmnist.datasets import load_digits28
    >>> X_train, X_test, y_train, y_test = load_digits28(split=True)
    >>> clf = ConvNetClassifier(max_epochs=20, random_state=0)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.94
    True
    """

    _rules = (
        {"conv_layers": CONV_LAYERS, "image_shape": rules.IMAGE_SHAPE}
        | LAYER_RULES
        | TRAINING_RULES
    )
    _module_class = ConvNet
    _usual_epochs = 4
    _usual_smoothing = 0.02

    def __init__(
        self,
        conv_layers: Sequence[int | ConvLayer] = (16, 32),
        hidden_layer_sizes: LayerSizes = (128,),
        *,
        image_shape: ImageShape | None = None,
        activation: Activation = "relu",
        dropout: float = 0.0,
        optimizer: OptimizerName | type[Optimizer] = "adamw",
        optimizer_params: dict[str, Any] | None = None,
        lr: float = 0.009,
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
        self.conv_layers = conv_layers
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.image_shape = image_shape

    def _module_arguments(self, image_shape, n_classes):
        layers = tuple(
            layer if isinstance(layer, ConvLayer) else ConvLayer(int(layer))
            for layer in self.conv_layers
        )
        shape = image_shape
        for number, layer in enumerate(layers):
            before, shape = shape, block_output_shape(layer, shape)
            if min(shape) < 1:
                raise ValueError(
                    f"The 'conv_layers' parameter of {type(self).__name__} must fit "
                    f"the images: item {number}, {layer!r}, has a kernel larger than "
                    f"the {before[1]}x{before[2]} pixels that reach it (images of "
                    f"{image_shape[1]}x{image_shape[2]}). Use padding='same', or "
                    "smaller kernels and fewer poolings."
                )
        return {
            "image_shape": image_shape,
            "n_classes": n_classes,
            "conv_layers": layers,
            "hidden_layer_sizes": tuple(map(int, self.hidden_layer_sizes)),
            "activation": self.activation,
            "dropout": float(self.dropout),
        }
