"""What a figure shows, as a sentence for those who cannot see it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from uqcore.types import FloatArray

_MOST = 12  # traces that are told of
_TAG = re.compile("<[^>]*>")
_POINTS = 6  # of a trace that are told one by one


def describe(figure: Mapping[str, Any]) -> str:
    """One sentence a trace of a plotly figure ``{"data", "layout"}``: where it runs from, to, and what its ends are.

    Traces without a name and those that cannot be pointed at (``hoverinfo: skip``) are guides and left out.
    """
    layout = figure.get("layout", {})
    x, y = (_title(layout, axis) for axis in ("xaxis", "yaxis"))
    traces = [trace for trace in figure["data"] if trace.get("name") and trace.get("hoverinfo") != "skip"]
    told = [text for trace in traces[:_MOST] if (text := _trace(trace))]
    axes = f"Chart of {y or 'values'}{f' by {x}' if x else ''}"
    more = f" And {len(traces) - _MOST} more." if len(traces) > _MOST else ""
    return f"{axes}: {'; '.join(told)}.{more}" if told else f"{axes}."


def _title(layout: Mapping[str, Any], axis: str) -> str:
    title = layout.get(axis, {}).get("title", "")
    return str(title.get("text", "") if isinstance(title, Mapping) else title).replace("<br>", " ")


def _trace(trace: Mapping[str, Any]) -> str:
    name, xs, ys = trace["name"], values_of(trace.get("x")), values_of(trace.get("y"))
    if isinstance(ys, np.ndarray) and len(xs) == len(ys) > _POINTS and not ("ids" in trace or np.isnan(ys).any()):
        return _course(name, xs, ys)
    points = [(x, y) for x, y in zip(xs, ys, strict=False) if x is not None and y is not None and y == y]
    if not points:
        return ""
    labels = trace.get("ids") or [y for _, y in points if isinstance(y, str)]
    if len(labels) == len(points):
        values = [x if isinstance(y, str) else y for x, y in points]
        told = [f"{_TAG.sub('', label)} at {_said(value)}" for label, value in zip(labels, values, strict=True)]
        return f"{name}: {', '.join(told[:_MOST])}{f', and {len(told) - _MOST} more' if len(told) > _MOST else ''}"
    if len(points) <= _POINTS:
        return f"{name}: {', '.join(f'{_said(y)} at {_said(x)}' for x, y in points)}"
    numbers = [(x, y) for x, y in points if isinstance(y, int | float | np.floating)]
    if len(numbers) < len(points):
        return f"{name}: {len(points)} points"
    return _course(name, [x for x, _ in numbers], np.array([y for _, y in numbers], np.float64))


def _course(name: str, xs: Sequence[Any] | FloatArray, ys: FloatArray) -> str:
    """Of ``ys (N,)`` at ``xs``, more than a few: where they begin and end, and how far they go."""
    least, most, steps = int(ys.argmin()), int(ys.argmax()), np.diff(ys)
    if ys[least] == ys[most]:
        return f"{name}: {_said(ys[0])} everywhere"
    way = "rises" if (steps >= 0).all() else "falls" if (steps <= 0).all() else "goes"
    ends = f"{name} {way} from {_said(ys[0])} to {_said(ys[-1])}"
    if way != "goes":
        return ends
    return f"{ends}, least {_said(ys[least])} at {_said(xs[least])}, most {_said(ys[most])} at {_said(xs[most])}"


def values_of(values: Any) -> list[Any] | FloatArray:
    """The values of a trace's axis: plain ones, or an array as plotly takes it, ``{"dtype", "bdata"}``."""
    if isinstance(values, Mapping):
        return np.frombuffer(base64.b64decode(values["bdata"]), f"<{values['dtype']}")
    return [] if values is None else list(values)


def _said(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float | np.floating) else str(value)
