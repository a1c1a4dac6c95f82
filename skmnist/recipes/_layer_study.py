"""A study that trains nothing: what a report's networks are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from skmnist._public import public
from skmnist.recipes._recipe import Recipe
from skmnist.recipes._setting import Data, split_images

# An estimator knows its layers once it is fitted, for which this many images will do.
FEW = 500


class LayerCount(NamedTuple):
    """A layer with parameters, and how many there are of each kind."""

    layer: str
    output_shape: tuple
    n_weights: int
    n_biases: int
    n_parameters: int


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class LayerStudy:
    """The layers of a report's networks, with their weights and biases counted.

    Parameters
    ----------
    name : str
        ``report/study``.
    source : str
        Where it was published.
    networks : tuple of Recipe
        The networks whose layers are counted.

    Examples
    --------
    >>> from skmnist.datasets import load_digits28
    >>> from skmnist.recipes import get_study
    >>> study = get_study("dl-2020/parameter-count")
    >>> result = study.run(load_digits28(split=True))
    >>> print(*result.layers["dl-2020/convnet-16-4"][0])
    Conv2d 3x3 (16, 28, 28) 144 16 160
    """

    name: str
    source: str
    networks: tuple[Recipe, ...]

    @property
    def varies(self) -> str:
        """What is varied."""
        return "network"

    def run(self, data: Data) -> LayerStudyResult:
        """Make the networks for images like the given ones, and count.

        Parameters
        ----------
        data : tuple (X_train, X_test, y_train, y_test)
            Images of 28x28 pixels and their labels, as
            ``fetch_mnist(split=True)`` returns them.

        Returns
        -------
        result : LayerStudyResult
            The layers that have parameters.

        Raises
        ------
        ValueError
            For images of another size.
        """
        layers = {
            network.name: count_layers(network, data) for network in self.networks
        }
        return LayerStudyResult(study=self, layers=layers)


def count_layers(network, data):
    """The layers of a network that have parameters."""
    images = split_images(network, data, random_state=0)
    estimator = network.make_estimator(max_epochs=1, device="cpu", random_state=0)
    estimator.fit(images.X_train[:FEW], images.y_train[:FEW])
    return [
        LayerCount(
            line.layer,
            line.output_shape,
            module.weight.numel(),
            line.n_parameters - module.weight.numel(),
            line.n_parameters,
        )
        # The first line is the scaling of the pixels, which is not trained.
        for line, module in zip(
            estimator.summary()[1:], estimator.module_.layers, strict=True
        )
        if line.n_parameters
    ]


@public
@dataclass(frozen=True, eq=False, kw_only=True)
class LayerStudyResult:
    """The result of a study of layers.

    Parameters
    ----------
    study : LayerStudy
        The study that was run.
    layers : dict of str to list of \
            (layer, output_shape, n_weights, n_biases, n_parameters)
        The layers that have parameters, by the name of the network.
    """

    study: LayerStudy
    layers: dict[str, list[LayerCount]]

    def comparison(self) -> list[tuple[str, int, int]]:
        """Set the published numbers of parameters beside the counted ones.

        Returns
        -------
        rows : list of tuple (name, published, counted)
            One per network.
        """
        return [
            (
                network.name,
                network.n_parameters,
                sum(layer.n_parameters for layer in self.layers[network.name]),
            )
            for network in self.study.networks
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all figures in plain types, as for a JSON file.

        Returns
        -------
        figures : dict
            The layers of every network.
        """
        return {
            "study": self.study.name,
            "source": self.study.source,
            "layers": {
                name: [layer._asdict() for layer in layers]
                for name, layers in self.layers.items()
            },
        }
