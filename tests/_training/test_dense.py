"""Dense layers through oneDNN are torch's own, up to rounding."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from torch import nn
from torch.nn import functional as F

from skmnist import ConvNetClassifier, MLPClassifier
from skmnist._training import dense
from skmnist.model_selection import BatchedGridSearchCV
from skmnist.persistence import export_onnx

onnx = pytest.importorskip("onnx")

# How one comes by a tensor of the same shape and other strides.
STRIDES = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.t().contiguous().t(),
    "part": lambda x: torch.cat([x, x], 1)[:, : x.shape[1]],
    "reversed": lambda x: x.flip(0)[torch.arange(len(x) - 1, -1, -1)],
}
SHAPES = [(64, 784, 500), (33, 65, 64), (128, 3136, 128), (1000, 100, 100)]


@pytest.fixture(params=[True, False], ids=["oneDNN", "F.linear"])
def onednn(request, monkeypatch):
    """Whether oneDNN is used where it could be, whatever the processor."""
    monkeypatch.setattr(dense, "_onednn_gains", request.param)
    return request.param


@pytest.fixture
def by_onednn(monkeypatch):
    monkeypatch.setattr(dense, "_onednn_gains", True)


def product(shape=(64, 80, 70), dtype=torch.float32, stride=STRIDES["contiguous"]):
    """An input, a weight and a bias that ask for gradients."""
    n, n_inputs, n_outputs = shape
    generator = torch.Generator().manual_seed(0)
    sizes = (n, n_inputs), (n_outputs, n_inputs)
    x, weight = (
        stride(torch.randn(size, generator=generator).to(dtype)) for size in sizes
    )
    bias = torch.randn(n_outputs, generator=generator).to(dtype)
    return [tensor.requires_grad_() for tensor in (x, weight, bias)]


def is_onednns(y):
    return y.grad_fn.name() == "_LinearBackward"


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("stride", STRIDES)
def test_values_and_gradients_are_torchs(shape, stride, by_onednn):
    tensors = product(shape, stride=STRIDES[stride])
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    y, expected = dense.linear(*tensors), F.linear(*exact)
    assert is_onednns(y)
    assert_close(y.double(), expected)
    into = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    found = torch.autograd.grad(y, tensors, into)
    for gradient, true in zip(
        found, torch.autograd.grad(expected, exact, into.double()), strict=True
    ):
        assert_close(gradient.double(), true)
    with torch.no_grad():
        assert torch.equal(dense.linear(*tensors), y)


def test_a_gradient_has_a_gradient(by_onednn):
    def norm_of_gradients(function, tensors):
        gradients = torch.autograd.grad(
            function(*tensors).pow(3).sum(), tensors, create_graph=True
        )
        norm = sum(gradient.pow(2).mean() for gradient in gradients)
        return torch.autograd.grad(norm, tensors)

    tensors = product()
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    expected = norm_of_gradients(F.linear, exact)
    for found, true in zip(
        norm_of_gradients(dense.linear, tensors), expected, strict=True
    ):
        assert (found.double() - true).abs().max() < 1e-5 * true.abs().max()


def test_only_the_gradients_that_are_asked_for_are_made(by_onednn):
    x, weight, bias = product()
    dense.linear(x.detach(), weight, bias.detach()).sum().backward()
    assert x.grad is None
    assert bias.grad is None
    assert_close(weight.grad, x.detach().sum(0).expand_as(weight))


@pytest.mark.parametrize(
    "shape", [(31, 80, 70), (64, 63, 70), (64, 80, 63)], ids=["n", "inputs", "outputs"]
)
def test_small_products_are_torchs_own(shape, by_onednn):
    assert not is_onednns(dense.linear(*product(shape)))


def test_other_precisions_are_torchs_own(by_onednn):
    assert is_onednns(dense.linear(*product()))
    assert not is_onednns(dense.linear(*product(dtype=torch.float64)))
    with torch.autocast("cpu", torch.bfloat16):
        assert dense.linear(*product()).dtype == torch.bfloat16


def test_transformations_of_functions_see_plain_operations(by_onednn):
    x, weight, bias = (tensor.detach() for tensor in product())
    rows = torch.func.vmap(lambda x: dense.linear(x, weight, bias))(x.expand(3, 64, 80))
    assert_close(rows[1], F.linear(x, weight, bias))
    jacobian = torch.func.jacrev(lambda bias: dense.linear(x, weight, bias).sum(0))
    assert_close(jacobian(bias), 64 * torch.eye(70))


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning")
def test_exports_see_plain_operations(by_onednn, digits, tmp_path):
    X, _, y, _ = digits
    layer = dense.Linear(80, 70)
    program = torch.export.export(layer, (torch.randn(64, 80),))
    assert "mkldnn" not in str(program.graph)
    assert torch.jit.trace(layer, torch.randn(64, 80)).inlined_graph.findNode(
        "aten::linear"
    )
    export_onnx(MLPClassifier(max_epochs=1).fit(X, y), tmp_path / "model.onnx")
    nodes = onnx.load(tmp_path / "model.onnx").graph.node
    assert {node.op_type for node in nodes} & {"Gemm", "MatMul"}


def test_layers_are_torchs_own_for_whoever_asks(onednn, few):
    X, _, y, _ = few
    clf = MLPClassifier((64,), max_epochs=1).fit(X, y)
    layers = [layer for layer in clf.module_.modules() if "Lin" in repr(layer)[:3]]
    assert len(layers) == 2
    assert all(isinstance(layer, nn.Linear) for layer in layers)
    assert "Linear(in_features=784, out_features=64, bias=True)" in repr(clf.module_)
    assert [line.layer for line in clf.summary()].count("Linear") == 2
    plain = nn.Linear(784, 64)
    plain.load_state_dict(layers[0].state_dict())


@pytest.mark.parametrize(
    "clf",
    [
        MLPClassifier((100, 70), max_epochs=2, random_state=0),
        ConvNetClassifier((4,), (64,), max_epochs=2, random_state=0),
    ],
    ids=["mlp", "conv"],
)
def test_a_training_is_bit_for_bit_and_close_to_torchs(clf, digits, monkeypatch):
    X, X_test, y, _ = digits
    logits = {}
    for gains in (True, False):
        monkeypatch.setattr(dense, "_onednn_gains", gains)
        logits[gains] = clf.fit(X, y).decision_function(X_test)
        again = clf.fit(X, y).decision_function(X_test)
        np.testing.assert_array_equal(again, logits[gains])
    np.testing.assert_allclose(logits[True], logits[False], rtol=0, atol=2e-3)


def test_a_batched_search_scores_as_one_by_one(onednn, digits):
    X, _, y, _ = digits
    clf = MLPClassifier((64,), max_epochs=2, random_state=0)
    grid = {"lr": [1e-3, 1e-2], "weight_decay": [0.0, 0.1]}
    scores = [
        search(clf, grid, cv=2).fit(X, y).cv_results_["mean_test_score"]
        for search in (BatchedGridSearchCV, GridSearchCV)
    ]
    np.testing.assert_allclose(*scores, atol=0.004)


@pytest.mark.parametrize(
    ("vendor", "family", "gains"),
    [
        ("AuthenticAMD", 26, True),
        ("AuthenticAMD", 25, False),
        ("GenuineIntel", 6, False),
    ],
)
def test_the_processors_are_those_that_were_measured(vendor, family, gains, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: 2\n"
    )
    assert dense.onednn_gains(cpuinfo) == gains
    assert not dense.onednn_gains(tmp_path / "missing")
