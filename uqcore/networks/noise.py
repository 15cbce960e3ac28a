"""Random arrays of a training's step, from the generator's raw bits: several times as fast as its own methods, which
took a third of a step. Equal states give equal bits.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from uqcore.types import FloatArray

_WORD = 64
_LEVELS = 2**16
_UNIT = np.float32(2**-32)
_TURN = np.float32(2 * np.pi * 2**-32)


def kept(shape: tuple[int, ...], rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """What dropout leaves: True with probability ``1 - rate``, to 16 bits."""
    return _bits(shape, 16, rng).view(np.uint16)[: prod(shape)].reshape(shape) >= round(rate * _LEVELS)


def signs(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """-1 or +1 with equal probability."""
    ones = np.unpackbits(_bits(shape, 1, rng).view(np.uint8), count=prod(shape)).astype(np.float32)
    ones *= 2
    ones -= 1
    return ones.reshape(shape)


def normals(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Standard normal numbers, at most 6.8 from 0 (Box & Muller 1958)."""
    half = -(-prod(shape) // 2)
    words = _bits((2, half), 32, rng).view(np.uint32)
    radius = words[:half].astype(np.float32)
    radius += np.float32(0.5)  # never log(0)
    radius *= _UNIT
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    angle = words[half : 2 * half].astype(np.float32)
    angle *= _TURN
    drawn = np.empty((2, half), np.float32)
    np.multiply(radius, np.cos(angle), out=drawn[0])
    np.multiply(radius, np.sin(angle), out=drawn[1])
    return drawn.reshape(-1)[: prod(shape)].reshape(shape)


def _bits(shape: tuple[int, ...], each: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """At least ``each`` bits for every number of ``shape``."""
    return rng.bit_generator.random_raw(-(-prod(shape) * each // _WORD))
