"""Gradients against finite differences, the optimiser against Keras, the noise of Flipout against its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from uqcore import datasets, networks
from uqcore.methods import sngp
from uqcore.methods.svi_flipout import WeightPosterior
from uqcore.networks import NETWORKS, Conv, Dense, Network, backward, learners, residual_network
from uqcore.networks.backward import (
    Adam,
    Figures,
    adam,
    batches,
    cross_entropy,
    descend,
)
from uqcore.networks.layers import Arrays, BoundedLayer, DropoutLayer, FlipoutLayer, glorot_uniform
from uqcore.networks.learners import Learner, dense_layers, weight_shapes
from uqcore.store import Store
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


@pytest.mark.parametrize("layer", [Conv("conv", 3), Dense("frozen", 3, trainable=False)])
def test_other_layers_are_refused(layer: Conv | Dense) -> None:
    with pytest.raises(NotImplementedError, match="Expected dense layers, frozen ones linear"):
        dense_layers(Network((2,), (layer,), 2))


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


RESIDUAL = residual_network(depth=2, width=6, dropout=0.3, n_classes=3)
LABELS = np.arange(N) % 3
LEARNERS: Mapping[str, Callable[[np.random.Generator], Learner]] = {
    "plain": lambda rng: learners.plain(RESIDUAL, rng),
    # A bound that none of the layers reaches: the gradient knows nothing of the scaling.
    "bounded": lambda rng: learners.bounded(RESIDUAL, rng, 50.0, 16, 0.5, 0.4),
    "flipout": lambda rng: learners.flipout(RESIDUAL, rng, 0.7, 0.1, 0.02),
}


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_gradient_of_a_residual_network_is_the_slope_of_its_whole_loss(
    rng: np.random.Generator, data: Split, kind: str
) -> None:
    """Above a frozen layer, with dropout or noise, the cross-entropy and what the weights add."""
    noise = np.random.default_rng(6)
    learner = LEARNERS[kind](noise)
    learner.weights.vector[:] = rng.normal(scale=0.5, size=len(learner.weights.vector))
    start = noise.bit_generator.state

    def loss() -> float:
        noise.bit_generator.state = start  # the same masks, signs and normals every time
        return descend(learner.layers, data.x, LABELS, cross_entropy) + learner.penalty()

    check_slopes(learner.weights, learner.gradient, loss, rng)


def test_a_frozen_layer_hands_the_gradient_down(rng: np.random.Generator, data: Split) -> None:
    network = Network((2,), (Dense("below", 3), Dense("frozen", 4, relu=False, trainable=False)), 3)
    learner = learners.plain(network, rng)

    def loss() -> float:
        return descend(learner.layers, data.x, LABELS, cross_entropy)

    check_slopes(learner.weights, learner.gradient, loss, rng)


def test_cross_entropy_is_that_of_the_softmax() -> None:
    output = np.array([[np.log(3), 0], [0, 0], [5000, 0]], np.float32)
    loss, error = cross_entropy(output, np.array([0, 1, 0]))
    assert loss == pytest.approx((np.log(4 / 3) + np.log(2) + 0) / 3)
    np.testing.assert_allclose(error, np.array([[-0.25, 0.25], [0.5, -0.5], [0, 0]]) / 3, atol=1e-7)
    assert error.dtype == np.float32


def test_no_error_is_a_denormal_number() -> None:
    _, error = cross_entropy(np.array([[40, 0], [95, 0]], np.float32), np.array([0, 0]))
    assert not error.any()


@pytest.mark.parametrize("kind", LEARNERS)
def test_without_noise_a_learner_is_the_network_that_serves(data: Split, kind: str) -> None:
    rng, shown = np.random.default_rng(3), RESIDUAL
    if kind == "plain":
        shown = residual_network(depth=2, width=6, dropout=0.0, n_classes=3)
        learner = learners.plain(shown, rng)
        served = networks.logits(shown, {name: array[None] for name, array in learner.arrays.items()}, data.x)[0]
    elif kind == "bounded":
        shown = residual_network(depth=2, width=6, dropout=0.0, n_classes=3)
        learner = learners.bounded(shown, rng, 0.9, 16, 0.5, 0.4)
        learners.project(learner)
        process = sngp.RandomFeatures(shown, learner.arrays)
        served = process.features(process.hidden(data.x)) @ learner.arrays["gp/beta"] + learner.arrays["gp/bias"]
    else:
        learner = learners.flipout(shown, rng, 1.0, 1e-6, 0.0)
        served = WeightPosterior(shown, learners.weight_posterior(learner), 0).draw(data.x, [0])[0]
    np.testing.assert_allclose(backward.forward(learner.layers, data.x), served, rtol=1e-4, atol=1e-4)


def test_a_bounded_layer_keeps_its_norm_and_leaves_a_smaller_one_alone(rng: np.random.Generator) -> None:
    layer = Dense("dense", 20)
    shapes = {"dense/kernel": (30, 20), "dense/bias": (20,)}
    for scale, expected in ((1.0, 0.9), (0.01, None)):
        weights = Arrays(shapes)
        weights.named["dense/kernel"][:] = before = (scale * rng.normal(size=(30, 20))).astype(np.float32)
        bounded = BoundedLayer(layer, weights, Arrays(shapes), rng, bound=0.9)
        bounded.project(100)
        if expected is None:
            np.testing.assert_array_equal(weights.named["dense/kernel"], before)
        else:
            assert np.linalg.norm(weights.named["dense/kernel"], 2) == pytest.approx(expected, rel=1e-5)


def test_steps_in_blocks_are_steps(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for block in (5, 1000):
        monkeypatch.setattr(backward, "BLOCK", block)
        weights, gradient = Arrays({"a": (23,)}), Arrays({"a": (23,)})
        optimizer = Adam(weights, gradient)
        for step in range(1, 4):
            gradient.vector[:] = np.sin(step * np.arange(23))
            optimizer.step(0.1, 0.2)
        ends.append(weights.vector)
    np.testing.assert_array_equal(ends[0], ends[1])


def test_an_epoch_sees_every_example_once(rng: np.random.Generator, data: Split) -> None:
    """With a rate of 0 the figures are those of one pass over all, in whatever order."""
    learner = learners.plain(residual_network(2, 6, 0.0, 3), rng)
    figures = backward.epoch(
        learner, Adam(learner.weights, learner.gradient), Split(data.x, LABELS), batch_size=5, rng=rng, rate=0.0
    )
    output = backward.forward(learner.layers, data.x)
    assert figures.loss == pytest.approx(cross_entropy(output, LABELS)[0], rel=1e-5)
    assert figures.accuracy == (output.argmax(axis=1) == LABELS).mean()


def learned(learner: Learner, n_epochs: int, rate: float, rng: np.random.Generator) -> Figures:
    """The figures of the last epoch on the tutorial's points."""
    optimizer, train = Adam(learner.weights, learner.gradient), datasets.load("moons").train
    for _ in range(n_epochs):
        figures = backward.epoch(learner, optimizer, train, 128, rng, rate)
    return figures


