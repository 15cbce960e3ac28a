"""The masks of dropout, by sample: one for all examples, the same in every library."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from uqcore.types import FloatArray

Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], FloatArray]

_STREAM = 1  # As in `uqcore.methods.mc_dropout`: the same seed gives the same thinned networks there.
# What a SELU gives far below 0 (Klambauer et al. 2017, arXiv 1706.02515): alpha dropout puts it for a dropped unit.
_SATURATED = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


class _Call(NamedTuple):
    """A call of a layer that drops, within a call of the model: the rows it got, and how a mask for it is drawn."""

    n_rows: int
    shape: Shape
    draw: Draw


class Masks:
    """What takes the place of Keras's dropout: it first notes which masks a model asks for, then applies those given.

    Attributes:
        cells: recurrent cells, which keep the masks that they got until they are told to forget them.
        calls: what was asked for, in order, since `record`.
        traced: whether something was asked for within a graph, where a mask would stay the same for ever, since then.
    """

    def __init__(self, ops: Any) -> None:
        self.ops = ops
        self.cells: list[Any] = []
        self.calls: list[_Call] = []
        self.traced = False
        self._given: list[Any] | None = None

    def record(self) -> None:
        """From now on note what is asked for, and let all units live."""
        self.calls, self.traced, self._given = [], False, None
        self.forget()

    def draw(self, seed: int, samples: Sequence[int]) -> list[FloatArray]:
        """A mask ``(len(samples), 1, *shape)`` for each of `calls`: a sample's depend on (seed, sample) alone."""
        rngs = [np.random.default_rng([seed, _STREAM, sample]) for sample in samples]
        return [
            np.stack([call.draw(rng, call.shape) for rng in rngs])[:, None].astype(np.float32) for call in self.calls
        ]

    def give(self, masks: Sequence[Any]) -> None:
        """From now on apply these, one after the other, to inputs of as many rows of each sample, sample by sample."""
        self._given = list(masks)
        self.forget()

    def forget(self) -> None:
        """Leave no mask in a cell, where a call of the model that raised may have left one."""
        for cell in self.cells:
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()

    @property
    def all_used(self) -> bool:
        return not self._given

    def dropout(self, inputs: Any, rate: float, noise_shape: Callable[[], Shape | None] = lambda: None) -> Any:
        """Each unit is 0 with probability ``rate`` or else 1 / (1 - rate) times itself."""
        return self._masked(
            inputs,
            noise_shape,
            lambda rng, shape: (rng.random(shape) >= rate) / (1 - rate),
            lambda units, mask: units * mask,
        )

    def gaussian(self, inputs: Any, rate: float) -> Any:
        """Each unit is multiplied by a number from N(1, rate / (1 - rate))."""
        std = math.sqrt(rate / (1 - rate))
        return self._masked(
            inputs, lambda: None, lambda rng, shape: rng.normal(1, std, shape), lambda units, mask: units * mask
        )

    def alpha(self, inputs: Any, rate: float, noise_shape: Callable[[], Shape | None]) -> Any:
        """Each unit takes a SELU's lowest value with probability ``rate``; mean 0 and variance 1 of all are kept."""
        scale = ((1 - rate) * (1 + rate * _SATURATED**2)) ** -0.5
        return self._masked(
            inputs,
            noise_shape,
            lambda rng, shape: (rng.random(shape) >= rate).astype(float),
            lambda units, mask: scale * (units * mask + _SATURATED * (1 - mask) - _SATURATED * rate),
        )

    def _masked(
        self,
        inputs: Any,
        noise_shape: Callable[[], Shape | None],
        draw: Draw,
        combine: Callable[[Any, Any], Any],
    ) -> Any:
        if self._given is None:
            self._note(inputs, noise_shape, draw)
            return inputs
        if not self._given:
            raise LookupError("its dropout layers were called more often than on other examples")
        mask = self.ops.cast(self._given.pop(0), inputs.dtype)
        units = self.ops.reshape(inputs, (self.ops.shape(mask)[0], -1, *inputs.shape[1:]))
        return self.ops.reshape(combine(units, mask), self.ops.shape(inputs))

    def _note(self, inputs: Any, noise_shape: Callable[[], Shape | None], draw: Draw) -> None:
        import tensorflow as tf

        if tf.executing_eagerly():
            shape = noise_shape() or tuple(inputs.shape)
            self.calls.append(_Call(int(inputs.shape[0]), shape[1:], draw))
        else:
            self.traced = True
