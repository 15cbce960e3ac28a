"""Gradients against finite differences, the optimiser against Keras, the noise of Flipout against its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from uqcore import networks
from uqcore.networks import NETWORKS, Dense, Network
from uqcore.networks.backward import (
    Arrays,
    DropoutLayer,
    FlipoutLayer,
    adam,
    batches,
    dense_layers,
    descend,
    glorot_uniform,
    weight_shapes,
)
from uqcore.types import FloatArray, Split

SMALL = Network((2,), (Dense("dense_0", 7, dropout=0.3), Dense("linear", 4, relu=False), Dense("dense_1", 6)), 1)
WITHOUT_DROPOUT = replace(SMALL, layers=tuple(replace(layer, dropout=0.0) for layer in dense_layers(SMALL)[:-1]))
N = 12


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


@pytest.fixture
def data(rng: np.random.Generator) -> Split:
    return Split(rng.normal(size=(N, 2)).astype(np.float32), rng.normal(size=N))


def filled(shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator) -> Arrays:
    arrays = Arrays(shapes)
    arrays.vector[:] = rng.normal(scale=0.5, size=len(arrays.vector))
    return arrays


def column(y: FloatArray) -> FloatArray:
    return y.astype(np.float32)[:, None]


def plain(network: Network, rng: np.random.Generator) -> tuple[Arrays, Arrays]:
    return filled(weight_shapes(network), rng), Arrays(weight_shapes(network))


def gaussian(network: Network, rng: np.random.Generator) -> tuple[Arrays, Arrays]:
    shapes = {f"{kind}/{name}": s for name, s in weight_shapes(network).items() for kind in ("mean", "rho")}
    return filled(shapes, rng), Arrays(shapes)


def check_slopes(weights: Arrays, gradient: Arrays, loss: Callable[[], float], rng: np.random.Generator) -> None:
    """Along random directions the loss rises as the gradient says; kinks of ReLU are hit by none of these."""
    loss()
    slopes = gradient.vector.astype(float).copy()
    before, step = weights.vector.copy(), 1e-3
    for _ in range(10):
        direction = rng.normal(size=len(before))
        ends = []
        for sign in (1, -1):
            weights.vector[:] = before + sign * step * direction
            ends.append(loss())
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slopes @ direction, rel=2e-2, abs=2e-3)
    weights.vector[:] = before


def test_named_arrays_are_parts_of_one_vector() -> None:
    arrays = Arrays({"a": (2, 3), "b": (4,)})
    arrays.vector[:] = np.arange(10)
    np.testing.assert_array_equal(arrays.named["a"], [[0, 1, 2], [3, 4, 5]])
    arrays.named["b"][:] = -1
    np.testing.assert_array_equal(arrays.vector[6:], [-1] * 4)


def test_weight_shapes_are_those_of_keras() -> None:
    from uqcore.fitting import backbone

    model = backbone.build(NETWORKS["sine"], backbone.dense_head)
    frozen = backbone.freeze(NETWORKS["sine"], model)
    assert weight_shapes(NETWORKS["sine"]) == {name: array.shape for name, array in frozen.items()}


@pytest.mark.parametrize("task", ["moons", "digits"])
def test_other_layers_are_refused(task: str) -> None:
    with pytest.raises(NotImplementedError, match="Expected plain dense layers"):
        dense_layers(NETWORKS[task])


def test_a_dropout_gradient_is_the_slope_of_the_loss(rng: np.random.Generator, data: Split) -> None:
    weights, gradient = plain(SMALL, rng)

    def loss() -> float:
        masks = np.random.default_rng(1)  # the same units every time
        layers = [DropoutLayer(layer, weights, gradient, masks) for layer in dense_layers(SMALL)]
        return descend(layers, data.x, column(data.y))

    check_slopes(weights, gradient, loss, rng)


def test_a_flipout_gradient_is_the_slope_of_the_loss(rng: np.random.Generator, data: Split) -> None:
    weights, gradient = gaussian(WITHOUT_DROPOUT, rng)
    prior_std, kl_scale = 0.7, 0.02

    def loss() -> float:
        noise = np.random.default_rng(1)
        layers = [
            FlipoutLayer(layer, weights, gradient, noise, prior_std, kl_scale)
            for layer in dense_layers(WITHOUT_DROPOUT)
        ]
        error = descend(layers, data.x, column(data.y))
        divergence = 0.0
        for name in weight_shapes(WITHOUT_DROPOUT):
            mean, std = weights.named[f"mean/{name}"].astype(float), np.logaddexp(0, weights.named[f"rho/{name}"])
            divergence += (0.5 * ((mean**2 + std**2) / prior_std**2 - 1) + np.log(prior_std / std)).sum()
        return error + kl_scale * float(divergence)

    check_slopes(weights, gradient, loss, rng)


def test_without_dropout_the_forward_pass_is_the_networks(rng: np.random.Generator, data: Split) -> None:
    weights, gradient = plain(WITHOUT_DROPOUT, rng)
    output = data.x
    for layer in dense_layers(WITHOUT_DROPOUT):
        output = DropoutLayer(layer, weights, gradient, rng).forward(output)
    stacked = {name: array[None] for name, array in weights.named.items()}
    np.testing.assert_allclose(output, networks.logits(WITHOUT_DROPOUT, stacked, data.x)[0], rtol=1e-5, atol=1e-6)


def test_dropout_drops_at_its_rate_and_keeps_the_mean(rng: np.random.Generator) -> None:
    layer = Dense("dense", 50, relu=False, dropout=0.2)
    shapes = {"dense/kernel": (1, 50), "dense/bias": (50,)}
    weights = Arrays(shapes)
    weights.named["dense/bias"][:] = 1
    output = DropoutLayer(layer, weights, Arrays(shapes), rng).forward(np.zeros((400, 1), np.float32))
    np.testing.assert_allclose(np.unique(output), [0, 1.25])
    assert output.mean() == pytest.approx(1, abs=4 * 0.5 / np.sqrt(output.size))


def test_flipout_noise_has_the_variance_of_the_weights(rng: np.random.Generator) -> None:
    n_draws = 3000
    layer = Dense("dense", 3, relu=False)
    shapes = {f"{kind}/dense/{part}": s for part, s in (("kernel", (2, 3)), ("bias", (3,))) for kind in ("mean", "rho")}
    weights = filled(shapes, rng)
    flipout = FlipoutLayer(layer, weights, Arrays(shapes), rng, 1.0, 0.0)
    x = np.repeat(np.array([[0.5, -2.0]], np.float32), 2, axis=0)
    drawn = np.stack([flipout.forward(x) for _ in range(n_draws)])
    kernel_std, bias_std = (np.logaddexp(0, weights.named[f"rho/dense/{part}"]) for part in ("kernel", "bias"))
    variance = np.square(x[0]) @ np.square(kernel_std) + np.square(bias_std)
    mean = x[0] @ weights.named["mean/dense/kernel"] + weights.named["mean/dense/bias"]
    np.testing.assert_allclose(drawn.var(axis=0) / variance, 1, atol=5 * np.sqrt(2 / n_draws))
    np.testing.assert_allclose((drawn.mean(axis=0) - mean) / np.sqrt(variance), 0, atol=5 / np.sqrt(n_draws))
    # Two equal examples share the perturbation; their signs make the noise uncorrelated.
    noise = (drawn - mean) / np.sqrt(variance)
    np.testing.assert_allclose((noise[:, 0] * noise[:, 1]).mean(axis=0), 0, atol=15 / np.sqrt(n_draws))


def test_adam_equals_keras(rng: np.random.Generator, data: Split) -> None:
    """Whole-batch steps with weight decay along a cosine, from the same start."""
    import tf_keras as keras

    from uqcore.fitting import backbone

    n_steps, rate, decay = 30, 2e-2, 0.3
    weights, gradient = plain(WITHOUT_DROPOUT, rng)
    model = backbone.thaw(WITHOUT_DROPOUT, {name: array.copy() for name, array in weights.named.items()})
    cosine: Any = keras.optimizers.schedules.CosineDecay(rate, n_steps)
    model.compile(keras.optimizers.AdamW(cosine, weight_decay=decay), "mse")
    model.fit(data.x, column(data.y), batch_size=N, epochs=n_steps, verbose=0)
    layers = [DropoutLayer(layer, weights, gradient, rng) for layer in dense_layers(WITHOUT_DROPOUT)]
    each = batches(data, N, rng)
    adam(weights, gradient, lambda: descend(layers, *next(each)), n_steps, rate, decay)
    for name, array in backbone.freeze(WITHOUT_DROPOUT, model).items():
        np.testing.assert_allclose(weights.named[name], array, rtol=1e-3, atol=1e-4)


def test_progress_ends_with_the_last_step(rng: np.random.Generator) -> None:
    seen: list[tuple[int, int]] = []
    weights = Arrays({"a": (1,)})
    adam(weights, Arrays({"a": (1,)}), lambda: None, 50, 0.1, tick=lambda done, total: seen.append((done, total)))
    assert seen == [(20, 50), (40, 50), (50, 50)]


def test_glorot_kernels_fill_their_range_and_biases_are_zero(rng: np.random.Generator) -> None:
    kernel = glorot_uniform((30, 70), rng)
    limit = np.sqrt(6 / 100)
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert kernel.var() == pytest.approx(limit**2 / 3, rel=0.1)
    assert not glorot_uniform((5,), rng).any()


def test_batches_show_every_example_once_before_any_comes_back(rng: np.random.Generator, data: Split) -> None:
    first, second, third, fourth = islice(batches(data, 6, rng), 4)
    y_of = dict(zip(map(tuple, data.x.tolist()), data.y.astype(np.float32), strict=True))
    for one, other in ((first, second), (third, fourth)):
        x, y = np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])
        assert y.shape == (N, 1)
        assert {tuple(row): value for row, value in zip(x.tolist(), y[:, 0], strict=True)} == y_of
    assert not np.array_equal(first[0], third[0])
    x, _ = next(batches(data, 5 * N, rng))
    assert len(x) == N, "no batch is larger than the data"
