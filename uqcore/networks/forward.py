"""The backbones: one description per task, from which Keras trains (`uqcore.fitting`) and NumPy serves (here).

Weights are arrays named ``<layer>/kernel`` and ``<layer>/bias`` with a leading axis S, so that S networks of one shape
run as one batched matrix product; an axis of length 1 broadcasts. Layouts are Keras's: a convolution's kernel is
``(S, k, k, channels, filters)`` and padding is "same".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.networks.parallel import map_examples
from uqcore.types import FloatArray, IntArray, Weights

HEAD = "head"
# Activations of at most this many float32 values of one network at a time (1 MB) stay in the cache. It does not depend
# on how many networks run side by side: the order of summing, and so a sample's last bit, would depend on it.
CHUNK_VALUES = 2**18


@dataclass(frozen=True)
class Conv:
    """Convolution with "same" padding and ReLU; ``residual`` adds the input to the result."""

    name: str
    filters: int
    kernel_size: int = 3
    stride: int = 1
    residual: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class Flatten:
    """``(H, W, C)`` to ``(H * W * C,)``."""

    name: str
    dropout: float = 0.0


@dataclass(frozen=True)
class Dense:
    """Fully connected layer; dropout acts on its output, in a residual layer on the branch before the sum."""

    name: str
    units: int
    relu: bool = True
    residual: bool = False
    trainable: bool = True
    dropout: float = 0.0


Layer = Conv | Flatten | Dense


@dataclass(frozen=True)
class Network:
    """Layers from the input to the features; a head of ``n_classes`` logits stands on top of them.

    In regression that is one output, the value of the function.
    """

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    n_classes: int

    def up_to(self, name: str) -> Network:
        """The network whose features are the output of layer ``name``."""
        last = [layer.name for layer in self.layers].index(name)
        return replace(self, layers=self.layers[: last + 1])

    @property
    def dropout_start(self) -> int:
        """Index of the first layer with dropout: what lies before it is the same in every thinned network."""
        return next((i for i, layer in enumerate(self.layers) if layer.dropout), len(self.layers))


_IMAGES = Network(
    # Residual like the other, as SNGP wants it (Liu et al. 2020, arXiv 2006.10108, section 3.1), and small enough that
    # 50 sampled networks answer within a frame or two.
    input_shape=(28, 28, 1),
    layers=(
        Conv("conv_0", 16, kernel_size=5, stride=2),
        Conv("conv_1", 16, residual=True),
        Conv("conv_2", 48, stride=2),
        Conv("conv_3", 48, residual=True),
        Flatten("flatten", dropout=0.15),
        Dense("dense", 80, dropout=0.3),
    ),
    n_classes=10,
)


def residual_network(depth: int, width: int, dropout: float, n_classes: int) -> Network:
    """The DeepResNet of the SNGP tutorial for points of a plane: residual layers above a frozen linear one."""
    layers = (Dense(f"residual_{i}", width, residual=True, dropout=dropout) for i in range(depth))
    return Network((2,), (Dense("input", width, relu=False, trainable=False), *layers), n_classes)


NETWORKS: Mapping[str, Network] = {
    # 99,714 parameters with its head, of which the 384 of `input` are frozen.
    "moons": residual_network(depth=6, width=128, dropout=0.1, n_classes=2),
    "digits": _IMAGES,
    "fashion": _IMAGES,
    # The network of the SVI article: three layers of 100 hidden units. Of the dropout rates 0.01, 0.02, 0.05, 0.1, 0.2
    # this one has the best validation NLL with MC Dropout.
    "sine": Network(
        input_shape=(1,),
        layers=tuple(Dense(f"dense_{i}", 100, dropout=0.02) for i in range(3)),
        n_classes=1,
    ),
    "digits_0_4": replace(_IMAGES, n_classes=5),
}


def logits(network: Network, weights: Weights, x: FloatArray) -> FloatArray:
    """Logits ``(S, N, K)`` of S networks at ``x (N, *input_shape)``."""
    return head(weights, features(network.layers, weights, x[None]))


def choose(weights: Weights, rows: Sequence[int]) -> Weights:
    """The weights of some of the networks, in that order; weights that all networks share stay as they are."""
    n_networks = max(len(array) for array in weights.values())
    if list(rows) == list(range(n_networks)):
        return weights
    # Networks that lie side by side are not copied: a megabyte each, at every move of a slider.
    side_by_side = list(rows) == list(range(rows[0], rows[0] + len(rows)))
    wanted = slice(rows[0], rows[0] + len(rows)) if side_by_side else list(rows)
    return {name: array[wanted] if len(array) > 1 else array for name, array in weights.items()}


def head(weights: Weights, hidden: FloatArray) -> FloatArray:
    """The linear output layer: features ``(S, N, D)`` to logits ``(S, N, K)``."""
    return hidden @ weights[f"{HEAD}/kernel"] + weights[f"{HEAD}/bias"][:, None]


def features(layers: tuple[Layer, ...], weights: Weights, hidden: FloatArray) -> FloatArray:
    """What ``layers`` make of ``hidden (1 or S, N, ...)``: ``(S, N, ...)``, computed for some examples at a time."""
    step = max(1, CHUNK_VALUES // _widest(layers, hidden.shape[2:]))
    chunks = map_examples(lambda part: run_layers(layers, weights, hidden[:, part]), hidden.shape[1], step)
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks, axis=1)


def layer_means(layers: tuple[Layer, ...], weights: Weights, x: FloatArray) -> list[FloatArray]:
    """What each layer with weights makes of ``x (N, *input_shape)``: ``(S, N, units)``, of a convolution the mean of
    each channel over the image."""
    step = max(1, CHUNK_VALUES // _widest(layers, x.shape[1:]))
    chunks = map_examples(lambda part: _layer_means(layers, weights, x[None, part]), len(x), step)
    return [np.concatenate(of_layer, axis=1) for of_layer in zip(*chunks, strict=True)]


def _layer_means(layers: tuple[Layer, ...], weights: Weights, hidden: FloatArray) -> list[FloatArray]:
    means: list[FloatArray] = []
    for layer in layers:
        hidden = _output(layer, weights, hidden)
        if not isinstance(layer, Flatten):
            means.append(_channel_means(hidden) if hidden.ndim == 5 else hidden)
    return means


def thin(layers: tuple[Layer, ...], weights: Weights, keep: Mapping[str, IntArray]) -> dict[str, NDArray[Any]]:
    """Weights of the network that dropout leaves when only the units ``keep[layer]`` live, dropped ones cut out.

    Inverted dropout's factor 1 / (1 - rate) is multiplied into the weights, which ReLU lets through. ``weights`` hold
    one network (S = 1); `features` reads the indices left in where a layer's output has to be picked.
    """
    thinned: dict[str, NDArray[Any]] = {}
    alive: IntArray | None = None
    scale = 1.0
    for layer in layers:
        units = keep.get(layer.name)
        if isinstance(layer, Conv):
            raise NotImplementedError(f"Expected no dropout before or in a convolution. Received: {layer.name}")
        if alive is not None and getattr(layer, "residual", False):
            raise NotImplementedError(f"Expected a residual layer to read undropped units. Received: {layer.name}")
        if isinstance(layer, Flatten):
            if units is not None:
                thinned[f"{layer.name}/keep"], alive, scale = units, units, 1 / (1 - layer.dropout)
            continue
        kernel, bias = weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"]
        kernel = kernel * np.float32(scale) if alive is None else kernel[:, alive] * np.float32(scale)
        alive, scale = None, 1.0
        if units is not None:
            factor = np.float32(1 / (1 - layer.dropout))
            if layer.residual:
                # The sum has all units anyway: a dropped one adds relu(0). Picking columns costs more than it saves.
                mask = np.zeros(layer.units, np.float32)
                mask[units] = factor
                kernel, bias = kernel * mask, bias * mask
            else:
                kernel, bias, alive = kernel[:, :, units] * factor, bias[:, units] * factor, units
        thinned |= {f"{layer.name}/kernel": kernel, f"{layer.name}/bias": bias}
    kernel = weights[f"{HEAD}/kernel"]
    thinned[f"{HEAD}/kernel"] = kernel if alive is None else kernel[:, alive]
    thinned[f"{HEAD}/bias"] = weights[f"{HEAD}/bias"]
    return thinned


def masked(
    layers: tuple[Layer, ...], weights: Weights, hidden: FloatArray, masks: Mapping[str, FloatArray]
) -> FloatArray:
    """What one network makes of one example, ``hidden (1, 1, ...)``, under M dropout masks: ``(1, M, ...)``.

    ``masks``: layer with dropout -> ``(M, units)``, 1 / (1 - rate) where a unit lives and 0 where it is dropped. They
    stand in one product as examples do, so the weights are read once, where `thin` has others for each.
    """
    for layer in layers:
        hidden = _output(layer, weights, hidden, masks.get(layer.name))
    return hidden


def _channel_means(images: FloatArray) -> FloatArray:
    """``(S, N, H, W, C)`` to ``(S, N, C)``, as a matrix product: three times as fast as a mean over two axes."""
    n_pixels = images.shape[2] * images.shape[3]
    weights = np.full((1, n_pixels), 1 / n_pixels, images.dtype)
    return (weights @ images.reshape(*images.shape[:2], n_pixels, -1))[:, :, 0]


def output_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Layer's name -> shape of its output for one example."""
    shapes: dict[str, tuple[int, ...]] = {}
    shape = network.input_shape
    for layer in network.layers:
        shapes[layer.name] = shape = _output_shape(layer, shape)
    return shapes


