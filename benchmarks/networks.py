"""The networks that are timed, described once for all contenders."""

from typing import NamedTuple


class Network(NamedTuple):
    """A network and how it is trained; pixels are in [0, 1].

    Of the reports, but for mlp-256, which is that of `MLPClassifier()`.
    """

    name: str
    conv_layers: tuple[int, ...]  # filters of 3x3 "same" convolutions, each pooled
    hidden_layer_sizes: tuple[int, ...]
    optimizer: str  # "sgd", plain, "adam" or "adamw"
    lr: float
    weight_decay: float
    batch_size: int


NETWORKS = {
    network.name: network
    for network in (
        Network("mlp-500-300", (), (500, 300), "sgd", 0.04, 1e-4, 64),
        Network("mlp-100", (), (100,), "sgd", 0.01, 0.0, 100),
        Network("mlp-256", (), (256,), "adamw", 0.003, 0.01, 64),
        Network("conv-16-4", (16, 4), (), "adam", 0.01, 0.0, 2048),
        Network("conv-32-64-128", (32, 64, 128), (128,), "sgd", 0.04, 0.0, 64),
    )
}
