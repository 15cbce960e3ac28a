"""What the methods share that stand on one trained network, and read from what it makes of an input in one pass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from uqcore.methods.base import Limits, TrainingConfig, require
from uqcore.networks import NETWORKS, Flatten, head, layer_means, output_shapes
from uqcore.networks.layer_features import LayerFeatures
from uqcore.networks.parallel import map_examples
from uqcore.types import Answer, FloatArray, Posterior, Weights

_CHUNK_EXAMPLES = 512


@dataclass(frozen=True)
class FeatureConfig(TrainingConfig):
    """The network's settings, and which features of it are compared.

    Attributes:
        layers: whose outputs are the features, ``all`` or ``last``.
        unit_length: whether each layer's part of them is divided by its length.
    """

    LIMITS: ClassVar[Limits] = {**TrainingConfig.LIMITS, "layers": ("all", "last")}
    layers: str = "all"
    unit_length: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.layers in ("all", "last"), "layers", "all or last", self.layers)


def features_of(task: str, config: FeatureConfig, weights: Weights) -> LayerFeatures:
    """The features of the stored network."""
    return LayerFeatures(NETWORKS[task], weights, config.layers, config.unit_length)


def n_features_of(task: str, config: FeatureConfig) -> int:
    """How many numbers the features of one input are."""
    network = NETWORKS[task]
    shapes = output_shapes(network)
    widths = [shapes[layer.name][-1] for layer in network.layers if not isinstance(layer, Flatten)]
    return widths[-1] if config.layers == "last" else sum(widths)


class Seen(NamedTuple):
    """What a network makes of N inputs: its ``logits (N, K)``, and its layers' outputs ``(N, units)``, of a
    convolution the means of its channels, from the first to the one below the head."""

    logits: FloatArray
    layers: tuple[FloatArray, ...]


def see(task: str, weights: Weights, x: FloatArray) -> Seen:
    """One pass of a task's network at ``x (N, *input_shape)``; ``weights`` without an axis of samples."""
    of_one = {name: array[None] for name, array in weights.items()}
    outputs = layer_means(NETWORKS[task].layers, of_one, x)
    return Seen(head(of_one, outputs[-1])[0], tuple(output[0] for output in outputs))


class OnNetwork(Posterior):
    """One network's answer, changed or scored by what the network makes of an input, and by nothing else of it.

    So what several such methods say of the same inputs costs one pass: `logits_of` and `score_of` of what `see` gave.
    """

    def __init__(self, task: str, weights: Weights) -> None:
        self._task, self._network = task, weights

    @property
    def n_samples(self) -> int:
        return 1

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        return self.logits_of(see(self._task, self._network, x))[None].repeat(len(samples), axis=0)

    def score(self, x: FloatArray) -> FloatArray | None:
        return self.score_of(see(self._task, self._network, x))

    def answer(self, x: FloatArray, samples: Sequence[int]) -> Answer:
        seen = see(self._task, self._network, x)
        return Answer(self.logits_of(seen)[None].repeat(len(samples), axis=0), None, self.score_of(seen))

    def logits_of(self, seen: Seen) -> FloatArray:
        """The method's logits ``(N, K) float32``: the network's own, unless it changes them."""
        return seen.logits

    def score_of(self, seen: Seen) -> FloatArray | None:
        """The method's score, as `Posterior.score`."""
        return None


class ScoredNetwork(OnNetwork):
    """The network's predictions, with a score of its features."""

    def __init__(self, task: str, config: FeatureConfig, weights: Weights) -> None:
        super().__init__(task, weights)
        self._features = features_of(task, config, weights)

    def score_of(self, seen: Seen) -> FloatArray:
        features = self._features.of_layers(seen.layers)
        step = _CHUNK_EXAMPLES
        return np.concatenate(map_examples(lambda part: self.distance(features[part]), len(features), step))

    @abstractmethod
    def distance(self, features: FloatArray) -> FloatArray:
        """The score ``(N,) float32`` of features ``(N, D)``, 0 or more."""
