"""The NumPy layers against slow loops, SciPy and Keras, on small networks of their own."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from uqcore import networks
from uqcore.networks import HEAD, NETWORKS, Conv, Dense, Flatten, Layer, Network, forward
from uqcore.types import FloatArray

SMALL = Network(
    input_shape=(5, 6, 2),
    layers=(
        Conv("conv_0", 4, kernel_size=3, stride=2),
        Conv("conv_1", 4, residual=True),
        Flatten("flatten", dropout=0.25),
        Dense("linear", 7, relu=False),
        Dense("residual", 7, residual=True, dropout=0.4),
        Dense("dense", 8, dropout=0.5),
        Dense("last", 5, relu=False),
    ),
    n_classes=3,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def random_weights(network: Network, rng: np.random.Generator, n_networks: int = 1) -> dict[str, FloatArray]:
    weights: dict[str, FloatArray] = {}
    shape = network.input_shape
    for layer in (*network.layers, Dense(HEAD, network.n_classes)):
        if not isinstance(layer, Flatten):
            n_out = layer.filters if isinstance(layer, Conv) else layer.units
            size = (layer.kernel_size,) * 2 if isinstance(layer, Conv) else ()
            kernel = rng.normal(scale=0.4, size=(n_networks, *size, shape[-1], n_out))
            weights[f"{layer.name}/kernel"] = kernel.astype(np.float32)
            weights[f"{layer.name}/bias"] = rng.normal(scale=0.2, size=(n_networks, n_out)).astype(np.float32)
        shape = networks.output_shapes(network).get(layer.name, (network.n_classes,))
    for array in weights.values():
        array.flags.writeable = False
    return weights


def random_inputs(network: Network, n_examples: int, rng: np.random.Generator) -> FloatArray:
    x = rng.normal(size=(n_examples, *network.input_shape)).astype(np.float32)
    x.flags.writeable = False
    return x


def convolve_slowly(image: FloatArray, kernel: FloatArray, stride: int) -> FloatArray:
    """One image ``(H, W, C)``: TensorFlow's definition of "same", one product at a time."""
    (height, width, _), (size, _, _, n_filters) = image.shape, kernel.shape
    out_shape = -(-height // stride), -(-width // stride)
    before = [max((out - 1) * stride + size - n, 0) // 2 for out, n in zip(out_shape, (height, width), strict=True)]
    output = np.zeros((*out_shape, n_filters))
    for i, j, di, dj in product(*map(range, (*out_shape, size, size))):
        row, column = i * stride + di - before[0], j * stride + dj - before[1]
        if 0 <= row < height and 0 <= column < width:
            output[i, j] += image[row, column] @ kernel[di, dj]
    return output


def slowly(
    network: Network, weights: Mapping[str, FloatArray], x: FloatArray, keep: Mapping[str, NDArray[np.intp]]
) -> FloatArray:
    """Logits of one network in float64, dropout as a dense mask of zeros and 1 / (1 - rate)."""
    weights = {name: array[0].astype(np.float64) for name, array in weights.items()}
    hidden = x.astype(np.float64)
    for layer in network.layers:
        if isinstance(layer, Flatten):
            output = hidden.reshape(len(hidden), -1)
        else:
            kernel, bias = weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"]
            if isinstance(layer, Conv):
                output = np.stack([convolve_slowly(image, kernel, layer.stride) for image in hidden]) + bias
            else:
                output = hidden @ kernel + bias
            if isinstance(layer, Conv) or layer.relu:
                output = np.maximum(output, 0)
        if layer.name in keep:
            mask = np.zeros(output.shape[-1])
            mask[keep[layer.name]] = 1 / (1 - layer.dropout)
            output = output * mask
        hidden = hidden + output if not isinstance(layer, Flatten) and layer.residual else output
    return hidden @ weights[f"{HEAD}/kernel"] + weights[f"{HEAD}/bias"]


@pytest.mark.parametrize("shape", [(6, 6), (7, 7), (6, 7), (1, 3)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 4, 5])
def test_convolution_equals_the_slow_loop(
    shape: tuple[int, int], stride: int, size: int, rng: np.random.Generator
) -> None:
    images, kernel = rng.normal(size=(1, 2, *shape, 3)), rng.normal(size=(1, size, size, 3, 4))
    expected = [convolve_slowly(image, kernel[0], stride) for image in images[0]]
    np.testing.assert_allclose(networks.convolve(images, kernel, stride)[0], expected, atol=1e-12)


@pytest.mark.parametrize("size", [3, 5])
def test_convolution_equals_scipys_correlation(size: int, rng: np.random.Generator) -> None:
    image, kernel = rng.normal(size=(8, 9)), rng.normal(size=(size, size))
    ours = networks.convolve(image[None, None, :, :, None], kernel[None, :, :, None, None], 1)
    np.testing.assert_allclose(ours[0, 0, :, :, 0], scipy.signal.correlate(image, kernel, mode="same"), atol=1e-12)


def test_convolution_of_several_networks_is_each_by_itself(rng: np.random.Generator) -> None:
    kernels = rng.normal(size=(3, 3, 3, 2, 4))
    shared, own = rng.normal(size=(1, 2, 6, 6, 2)), rng.normal(size=(3, 2, 6, 6, 2))
    for hidden in (shared, own):
        together = networks.convolve(hidden, kernels, 2)
        for s in range(3):
            alone = networks.convolve(hidden[s % len(hidden)][None], kernels[s : s + 1], 2)
            np.testing.assert_allclose(together[s], alone[0], atol=1e-12)


def test_logits_equal_the_slow_way(rng: np.random.Generator) -> None:
    weights, x = random_weights(SMALL, rng), random_inputs(SMALL, 4, rng)
    logits = networks.logits(SMALL, weights, x)
    assert logits.shape == (1, 4, 3)
    np.testing.assert_allclose(logits[0], slowly(SMALL, weights, x, {}), rtol=1e-5, atol=1e-5)


def test_networks_side_by_side_are_each_by_itself(rng: np.random.Generator) -> None:
    weights, x = random_weights(SMALL, rng, n_networks=3), random_inputs(SMALL, 4, rng)
    weights["linear/bias"] = weights["linear/bias"][:1]  # all three share it
    together = networks.logits(SMALL, weights, x)
    for rows in ([0], [2, 1], [0, 1, 2], [1, 1]):
        np.testing.assert_allclose(
            networks.logits(SMALL, networks.choose(weights, rows), x), together[rows], rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("task", list(NETWORKS))
def test_a_task_network_equals_keras(task: str, rng: np.random.Generator) -> None:
    from uqcore.fitting import backbone

    network = NETWORKS[task]
    weights, x = random_weights(network, rng), random_inputs(network, 3, rng)
    weights = {name: array * np.float32(0.3) for name, array in weights.items()}
    plain = {name: array[0] for name, array in weights.items()}
    model = backbone.thaw(network, plain)
    np.testing.assert_allclose(networks.logits(network, weights, x)[0], model(x), rtol=1e-4, atol=1e-4)
    hidden = networks.features(network.layers, weights, x[None])[0]
    np.testing.assert_allclose(hidden, backbone.thaw_features(network, plain)(x), rtol=1e-4, atol=1e-4)
    frozen = backbone.freeze(network, model)
    assert frozen.keys() == plain.keys()
    for name, array in plain.items():
        np.testing.assert_array_equal(frozen[name], array)


def draw_keep(network: Network, rng: np.random.Generator) -> dict[str, NDArray[np.intp]]:
    shapes = networks.output_shapes(network)
    return {
        layer.name: np.flatnonzero(rng.random(shapes[layer.name][0]) >= layer.dropout)
        for layer in network.layers
        if layer.dropout
    }


def keep_of(case: str, rng: np.random.Generator) -> dict[str, NDArray[np.intp]]:
    keep = draw_keep(SMALL, rng)
    if case == "nothing lives":
        return {name: units[:0] for name, units in keep.items()}
    return keep if case == "all layers" else {case: keep[case]}


@pytest.mark.parametrize("case", ["all layers", "flatten", "dense", "residual", "nothing lives"])
def test_thinning_equals_dropout_with_masks(case: str, rng: np.random.Generator) -> None:
    weights, x, keep = random_weights(SMALL, rng), random_inputs(SMALL, 4, rng), keep_of(case, rng)
    start = SMALL.dropout_start
    shared = networks.features(SMALL.layers[:start], weights, x[None])
    shared.flags.writeable = False  # every sample goes on from here
    thinned = networks.thin(SMALL.layers[start:], weights, keep)
    logits = networks.head(thinned, networks.features(SMALL.layers[start:], thinned, shared))
    np.testing.assert_allclose(logits[0], slowly(SMALL, weights, x, keep), rtol=1e-5, atol=1e-5)


def test_thinning_where_residual_comes_last_and_first(rng: np.random.Generator) -> None:
    layers = tuple(Dense(f"residual_{i}", 6, residual=True, dropout=0.3) for i in range(3))
    network = Network((6,), layers, 2)
    weights, x, keep = random_weights(network, rng), random_inputs(network, 5, rng), draw_keep(network, rng)
    thinned = networks.thin(layers, weights, keep)
    logits = networks.head(thinned, networks.features(layers, thinned, x[None]))
    np.testing.assert_allclose(logits[0], slowly(network, weights, x, keep), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", ["all layers", "flatten", "dense", "residual", "nothing lives"])
def test_one_example_under_many_masks_is_as_under_each(case: str, rng: np.random.Generator) -> None:
    weights, x, keeps = random_weights(SMALL, rng), random_inputs(SMALL, 1, rng), [keep_of(case, rng) for _ in range(3)]
    start, shapes = SMALL.dropout_start, networks.output_shapes(SMALL)
    masks = {
        layer.name: np.zeros((3, *shapes[layer.name]), np.float32) for layer in SMALL.layers if layer.name in keeps[0]
    }
    for i, keep in enumerate(keeps):
        for layer in SMALL.layers:
            if layer.name in keep:
                masks[layer.name][i, keep[layer.name]] = 1 / (1 - layer.dropout)
    shared = networks.features(SMALL.layers[:start], weights, x[None])
    logits = networks.head(weights, networks.masked(SMALL.layers[start:], weights, shared, masks))
    expected = [slowly(SMALL, weights, x, keep)[0] for keep in keeps]
    np.testing.assert_allclose(logits[0], expected, rtol=1e-5, atol=1e-5)


def test_thinning_cuts_dropped_units_out(rng: np.random.Generator) -> None:
    keep = {"dense": np.array([1, 4])}
    thinned = networks.thin(SMALL.layers[2:], random_weights(SMALL, rng), keep)
    assert thinned["dense/kernel"].shape[-1] == thinned["dense/bias"].shape[-1] == 2
    assert thinned["last/kernel"].shape[-2] == 2


def test_dropout_where_units_cannot_be_cut_out_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(NotImplementedError, match="conv_0"):
        networks.thin(SMALL.layers, random_weights(SMALL, rng), {})
    layers = (Dense("dense", 4, dropout=0.5), Dense("residual", 4, residual=True))
    network = Network((2,), layers, 2)
    # One unit would broadcast over the sum and give wrong logits without an error.
    with pytest.raises(NotImplementedError, match="residual"):
        networks.thin(layers, random_weights(network, rng), {"dense": np.array([1])})


@pytest.mark.parametrize("chunk_values", [1, 300, 900])
def test_chunks_make_no_difference(
    chunk_values: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, x = random_weights(SMALL, rng, n_networks=2), random_inputs(SMALL, 30, rng)
    at_once = networks.logits(SMALL, weights, x)
    calls = []
    original = forward.run_layers
    monkeypatch.setattr(forward, "CHUNK_VALUES", chunk_values)
    monkeypatch.setattr(forward, "run_layers", lambda *args: calls.append(args) or original(*args))  # type: ignore[func-returns-value]
    np.testing.assert_allclose(networks.logits(SMALL, weights, x), at_once, rtol=1e-5, atol=1e-6)
    assert len(calls) > 1


def test_chunks_do_not_depend_on_how_many_networks_run(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a sample's last bit would depend on the samples beside it."""
    sizes: list[list[int]] = []
    original = forward.run_layers

    def record(layers: tuple[Layer, ...], weights: Mapping[str, FloatArray], hidden: FloatArray) -> FloatArray:
        sizes[-1].append(hidden.shape[1])
        return original(layers, weights, hidden)

    monkeypatch.setattr(forward, "CHUNK_VALUES", 2000)
    monkeypatch.setattr(forward, "run_layers", record)
    for n_networks in (1, 2, 5):
        sizes.append([])
        networks.logits(SMALL, random_weights(SMALL, rng, n_networks), random_inputs(SMALL, 40, rng))
    assert len(sizes[0]) > 1
    assert sizes[0] == sizes[1] == sizes[2]


@pytest.mark.parametrize("network", [SMALL, *NETWORKS.values()], ids=["small", *NETWORKS])
def test_output_shapes_are_those_of_the_features(network: Network, rng: np.random.Generator) -> None:
    weights, x = random_weights(network, rng), random_inputs(network, 2, rng)
    shapes = networks.output_shapes(network)
    assert list(shapes) == [layer.name for layer in network.layers]
    for i, layer in enumerate(network.layers, start=1):
        hidden = networks.features(network.layers[:i], weights, x[None])
        assert hidden.shape == (1, 2, *shapes[layer.name])
        assert hidden.dtype == np.float32


def test_dropout_start_is_the_first_layer_with_dropout() -> None:
    assert SMALL.dropout_start == 2
    assert Network((2,), (Dense("dense", 3),), 2).dropout_start == 1
