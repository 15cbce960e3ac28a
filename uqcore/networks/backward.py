"""Training of small dense networks in NumPy, in a second or two: for pages that train when their data change.

Layers know their gradients (`uqcore.networks.layers`), descriptions of networks become such layers
(`uqcore.networks.learners`); here are the losses and the optimiser. All is as `uqcore.fitting` has it from Keras.
Everything depends on the data, the settings and the random generator alone: equal ones give equal bits in any process
of a machine, as long as BLAS uses one thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.networks.layers import Arrays, Layer
from uqcore.networks.learners import Learner
from uqcore.types import FloatArray, Split, Tick, softmax

_MEAN_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-7
_TICK_STEPS = 20
BLOCK = 2**15  # numbers that an optimiser's step takes at a time: its five arrays of them stay in the cache
# A sure network's errors are denormal numbers, with which matrix products take twice as long.
_LEAST_ERROR = 1e-12

Loss = Callable[[FloatArray, NDArray[Any]], tuple[float, FloatArray]]
"""``(output (B, K), y) -> (loss, its gradient by the output)``."""


def squared_error(output: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    """Mean squared error of ``output (B, 1)`` at ``y (B, 1)``."""
    difference = output - y
    return float(np.square(difference).mean()), difference * np.float32(2 / len(y))


def cross_entropy(output: FloatArray, y: NDArray[np.int64]) -> tuple[float, FloatArray]:
    """Mean cross-entropy, in nats, of the logits ``output (B, K)`` at the labels ``y (B,)``."""
    rows = np.arange(len(y))
    probs = softmax(output.astype(np.float64))
    loss = float(-np.log(np.maximum(probs[rows, y], np.finfo(np.float64).tiny)).mean())
    probs[rows, y] -= 1
    probs[np.abs(probs) < _LEAST_ERROR] = 0
    return loss, (probs / len(y)).astype(np.float32)


def forward(layers: Sequence[Layer], x: FloatArray) -> FloatArray:
    """What all layers make of ``x (B, D)``."""
    for layer in layers:
        x = layer.forward(x)
    return x


def backward(layers: Sequence[Layer], error: FloatArray) -> None:
    """Writes every layer's gradient, from the loss's by the output of the last `forward`."""
    for layer in reversed(layers):
        error = layer.backward(error)


def descend(layers: Sequence[Layer], x: FloatArray, y: NDArray[Any], loss: Loss = squared_error) -> float:
    """Writes every layer's gradient of the loss at ``x (B, D)`` and ``y``; returns it, without penalties."""
    value, error = loss(forward(layers, x), y)
    backward(layers, error)
    return value


def batches(data: Split, size: int, rng: np.random.Generator) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Batches ``x (size, D)``, ``y (size, 1)`` without end; what is left over before a shuffling is left out."""
    y = data.y.astype(np.float32)[:, None]
    size = min(size, len(y))
    while True:
        order = rng.permutation(len(y))
        for i in range(0, len(y) - size + 1, size):
            chosen = order[i : i + size]
            yield data.x[chosen], y[chosen]


class Adam:
    """AdamW on ``weights`` in place (Loshchilov & Hutter 2019)."""

    def __init__(self, weights: Arrays, gradient: Arrays) -> None:
        self._step = 0
        w, g = weights.vector, gradient.vector
        arrays = (w, g, np.zeros_like(w), np.zeros_like(w), np.empty_like(w))
        self._blocks = [tuple(a[i : i + BLOCK] for a in arrays) for i in range(0, len(w), BLOCK)]

    def step(self, rate: float, weight_decay: float = 0.0) -> None:
        """One step against the gradient as it stands.

        ``total`` and ``squares`` are sums with weights that decay, not means: they are ``1 / (1 - decay)`` times as
        large, which the step's length and epsilon take into account. That is two passes over all numbers less.
        """
        self._step += 1
        scaled = rate * math.sqrt(1 - _SQUARE_DECAY**self._step) / (1 - _MEAN_DECAY**self._step)
        scaled *= (1 - _MEAN_DECAY) / math.sqrt(1 - _SQUARE_DECAY)
        epsilon = _EPSILON / math.sqrt(1 - _SQUARE_DECAY)
        for w, g, total, squares, change in self._blocks:
            # In place: arrays made anew at every step would take as long as the arithmetic.
            total *= _MEAN_DECAY
            total += g
            np.square(g, out=change)
            squares *= _SQUARE_DECAY
            squares += change
            np.sqrt(squares, out=change)
            change += epsilon
            np.divide(total, change, out=change)
            change *= scaled
            if weight_decay:
                w *= 1 - rate * weight_decay
            w -= change


def adam(
    weights: Arrays,
    gradient: Arrays,
    write_gradient: Callable[[], object],
    n_steps: int,
    learning_rate: float,
    weight_decay: float = 0.0,
    tick: Tick = lambda done, total: None,
) -> None:
    """``n_steps`` of `Adam`, the learning rate going down to 0 along a cosine."""
    optimizer = Adam(weights, gradient)
    for step in range(1, n_steps + 1):
        write_gradient()
        rate = 0.5 * learning_rate * (1 + math.cos(math.pi * (step - 1) / n_steps))
        optimizer.step(rate, weight_decay)
        if step % _TICK_STEPS == 0 or step == n_steps:
            tick(step, n_steps)


def fit(
    learner: Learner,
    data: Split,
    batch_size: int,
    rng: np.random.Generator,
    n_steps: int,
    learning_rate: float,
    weight_decay: float = 0.0,
    tick: Tick = lambda done, total: None,
) -> None:
    """`adam` on the mean squared error over `batches` of ``data``."""
    each = batches(data, batch_size, rng)

    def write_gradient() -> None:
        descend(learner.layers, *next(each))

    adam(learner.weights, learner.gradient, write_gradient, n_steps, learning_rate, weight_decay, tick)


class Figures(NamedTuple):
    """How a classifier did while it learned: means over the examples of an epoch.

    Attributes:
        loss: as Keras reports it, with what the weights add: SVI's divergence, above all.
        accuracy: with dropout and noise on.
        cross_entropy: the loss without that, in nats: what methods can be compared by.
    """

    loss: float
    accuracy: float
    cross_entropy: float


def epoch(
    learner: Learner, optimizer: Adam, data: Split, batch_size: int, rng: np.random.Generator, rate: float
) -> Figures:
    """One pass over ``data``, shuffled, at a constant learning rate: cross-entropy and penalties go down."""
    total, n_correct = 0.0, 0
    order = rng.permutation(len(data))
    shuffled_x, shuffled_y = data.x[order], data.y[order]
    for i in range(0, len(order), batch_size):
        y = shuffled_y[i : i + batch_size]
        output = forward(learner.layers, shuffled_x[i : i + batch_size])
        of_batch, error = cross_entropy(output, y)
        backward(learner.layers, error)
        optimizer.step(rate)
        total += of_batch * len(y)
        n_correct += int(np.count_nonzero(output.argmax(axis=1) == y))
    mean = total / len(order)
    return Figures(mean + learner.penalty(), n_correct / len(order), mean)
