"""From the description of a network to layers that learn: plain, bounded below random features, or with Flipout.

They start where the Keras models of `uqcore.fitting` start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np

from uqcore.networks import HEAD, Dense, Network
from uqcore.networks.layers import (
    Arrays,
    BoundedLayer,
    DropoutLayer,
    FlipoutLayer,
    FrozenLayer,
    Layer,
    RandomFeatureLayer,
    glorot_uniform,
    random_features,
    softplus,
)
from uqcore.types import FloatArray, Weights

_FINAL_ITERATIONS = 100  # of the power method, once a bounded network is trained


@dataclass(frozen=True, eq=False)
class Learner:
    """A network that is to learn.

    Attributes:
        layers: from the input to the head.
        weights, gradient: what the layers learn, and the loss's gradient by it.
        frozen: name -> the weights that stay.
    """

    layers: Sequence[Layer]
    weights: Arrays
    gradient: Arrays
    frozen: Weights

    @property
    def arrays(self) -> dict[str, FloatArray]:
        """Name -> weights, frozen ones included: they change as the network learns."""
        return {**self.frozen, **self.weights.named}

    def penalty(self) -> float:
        """What the weights themselves add to the loss."""
        return sum(layer.penalty() for layer in self.layers)


class MakeLayer(Protocol):
    def __call__(self, layer: Dense, weights: Arrays, gradient: Arrays, rng: np.random.Generator) -> Layer: ...


def plain(network: Network, rng: np.random.Generator, make: MakeLayer = DropoutLayer) -> Learner:
    """``network`` with its dropout, from Keras's starting point."""
    shapes = weight_shapes(network)
    learned = _learned(network, shapes)
    weights, gradient = Arrays(learned), Arrays(learned)
    frozen = _start(weights, shapes, rng)
    return Learner(_stack(dense_layers(network), frozen, weights, gradient, rng, make), weights, gradient, frozen)


def bounded(
    network: Network, rng: np.random.Generator, bound: float, n_features: int, kernel_scale: float, scale: float
) -> Learner:
    """``network`` with layers of spectral norm at most ``bound`` below ``n_features`` random features: SNGP."""
    layers, beta = dense_layers(network)[:-1], (n_features, network.n_classes)
    shapes = {name: shape for name, shape in weight_shapes(network).items() if not name.startswith(f"{HEAD}/")}
    head = random_features(layers[-1].units, n_features, kernel_scale, scale, rng)
    learned = {**_learned(network, shapes), "gp/beta": beta}
    weights, gradient = Arrays(learned), Arrays(learned)
    frozen = _start(weights, shapes, rng)
    weights.named["gp/beta"][...] = glorot_uniform(beta, rng)
    below = _stack(layers, frozen, weights, gradient, rng, partial(BoundedLayer, bound=bound))
    top = RandomFeatureLayer(weights, gradient, head["gp/projection"], head["gp/phase"], scale)
    frozen |= head | {"gp/bias": np.zeros(network.n_classes, np.float32)}
    return Learner((*below, top), weights, gradient, frozen)


def project(learner: Learner) -> None:
    """Brings every bounded layer within its bound, to rounding: the power method runs until it stands still."""
    for layer in learner.layers:
        if isinstance(layer, BoundedLayer):
            layer.project(_FINAL_ITERATIONS)


def flipout(
    network: Network, rng: np.random.Generator, prior_std: float, initial_std: float, kl_scale: float
) -> Learner:
    """``network`` with a Gaussian over each weight that is not frozen; noise takes the place of its dropout."""
    shapes = weight_shapes(network)
    learned = {f"{kind}/{name}": s for name, s in _learned(network, shapes).items() for kind in ("mean", "rho")}
    weights, gradient = Arrays(learned), Arrays(learned)
    frozen = _start(weights, shapes, rng, "mean/")
    for name, array in weights.named.items():
        if name.startswith("rho/"):
            array[...] = np.log(np.expm1(initial_std))
    make = partial(FlipoutLayer, prior_std=prior_std, kl_scale=kl_scale)
    layers = _stack(dense_layers(network), frozen, weights, gradient, rng, make, "mean/")
    return Learner(layers, weights, gradient, frozen)


def weight_posterior(learner: Learner) -> dict[str, FloatArray]:
    """``mean/<name>`` of every weight of a `flipout` learner, and ``std/<name>`` of those with a posterior."""
    posterior = {name: array for name, array in learner.arrays.items() if name.startswith("mean/")}
    for name, array in learner.weights.named.items():
        if name.startswith("rho/"):
            posterior[f"std/{name.removeprefix('rho/')}"] = softplus(array)
    return posterior


def _learned(network: Network, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    still = {layer.name for layer in dense_layers(network) if not layer.trainable}
    return {name: shape for name, shape in shapes.items() if name.partition("/")[0] not in still}


def _start(
    weights: Arrays, shapes: dict[str, tuple[int, ...]], rng: np.random.Generator, prefix: str = ""
) -> dict[str, FloatArray]:
    """Sets the weights of ``shapes`` to where Keras starts; returns those that are not among ``weights``: frozen."""
    frozen: dict[str, FloatArray] = {}
    for name, shape in shapes.items():
        start = glorot_uniform(shape, rng)
        if f"{prefix}{name}" in weights.named:
            weights.named[f"{prefix}{name}"][...] = start
        else:
            frozen[f"{prefix}{name}"] = start
    return frozen


def _stack(
    layers: Sequence[Dense],
    frozen: Weights,
    weights: Arrays,
    gradient: Arrays,
    rng: np.random.Generator,
    make: MakeLayer,
    prefix: str = "",
) -> tuple[Layer, ...]:
    return tuple(
        make(layer, weights, gradient, rng)
        if layer.trainable
        else FrozenLayer(frozen[f"{prefix}{layer.name}/kernel"], frozen[f"{prefix}{layer.name}/bias"])
        for layer in layers
    )


def dense_layers(network: Network) -> tuple[Dense, ...]:
    """The network's layers and its head, where all are dense; frozen ones are linear."""
    layers = []
    for layer in network.layers:
        if not isinstance(layer, Dense) or not (layer.trainable or not (layer.relu or layer.residual or layer.dropout)):
            raise NotImplementedError(f"Expected dense layers, frozen ones linear. Received: {layer}")
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
