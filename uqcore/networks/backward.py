"""Training of small dense networks in NumPy, in about a second: for pages that train again when their data change.

Layers know their gradients; the loss is the mean squared error, the optimiser Adam, as `uqcore.fitting` has them from
Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Protocol

import numpy as np

from uqcore.networks import HEAD, Dense, Network
from uqcore.types import FloatArray, Split, Tick

_MEAN_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-7
_TICK_STEPS = 20


class Arrays:
    """Named float32 arrays that are parts of one vector, so that an optimiser's step is a few operations on it all."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.vector = np.zeros(sum(prod(shape) for shape in shapes.values()), np.float32)
        self.named: dict[str, FloatArray] = {}
        start = 0
        for name, shape in shapes.items():
            self.named[name] = self.vector[start : start + prod(shape)].reshape(shape)
            start += prod(shape)


class Layer(Protocol):
    """A layer that remembers its last input."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Output ``(B, units)`` at ``x (B, D)``."""

    def backward(self, error: FloatArray) -> FloatArray:
        """Writes the weights' gradient; from the loss's gradient by the last output, that by the last input."""


class DropoutLayer:
    """A dense layer, with ReLU and inverted dropout unless it is the head."""

    def __init__(self, layer: Dense, weights: Arrays, gradient: Arrays, rng: np.random.Generator) -> None:
        self._layer, self._rng = layer, rng
        self._kernel, self._bias = (weights.named[f"{layer.name}/{part}"] for part in ("kernel", "bias"))
        self._kernel_gradient, self._bias_gradient = (
            gradient.named[f"{layer.name}/{part}"] for part in ("kernel", "bias")
        )

    def forward(self, x: FloatArray) -> FloatArray:
        self._x = x
        output = x @ self._kernel
        output += self._bias
        self._mask = _slope(output, self._layer.relu)
        if self._layer.dropout:
            kept = self._rng.random(output.shape, dtype=np.float32) >= self._layer.dropout
            self._mask *= kept * np.float32(1 / (1 - self._layer.dropout))
        output *= self._mask
        return output

    def backward(self, error: FloatArray) -> FloatArray:
        error = error * self._mask
        np.matmul(self._x.T, error, out=self._kernel_gradient)
        np.sum(error, axis=0, out=self._bias_gradient)
        return error @ self._kernel.T


class FlipoutLayer:
    """`uqcore.fitting.flipout.DenseFlipout`: Gaussian weights, ``std = softplus(rho)``, and their KL divergence.

    ``kl_scale`` times the divergence to N(0, prior_std^2) is part of the loss.
    """

    def __init__(
        self,
        layer: Dense,
        weights: Arrays,
        gradient: Arrays,
        rng: np.random.Generator,
        prior_std: float,
        kl_scale: float,
    ) -> None:
        names = [f"{kind}/{layer.name}/{part}" for part in ("kernel", "bias") for kind in ("mean", "rho")]
        self._layer, self._rng = layer, rng
        self._weights, self._gradient = ([arrays.named[name] for name in names] for arrays in (weights, gradient))
        self._prior_precision, self._kl_scale = np.float32(prior_std**-2), np.float32(kl_scale)

    def forward(self, x: FloatArray) -> FloatArray:
        kernel, kernel_rho, bias, bias_rho = self._weights
        self._x = x
        self._sign_in, self._sign_out = self._signs(x.shape), self._signs((len(x), len(bias)))
        self._normal = [self._rng.standard_normal(rho.shape, dtype=np.float32) for rho in (kernel_rho, bias_rho)]
        exps = [np.exp(rho) for rho in (kernel_rho, bias_rho)]
        self._std = [np.log1p(e) for e in exps]
        self._std_by_rho = [e / (1 + e) for e in exps]
        self._kernel_noise, bias_noise = (std * normal for std, normal in zip(self._std, self._normal, strict=True))
        noise = ((x * self._sign_in) @ self._kernel_noise + bias_noise) * self._sign_out
        output = x @ kernel + bias + noise
        self._slope = _slope(output, self._layer.relu)
        return output * self._slope

    def backward(self, error: FloatArray) -> FloatArray:
        error = error * self._slope
        flipped = error * self._sign_out
        by_mean = (self._x.T @ error, error.sum(axis=0))
        by_noise = ((self._x * self._sign_in).T @ flipped, flipped.sum(axis=0))
        for i in (0, 1):
            mean, std = self._weights[2 * i], self._std[i]
            self._gradient[2 * i][...] = by_mean[i] + self._kl_scale * self._prior_precision * mean
            by_std = by_noise[i] * self._normal[i] + self._kl_scale * (self._prior_precision * std - 1 / std)
            np.multiply(by_std, self._std_by_rho[i], out=self._gradient[2 * i + 1])
        return error @ self._weights[0].T + (flipped @ self._kernel_noise.T) * self._sign_in

    def _signs(self, shape: tuple[int, ...]) -> FloatArray:
        return np.where(self._rng.random(shape, dtype=np.float32) < 0.5, np.float32(-1), np.float32(1))