def test_a_plain_network_learns_two_moons_as_keras_does(rng: np.random.Generator) -> None:
    """Keras ends between 0.0138 and 0.0292 with the seeds 0 to 9."""
    figures = learned(learners.plain(NETWORKS["moons"], rng), 100, 1e-4, rng)
    assert 0.0138 / 1.5 < figures.loss < 0.0292 * 1.5
    assert figures.accuracy > 0.98


def test_sngp_learns_two_moons_as_keras_does(rng: np.random.Generator, committed: Store) -> None:
    learner = learners.bounded(NETWORKS["moons"], rng, 0.9, 1024, 1.0, (2 / 1024) ** 0.5)
    figures = learned(learner, 100, 1e-4, rng)
    assert figures.loss == pytest.approx(committed.find("moons", "sngp").metrics["loss"], rel=0.15)
    assert figures.accuracy > 0.99
    learners.project(learner)
    kernels = [array for name, array in learner.weights.named.items() if name.endswith("/kernel")]
    assert len(kernels) == 6
    for kernel in kernels:
        assert np.linalg.norm(kernel, 2) <= 0.9 * (1 + 1e-4)


def test_flipout_learns_two_moons_as_keras_does(rng: np.random.Generator) -> None:
    """21.487 after 50 epochs in Keras, of which the divergence is 21.4."""
    learner = learners.flipout(NETWORKS["moons"], rng, 1.0, 0.05, 0.1 / 1000)
    figures = learned(learner, 50, 1e-3, rng)
    assert figures.loss == pytest.approx(21.487, rel=0.02)
    assert figures.cross_entropy < 0.1
    assert figures.loss == pytest.approx(figures.cross_entropy + learner.penalty())
    posterior = learners.weight_posterior(learner)
    assert {name for name in posterior if name.startswith("std/")} == {
        name.replace("rho/", "std/") for name in learner.weights.named if name.startswith("rho/")
    }


def test_equal_settings_give_equal_bits() -> None:
    vectors = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        learner = learners.bounded(RESIDUAL, rng, 0.9, 16, 1.0, 0.4)
        learned(learner, 2, 1e-3, rng)
        vectors.append(learner.weights.vector)
    np.testing.assert_array_equal(vectors[0], vectors[1])
