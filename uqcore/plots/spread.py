"""How far samples lie apart: one row a method, one tick a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from uqcore.plots.palette import series_style
from uqcore.plots.style import layout
from uqcore.types import FloatArray

_ROW_HEIGHT, _AXIS_HEIGHT = 52, 70


def probability_spread(
    labels: Sequence[str],
    samples: Sequence[FloatArray],
    predictive: Sequence[float],
    title: str,
    places: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """A plotly figure (as a dict): a row per label from the top, a tick per sample, a diamond at the prediction.

    Args:
        samples: per label the probability in each sample, ``(S,)``; lengths may differ.
        predictive: per label the predictive probability.
        title: of the horizontal axis.
        places: label -> number of its colour; else they count up.
    """
    traces: list[dict[str, Any]] = []
    for row, (label, values, prediction) in enumerate(zip(labels, samples, predictive, strict=True)):
        color = series_style((places or {}).get(label, row)).color
        ticks = {"symbol": "line-ns-open", "size": 22, "color": color, "opacity": 0.55, "line": {"width": 2}}
        diamond = {"symbol": "diamond", "size": 14, "color": color, "line": {"width": 2, "color": "white"}}
        traces += [
            {
                "type": "scatter", "mode": "markers", "x": np.round(values, 4).tolist(), "y": [label] * len(values),
                "marker": ticks, "hovertemplate": "%{x:.3f}<extra>" + label + ", one sample</extra>",
            },
            {
                "type": "scatter", "mode": "markers", "x": [round(float(prediction), 4)], "y": [label],
                "marker": diamond, "hovertemplate": "%{x:.3f}<extra>" + label + ", prediction</extra>",
            },
        ]  # fmt: skip
    return {
        "data": traces,
        "layout": layout(
            _AXIS_HEIGHT + _ROW_HEIGHT * len(labels),
            showlegend=False,
            xaxis={"range": [-0.03, 1.03], "title": {"text": title}, "zeroline": False},
            yaxis={"autorange": "reversed", "type": "category", "ticksuffix": "  "},
        ),
    }
