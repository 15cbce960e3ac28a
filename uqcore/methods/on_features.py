"""What the methods share that score an input by what a trained network's layers make of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uqcore.methods import deterministic
from uqcore.methods.base import TrainingConfig, require
from uqcore.networks import NETWORKS
from uqcore.networks.layer_features import LayerFeatures
from uqcore.networks.parallel import map_examples
from uqcore.types import FloatArray, Posterior, Weights

_CHUNK_EXAMPLES = 512


@dataclass(frozen=True)
class FeatureConfig(TrainingConfig):
    """The network's settings, and which features of it are compared.

    Attributes:
        layers: whose outputs are the features, ``all`` or ``last``.
        unit_length: whether each layer's part of them is divided by its length.
    """

    layers: str = "all"
    unit_length: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.layers in ("all", "last"), "layers", "all or last", self.layers)


def features_of(task: str, config: FeatureConfig, weights: Weights) -> LayerFeatures:
    """The features of the stored network."""
    return LayerFeatures(NETWORKS[task], weights, config.layers, config.unit_length)


class ScoredNetwork(Posterior):
    """The deterministic network's predictions in one pass, with a score of its features."""

    def __init__(self, task: str, config: FeatureConfig, seed: int, weights: Weights) -> None:
        self._network = deterministic.load(task, config, seed, [weights])
        self._features = features_of(task, config, weights)

    @property
    def n_samples(self) -> int:
        return 1

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        return self._network.draw(x, samples)

    def score(self, x: FloatArray) -> FloatArray:
        features = self._features.of(x)
        return np.concatenate(map_examples(lambda part: self.score_of(features[part]), len(x), _CHUNK_EXAMPLES))

    @abstractmethod
    def score_of(self, features: FloatArray) -> FloatArray:
        """The score ``(N,) float32`` of features ``(N, D)``, 0 or more."""
