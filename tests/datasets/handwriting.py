"""Digits as people write them on the pad: curved strokes of 24 shapes, of any size, place and slant, seeded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.types import FloatArray

Stroke = NDArray[np.float64]

# Points that the pen goes through, x right and y down in a unit box; a smooth curve joins them, and a point that is
# given twice is a corner. Several strokes where the pen is lifted.
_SHAPES: dict[int, Sequence[Sequence[Sequence[tuple[float, float]]]]] = {
    0: [
        [[(0.55, 0.0), (0.15, 0.18), (0.0, 0.55), (0.18, 0.92), (0.5, 1.0), (0.85, 0.85), (1.0, 0.5), (0.85, 0.12),
          (0.5, 0.0)]],
        [[(0.7, 0.03), (0.3, 0.06), (0.03, 0.4), (0.1, 0.85), (0.5, 1.0), (0.9, 0.75), (0.97, 0.35), (0.7, 0.03),
          (0.5, 0.04)]],
    ],
    1: [
        [[(0.5, 0.0), (0.49, 0.5), (0.5, 1.0)]],
        [[(0.15, 0.28), (0.55, 0.0), (0.55, 0.0), (0.55, 0.5), (0.54, 1.0)]],
        [[(0.15, 0.28), (0.52, 0.0), (0.52, 0.0), (0.52, 0.5), (0.52, 1.0)], [(0.15, 1.0), (0.9, 0.99)]],
    ],
    2: [
        [[(0.05, 0.25), (0.25, 0.03), (0.65, 0.0), (0.92, 0.25), (0.75, 0.55), (0.35, 0.8), (0.03, 1.0), (0.03, 1.0),
          (0.5, 0.99), (1.0, 0.98)]],
        [[(0.08, 0.22), (0.4, 0.0), (0.85, 0.15), (0.8, 0.5), (0.4, 0.88), (0.12, 0.98), (0.03, 0.86), (0.2, 0.78),
          (0.55, 0.9), (1.0, 0.96)]],
    ],
    3: [
        [[(0.08, 0.12), (0.5, 0.0), (0.9, 0.18), (0.75, 0.42), (0.38, 0.48), (0.38, 0.48), (0.85, 0.58), (0.95, 0.82),
          (0.5, 1.0), (0.02, 0.88)]],
        [[(0.05, 0.02), (0.9, 0.0), (0.9, 0.0), (0.45, 0.4), (0.45, 0.4), (0.88, 0.5), (0.95, 0.8), (0.5, 1.0),
          (0.02, 0.9)]],
        [[(0.1, 0.2), (0.4, 0.0), (0.85, 0.12), (0.8, 0.38), (0.45, 0.5), (0.85, 0.62), (0.92, 0.86), (0.45, 1.0),
          (0.05, 0.85)]],
    ],
    4: [
        [[(0.25, 0.0), (0.12, 0.32), (0.05, 0.58), (0.05, 0.58), (0.5, 0.58), (1.0, 0.55)],
         [(0.78, 0.12), (0.74, 0.55), (0.7, 1.0)]],
        [[(0.75, 0.0), (0.35, 0.36), (0.0, 0.66), (0.0, 0.66), (0.5, 0.67), (1.0, 0.66)],
         [(0.75, 0.02), (0.74, 0.5), (0.73, 1.0)]],
    ],
    5: [
        [[(0.15, 0.02), (0.12, 0.2), (0.1, 0.42), (0.1, 0.42), (0.5, 0.36), (0.9, 0.52), (0.9, 0.82), (0.5, 1.0),
          (0.02, 0.92)], [(0.15, 0.03), (0.5, 0.02), (0.92, 0.0)]],
        [[(0.95, 0.0), (0.5, 0.02), (0.18, 0.03), (0.18, 0.03), (0.12, 0.42), (0.12, 0.42), (0.55, 0.38), (0.92, 0.58),
          (0.82, 0.9), (0.4, 1.0), (0.03, 0.9)]],
    ],
    6: [
        [[(0.75, 0.0), (0.35, 0.2), (0.05, 0.6), (0.15, 0.92), (0.5, 1.0), (0.88, 0.86), (0.85, 0.6), (0.5, 0.52),
          (0.12, 0.7)]],
        [[(0.55, 0.0), (0.2, 0.3), (0.04, 0.7), (0.3, 0.99), (0.75, 0.95), (0.93, 0.7), (0.65, 0.52), (0.25, 0.62),
          (0.1, 0.78)]],
    ],
    7: [
        [[(0.02, 0.03), (0.5, 0.03), (0.98, 0.0), (0.98, 0.0), (0.65, 0.45), (0.4, 1.0)]],
        [[(0.02, 0.04), (0.5, 0.02), (0.98, 0.0), (0.98, 0.0), (0.62, 0.5), (0.42, 1.0)],
         [(0.25, 0.5), (0.55, 0.48), (0.88, 0.47)]],
        [[(0.02, 0.1), (0.3, 0.03), (0.7, 0.06), (0.98, 0.02), (0.98, 0.02), (0.72, 0.4), (0.58, 1.0)]],
    ],
    8: [
        [[(0.82, 0.12), (0.5, 0.0), (0.16, 0.16), (0.3, 0.4), (0.68, 0.58), (0.92, 0.82), (0.5, 1.0), (0.08, 0.82),
          (0.3, 0.58), (0.7, 0.38), (0.84, 0.14)]],
        [[(0.5, 0.0), (0.15, 0.12), (0.2, 0.4), (0.5, 0.48), (0.82, 0.36), (0.85, 0.1), (0.5, 0.0)],
         [(0.5, 0.48), (0.1, 0.62), (0.1, 0.9), (0.5, 1.0), (0.92, 0.88), (0.9, 0.6), (0.5, 0.48)]],
    ],
    9: [
        [[(0.88, 0.18), (0.5, 0.0), (0.1, 0.15), (0.12, 0.42), (0.5, 0.5), (0.88, 0.3), (0.9, 0.12), (0.9, 0.12),
          (0.86, 0.55), (0.8, 1.0)]],
        [[(0.85, 0.15), (0.5, 0.0), (0.12, 0.12), (0.1, 0.38), (0.42, 0.5), (0.8, 0.36), (0.88, 0.12), (0.9, 0.5),
          (0.72, 0.9), (0.3, 1.0)]],
        [[(0.8, 0.1), (0.4, 0.02), (0.08, 0.25), (0.3, 0.48), (0.75, 0.36), (0.85, 0.1), (0.85, 0.1), (0.75, 0.55),
          (0.55, 1.0)]],
    ],
}  # fmt: skip


class Written(NamedTuple):
    """A digit on the pad, its strokes in [0, 1], and how it was written."""

    digit: int
    strokes: list[FloatArray]
    size: float
    slant: float


def written(n: int, seed: int) -> Iterator[Written]:
    """``n`` digits by turns: 20 to 100 % of the pad high, anywhere on it, slanted by -28 to 28 degrees."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        digit = i % 10
        shapes = _SHAPES[digit]
        shape = shapes[int(rng.integers(len(shapes)))]
        size, slant = float(np.exp(rng.uniform(np.log(0.2), 0))), rng.uniform(-28, 28)
        shaken = [_curve(np.asarray(points) + rng.normal(0, 0.035, (len(points), 2))) for points in _as_arrays(shape)]
        width = rng.uniform(0.2, 0.45) if digit == 1 else rng.uniform(0.4, 0.9)
        tilt = np.tan(np.deg2rad(slant))
        leaning = [np.stack([width * s[:, 0] - tilt * (s[:, 1] - 0.5), s[:, 1]], axis=1) for s in shaken]
        yield Written(digit, _placed(leaning, size, rng), size, slant)


