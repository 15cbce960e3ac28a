"""Figures of a threshold: risk against coverage, ROC, the histogram that it cuts, what it costs, and set sizes.

Each is a plotly figure, a dict of plain numbers and text. Labels may be a visitor's: markup in them is shown as text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from uqcore.plots.curves import Point, RiskScale, line, marker, risk_scale, visible
from uqcore.plots.palette import series_style
from uqcore.plots.style import FONT_SIZE, layout
from uqcore.plots.threshold_bins import MeasureBins
from uqcore.selection import CostSweep, RiskCoverageCurve, RocCurve
from uqcore.selection.cost import PER
from uqcore.types import FloatArray, IntArray

_HEIGHT, _TALL = 400, 500
_GREY = "#888888"
_GROUPS = (("right", ""), ("wrong", "/"), ("OOD", "."))  # The rows of `MeasureBins`, and plotly's pattern for each.
_LANE_GAP = 0.1
_NOW = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "line": {"color": _GREY, "width": 2, "dash": "dot"}}


def risk_coverage(
    curves: Mapping[str, RiskCoverageCurve], *, points: Mapping[str, Point] | None = None, log_risk: bool = False
) -> dict[str, Any]:
    """A line for each label: the selective risk at each coverage where there is one.

    Args:
        points: coverage and risk at a label's threshold; a label may have no curve. Where nothing is accepted the
            marker is hollow and stands at the origin.
        log_risk: a logarithmic axis; its lower end is labelled 0 and holds the risks of 0.
    """
    marked = {label: (x, y if x > 0 else 0.0) for label, (x, y) in (points or {}).items()}
    scale = risk_scale(curves.values(), marked.values(), log_risk)
    traces = []
    for i, label in enumerate({**curves, **marked}):
        if label in curves:
            traces.append(_risk_line(i, label, curves[label], scale, marked.get(label)))
        if label in marked:
            x, y = marked[label]
            y = float(scale.drawn(y))
            traces.append(marker(i, label, x, y, hollow=x == 0, in_legend=label not in curves))
    return _figure(traces, _shares("coverage", scale.start), _axis("wrong among accepted", **scale.axis()))


def roc(
    curves: Mapping[str, RocCurve],
    *,
    points: Mapping[str, Point] | None = None,
    positive: Literal["OOD", "errors"] = "OOD",
) -> dict[str, Any]:
    """A line for each label that has positives and negatives, and the diagonal of a measure that knows nothing.

    Args:
        points: share deferred of the negatives and of the positives at a label's threshold; a label may have no curve.
            The marker is hollow where nothing is accepted.
        positive: what deferring is to catch.
    """
    points = points or {}
    x_title = {"OOD": "known deferred", "errors": "right predictions deferred"}[positive]
    y_title = f"{positive} deferred"
    defined = {label: curve for label, curve in curves.items() if not np.isnan([curve.fpr[0], curve.tpr[0]]).any()}
    traces = []
    for i, label in enumerate({**curves, **points}):
        if label in defined:
            curve = defined[label]
            shown = visible(curve.fpr, curve.tpr, points.get(label))
            thresholds, fpr, tpr = (values[shown] for values in curve)
            traces.append(line(i, label, fpr, tpr, thresholds, f"{x_title} %{{x:.2%}}<br>{y_title} %{{y:.2%}}"))
        if label in points and not np.isnan(points[label]).any():
            hollow = points[label] == (1, 1)
            traces.append(marker(i, label, *points[label], hollow=hollow, in_legend=label not in defined))
    chance: dict[str, Any] = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "layer": "below"}
    chance["line"] = {"color": _GREY, "width": 2, "dash": "dot"}
    return _figure(traces, _shares(x_title), _shares(y_title), shapes=[chance])


def histogram(
    bins: MeasureBins,
    *,
    threshold: float | None,
    measure_label: str,
    log_x: bool = False,
    log_y: bool = True,
    has_labels: bool = True,
) -> dict[str, Any]:
    """A row of bars each for right, wrong and OOD examples, where there are any.

    Args:
        threshold: a line, with what it defers shaded. None for thresholds per class, of which none cuts all.
        measure_label: name of the measure, with the unit.
        log_x: a logarithmic axis of the measure, where it has one.
        log_y: one logarithmic axis of counts for all rows; linear ones are each row's own.
        has_labels: whether right and wrong are known. If not, the first row is of all in-distribution examples.
    """
    log_x = log_x and len(bins.log_edges) > 0
    edges, counts = (bins.log_edges, bins.log_counts) if log_x else (bins.linear_edges, bins.linear_counts)
    rows = [row for row in range(3) if counts[row].any()]
    height = (1 + _LANE_GAP) / len(rows)
    traces, axes = [], {}
    for place, row in enumerate(rows):
        number = str(place + 1) if place else ""
        traces.append(_bars(row, edges, counts[row], has_labels) | {"yaxis": f"y{number}"})
        bottom = 1 - (place + 1) * height + _LANE_GAP
        domain = [max(0.0, bottom), min(1.0, bottom + height - _LANE_GAP)]
        axes[f"yaxis{number}"] = _count_axis(counts[row], int(counts.max()), log_y) | {"domain": domain}
    ends = edges[[0, -1]]
    x_axis = _axis(escape(measure_label) + (_first_bar(bins) if log_x else ""), range=ends.tolist())
    if log_x:
        x_axis |= {"type": "log", "range": np.log10(ends).tolist(), "exponentformat": "power"}
        decades = math.log10(ends[1] / ends[0])
        x_axis |= {"dtick": math.ceil(decades / 6)} if decades >= 2 else {}
    # Zeros are in the first bar of a logarithmic axis: whoever accepts them stands behind it.
    first = float(edges[1]) if log_x and bins.n_below and threshold != -math.inf else float(ends[0])
    cut = {} if threshold is None else _cut(float(np.clip(threshold, first, ends[1])), float(ends[1]))
    x_axis["anchor"] = traces[-1]["yaxis"]
    return _figure(traces, x_axis, axes.pop("yaxis"), height=_TALL, barmode="overlay", showlegend=True, **cut, **axes)


def cost_sweep(sweep: CostSweep, *, x_title: str, now: float, is_share: bool = False) -> dict[str, Any]:
    """Coverage and risk of the cheapest threshold and what it is expected to cost, one below the other along one cost.

    Args:
        now: the value of that cost at present, where a line stands.
        is_share: whether it is a share, shown in percent.
    """
    lines = [
        ("coverage", sweep.coverage, "y", ".1%"),
        ("risk", sweep.risk, "y2", ".3~%"),
        (f"cost per {PER:,}", sweep.cost, "y3", ",.4g"),
    ]
    traces = []
    for i, (name, values, axis, number) in enumerate(lines):
        style = series_style(i)
        traces.append(
            {
                "type": "scatter", "mode": "lines", "name": name, "yaxis": axis,
                "x": sweep.values.tolist(), "y": _with_gaps(values),
                "line": {"color": style.color, "dash": style.dash, "width": 3},
                "hovertemplate": f"%{{y:{number}}}",
            }
        )  # fmt: skip
    return _figure(
        traces,
        _axis(escape(x_title), anchor="y3", **({"tickformat": "~%"} if is_share else {})),
        _shares("coverage") | {"domain": [0.72, 1]},
        height=_TALL,
        yaxis2=_axis("risk", domain=[0.36, 0.64], rangemode="tozero", tickformat="~%", nticks=4),
        yaxis3=_axis(f"cost per {PER:,}", domain=[0, 0.28], rangemode="tozero", nticks=4),
        shapes=[_NOW | {"x0": now, "x1": now}],
        hovermode="x unified",
        hoversubplots="axis",
    )


def set_sizes(counts: Mapping[str, IntArray]) -> dict[str, Any]:
    """Bars of how large prediction sets are: for each label, shares of ``counts (K + 1,)`` sets of 0..K classes."""
    largest = max((int(np.flatnonzero(of_size).max(initial=1)) for of_size in counts.values()), default=1)
    traces = []
    for i, (label, of_size) in enumerate(counts.items()):
        shown = np.asarray(of_size[: largest + 1])
        color, shape = series_style(i).color, ("", "/", ".", "x", "-", "+")[i % 6]
        traces.append(
            {
                "type": "bar", "name": escape(label), "x": list(range(len(shown))),
                "y": (shown / max(of_size.sum(), 1)).tolist(), "customdata": shown.tolist(),
                "marker": _filled(color, shape),
                "hovertemplate": "%{x} classes: %{y:.2%}, %{customdata:,} sets",
            }
        )  # fmt: skip
    x_axis = _axis("classes in the set (1: accepted)", **({"dtick": 1} if largest < 12 else {}))
    return _figure(traces, x_axis, _axis("share of sets", tickformat="~%", rangemode="tozero"), bargap=0.25)


def _risk_line(i: int, label: str, curve: RiskCoverageCurve, scale: RiskScale, point: Point | None) -> dict[str, Any]:
    thresholds, coverage, risk = (values[~np.isnan(curve.risk)] for values in curve)
    shown = visible(*scale.fractions(coverage, risk), None if point is None else scale.fractions(*point))
    thresholds, coverage, risk = thresholds[shown], coverage[shown], risk[shown]
    # The risk itself beside it, because a logarithmic axis has no place for 0.
    hover = "coverage %{x:.2%}<br>risk %{customdata:.2%}"
    return line(i, label, coverage, scale.drawn(risk), thresholds, hover) | {"customdata": risk.tolist()}


def _bars(row: int, edges: FloatArray, counts: IntArray, has_labels: bool) -> dict[str, Any]:
    name, shape = _GROUPS[row]
    return {
        "type": "bar",
        "name": f"{name if has_labels or row else 'examples'} {counts.sum():,}",
        "x": ((edges[1:] + edges[:-1]) / 2).tolist(),
        "width": np.diff(edges).tolist(),
        "y": counts.tolist(),
        "text": [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)],
        "textposition": "none",
        "marker": _filled(series_style(row).color, shape),
        "hovertemplate": "%{y:,} from %{text}",
    }


def _filled(color: str, shape: str) -> dict[str, Any]:
    """A bar told apart by more than its colour: full, or a pattern on nothing."""
    pattern = {"shape": shape, "fgcolor": color, "bgcolor": "rgba(0, 0, 0, 0)", "size": 7, "solidity": 0.45}
    return {"color": color, "line": {"color": color, "width": 1.25}, "pattern": pattern}


def _count_axis(counts: IntArray, most: int, log: bool) -> dict[str, Any]:
    if not log:
        return _axis("examples", nticks=3, rangemode="tozero", tickformat="~s")
    # From half a decade below 1, so that a single example is seen.
    ticks = sorted({1, 10 ** int(math.log10(most))})
    return _axis("examples", type="log", range=[-0.5, math.log10(most) + 0.1], tickvals=ticks, tickformat="~s")


def _first_bar(bins: MeasureBins) -> str:
    if not bins.n_below:
        return ""
    return f"<br>(first bar: also {bins.n_below:,} below {bins.log_edges[0]:.1g})"


def _cut(threshold: float, end: float) -> dict[str, Any]:
    """The threshold's line, and all above it shaded."""
    across: dict[str, Any] = {"yref": "paper", "y0": 0, "y1": 1, "x0": threshold}
    shade = {"type": "rect", "x1": end, "fillcolor": "rgba(136, 136, 136, 0.2)", "line": {"width": 0}, "layer": "below"}
    line = {"type": "line", "x1": threshold, "line": {"color": _GREY, "width": 4}}
    side: dict[str, Any] = {"xref": "paper", "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False}
    sides = [{"x": 0, "xanchor": "left", "text": "← accepted"}, {"x": 1, "xanchor": "right", "text": "deferred →"}]
    return {"shapes": [across | shade, across | line], "annotations": [side | which for which in sides]}


def _with_gaps(values: FloatArray) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _axis(title: str, **settings: Any) -> dict[str, Any]:
    return {"title": {"text": title, "standoff": 12}, "zeroline": False, "automargin": True, **settings}


def _shares(title: str, start: float = 0.0) -> dict[str, Any]:
    """An axis of shares from ``start`` to 1, with room at its ends for markers."""
    room = 0.03 * (1 - start)
    return _axis(title, range=[start - room, 1 + room], tickformat="~%")


def _figure(
    traces: list[dict[str, Any]], xaxis: dict[str, Any], yaxis: dict[str, Any], height: int = _HEIGHT, **settings: Any
) -> dict[str, Any]:
    # Above the annotations of a histogram.
    legend = {"orientation": "h", "y": 1.06 if "annotations" in settings else 1.02, "yanchor": "bottom", "x": 0}
    hover = {"font": {"size": FONT_SIZE}, "namelength": -1}
    margin = {"l": 10, "r": 28, "t": 10, "b": 10}  # At the right, half of a tick's label.
    made = layout(height, margin=margin, legend=legend, hoverlabel=hover, xaxis=xaxis, yaxis=yaxis, **settings)
    return {"data": traces, "layout": made}
