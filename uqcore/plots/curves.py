"""What curves of thresholds are drawn with: the points that a screen can show, a line, a marker, an axis of risks."""

from __future__ import annotations

import math
from collections.abc import Collection
from html import escape
from typing import Any, NamedTuple

import numpy as np

from uqcore.plots.palette import series_style
from uqcore.selection import RiskCoverageCurve
from uqcore.types import FloatArray, IntArray

MOST_POINTS = 1000
"""A curve of more points is thinned to at most so many of them."""

Point = tuple[float, float]
"""x and y of a threshold on a curve."""

_SEEN = 0.01  # Of the axis of risks: less is not told from 0.
_FEW = 0.05  # Of coverage: the risk of the first few examples jumps, and would flatten all the rest.


class RiskScale(NamedTuple):
    """The axes of risk-coverage curves.

    Attributes:
        start: of the axis of coverage, which ends at 1.
        low: of the axis of risks: 0 for a linear one, else its lower end on a logarithmic one, where risks of 0 stand.
        high: its upper end.
    """

    start: float
    low: float
    high: float

    def drawn(self, risk: FloatArray | float) -> FloatArray:
        return np.maximum(risk, self.low)

    def fractions(self, coverage: FloatArray | float, risk: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        """How far along the axis of coverage, and how far up that of risks, each in 0..1."""
        along = (coverage - self.start) / (1 - self.start)
        log = self.low > 0
        up = np.log(self.drawn(risk) / self.low) / math.log(self.high / self.low) if log else risk / self.high
        return np.clip(along, 0, 1), np.clip(up, 0, 1)

    def axis(self) -> dict[str, Any]:
        """Of risks, for plotly."""
        if self.low == 0:
            return {"range": [-0.03 * self.high, self.high], "tickformat": "~%"}
        bottom, top = math.log10(self.low), math.log10(self.high)
        factors = (1,) if top - bottom > 2 else (1, 2, 5)
        every = [10.0**power * factor for power in range(math.floor(bottom), math.ceil(top)) for factor in factors]
        ticks = [tick for tick in every if 1.5 * self.low < tick <= self.high]
        return {
            "type": "log",
            "range": [bottom - 0.03 * (top - bottom), top],
            "tickvals": [self.low, *ticks],
            "ticktext": ["0%", *(f"{100 * tick:.4g}%" for tick in ticks)],
        }


def risk_scale(curves: Collection[RiskCoverageCurve], points: Collection[Point], log: bool) -> RiskScale:
    """Axes for all there is to see of the curves: not the risks of the first few examples, nor a long stretch at 0."""
    marked = np.array([risk for _, risk in points])
    high = float(np.concatenate([*(c.risk[c.coverage >= _FEW] for c in curves), marked]).max(initial=0)) * 1.05 or 0.01
    risks = np.concatenate([*(curve.risk for curve in curves), marked])
    low = float(risks[risks > 0].min(initial=high / 10)) / 2 if log else 0.0
    least = 0.0 if log else _SEEN * high
    rising = [float(curve.coverage[curve.risk > least].min(initial=1)) for curve in curves]
    start = min([*rising, *(coverage for coverage, _ in points)], default=0.0)
    return RiskScale(0.0 if start == 1 else math.floor(10 * start) / 10, low, high)


def visible(x: FloatArray, y: FloatArray, point: tuple[FloatArray | float, FloatArray | float] | None) -> IntArray:
    """Which points of a curve, in fractions of the axes, to draw: all, or some at even steps along it.

    The first, the last and the nearest to ``point`` are among them; any other is within a step of one that is.
    """
    if len(x) <= MOST_POINTS:
        return np.arange(len(x))
    way = np.append(0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    even = np.searchsorted(way, np.linspace(0, way[-1], MOST_POINTS - 2))
    nearest = [] if point is None else [int(np.hypot(x - point[0], y - point[1]).argmin())]
    return np.unique([*even, *nearest, len(x) - 1])


def line(i: int, label: str, x: FloatArray, y: FloatArray, thresholds: FloatArray, hover: str) -> dict[str, Any]:
    """A label's curve; ``hover`` says what x and y are."""
    style = series_style(i)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(label),
        "legendgroup": str(i),
        "x": x.tolist(),
        "y": y.tolist(),
        "text": [f"{threshold:.4g}" for threshold in thresholds],
        "line": {"color": style.color, "dash": style.dash, "width": 3},
        "hovertemplate": f"{hover}<br>threshold %{{text}}",
    }


def marker(i: int, label: str, x: float, y: float, *, hollow: bool, in_legend: bool) -> dict[str, Any]:
    """Where a label's threshold stands; it comes and goes with the label's line."""
    style = series_style(i)
    outline = {"width": 3, "color": style.color} if hollow else {"width": 2, "color": "white"}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(label),
        "legendgroup": str(i),
        "showlegend": in_legend,
        "x": [x],
        "y": [y],
        "marker": {"symbol": style.symbol + "-open" * hollow, "size": 15, "color": style.color, "line": outline},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }
