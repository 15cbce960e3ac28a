"""Names beside the points of a figure, none over another: one that has no room there stands off, on a line that crosses
no other name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple

import numpy as np

from uqcore.types import FloatArray

SIZE = 13  # of the letters
_TALL = 340  # pixels of the plot
_PHONE, _DESKTOP = 300, 470  # its width; where it is wider names are only farther apart
_OPACITY = {_PHONE: 0.99, _DESKTOP: 0.98}
_LETTER, _LINE, _RADIUS = 6.2, 18, 9
_FARTHEST = 16  # lines away
_ASIDE = (13.5, 30, 60, 100, 140)  # pixels to the side of a point, of a name that stands off

_Line = tuple[tuple[float, float], tuple[float, float]]


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_crossed(self, line: _Line) -> bool:
        """Liang and Barsky: what is left of the line between each pair of parallel edges."""
        (x, y), (x1, y1) = line
        start, end = 0.0, 1.0
        for at, step, low, high in ((x, x1 - x, self.left, self.right), (y, y1 - y, self.top, self.bottom)):
            if step == 0:
                if not low < at < high:
                    return False
                continue
            one, two = sorted(((low - at) / step, (high - at) / step))
            start, end = max(start, one), min(end, two)
        return start < end


def beside(
    names: Sequence[str], x: FloatArray, y: FloatArray, ranges: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    """Plotly annotations, two for each point ``x, y``, both ``(N,)``, in the units of axes with these ``ranges``.

    On a logarithmic axis these are the logarithms, as plotly wants them. A server does not know how wide a figure will
    be: names are placed for a phone, then for a desktop, and ``ui/style.css`` shows those that fit, by their opacity.
    """
    (x0, x1), (y0, y1) = ranges
    right, down = (x - x0) / (x1 - x0), _TALL * (y1 - y) / (y1 - y0)
    return [
        {"x": float(x[i]), "y": float(y[i]), "text": escape(name), "font": {"size": SIZE}, "opacity": opacity, **where}
        for width, opacity in _OPACITY.items()
        for i, (name, where) in enumerate(
            zip(names, _beside(tuple(names), tuple((width * right).tolist()), tuple(down.tolist()), width), strict=True)
        )
    ]


@lru_cache(maxsize=64)  # the same for all visitors of a figure
def _beside(
    names: tuple[str, ...], across: tuple[float, ...], down: tuple[float, ...], wide: int
) -> list[dict[str, Any]]:
    """Where each name stands, in plotly's words; the points in pixels."""
    points = [_Box(a - _RADIUS, d - _RADIUS, a + _RADIUS, d + _RADIUS) for a, d in zip(across, down, strict=True)]
    taken: list[_Box] = []
    lines: list[_Line] = []
    made: dict[int, dict[str, Any]] = {}
    for i in np.lexsort((across, down)).tolist():  # from the top
        width, point = len(names[i]) * _LETTER, (across[i], down[i])
        others = [each for j, each in enumerate(points) if j != i]
        aside, off = _place(width, point, others, taken, lines, wide)
        taken.append(_box(width, point, aside, off))
        if off:
            lines.append(_line(point, aside, off))
        made[i] = {
            "xanchor": "left" if aside > 0 else "right",
            **(
                {"ax": aside, "ay": off, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": "#888888"}
                if off
                else {"showarrow": False, "xshift": aside}
            ),
        }
    return [made[i] for i in range(len(names))]


def _place(
    width: float,
    point: tuple[float, float],
    points: Sequence[_Box],
    named: Sequence[_Box],
    lines: Sequence[_Line],
    wide: int,
) -> tuple[float, int]:
    """How many pixels right of and below the point its name begins, left of it ends: the nearest free place whose line
    crosses the fewest names."""
    inwards = -1 if point[0] > 0.6 * wide else 1
    places: list[tuple[float, int]] = [(side * _RADIUS, 0) for side in (inwards, -inwards)]
    standing_off: list[tuple[float, int]] = [
        (side * aside, way * n * _LINE)
        for n in range(1, _FARTHEST)
        for way in (1, -1)
        for aside in _ASIDE
        for side in (inwards, -inwards)
    ]
    places += sorted(standing_off, key=lambda place: math.hypot(*place))
    best: tuple[float, int] = (inwards * _RADIUS, 0)
    fewest = math.inf
    for aside, off in places:
        box = _box(width, point, aside, off)
        inside = box.top > 0 and box.bottom < _TALL and box.left > 0 and box.right < wide
        if not inside or any(box.meets(other) for other in (*named, *points)):
            continue
        crossed = sum(box.is_crossed(line) for line in lines)
        if off:
            crossed += sum(other.is_crossed(_line(point, aside, off)) for other in (*named, *points))
        if crossed < fewest:
            best, fewest = (aside, off), crossed
        if crossed == 0:
            break
    return best


def _line(point: tuple[float, float], aside: float, off: float) -> _Line:
    """From a point to its name that stands off."""
    return point, (point[0] + aside, point[1] + off)


def _box(width: float, point: tuple[float, float], aside: float, off: float) -> _Box:
    near = point[0] + aside
    left, right = sorted((near, near + math.copysign(width, aside)))
    return _Box(left, point[1] + off - _LINE / 2, right, point[1] + off + _LINE / 2)
