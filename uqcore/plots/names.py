"""Names beside the points of a figure, none over another: one that has no room there stands off, on a line."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from uqcore.types import FloatArray

SIZE = 13  # of the letters
_TALL = 340  # pixels of the plot
_PHONE, _DESKTOP = 300, 470  # its width; where it is wider names are only farther apart
_OPACITY = {_PHONE: 0.99, _DESKTOP: 0.98}
_LETTER, _LINE, _RADIUS = 6.2, 18, 9
_FARTHEST = 12  # lines away


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def beside(
    names: Sequence[str], x: FloatArray, y: FloatArray, ranges: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    """Plotly annotations, two for each point ``x, y``, both ``(N,)``, in the units of axes with these ``ranges``.

    On a logarithmic axis these are the logarithms, as plotly wants them. A server does not know how wide a figure will
    be: names are placed for a phone, then for a desktop, and ``ui/style.css`` shows those that fit, by their opacity.
    """
    return [one for width in _OPACITY for one in _beside(names, x, y, ranges, width)]


def _beside(
    names: Sequence[str], x: FloatArray, y: FloatArray, ranges: Sequence[Sequence[float]], wide: int
) -> list[dict[str, Any]]:
    (x0, x1), (y0, y1) = ranges
    across, down = wide * (x - x0) / (x1 - x0), _TALL * (y1 - y) / (y1 - y0)
    points = [_Box(a - _RADIUS, d - _RADIUS, a + _RADIUS, d + _RADIUS) for a, d in zip(across, down, strict=True)]
    taken: list[_Box] = []
    made: dict[int, dict[str, Any]] = {}
    for i in np.lexsort((x, -y)).tolist():  # from the top
        others = [point for j, point in enumerate(points) if j != i]
        side, off = _place(len(names[i]) * _LETTER, across[i], down[i], [*taken, *others], wide)
        taken.append(_box(len(names[i]) * _LETTER, across[i], down[i], side, off))
        made[i] = {
            "x": float(x[i]),
            "y": float(y[i]),
            "text": escape(names[i]),
            "font": {"size": SIZE},
            "opacity": _OPACITY[wide],
            "xanchor": "left" if side > 0 else "right",
            **(
                {"ax": side * _RADIUS * 1.5, "ay": off, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": "#888888"}
                if off
                else {"showarrow": False, "xshift": side * _RADIUS}
            ),
        }
    return [made[i] for i in range(len(names))]


def _place(width: float, across: float, down: float, taken: Sequence[_Box], wide: int) -> tuple[int, int]:
    """The side, -1 or 1, and how many pixels below the point its name stands: the nearest place that is free."""
    sides = (-1, 1) if across > 0.6 * wide else (1, -1)
    places = [(side, way * n * _LINE) for n in range(_FARTHEST) for way in (1, -1)[: n + 1] for side in sides]
    for side, off in places:
        box = _box(width, across, down, side, off)
        inside = box.top > 0 and box.bottom < _TALL and box.left > 0 and box.right < wide
        if inside and not any(box.meets(other) for other in taken):
            return side, off
    return sides[0], 0


def _box(width: float, across: float, down: float, side: int, off: int) -> _Box:
    near = across + side * _RADIUS * (1.5 if off else 1)
    left, right = sorted((near, near + side * width))
    return _Box(left, down + off - _LINE / 2, right, down + off + _LINE / 2)
