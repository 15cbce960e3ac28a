"""What the layers of a trained network make of an input, as one vector: what methods that measure distances compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uqcore.networks.forward import Network, layer_means
from uqcore.types import FloatArray, Weights


class LayerFeatures:
    """The features of one network: its layers' outputs side by side, of a convolution the means of its channels.

    Args:
        weights: of the network, without an axis of samples.
        layers: ``all`` layers with weights, or the ``last`` below the head.
        unit_length: each layer's part is divided by its length, so that all count alike and none by its size alone.
    """

    def __init__(self, network: Network, weights: Weights, layers: str, unit_length: bool) -> None:
        self._layers, self._only_last, self._unit_length = network.layers, layers == "last", unit_length
        self._weights = {name: array[None] for name, array in weights.items()}

    def of(self, x: FloatArray) -> FloatArray:
        """The features ``(N, D)`` at ``x (N, *input_shape)``."""
        return self.of_layers([output[0] for output in layer_means(self._layers, self._weights, x)])

    def of_layers(self, outputs: Sequence[FloatArray]) -> FloatArray:
        """The same from what each layer made of the inputs, ``(N, units)`` each (see `layer_means`)."""
        if self._only_last:
            outputs = outputs[-1:]
        if self._unit_length:
            outputs = [output / np.maximum(np.linalg.norm(output, axis=1, keepdims=True), 1e-12) for output in outputs]
        return np.concatenate(outputs, axis=1)
