"""Learning curves: a metric by epochs, of one model or of the parts of one, drawn over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from uqcore.plots import style
from uqcore.plots.curves import MOST_POINTS
from uqcore.plots.palette import series_style

Runs = Sequence[tuple[Sequence[int], Sequence[float]]]
"""Of each model, in the order in which they were trained: epochs and figures."""

_FEW = 10  # epochs that each have a tick: there is none between two


def learning(curves: Mapping[str, Runs], title: str, n_epochs: int, *, log: bool = False) -> dict[str, Any]:
    """Lines of a metric by label, e.g. ``training`` and ``validation``; a figure that is not finite is a gap.

    Args:
        n_epochs: where the axis ends, which does not move while a model learns.
        log: logarithmic, where every figure is positive and the largest is ten times the least.
    """
    few = n_epochs <= _FEW
    drawn = {label: _one_line(runs) for label, runs in curves.items()}
    values = [y for _, line in drawn.values() for y in line if y is not None]
    axis = _log_axis(min(values), max(values)) if log and values and min(values) > 0 else {}
    traces = [
        {
            "type": "scatter",
            "mode": "lines" if len(x) > 1 else "markers",
            "name": escape(label),
            "x": x,
            "y": y,
            "line": {"color": series_style(i).color, "dash": series_style(i).dash, "width": 2},
            "marker": {"color": series_style(i).color, "symbol": series_style(i).symbol, "size": 9},
            "hovertemplate": f"epoch %{{x}}<br>{escape(title)} %{{y:.4g}}",
        }
        for i, (label, (x, y)) in enumerate(drawn.items())
    ]
    layout = style.layout(
        260,
        xaxis={"title": {"text": "epoch"}, "range": [0.5, max(n_epochs, 2) + 0.5], **({"dtick": 1} if few else {})},
        yaxis={"title": {"text": escape(title)}, **axis},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        showlegend=True,
    )
    return {"data": traces, "layout": layout}


def _log_axis(low: float, high: float) -> dict[str, Any]:
    if high < 10 * low:
        return {}
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if top - bottom > 3 else (1, 2, 5)
    ticks = [factor * 10.0**power for power in range(bottom, top + 1) for factor in factors]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _one_line(runs: Runs) -> tuple[list[int | None], list[float | None]]:
    """The runs one after the other with gaps between, thinned to what a screen can show; each keeps its last point."""
    every = max(1, math.ceil(sum(len(x) for x, _ in runs) / MOST_POINTS))
    xs: list[int | None] = []
    ys: list[float | None] = []
    for x, y in runs:
        kept = [*range(0, len(x) - 1, every), len(x) - 1] if x else []
        xs += [*(x[i] for i in kept), None]
        ys += [*(y[i] if math.isfinite(y[i]) else None for i in kept), None]
    return xs[:-1], ys[:-1]