def _slope(output: FloatArray, relu: bool) -> FloatArray:
    """The derivative of the activation, by which ReLU also multiplies its input."""
    return (output > 0).astype(np.float32) if relu else np.ones_like(output)


def descend(layers: Sequence[Layer], x: FloatArray, y: FloatArray) -> float:
    """Writes every layer's gradient of the mean squared error at ``x (B, D)``, ``y (B, 1)``; returns that error."""
    output = x
    for layer in layers:
        output = layer.forward(output)
    difference = output - y
    error: FloatArray = difference * np.float32(2 / len(y))
    for layer in reversed(layers):
        error = layer.backward(error)
    return float(np.square(difference).mean())


def dense_layers(network: Network) -> tuple[Dense, ...]:
    """The network's layers and its head, where all are plain."""
    layers = []
    for layer in network.layers:
        if not isinstance(layer, Dense) or layer.residual or not layer.trainable:
            raise NotImplementedError(f"Expected plain dense layers. Received: {layer}")
        layers.append(layer)
    return (*layers, Dense(HEAD, network.n_classes, relu=False))


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Weight's name -> its shape, the head's included."""
    layers = dense_layers(network)
    units = [*network.input_shape, *(layer.units for layer in layers)]
    found: dict[str, tuple[int, ...]] = {}
    for layer, (n_in, n_out) in zip(layers, pairwise(units), strict=True):
        found |= {f"{layer.name}/kernel": (n_in, n_out), f"{layer.name}/bias": (n_out,)}
    return found


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """A kernel as Keras starts with (Glorot & Bengio 2010, eq. 16); 0 for a bias."""
    limit = np.sqrt(6 / sum(shape)) if len(shape) > 1 else 0.0
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def batches(data: Split, size: int, rng: np.random.Generator) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Batches ``x (size, D)``, ``y (size, 1)`` without end; what is left over before a shuffling is left out."""
    y = data.y.astype(np.float32)[:, None]
    size = min(size, len(y))
    while True:
        order = rng.permutation(len(y))
        for i in range(0, len(y) - size + 1, size):
            chosen = order[i : i + size]
            yield data.x[chosen], y[chosen]


def adam(
    weights: Arrays,
    gradient: Arrays,
    write_gradient: Callable[[], object],
    n_steps: int,
    learning_rate: float,
    weight_decay: float = 0.0,
    tick: Tick = lambda done, total: None,
) -> None:
    """AdamW on ``weights`` in place (Loshchilov & Hutter 2019), the learning rate going down to 0 along a cosine."""
    w, g = weights.vector, gradient.vector
    mean, square, change = np.zeros_like(w), np.zeros_like(w), np.empty_like(w)
    for step in range(1, n_steps + 1):
        write_gradient()
        # In place: arrays made anew at every step would take as long as the arithmetic.
        mean *= _MEAN_DECAY
        mean += np.multiply(g, 1 - _MEAN_DECAY, out=change)
        square *= _SQUARE_DECAY
        np.square(g, out=change)
        change *= 1 - _SQUARE_DECAY
        square += change
        np.sqrt(square, out=change)
        change += _EPSILON
        np.divide(mean, change, out=change)
        rate = 0.5 * learning_rate * (1 + math.cos(math.pi * (step - 1) / n_steps))
        change *= rate * math.sqrt(1 - _SQUARE_DECAY**step) / (1 - _MEAN_DECAY**step)
        w *= 1 - rate * weight_decay
        w -= change
        if step % _TICK_STEPS == 0 or step == n_steps:
            tick(step, n_steps)


def fit(
    layers: Sequence[Layer],
    weights: Arrays,
    gradient: Arrays,
    data: Split,
    batch_size: int,
    rng: np.random.Generator,
    n_steps: int,
    learning_rate: float,
    weight_decay: float = 0.0,
    tick: Tick = lambda done, total: None,
) -> None:
    """`adam` on the mean squared error of ``layers`` over `batches` of ``data``."""
    each = batches(data, batch_size, rng)
    adam(weights, gradient, lambda: descend(layers, *next(each)), n_steps, learning_rate, weight_decay, tick)
