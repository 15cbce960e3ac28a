"""A plane on which points of two or three classes are painted, and the unseen cluster is moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ui.components.mounting import is_number, is_point, or_none, register, sent, state_of

_mount = register("points_pad", "surfaces_paint")

LabelledPoint = tuple[float, float, int]


class Painted(NamedTuple):
    """Points ``(x, y, class)``, and where the visitor has dragged the cluster: None until then."""

    points: tuple[LabelledPoint, ...]
    cluster: tuple[float, float] | None


def points_pad(
    points: Sequence[LabelledPoint],
    cluster: tuple[float, float],
    *,
    paints: bool,
    n_classes: int,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    most: int,
    key: str,
) -> Painted:
    """Show the pad and return what is on it, which arrives when the pen is lifted.

    Points are painted with one colour a class, and removed with an eraser: by mouse or finger, or by arrow keys, Enter
    and the digits, which choose what is painted. The cross is dragged likewise.

    Args:
        points: with ``paints``, to start from; from then on they are the visitor's, and another ``key`` makes a new
            pad. Without it, to be seen.
        cluster: the middle of what is never seen in training.
        most: no more are painted.
    """
    data = {
        "points": [list(point) for point in points],
        "cluster": list(cluster),
        "paints": paints,
        "n_classes": n_classes,
        "x_range": list(x_range),
        "y_range": list(y_range),
        "most": most,
    }
    result, state = _mount(key=key, data=data), state_of(key)
    given: list[Any] = list(points)
    if paints:

        def are_points(value: Any) -> bool:
            return isinstance(value, list | tuple) and len(value) <= most and all(map(is_labelled, value))

        def is_labelled(value: Any) -> bool:
            is_whole = isinstance(value, list | tuple) and len(value) == 3 and all(map(is_number, value))
            return is_whole and value[2] in range(n_classes)

        given = sent(result, "points", sent(state, "points", given, are_points), are_points)
    moved = sent(result, "cluster", sent(state, "cluster", None, or_none(is_point)), or_none(is_point))
    return Painted(
        tuple((float(x), float(y), int(label)) for x, y, label in given),
        None if moved is None else (float(moved[0]), float(moved[1])),
    )
