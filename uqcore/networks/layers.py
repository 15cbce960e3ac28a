"""Dense layers that learn, in NumPy: each knows its gradient. What they compute is what Keras's in `uqcore.fitting` do.

A layer keeps what its last `forward` saw until `backward`, so one layer learns in one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Protocol

import numpy as np

from uqcore.networks import noise
from uqcore.networks.forward import Dense
from uqcore.types import FloatArray

BETA_DECAY = 1e-6
"""Of SNGP's output weights, times their squares in the loss: the official layer's."""


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

    def penalty(self) -> float:
        """What the weights themselves add to the loss; its gradient is in what `backward` writes."""


class FrozenLayer:
    """A linear layer that stays as it started."""

    def __init__(self, kernel: FloatArray, bias: FloatArray) -> None:
        self._kernel, self._bias = kernel, bias

    def forward(self, x: FloatArray) -> FloatArray:
        output = x @ self._kernel
        output += self._bias
        return output

    def backward(self, error: FloatArray) -> FloatArray:
        return error @ self._kernel.T

    def penalty(self) -> float:
        return 0.0


class DropoutLayer:
    """A dense layer, with ReLU and inverted dropout unless it is the head; a residual one adds its input to that."""

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
        self._slope = self._thinned_slope(output)
        if self._slope is not None:
            output *= self._slope
        if self._layer.residual:
            output += x
        return output

    def _thinned_slope(self, output: FloatArray) -> FloatArray | None:
        """The derivative of activation and dropout, by which they also multiply; None for 1 everywhere."""
        rate = self._layer.dropout
        if not rate:
            return _slope(output) if self._layer.relu else None
        kept = noise.kept(output.shape, rate, self._rng)
        if self._layer.relu:
            kept &= output > 0
        slope = kept.astype(np.float32)
        slope *= np.float32(1 / (1 - rate))
        return slope

    def backward(self, error: FloatArray) -> FloatArray:
        masked = error if self._slope is None else error * self._slope
        np.matmul(self._x.T, masked, out=self._kernel_gradient)
        _sum_examples(masked, out=self._bias_gradient)
        by_input = masked @ self._kernel.T
        if self._layer.residual:
            by_input += error
        return by_input

    def penalty(self) -> float:
        return 0.0


class BoundedLayer(DropoutLayer):
    """A dense layer whose kernel is scaled down, before every forward pass, to spectral norm ``bound`` if it has more.

    As the official `SpectralNormalization`: one power iteration a step tracks the norm, the bounded kernel takes the
    place of the trained one, and the gradient knows nothing of the scaling.
    """

    def __init__(
        self, layer: Dense, weights: Arrays, gradient: Arrays, rng: np.random.Generator, *, bound: float
    ) -> None:
        super().__init__(layer, weights, gradient, rng)
        self._bound = bound
        self._direction = rng.standard_normal(layer.units, dtype=np.float32)

    def forward(self, x: FloatArray) -> FloatArray:
        self.project()
        return super().forward(x)

    def project(self, n_iterations: int = 1) -> None:
        """Scales the kernel down to the bound, its norm estimated by ``n_iterations`` more power iterations."""
        for _ in range(n_iterations):
            right = _unit(self._kernel @ self._direction) @ self._kernel
            self._direction = _unit(right)
        norm = float(np.linalg.norm(right))
        if norm > self._bound:
            self._kernel *= np.float32(self._bound / norm)


class RandomFeatureLayer:
    """SNGP's head: the logits ``phi beta`` over frozen random features ``phi = scale cos(x projection + phase)``."""

    def __init__(
        self, weights: Arrays, gradient: Arrays, projection: FloatArray, phase: FloatArray, scale: float
    ) -> None:
        self._beta, self._beta_gradient = weights.named["gp/beta"], gradient.named["gp/beta"]
        self._projection, self._phase, self._scale = projection, phase, np.float32(scale)

    def forward(self, x: FloatArray) -> FloatArray:
        self._angle = x @ self._projection
        self._angle += self._phase
        self._cos = np.cos(self._angle)
        return self._cos @ (self._scale * self._beta)

    def backward(self, error: FloatArray) -> FloatArray:
        np.matmul(self._cos.T, self._scale * error, out=self._beta_gradient)
        self._beta_gradient += np.float32(2 * BETA_DECAY) * self._beta
        by_angle = np.sin(self._angle, out=self._angle)
        by_angle *= error @ (-self._scale * self._beta.T)
        return by_angle @ self._projection.T

    def penalty(self) -> float:
        return BETA_DECAY * float(np.square(self._beta).sum())


