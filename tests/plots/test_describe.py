"""Figures in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from uqcore.plots.describe import describe
from uqcore.plots.functions import spreads
from uqcore.plots.sweep import sweep

X = list(range(10))
LAYOUT = {"xaxis": {"title": {"text": "angle"}}, "yaxis": {"title": "share"}}


def figure(*traces: dict[str, Any]) -> dict[str, Any]:
    return {"data": list(traces), "layout": LAYOUT}


def test_where_lines_start_end_and_turn() -> None:
    said = describe(
        figure(
            {"name": "up", "x": X, "y": X},
            {"name": "down", "x": X, "y": X[::-1]},
            {"name": "hill", "x": X, "y": [0, 1, 2, 3, 9, 3, 2, 1, 0, 0]},
            {"name": "flat", "x": X, "y": [0.25] * 10},
            {"name": "guide", "x": X, "y": X, "hoverinfo": "skip"},
            {"x": X, "y": X},
        )
    )
    assert said == (
        "Chart of share by angle: up rises from 0 to 9; down falls from 9 to 0; "
        "hill goes from 0 to 0, least 0 at 0, most 9 at 4; flat: 0.25 everywhere."
    )


@pytest.mark.parametrize("ys", [X, X[::-1], [0, 1, 2, 3, 9, 3, 2, 1, 0, 0], [0.25] * 10, [1.0, np.nan, *X[2:]], [1, 2]])
def test_an_array_as_plotly_takes_it_is_told_as_its_numbers_are(ys: list[float]) -> None:
    def array(values: Sequence[float]) -> dict[str, str]:
        return {"dtype": "f4", "bdata": base64.b64encode(np.array(values, "<f4").tobytes()).decode()}

    xs = [10 * i for i in range(len(ys))]
    said = describe(figure({"name": "A", "x": array(xs), "y": array(ys)}))
    assert said == describe(figure({"name": "A", "x": xs, "y": ys}))
    assert describe(figure({"name": "A", "x": xs, "y": array(ys)})) == said


def test_few_points_are_told_one_by_one_and_what_does_not_exist_is_left_out() -> None:
    said = describe(
        figure({"name": "A", "x": [1, 2, 3], "y": [0.5, None, float("nan")]}, {"name": "B", "x": [], "y": []})
    )
    assert said == "Chart of share by angle: A: 0.5 at 1."
    assert describe({"data": [], "layout": {}}) == "Chart of values."


def test_names_of_categories_and_many_traces() -> None:
    assert describe(figure({"name": "A", "x": [0.5], "y": ["SNGP"]})) == "Chart of share by angle: A: SNGP at 0.5."
    many = describe(figure(*({"name": f"n{i}", "x": [1], "y": [i]} for i in range(15))))
    assert many.endswith(" And 3 more.")
    assert "n11: 11 at 1" in many
    assert "n12" not in many


def test_figures_of_pages_are_told() -> None:
    x = np.linspace(-6, 6, 25)
    assert describe(spreads(x, {"SNGP": 1 + x**2}, gap=(-1, 1))) == (
        "Chart of times as far as on the data by x: SNGP goes from 37 to 37, least 1 at 0, most 37 at -6."
    )
    said = describe(sweep([0, 1], {"SNGP": np.array([0.1, 0.9])}, x_title="noise weight", y_title="Own measure",
                          threshold=0.5, now=0.0, places={"SNGP": 0}))  # fmt: skip
    assert "SNGP: 0.1 at 0, 0.9 at 1" in said