def weight_shapes(network: Network, *, with_head: bool = True) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight of one network, without the axis S; the head's too, unless something else is it."""
    shapes: dict[str, tuple[int, ...]] = {}
    shape = network.input_shape
    for layer in network.layers:
        output = _output_shape(layer, shape)
        if isinstance(layer, Conv):
            shapes[f"{layer.name}/kernel"] = (layer.kernel_size, layer.kernel_size, shape[-1], layer.filters)
        elif isinstance(layer, Dense):
            shapes[f"{layer.name}/kernel"] = (shape[-1], layer.units)
        if not isinstance(layer, Flatten):
            shapes[f"{layer.name}/bias"] = (output[-1],)
        shape = output
    head = {f"{HEAD}/kernel": (shape[-1], network.n_classes), f"{HEAD}/bias": (network.n_classes,)}
    return shapes | head if with_head else shapes


def _widest(layers: tuple[Layer, ...], shape: tuple[int, ...]) -> int:
    """The most values that one example takes at once: a convolution's patches or a layer's output."""
    widest = prod(shape)
    for layer in layers:
        output = _output_shape(layer, shape)
        patch = layer.kernel_size**2 * shape[-1] if isinstance(layer, Conv) else 0
        widest = max(widest, prod(output), prod(output[:2]) * patch)
        shape = output
    return widest


