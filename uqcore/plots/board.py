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

from uqcore.plots.palette import series_style
from uqcore.plots.style import layout

Kind = Literal["method", "control", "published"]
_SYMBOLS: Mapping[Kind, str] = {"method": "circle", "control": "square-open", "published": "star-open"}
_ROW_HEIGHT, _AXIS_HEIGHT = 30, 70
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


def forest(marks: Sequence[Mark], title: str, percent: bool = False) -> dict[str, Any]:
    """A row a mark, from the top: its value and its interval, as a plotly figure."""
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
            _AXIS_HEIGHT + _ROW_HEIGHT * len(marks),
            showlegend=False,
            xaxis={"title": {"text": escape(title)}, "zeroline": False, **({"tickformat": "~%"} if percent else {})},
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
            "mode": "markers+text",
            "x": [spot.x for spot in spots],
            "y": [spot.y for spot in spots],
            "text": [f" {escape(spot.label)} " for spot in spots],
            "textposition": _sides(spots, log_x),
            "textfont": {"size": 13},
            "marker": _marker([(spot.kind, spot.place) for spot in spots], 13),
            "customdata": [spot.said for spot in spots],
            "hovertemplate": "%{customdata}<extra></extra>",
            "cliponaxis": False,
        }
    )
    return {
        "data": traces,
        "layout": layout(
            440,
            showlegend=False,
            xaxis={"title": {"text": escape(x_title)}, "zeroline": False, **_wide(spots, log_x)},
            yaxis={"title": {"text": escape(y_title)}, "zeroline": False, "ticksuffix": " "},
        ),
    }


def _sides(spots: Sequence[Spot], log_x: bool) -> list[str]:
    """On which side each name stands: of neighbours on one, then another."""
    if not spots:
        return []
    x = np.log10([spot.x for spot in spots]) if log_x else np.array([spot.x for spot in spots])
    y = np.array([spot.y for spot in spots])
    x, y = ((v - v.min()) / (np.ptp(v) or 1) for v in (x, y))
    sides: dict[int, str] = {}
    for i in np.lexsort((x, -y)):
        near = {sides[j] for j in sides if abs(y[i] - y[j]) < 0.05 and abs(x[i] - x[j]) < 0.3}
        usual = ("middle left", "middle right") if x[i] > 0.6 else ("middle right", "middle left")
        order = [*usual, "bottom center", "top center"]
        sides[int(i)] = next((side for side in order if side not in near), order[0])
    return [sides[i] for i in range(len(spots))]


def _wide(spots: Sequence[Spot], log: bool) -> dict[str, Any]:
    """An axis with room for names at both ends."""
    if not spots:
        return {}
    ends = [min(spot.x for spot in spots), max(spot.x for spot in spots)]
    low, high = map(math.log10, ends) if log else ends
    margin = 0.25 * (high - low) or 0.5
    return {"range": [low - margin, high + margin], **({"type": "log"} if log else {})}


def _marker(drawn: Sequence[tuple[Kind, int]], size: int) -> dict[str, Any]:
    colors = [series_style(place).color if kind == "method" else _CONTROL_COLOR for kind, place in drawn]
    return {
        "symbol": [_SYMBOLS[kind] for kind, _ in drawn],
        "size": size,
        "color": colors,
        "line": {"width": 2, "color": colors},
    }


class Line(NamedTuple):
    """A named line, or points over names; ``said`` has a text a point for who points at it."""

    label: str
    place: int
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]
    said: Sequence[str] = ()
    kind: Kind = "method"


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


def _is_numeric(line: Line) -> bool:
    return not (line.x and isinstance(line.x[0], str))


def _mode(line: Line) -> str:
    if not _is_numeric(line):
        return "markers"
    return "lines+markers" if len(line.x) <= 20 else "lines"
