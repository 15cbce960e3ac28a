"""The shapes that drawn points follow, without noise: curves in the plane of the two-moons page, one a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from uqcore.datasets import moons
from uqcore.types import FloatArray

_BLOB_STD = 0.25
_TURNS = 0.8  # of a spiral's arm


class Shape(NamedTuple):
    """A kind of data.

    Attributes:
        most_classes: 2, or 3 where a third has a place.
        draw: ``(n_per_class, n_classes, rng) -> points`` of each class ``(n_per_class, 2)``.
        class_names: of the classes where they have names.
    """

    label: str
    most_classes: int
    draw: Callable[[int, int, np.random.Generator], Sequence[FloatArray]]
    class_names: tuple[str, ...] = ("first class", "second class", "third class")


def _moons(n: int, n_classes: int, rng: np.random.Generator) -> Sequence[FloatArray]:
    return moons.curves(n)


def _circles(n: int, n_classes: int, rng: np.random.Generator) -> Sequence[FloatArray]:
    """Rings about one centre."""
    return [_polar(np.full(n, 0.5 + 0.7 * k), np.arange(n) / n) for k in range(n_classes)]


def _blobs(n: int, n_classes: int, rng: np.random.Generator) -> Sequence[FloatArray]:
    """Gaussians, their centres evenly on a circle."""
    centres = _polar(np.full(n_classes, 1.3), np.arange(n_classes) / n_classes + 0.4)
    return [centre + rng.normal(scale=_BLOB_STD, size=(n, 2)) for centre in centres]


def _spirals(n: int, n_classes: int, rng: np.random.Generator) -> Sequence[FloatArray]:
    """Arms of one spiral, from the middle outwards."""
    along = np.linspace(0.1, 1, n)
    return [_polar(1.9 * along, _TURNS * along + k / n_classes) for k in range(n_classes)]


def _polar(radius: FloatArray, turn: FloatArray) -> FloatArray:
    """``(N, 2)``: points at a radius, and at an angle in turns."""
    return np.stack([radius * np.cos(2 * np.pi * turn), radius * np.sin(2 * np.pi * turn)], axis=-1)


SHAPES: Mapping[str, Shape] = {
    "moons": Shape("two moons", 2, _moons, ("upper moon", "lower moon")),
    "circles": Shape("circles", 3, _circles, ("inner ring", "second ring", "third ring")),
    "blobs": Shape("blobs", 3, _blobs),
    "spirals": Shape("spirals", 3, _spirals),
}
