"""What a figure shows, as a sentence for those who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

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
    name, xs, ys = trace["name"], _listed(trace.get("x")), _listed(trace.get("y"))
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
    numbers = [(x, y) for x, y in points if isinstance(y, int | float)]
    if len(numbers) < len(points):
        return f"{name}: {len(points)} points"
    (x_low, low), (x_high, high) = min(numbers, key=_second), max(numbers, key=_second)
    if low == high:
        return f"{name}: {_said(low)} everywhere"
    steps = [b - a for (_, a), (_, b) in pairwise(numbers)]
    way = "rises" if min(steps) >= 0 else "falls" if max(steps) <= 0 else "goes"
    ends = f"{name} {way} from {_said(numbers[0][1])} to {_said(numbers[-1][1])}"
    return (
        ends
        if way != "goes"
        else f"{ends}, least {_said(low)} at {_said(x_low)}, most {_said(high)} at {_said(x_high)}"
    )


def _listed(values: Any) -> Sequence[Any]:
    return [] if values is None else list(values)


def _second(point: tuple[Any, float]) -> float:
    return point[1]


def _said(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else str(value)