def _as_arrays(shape: Sequence[Sequence[tuple[float, float]]]) -> list[Stroke]:
    return [np.asarray(stroke, np.float64) for stroke in shape]


def _curve(points: Stroke, per_piece: int = 12) -> Stroke:
    """A Catmull-Rom spline through the points; two near each other make a corner."""
    pieces, start = [], 0
    corners = [i for i in range(1, len(points)) if np.hypot(*(points[i] - points[i - 1])) < 0.12]
    for end in [*corners, len(points)]:
        pieces.append(_smooth(points[start:end], per_piece))
        start = end
    return np.concatenate([piece for piece in pieces if len(piece)])


def _smooth(points: Stroke, per_piece: int) -> Stroke:
    if len(points) < 3:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, per_piece, endpoint=False)[:, None]
    found = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        found.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*found, points[-1:]])


def _placed(strokes: list[Stroke], size: float, rng: np.random.Generator) -> list[FloatArray]:
    """Scaled to ``size`` of the pad, put anywhere on it and rounded as the pad rounds, to 255ths."""
    low, high = (function(np.concatenate(strokes), axis=0) for function in (np.min, np.max))
    scale = size / (high - low).max()
    corner = rng.uniform(0, np.maximum(1 - scale * (high - low), 0))
    return [np.rint(255 * np.clip(scale * (stroke - low) + corner, 0, 1)) / 255 for stroke in strokes]
