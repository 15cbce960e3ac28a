"""Functions of one input: a mean, a band and sampled functions a method, over the data; read and clicked together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ui.components.mounting import is_point, register, sent
from uqcore.metrics.regression import Gaussian
from uqcore.plots.palette import series_style
from uqcore.types import FloatArray

_mount = register("functions", "canvas", "unseen", "whole")
_DASHES = {"solid": [], "dash": [9, 6], "dot": [3, 4], "dashdot": [9, 4, 3, 4], "longdash": [15, 6],
           "longdashdot": [15, 4, 3, 4]}  # fmt: skip

Point = tuple[float, float]


class Curves(NamedTuple):
    """One method on a grid of N inputs: ``function`` is the mean and spread, ``samples (S, N)`` are functions.

    ``place`` is the number of its style.
    """

    place: int
    label: str
    function: Gaussian
    samples: FloatArray


class Points(NamedTuple):
    """Data to draw: ``x (N,)`` and ``y (N,)``; the last ``n_added`` are a visitor's."""

    x: FloatArray
    y: FloatArray
    n_added: int = 0


def functions(
    x: FloatArray,
    curves: Sequence[Curves],
    points: Points,
    *,
    n_stds: float,
    gap: Point,
    y_range: Point,
    key: str,
    overlaid: bool = False,
    room: bool = True,
    height: int = 300,
) -> Point | None:
    """Show a plot a method, or all in one; return the point ``(x, y)`` that the visitor has just clicked, or None.

    A cross-hair follows the pointer over all plots at once and reads out each method at its x. Arrow keys move it,
    Enter clicks there.

    Args:
        x: ``(N,)`` the grid, evenly spaced.
        n_stds: half the width of the band, in standard deviations.
        gap: shaded, as there is no data.
        overlaid: all methods in one plot.
        room: whether a click is wanted.
    """
    header = {
        "n": len(x),
        "x_range": [float(x[0]), float(x[-1])],
        "y_range": [float(end) for end in y_range],
        "gap": [float(end) for end in gap],
        "n_stds": float(n_stds),
        "n_points": len(points.x),
        "n_added": points.n_added,
        "overlaid": overlaid,
        "room": room,
        "height": height,
        "curves": [
            {
                "label": one.label,
                "n_lines": len(one.samples),
                "color": series_style(one.place).color,
                "dash": _DASHES[series_style(one.place).dash],
            }
            for one in curves
        ],
    }
    result = _mount(key=key, data=pack(header, curves, points), on_added_change=lambda: None)
    added = sent(result, "added", None, is_point)
    return None if added is None else (float(added[0]), float(added[1]))


def pack(header: dict[str, Any], curves: Sequence[Curves], points: Points) -> bytes:
    """One payload: header length (uint32), header (JSON), then float32: each method's mean, spread and functions, then
    the points' x and y by turns. All numbers are little-endian.
    """
    text = json.dumps(header).encode()
    arrays = [array for one in curves for array in (*one.function, one.samples)]
    arrays.append(np.stack([points.x, points.y], axis=1))
    return b"".join([len(text).to_bytes(4, "little"), text, *(np.asarray(a, "<f4").tobytes() for a in arrays)])
