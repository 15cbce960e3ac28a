"""`uqcore.networks.Network` as a tf_keras model, and the arrays that a trained one leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tf_keras as keras

from uqcore.networks import HEAD, Conv, Dense, Flatten, Network
from uqcore.types import FloatArray, Weights

MakeLayer = Callable[[Dense | Conv], Any]


def plain_layer(layer: Dense | Conv) -> Any:
    """The Keras layer of a description, without dropout and sum."""
    if isinstance(layer, Conv):
        return keras.layers.Conv2D(
            layer.filters, layer.kernel_size, layer.stride, padding="same", activation="relu", name=layer.name
        )
    activation = "relu" if layer.relu else None
    return keras.layers.Dense(layer.units, activation=activation, trainable=layer.trainable, name=layer.name)


def build(
    network: Network, make_head: Callable[[int], Any], make_layer: MakeLayer = plain_layer, dropout: bool = True
) -> Any:
    """A functional model of ``network``; ``make_layer`` wraps or replaces each layer, ``make_head`` gives the last."""
    inputs = hidden = keras.Input(network.input_shape)
    for layer in network.layers:
        output = (
            keras.layers.Flatten(name=layer.name)(hidden) if isinstance(layer, Flatten) else make_layer(layer)(hidden)
        )
        if layer.dropout and dropout:
            output = keras.layers.Dropout(layer.dropout, name=f"{layer.name}_dropout")(output)
        hidden = hidden + output if getattr(layer, "residual", False) else output
    return keras.Model(inputs, make_head(network.n_classes)(hidden))


def dense_head(n_classes: int) -> Any:
    return keras.layers.Dense(n_classes, name=HEAD)


def freeze(network: Network, model: Any) -> dict[str, FloatArray]:
    """Kernels and biases of a plain model by the names that `uqcore.networks` reads, without the axis of samples."""
    arrays: dict[str, FloatArray] = {}
    for name in [*_with_kernel(network), HEAD]:
        kernel, bias = model.get_layer(name).get_weights()
        arrays |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return arrays


def thaw(network: Network, weights: Weights) -> Any:
    """The plain tf_keras model with the given arrays (of one network, no axis of samples): the inverse of `freeze`."""
    model = build(network, dense_head)
    _set_weights(model, [*_with_kernel(network), HEAD], weights)
    return model


def thaw_features(network: Network, weights: Weights) -> Any:
    """`thaw` without the head: a tf_keras model from inputs to features."""
    model = build(network, lambda n_classes: lambda hidden: hidden)
    _set_weights(model, _with_kernel(network), weights)
    return model


def _with_kernel(network: Network) -> list[str]:
    return [layer.name for layer in network.layers if not isinstance(layer, Flatten)]


def _set_weights(model: Any, names: Sequence[str], weights: Weights) -> None:
    for name in names:
        model.get_layer(name).set_weights([weights[f"{name}/kernel"], weights[f"{name}/bias"]])


def n_trainable(model: Any) -> int:
    return int(sum(np.prod(weight.shape) for weight in model.trainable_weights))
