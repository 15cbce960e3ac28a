"""The scoreboard's figures: intervals in rows, two figures against each other, lines along a disturbance.

Colours alone say nothing here: a control is hollow, a published figure a star, and what shares the mark of the best has
a name in bold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal, NamedTuple

import numpy as np

from uqcore.plots import names
from uqcore.plots.palette import series_style
from uqcore.plots.style import layout
from uqcore.types import FloatArray

Kind = Literal["method", "control", "published"]
_SYMBOLS: Mapping[Kind, str] = {"method": "circle", "control": "square-open", "published": "star-open"}
_ROW_HEIGHT, _DENSE, _AXIS_HEIGHT, _FEWEST_ROWS = 30, 20, 70, 3  # of fewer the axis and its title would not have room
_CONTROL_COLOR = "#888888"


class Mark(NamedTuple):
    """A figure with its 95 % interval.

    Attributes:
        label: of its row.
        place: the number of its colour; of methods alone.
        value, low, high: None where it has no interval.
        kind: see `Kind`.
        best: whether it shares the mark of the best.
        said: what is shown when it is pointed at.
    """

    label: str
    place: int
    value: float
    low: float | None
    high: float | None
    kind: Kind = "method"
    best: bool = False
    said: str = ""


class Spot(NamedTuple):
    """Two figures of one method; otherwise as `Mark`."""

    label: str
    place: int
    x: float
    y: float
    kind: Kind = "method"
    said: str = ""


def forest(marks: Sequence[Mark], title: str, percent: bool = False, dense: bool = False) -> dict[str, Any]:
    """A row a mark, from the top: its value and its interval, as a plotly figure; ``dense`` ones stand closer."""
    rows = [f"<b>{escape(mark.label)}</b>" if mark.best else escape(mark.label) for mark in marks]
    traces = []
    for kind in _SYMBOLS:
        those = [(row, mark) for row, mark in zip(rows, marks, strict=True) if mark.kind == kind]
        if not those:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": kind,
                "x": [mark.value for _, mark in those],
                "y": [row for row, _ in those],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [0 if mark.high is None else mark.high - mark.value for _, mark in those],
                    "arrayminus": [0 if mark.low is None else mark.value - mark.low for _, mark in those],
                    "thickness": 2.5,
                    "width": 5,
                    "color": _CONTROL_COLOR,
                },
                "marker": _marker([(mark.kind, mark.place) for _, mark in those], 13),
                "customdata": [mark.said for _, mark in those],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    return {
        "data": traces,
        "layout": layout(
            _AXIS_HEIGHT + (_DENSE if dense else _ROW_HEIGHT) * max(len(marks), _FEWEST_ROWS),
            showlegend=False,
            xaxis={
                "title": {"text": escape(title).replace(" (", "<br>(")},
                "zeroline": False,
                **({"tickformat": "~%"} if percent else {}),
            },
            # Named one by one, since each kind is a trace of its own: in the order of the marks, from the top.
            yaxis={"type": "category", "categoryarray": rows, "range": [len(rows) - 0.4, -0.6], "ticksuffix": "  "},
        ),
    }


def against(
    spots: Sequence[Spot], x_title: str, y_title: str, *, front: Sequence[tuple[float, float]] = (), log_x: bool = False
) -> dict[str, Any]:
    """Each spot with its name beside it; ``front`` is a line through those that nothing beats in both."""
    traces: list[dict[str, Any]] = []
    if front:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [x for x, _ in front],
                "y": [y for _, y in front],
                "line": {"color": _CONTROL_COLOR, "dash": "dot", "width": 2, "shape": "hv"},
                "hoverinfo": "skip",
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": escape(y_title),
            "x": [spot.x for spot in spots],
            "y": [spot.y for spot in spots],
            "ids": [spot.label for spot in spots],
            "marker": _marker([(spot.kind, spot.place) for spot in spots], 13),
            "customdata": [spot.said for spot in spots],
            "hovertemplate": "%{customdata}<extra></extra>",
            "cliponaxis": False,
        }
    )
    settings: dict[str, Any] = {}
    x_axis: dict[str, Any] = {"title": {"text": escape(x_title)}, "zeroline": False}
    y_axis: dict[str, Any] = {"title": {"text": escape(y_title)}, "zeroline": False, "ticksuffix": " "}
    if spots:
        x = np.array([math.log10(spot.x) if log_x else spot.x for spot in spots])
        y = np.array([spot.y for spot in spots])
        x_axis["range"], y_axis["range"] = _room(x, 0.25), _room(y, 0.12)
        settings["annotations"] = names.beside([spot.label for spot in spots], x, y, (x_axis["range"], y_axis["range"]))
        if log_x:
            x_axis |= {"type": "log", **_round_numbers(*x_axis["range"])}
    return {"data": traces, "layout": layout(440, showlegend=False, xaxis=x_axis, yaxis=y_axis, **settings)}


def _room(values: FloatArray, margin: float) -> list[float]:
    """The ends of an axis, with room for names at both."""
    low, high = float(values.min()), float(values.max())
    more = margin * (high - low) or 0.5
    return [low - more, high + more]


def _round_numbers(low: float, high: float) -> dict[str, Any]:
    """The ticks 1, 2, 5, 10 ... of an axis between these powers of ten; fewer on a long one, more on a short."""
    steps = range(1, 10) if high - low < 0.8 else (1, 2, 5) if high - low < 3 else (1,)
    ticks = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return {"tickvals": ticks, "ticktext": [f"{tick:,.10g}" for tick in ticks]}


def _marker(drawn: Sequence[tuple[Kind, int]], size: int) -> dict[str, Any]:
    colors = [series_style(place).color if kind == "method" else _CONTROL_COLOR for kind, place in drawn]
    return {
        "symbol": [_SYMBOLS[kind] for kind, _ in drawn],
        "size": size,
        "color": colors,
        "line": {"width": 2, "color": colors},
    }


class Line(NamedTuple):
    """A named line, or points over names; ``said`` has a text a point for who points at it, ``within`` an interval."""

    label: str
    place: int
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]
    said: Sequence[str] = ()
    kind: Kind = "method"
    within: Sequence[tuple[float, float]] = ()


def lines(
    drawn: Sequence[Line],
    x_title: str,
    y_title: str,
    *,
    percent: bool = False,
    diagonal: bool = False,
    log_y: bool = False,
) -> dict[str, Any]:
    """Lines by their labels; with ``diagonal`` also x = y, from 0 to 1. On a logarithmic axis a 0 is a gap."""
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": _mode(line),
            "name": escape(line.label),
            "x": list(line.x),
            "y": [None if log_y and y <= 0 else y for y in line.y],
            "line": {
                "color": _CONTROL_COLOR if line.kind == "control" else series_style(line.place).color,
                "dash": series_style(line.place).dash,
                "width": 2.5,
            },
            "marker": {"symbol": series_style(line.place).symbol, "size": 8},
            **({"text": list(line.said)} if line.said else {}),
            **({"error_y": _bars(line)} if line.within else {}),
            "hovertemplate": f"%{{x{':.4g' if _is_numeric(line) else ''}}}, %{{y:.4g}}"
            + ("<br>%{text}" if line.said else ""),
        }
        for line in drawn
    ]
    if diagonal:
        traces.insert(
            0,
            {
                "type": "scatter",
                "mode": "lines",
                "x": [0, 1],
                "y": [0, 1],
                "line": {"color": _CONTROL_COLOR, "width": 1},
                "showlegend": False,
                "hoverinfo": "skip",
            },
        )
    return {
        "data": traces,
        "layout": layout(
            400,
            showlegend=True,
            legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            xaxis={"title": {"text": escape(x_title)}, "zeroline": False},
            yaxis={
                "title": {"text": escape(y_title)},
                "zeroline": False,
                **({"tickformat": "~%"} if percent else {}),
                **({"type": "log"} if log_y else {}),
            },
        ),
    }


def _bars(line: Line) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - y for y, (_, high) in zip(line.y, line.within, strict=True)],
        "arrayminus": [y - low for y, (low, _) in zip(line.y, line.within, strict=True)],
        "thickness": 1.5,
        "width": 4,
    }


def _is_numeric(line: Line) -> bool:
    return not (line.x and isinstance(line.x[0], str))


def _mode(line: Line) -> str:
    if not _is_numeric(line):
        return "markers"
    return "lines+markers" if len(line.x) <= 20 else "lines"