class FlipoutLayer:
    """`uqcore.fitting.flipout.DenseFlipout`: Gaussian weights, ``std = softplus(rho)``, and their KL divergence.

    ``kl_scale`` times the divergence to N(0, prior_std^2) is part of the loss. A residual layer adds its input.
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
        self._sign_in, self._sign_out = (noise.signs((len(x), n), self._rng) for n in kernel.shape)
        self._normal = [noise.normals(rho.shape, self._rng) for rho in (kernel_rho, bias_rho)]
        exps = [np.exp(rho) for rho in (kernel_rho, bias_rho)]
        self._std = [np.log1p(e) for e in exps]
        self._std_by_rho = [e / (1 + e) for e in exps]
        self._kernel_noise, bias_noise = (std * normal for std, normal in zip(self._std, self._normal, strict=True))
        self._flipped_x = x * self._sign_in
        perturbed = self._flipped_x @ self._kernel_noise
        perturbed += bias_noise
        perturbed *= self._sign_out
        output = x @ kernel
        output += bias
        output += perturbed
        self._slope = _slope(output) if self._layer.relu else None
        if self._slope is not None:
            output *= self._slope
        if self._layer.residual:
            output += x
        return output

    def backward(self, error: FloatArray) -> FloatArray:
        masked = error if self._slope is None else error * self._slope
        flipped = masked * self._sign_out
        by_mean = (self._x.T @ masked, _sum_examples(masked))
        by_noise = (self._flipped_x.T @ flipped, _sum_examples(flipped))
        for i in (0, 1):
            mean, std = self._weights[2 * i], self._std[i]
            np.multiply(mean, self._kl_scale * self._prior_precision, out=self._gradient[2 * i])
            self._gradient[2 * i] += by_mean[i]
            by_std = (self._kl_scale * self._prior_precision) * std
            by_std -= self._kl_scale / std
            by_std += np.multiply(by_noise[i], self._normal[i], out=by_noise[i])
            np.multiply(by_std, self._std_by_rho[i], out=self._gradient[2 * i + 1])
        by_input = flipped @ self._kernel_noise.T
        by_input *= self._sign_in
        by_input += masked @ self._weights[0].T
        if self._layer.residual:
            by_input += error
        return by_input

    def penalty(self) -> float:
        """``kl_scale`` times KL(N(mean, std^2) || N(0, prior_std^2)), summed over the weights, in nats."""
        divergence = 0.0
        for i in (0, 1):
            mean, std = self._weights[2 * i], softplus(self._weights[2 * i + 1])
            ratio = self._prior_precision * (np.square(mean) + np.square(std))
            nats = 0.5 * (ratio - 1) - np.log(std) - np.float32(0.5) * np.log(self._prior_precision)
            divergence += float(nats.sum(dtype=np.float64))
        return float(self._kl_scale) * divergence


def softplus(rho: FloatArray) -> FloatArray:
    """The standard deviation that `FlipoutLayer` makes of ``rho``."""
    return np.log1p(np.exp(rho))


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """A kernel as Keras starts with (Glorot & Bengio 2010, eq. 16); 0 for a bias."""
    limit = np.sqrt(6 / sum(shape)) if len(shape) > 1 else 0.0
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def random_features(
    n_hidden: int, n_features: int, kernel_scale: float, scale: float, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """The frozen half of SNGP's head: frequencies of the RBF kernel over ``n_hidden`` values, and their phases."""
    projection = rng.standard_normal((n_hidden, n_features), dtype=np.float32)
    projection *= np.float32(kernel_scale**-0.5)
    phase = rng.uniform(0, 2 * np.pi, n_features).astype(np.float32)
    return {"gp/projection": projection, "gp/phase": phase, "gp/scale": np.array(scale, np.float32)}


def _slope(output: FloatArray) -> FloatArray:
    """The derivative of ReLU, by which it also multiplies its input."""
    return (output > 0).astype(np.float32)


def _sum_examples(error: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """``(B, units) -> (units,)``: a product is several times as fast as `np.sum` along the first axis."""
    return np.matmul(np.ones(len(error), np.float32), error, out=out)


def _unit(vector: FloatArray) -> FloatArray:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-6))
