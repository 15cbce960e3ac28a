"""Figures: the very numbers, as plotly understands them, and two signals a series."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from uqcore.plots.spread import probability_spread
from uqcore.plots.style import FONT_SIZE, layout
from uqcore.plots.sweep import sweep

X = [0.0, 0.5, 1.0]
LINES = {f"method {i}": np.random.default_rng(i).random(3) for i in range(5)}
SAMPLES = [np.random.default_rng(i).random(n) for i, n in enumerate((1, 50, 10, 50, 50))]
PREDICTIVE = [0.1, 0.2, 0.3, 0.4, 0.51237]


def sweep_figure() -> dict[str, Any]:
    return sweep(X, LINES, x_title="noise weight", y_title="Entropy", threshold=0.2, now=0.35)


def spread_figure() -> dict[str, Any]:
    return probability_spread(list(LINES), SAMPLES, PREDICTIVE, "probability")


@pytest.mark.parametrize("figure", [sweep_figure(), spread_figure(), sweep([], {}, x_title="", y_title="",
                                    threshold=0, now=0), probability_spread([], [], [], "")])  # fmt: skip
def test_plotly_takes_the_figure(figure: dict[str, Any]) -> None:
    """`go.Figure` refuses any name or value that plotly does not know."""
    drawn = go.Figure(figure)
    assert len(drawn.data) == len(figure["data"])
    assert drawn.layout.font.size == FONT_SIZE


def test_a_line_a_method_with_the_numbers_given() -> None:
    traces = sweep_figure()["data"]
    assert [trace["name"] for trace in traces] == list(LINES)
    for trace, y in zip(traces, LINES.values(), strict=True):
        assert trace["x"] == X
        np.testing.assert_allclose(trace["y"], y, atol=0.5e-4)


def test_no_two_lines_share_a_colour_a_dash_or_a_symbol() -> None:
    traces = sweep_figure()["data"]
    for signal in (
        [trace["line"]["color"] for trace in traces],
        [trace["line"]["dash"] for trace in traces],
        [trace["marker"]["symbol"] for trace in traces],
    ):
        assert len(set(signal)) == len(LINES)


def test_guides_stand_at_the_threshold_and_at_the_slider() -> None:
    horizontal, vertical = sweep_figure()["layout"]["shapes"]
    assert (horizontal["y0"], horizontal["y1"], horizontal["xref"]) == (0.2, 0.2, "paper")
    assert (vertical["x0"], vertical["x1"], vertical["yref"]) == (0.35, 0.35, "paper")


def test_axes_are_named_and_hold_all_shares() -> None:
    made = sweep_figure()["layout"]
    assert (made["xaxis"]["title"]["text"], made["yaxis"]["title"]["text"]) == ("noise weight", "Entropy")
    for axis in (made["yaxis"], spread_figure()["layout"]["xaxis"]):
        low, high = axis["range"]
        assert low < 0
        assert high > 1


def test_a_row_a_method_from_the_top_with_a_tick_a_sample_and_a_diamond() -> None:
    figure = spread_figure()
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"
    ticks, diamonds = figure["data"][::2], figure["data"][1::2]
    for label, values, prediction, tick, diamond in zip(LINES, SAMPLES, PREDICTIVE, ticks, diamonds, strict=True):
        np.testing.assert_allclose(tick["x"], values, atol=0.5e-4)
        assert tick["y"] == [label] * len(values)
        np.testing.assert_allclose(diamond["x"], [prediction], atol=0.5e-4)
        assert diamond["y"] == [label]
        assert tick["marker"]["color"] == diamond["marker"]["color"]
        assert tick["marker"]["symbol"] != diamond["marker"]["symbol"]
    assert len({tick["marker"]["color"] for tick in ticks}) == len(LINES)


def test_more_rows_are_higher_and_settings_reach_the_layout() -> None:
    two = probability_spread(["a", "b"], [np.ones(1)] * 2, [1, 1], "")
    three = probability_spread(["a", "b", "c"], [np.ones(1)] * 3, [1, 1, 1], "")
    assert two["layout"]["height"] < three["layout"]["height"]
    assert layout(100, showlegend=False)["showlegend"] is False


def test_rows_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        probability_spread(["a", "b"], [np.ones(1)], [1], "")
