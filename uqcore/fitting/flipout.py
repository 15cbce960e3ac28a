"""Flipout layers: weights with a Gaussian posterior, perturbed differently for each example (Wen et al. 2018,
arXiv 1803.04386): ``x (M + D) = x M + ((x * r) D) * s`` with signs r, s drawn per example and D drawn once a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from uqcore.fitting.backbone import plain_layer
from uqcore.networks import HEAD, Conv, Dense
from uqcore.types import FloatArray


def random_signs(shape: Any) -> tf.Tensor:
    """-1 or +1 with equal probability."""
    return 2.0 * tf.cast(tf.random.uniform(shape, 0, 2, tf.int32), tf.float32) - 1.0


class _Flipout(keras.layers.Layer):  # type: ignore[misc]
    """Gaussian kernel and bias, ``std = softplus(rho)``, and the KL divergence to the prior N(0, prior_std^2)."""

    def __init__(
        self, units: int, relu: bool, prior_std: float, initial_std: float, kl_scale: float, name: str
    ) -> None:
        super().__init__(name=name)
        self.units, self.relu = units, relu
        self.prior_std, self.kl_scale = prior_std, kl_scale
        self._initial_rho = float(np.log(np.expm1(initial_std)))

    def kernel_shape(self, n_channels: int) -> tuple[int, ...]:
        return (n_channels, self.units)

    def linear(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return x @ kernel

    def build(self, input_shape: Any) -> None:
        shape = self.kernel_shape(int(input_shape[-1]))
        rho = keras.initializers.Constant(self._initial_rho)
        self.kernel_mean = self.add_weight(name="kernel_mean", shape=shape, initializer="glorot_uniform")
        self.kernel_rho = self.add_weight(name="kernel_rho", shape=shape, initializer=rho)
        self.bias_mean = self.add_weight(name="bias_mean", shape=(self.units,), initializer="zeros")
        self.bias_rho = self.add_weight(name="bias_rho", shape=(self.units,), initializer=rho)
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        mean = self.linear(x, self.kernel_mean) + self.bias_mean
        self.add_loss(
            self.kl_scale * (self._kl(self.kernel_mean, self.kernel_rho) + self._kl(self.bias_mean, self.bias_rho))
        )
        if not training:
            return tf.nn.relu(mean) if self.relu else mean
        n, middle = tf.shape(x)[0], [1] * (len(x.shape) - 2)
        sign_in = random_signs([n, *middle, x.shape[-1]])
        sign_out = random_signs([n, *middle, self.units])
        kernel_noise = tf.nn.softplus(self.kernel_rho) * tf.random.normal(self.kernel_rho.shape)
        bias_noise = tf.nn.softplus(self.bias_rho) * tf.random.normal(self.bias_rho.shape)
        output = mean + (self.linear(x * sign_in, kernel_noise) + bias_noise) * sign_out
        return tf.nn.relu(output) if self.relu else output

    def _kl(self, mean: tf.Tensor, rho: tf.Tensor) -> tf.Tensor:
        """KL(N(mean, std^2) || N(0, prior_std^2)), summed over the weights, in nats."""
        std = tf.nn.softplus(rho)
        ratio = (tf.square(std) + tf.square(mean)) / self.prior_std**2
        return tf.reduce_sum(0.5 * (ratio - 1.0) + tf.math.log(self.prior_std) - tf.math.log(std))


class DenseFlipout(_Flipout):
    """A fully connected Flipout layer."""


class ConvFlipout(_Flipout):
    """A convolutional Flipout layer with "same" padding; one sign per example and channel."""

    def __init__(self, kernel_size: int, stride: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.kernel_size, self.stride = kernel_size, stride

    def kernel_shape(self, n_channels: int) -> tuple[int, ...]:
        return (self.kernel_size, self.kernel_size, n_channels, self.units)

    def linear(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, kernel, self.stride, "SAME")


class FlipoutLayers:
    """Makes Flipout layers and, after training, gives means and standard deviations of their weights."""

    def __init__(self, prior_std: float, initial_std: float, kl_scale: float) -> None:
        self._settings = {"prior_std": prior_std, "initial_std": initial_std, "kl_scale": kl_scale}
        self._layers: dict[str, Any] = {}

    def make(self, layer: Dense | Conv) -> Any:
        if isinstance(layer, Conv):
            made = ConvFlipout(
                layer.kernel_size, layer.stride, units=layer.filters, relu=True, name=layer.name, **self._settings
            )
        elif layer.trainable:
            made = DenseFlipout(units=layer.units, relu=layer.relu, name=layer.name, **self._settings)
        else:
            made = plain_layer(layer)
        self._layers[layer.name] = made
        return made

    def make_head(self, n_classes: int) -> Any:
        return self.make(Dense(HEAD, n_classes, relu=False))

    def freeze(self) -> dict[str, FloatArray]:
        """``mean/<layer>/kernel`` and, for weights with a posterior, ``std/<layer>/kernel``; the same for ``bias``."""
        arrays: dict[str, FloatArray] = {}
        for name, layer in self._layers.items():
            if not isinstance(layer, _Flipout):
                kernel, bias = layer.get_weights()
                arrays |= {f"mean/{name}/kernel": kernel, f"mean/{name}/bias": bias}
                continue
            for part in ("kernel", "bias"):
                arrays[f"mean/{name}/{part}"] = getattr(layer, f"{part}_mean").numpy()
                arrays[f"std/{name}/{part}"] = tf.nn.softplus(getattr(layer, f"{part}_rho")).numpy()
        return arrays
