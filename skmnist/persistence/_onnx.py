"""Models as ONNX files, for programs without Python."""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skmnist._estimators.base import NetworkClassifier
from skmnist._estimators.linear import LinearClassifier
from skmnist._extras import import_extra
from skmnist._files import write_whole
from skmnist._public import public
from skmnist._training.ambient import in_own_torch_state
from skmnist._training.modules import MLP

if TYPE_CHECKING:
    from skmnist._typing import FilePath

DTYPES = {"uint8": torch.uint8, "float32": torch.float32}


@public
@in_own_torch_state
def export_onnx(
    estimator: LinearClassifier | NetworkClassifier,
    path: FilePath,
    *,
    dtype: Literal["uint8", "float32"] | None = None,
) -> None:
    """Write a fitted classifier as one ONNX file.

    The file holds all that a prediction needs: the scaling of pixels, the network,
    the softmax and the labels [1]_. It is written whole or not at all.

    Its input ``images`` has the shape (n, height, width), or (n, channels, height,
    width) for several channels, with any n. Flat rows, which the estimator takes too,
    must be reshaped to images first. Its outputs are ``label`` of shape (n,) and
    ``probabilities`` of shape (n, n_classes).

    Parameters
    ----------
    estimator : LinearClassifier, MLPClassifier or ConvNetClassifier
        A fitted one. The file computes in float32, whatever its ``precision``.
    path : str or path
        The file. An existing file is replaced.
    dtype : {"uint8", "float32"}, default=None
        The type of pixels that the file takes. By default "uint8" if the images of
        the fit were uint8 or bool, or are not known (of models that 0.1.0.dev0
        pickled); "float32" for all others.

    Raises
    ------
    ModuleNotFoundError
        If the exporter is not installed: ``pip install "skmnist[onnx]"``.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        For any other estimator, even a `Pipeline`: the steps before the classifier
        would be missing.
    ValueError
        For any other dtype.
    OSError
        If the file cannot be written.

    References
    ----------
    .. [1] https://onnx.ai

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import onnxruntime
    >>> from skmnist import ConvNetClassifier
    >>> from skmnist.datasets import load_digits28
    >>> from skmnist.persistence import export_onnx
    >>> X, X_test, y, y_test = load_digits28(split=True)
    >>> clf = ConvNetClassifier((8,), max_epochs=1, random_state=0).fit(X, y)
    >>> path = Path(tempfile.mkdtemp()) / "digits.onnx"
    >>> export_onnx(clf, path)
    >>> session = onnxruntime.InferenceSession(path)
    >>> label, probabilities = session.run(None, {"images": X_test[:5]})
    >>> bool((label == clf.predict(X_test[:5])).all())
    True
    """
    if dtype is not None and (not isinstance(dtype, str) or dtype not in DTYPES):
        raise ValueError(
            "The 'dtype' parameter of export_onnx must be one of None, "
            f"{', '.join(map(repr, DTYPES))}. Got {dtype!r} instead."
        )
    if not isinstance(estimator, (NetworkClassifier, LinearClassifier)):
        raise TypeError(
            "export_onnx takes a LinearClassifier, MLPClassifier or ConvNetClassifier. "
            f"Got a {type(estimator).__name__} instead.{_part_to_pass(estimator)}"
        )
    check_is_fitted(estimator)
    dtype = dtype or _dtype_of_fit(estimator)
    import_extra("onnxscript", "onnx", "export_onnx")
    onnx = import_extra("onnx", "onnx", "export_onnx")
    model = _export(_network_of(estimator), estimator.image_shape_, DTYPES[dtype])
    _add_labels(model, estimator.classes_, onnx.helper, onnx.numpy_helper)
    # The exporter's notes on inner shapes, which other tools go by when they change
    # the graph: quantize_dynamic transposes weights, and they would be wrong.
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    write_whole(path, lambda file: file.write(content))


def _part_to_pass(estimator):
    """What to do with an estimator that is made of others."""
    if hasattr(estimator, "best_estimator_"):
        return " Pass its best_estimator_."
    if hasattr(estimator, "steps"):
        return (
            " The steps before the classifier would be missing in the file: give it "
            "scaled pixels, or use the classifier's own pixel_scaling."
        )
    if hasattr(estimator, "calibrated_classifiers_"):
        return (
            " What it changes of the probabilities would be missing in the file; of "
            "calibrated_classifiers_[0], the .estimator alone can be exported."
        )
    return ""


def _dtype_of_fit(estimator):
    known = getattr(estimator, "_pixel_dtype_", "uint8")
    return "uint8" if known in ("uint8", "bool") else "float32"


class _Probabilities(nn.Module):
    """A network from unscaled images to probabilities."""

    def __init__(self, network, image_shape):
        super().__init__()
        self.network = network
        self.image_shape = image_shape

    def forward(self, images):
        images = images.reshape(-1, *self.image_shape)
        return self.network(images).softmax(1)


def _network_of(estimator):
    """A copy of a fitted estimator's torch module, in float32."""
    if isinstance(estimator, NetworkClassifier):
        module = estimator._empty_module()
        module.load_state_dict(estimator.module_.state_dict())
        return module
    module = MLP(estimator.image_shape_, len(estimator.classes_), (), "identity", 0)
    coef, intercept = estimator.coef_, estimator.intercept_
    if len(coef) == 1:
        # With two classes, the logit of the first is zero.
        coef, intercept = np.stack([0 * coef[0], coef[0]]), np.r_[0, intercept]
    linear = module.layers[-1]
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(coef))
        linear.bias.copy_(torch.from_numpy(intercept))
        module.scaling.set(*estimator._scaling)
    return module


def _export(network, image_shape, dtype):
    """An ONNX model from images to probabilities."""
    own_shape = image_shape[1:] if image_shape[0] == 1 else image_shape
    with _quiet_exporter():
        program = torch.onnx.export(
            _Probabilities(network, image_shape).eval(),
            (torch.zeros((2, *own_shape), dtype=dtype),),
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


@contextlib.contextmanager
def _quiet_exporter():
    """Hide torch's remarks on itself: deprecations, and that torchvision is absent."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        log.setLevel(level)


def _add_labels(model, classes, helper, numpy_helper):
    """Append the label of the highest probability, as the first output."""
    if classes.dtype.kind in "US":
        classes = classes.astype(object)
    labels = numpy_helper.from_array(classes, "classes")
    model.graph.initializer.append(labels)
    model.graph.node.extend(
        [
            helper.make_node(
                "ArgMax", ["probabilities"], ["class"], axis=1, keepdims=0
            ),
            helper.make_node("Gather", ["classes", "class"], ["label"]),
        ]
    )
    output = helper.make_tensor_value_info("label", labels.data_type, ["n"])
    model.graph.output.insert(0, output)
