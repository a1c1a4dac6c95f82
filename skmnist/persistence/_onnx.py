"""Models as ONNX files, for programs without Python."""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from sklearn.pipeline import Pipeline, make_pipeline
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
    estimator: LinearClassifier | NetworkClassifier | Pipeline,
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

    The file of a `Pipeline` holds its steps before the classifier too. Its input
    ``images`` are then flat rows, of shape (n, n_features).

    Parameters
    ----------
    estimator : LinearClassifier, MLPClassifier, ConvNetClassifier, \
            ModuleClassifier or Pipeline
        A fitted one, or a fitted `Pipeline` that ends in one and begins with steps of
        scikit-learn's that skl2onnx can convert [2]_, such as `StandardScaler`,
        `MinMaxScaler` and `PCA`. The file computes in float32, whatever the
        ``precision``.
    path : str or path
        The file. An existing file is replaced.
    dtype : {"uint8", "float32"}, default=None
        The type of pixels that the file takes. By default that of the images of the
        fit: "uint8" if they were uint8 or bool, "float32" if they were floats or wider
        ints. Models that 0.1.0.dev0 pickled do not know it: "uint8". The file of a
        Pipeline takes "float32" only.

    Raises
    ------
    ModuleNotFoundError
        If the exporter is not installed: ``pip install "skmnist[onnx]"``.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        For any other estimator, and for a `Pipeline` with a step that skl2onnx cannot
        convert.
    ValueError
        For any other dtype.
    OSError
        If the file cannot be written.

    References
    ----------
    .. [1] https://onnx.ai
    .. [2] https://onnx.ai/sklearn-onnx/supported.html

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
    steps, classifier = _split(estimator)
    check_is_fitted(estimator)
    if steps and dtype == "uint8":
        raise ValueError(
            "The 'dtype' parameter of export_onnx must be None or 'float32' for a "
            "Pipeline. Got 'uint8' instead."
        )
    import_extra("onnxscript", "onnx", "export_onnx")
    onnx = import_extra("onnx", "onnx", "export_onnx")
    network, shape = _network_of(classifier), classifier.image_shape_
    if steps:
        model = _export(network, shape, torch.float32, rows=True)
        model = _with_steps(steps, model, onnx)
    else:
        model = _export(network, shape, DTYPES[dtype or _dtype_of_fit(classifier)])
    _add_labels(model, classifier.classes_, onnx.helper, onnx.numpy_helper)
    # The exporter's notes on inner shapes, which other tools go by when they change
    # the graph: quantize_dynamic transposes weights, and they would be wrong.
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    write_whole(path, lambda file: file.write(content))


def _split(estimator):
    """The transformers of a Pipeline that do something, and its classifier."""
    steps, classifier = [], estimator
    if isinstance(estimator, Pipeline):
        *steps, classifier = (step for _, step in estimator.steps)
        steps = [step for step in steps if step not in (None, "passthrough")]
    if isinstance(classifier, (NetworkClassifier, LinearClassifier)):
        return steps, classifier
    raise TypeError(
        "export_onnx takes a LinearClassifier, MLPClassifier, ConvNetClassifier or "
        "ModuleClassifier, or a Pipeline that ends in one. Got "
        f"{_described(estimator, classifier)} instead.{_part_to_pass(classifier)}"
    )


def _described(estimator, classifier):
    name = f"a {type(estimator).__name__}"
    ends = f" that ends in a {type(classifier).__name__}"
    return name if estimator is classifier else name + ends


def _part_to_pass(estimator):
    """What to do with an estimator that is made of others."""
    if hasattr(estimator, "best_estimator_"):
        return " Pass its best_estimator_."
    if hasattr(estimator, "calibrated_classifiers_"):
        return (
            " The calibration cannot be exported; the classifiers in its "
            "calibrated_classifiers_ can, each as .estimator, without it."
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


def _export(network, image_shape, dtype, rows=False):
    """An ONNX model from images, or from flat rows, to probabilities."""
    own_shape = image_shape[1:] if image_shape[0] == 1 else image_shape
    if rows:
        own_shape = (math.prod(image_shape),)
    with _quiet_exporter():
        program = torch.onnx.export(
            _Probabilities(network, image_shape).eval(),
            (torch.zeros((2, *own_shape), dtype=dtype),),
            input_names=["rows" if rows else "images"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


def _with_steps(steps, model, onnx):
    """The ONNX model of a classifier of rows, behind that of a Pipeline's steps."""
    skl2onnx = import_extra("skl2onnx", "onnx", "export_onnx of a Pipeline")
    rows = skl2onnx.common.data_types.FloatTensorType([None, steps[0].n_features_in_])
    version = next(o.version for o in model.opset_import if o.domain == "")
    try:
        before = skl2onnx.convert_sklearn(
            make_pipeline(*steps),
            initial_types=[("images", rows)],
            target_opset=version,
        )
    except Exception as error:
        raise TypeError(
            "This Pipeline has a step before its classifier that skl2onnx cannot "
            f"convert: {error}"
        ) from error
    # It names the lowest version that its operators need; both parts must name one.
    before = onnx.version_converter.convert_version(before, version)
    before.ir_version = model.ir_version
    (prepared,) = (output.name for output in before.graph.output)
    model = onnx.compose.merge_models(before, model, io_map=[(prepared, "rows")])
    # Some versions are named twice, which other tools do not expect.
    versions = {(entry.domain, entry.version) for entry in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*v) for v in sorted(versions))
    return model


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