def _output_shape(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(layer, Conv):
        return (-(-shape[0] // layer.stride), -(-shape[1] // layer.stride), layer.filters)
    return (prod(shape),) if isinstance(layer, Flatten) else (layer.units,)


def run_layers(layers: tuple[Layer, ...], weights: Weights, hidden: FloatArray) -> FloatArray:
    """One chunk through the layers."""
    for layer in layers:
        hidden = _output(layer, weights, hidden)
    return hidden


def _output(layer: Layer, weights: Weights, hidden: FloatArray, mask: FloatArray | None = None) -> FloatArray:
    if isinstance(layer, Flatten):
        keep = weights.get(f"{layer.name}/keep")
        hidden = hidden.reshape(*hidden.shape[:2], -1)
        hidden = hidden if keep is None else hidden[..., keep]
        return hidden if mask is None else hidden * mask
    kernel, bias = weights[f"{layer.name}/kernel"], weights[f"{layer.name}/bias"]
    if isinstance(layer, Conv):
        output = convolve(hidden, kernel, layer.stride)
        output += bias[:, None, None, None]
    else:
        output = hidden @ kernel
        output += bias[:, None]
    if isinstance(layer, Conv) or layer.relu:
        np.maximum(output, 0, out=output)
    if mask is not None:
        output = output * mask
    if layer.residual:
        output += hidden
    return output


def convolve(hidden: FloatArray, kernel: FloatArray, stride: int) -> FloatArray:
    """Cross-correlation with "same" padding: ``(S, N, H, W, C) * (S, k, k, C, F) -> (S, N, H', W', F)``."""
    n_networks, n_examples, height, width, channels = hidden.shape
    size, n_filters = kernel.shape[1], kernel.shape[-1]
    out_height, out_width = -(-height // stride), -(-width // stride)
    # TensorFlow's "same": what is odd of the padding goes to the bottom and the right.
    rows, columns = (
        max((out - 1) * stride + size - length, 0) for out, length in ((out_height, height), (out_width, width))
    )
    padded = np.zeros((n_networks, n_examples, height + rows, width + columns, channels), hidden.dtype)
    padded[:, :, rows // 2 : rows // 2 + height, columns // 2 : columns // 2 + width] = hidden
    # A row of a patch lies in one piece: `size` copies of a piece, not `size` times as many of a pixel.
    network, example, row, column, value = padded.strides
    # Not by `as_strided`, which takes ten times as long: a tenth of a millisecond for the methods of one image.
    pieces = np.ndarray(
        (n_networks, n_examples, out_height, out_width, size, size * channels),
        padded.dtype,
        padded,
        strides=(network, example, row * stride, column * stride, row, value),
    )
    patches = pieces.reshape(n_networks, -1, size * size * channels)
    flat = patches @ kernel.reshape(len(kernel), -1, n_filters)
    return flat.reshape(len(flat), n_examples, out_height, out_width, n_filters)
