"""A plane on which points of two or three classes are painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ui.components._mount import register, state_or

_mount = register("points_pad", "surfaces_paint")

LabelledPoint = tuple[float, float, int]


def points_pad(
    points: Sequence[LabelledPoint],
    *,
    n_classes: int,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    most: int,
    key: str,
) -> tuple[LabelledPoint, ...]:
    """Show the pad and return the points ``(x, y, class)``, which arrive when the pen is lifted.

    Points are painted with one colour a class, and removed with an eraser: by mouse or finger, or by arrow keys, Enter
    and the digits, which choose what is painted.

    Args:
        points: to start from; from then on they are the visitor's. Another ``key`` makes a new pad.
        most: no more are painted.
    """
    data = {
        "points": [list(point) for point in points],
        "n_classes": n_classes,
        "x_range": list(x_range),
        "y_range": list(y_range),
        "most": most,
    }
    start = [list(point) for point in points]
    given: list[Any] = _mount(key=key, data=data).get("points", state_or(start, key, "points")) or []
    return tuple((float(x), float(y), int(label)) for x, y, label in given)
