"""A visitor's own points: a small CSV file of ``x, y, class``."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from uqcore.datasets.moons import GRID
from uqcore.live.setting import MOST_CLASSES, RANGES, Point
from uqcore.predictions.small_csv import number_of, separator_of, text_of
from uqcore.text import reason
from uqcore.types import FloatArray, UqError

COLUMNS = ("x", "y", "class")
_MOST_BYTES = 2**20
_FILLED = 0.7  # of the plane, by points that were scaled


class OwnPoints(NamedTuple):
    """What a file holds.

    Attributes:
        points: for `Setting.points`, inside the plane; classes are numbered in the order of their names.
        class_names: as the file has them.
        scaled: whether the points lay outside the plane, so that they were moved and scaled, alike in x and y.
    """

    points: tuple[Point, ...]
    class_names: tuple[str, ...]
    scaled: bool


def read_csv(content: bytes) -> OwnPoints:
    """Points of a CSV file with the columns ``x``, ``y`` and ``class`` in any order; of a spreadsheet's own too, in an
    encoding of `text_of`, with semicolons or tabs between cells and decimal commas.

    Raises:
        UqError: it is no such file, a coordinate is no finite number, or there are too many points or classes.
    """
    if len(content) > _MOST_BYTES:
        raise UqError(
            f"Expected a CSV file of at most {_MOST_BYTES // 2**20} MB. Received {len(content):,} bytes; save "
            f"fewer points."
        )
    try:
        text = text_of(content)
        separator = separator_of(text)
        lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
        rows = [row for row in lines if any(map(str.strip, row))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UqError(
            f"Expected a CSV file in UTF-8. Received one that cannot be read ({reason(error)}); save it as CSV."
        ) from None
    names = [name.strip().lower() for name in rows[0]] if rows else []
    if sorted(names) != sorted(COLUMNS):
        found = ", ".join(name[:20] for name in names[:6]) or "none"
        raise UqError(f"Expected the columns {', '.join(COLUMNS)} in the first line. Received: {found}; name them so.")
    most = int(RANGES["n_points"].most)
    if not 1 <= len(rows) - 1 <= most:
        raise UqError(f"Expected 1 to {most:,} points. Received: {len(rows) - 1:,}; save as many.")
    places = [names.index(name) for name in COLUMNS]
    read = [_point(number, row, places, separator) for number, row in enumerate(rows[1:], start=2)]
    class_names = tuple(sorted({name for _, _, name in read}))
    if not 2 <= len(class_names) <= MOST_CLASSES:
        raise UqError(
            f"Expected points of 2 or {MOST_CLASSES} classes. Received: {len(class_names)}; leave the others out, "
            f"or add one."
        )
    xy, scaled = _inside(np.array([point[:2] for point in read]))
    points = tuple((x, y, class_names.index(name)) for (x, y), (_, _, name) in zip(xy.tolist(), read, strict=True))
    return OwnPoints(points, class_names, scaled)


def _point(number: int, row: Sequence[str], places: Sequence[int], separator: str) -> tuple[float, float, str]:
    if len(row) != len(COLUMNS):
        raise UqError(f"Expected {len(COLUMNS)} cells in every line. Received {len(row)} in line {number}; correct it.")
    x, y, name = (row[place].strip() for place in places)
    found = []
    for cell in (x, y):
        try:
            found.append(number_of(cell, separator))
        except ValueError:
            raise UqError(
                f"Expected numbers for x and y. Received {cell[:40]!r} in line {number}; correct it."
            ) from None
    if not all(map(math.isfinite, found)):
        raise UqError(f"Expected finite numbers for x and y. Received {x[:40]}, {y[:40]} in line {number}; correct it.")
    if not name or not name.isprintable() or len(name) > 40:
        raise UqError(f"Expected a class of 1 to 40 letters. Received {name[:40]!r} in line {number}; rename it.")
    return found[0], found[1], name


def _inside(xy: FloatArray) -> tuple[FloatArray, bool]:
    """The points ``(N, 2)``, moved and scaled into the plane if some lie outside."""
    low, high = (np.array([axis[end] for axis in GRID], float) for end in (0, -1))
    if ((low <= xy) & (xy <= high)).all():
        return xy, False
    least, most = xy.min(axis=0), xy.max(axis=0)
    middle = least / 2 + most / 2  # of halves: a sum of large ones would overflow
    half = np.maximum((most / 2 - least / 2) / (_FILLED * (high - low) / 2), 0).max()
    return (xy - middle) / (half or 1.0) + (low + high) / 2, True
