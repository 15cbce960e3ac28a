"""Figures of the regression page: the very numbers, as plotly understands them, and a style a method."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from uqcore.metrics.regression import QuantileCurve
from uqcore.plots.describe import values_of
from uqcore.plots.functions import quantiles, spreads
from uqcore.plots.palette import series_style
from uqcore.plots.style import FONT_SIZE

X = np.linspace(-6, 6, 25)
STDS = {f"method {i}": np.random.default_rng(i).random(len(X)) for i in range(5)}
LEVELS = np.arange(0.05, 0.96, 0.05)
CURVES = {label: QuantileCurve(LEVELS, LEVELS**i) for i, label in enumerate(STDS, 1)}
PLACES = {label: 4 - i for i, label in enumerate(STDS)}


def spreads_figure(**options: Any) -> dict[str, Any]:
    return spreads(X, STDS, gap=(-1.0, 2.5), **options)


@pytest.mark.parametrize("figure", [spreads_figure(), quantiles(CURVES), spreads(X, {}, gap=(0.0, 1.0)), quantiles({})])
def test_plotly_takes_the_figure(figure: dict[str, Any]) -> None:
    """`go.Figure` refuses any name or value that plotly does not know."""
    drawn = go.Figure(figure)
    assert len(drawn.data) == len(figure["data"])
    assert drawn.layout.font.size == FONT_SIZE


def test_a_line_a_method_with_the_numbers_given() -> None:
    traces = spreads_figure()["data"]
    assert [trace["name"] for trace in traces] == list(STDS)
    for trace, std in zip(traces, STDS.values(), strict=True):
        np.testing.assert_allclose(values_of(trace["x"]), X, atol=0.5e-4)
        np.testing.assert_allclose(values_of(trace["y"]), std, atol=0.5e-4)


def test_the_gap_is_shaded_from_end_to_end() -> None:
    shade, once = spreads_figure()["layout"]["shapes"]
    assert once["y0"] == once["y1"] == 1
    assert (shade["x0"], shade["x1"], shade["xref"]) == (-1, 2.5, "x")
    assert (shade["y0"], shade["y1"], shade["yref"]) == (0, 1, "paper")


def test_quantiles_are_drawn_against_the_diagonal() -> None:
    diagonal, *traces = quantiles(CURVES)["data"]
    assert diagonal["x"] == diagonal["y"] == [0, 1]
    assert [trace["name"] for trace in traces] == list(CURVES)
    for trace, (levels, observed) in zip(traces, CURVES.values(), strict=True):
        np.testing.assert_allclose(values_of(trace["x"]), levels, atol=0.5e-4)
        np.testing.assert_allclose(values_of(trace["y"]), observed, atol=0.5e-4)
    layout = quantiles(CURVES)["layout"]
    assert layout["xaxis"]["range"] == layout["yaxis"]["range"] == [0, 1]


@pytest.mark.parametrize(("places", "numbers"), [(None, range(5)), (PLACES, [4, 3, 2, 1, 0])])
def test_each_method_has_the_style_of_its_place(places: dict[str, int] | None, numbers: list[int]) -> None:
    styles = [series_style(number) for number in numbers]
    for traces in (spreads_figure(places=places)["data"], quantiles(CURVES, places)["data"][1:]):
        assert [trace["line"]["color"] for trace in traces] == [style.color for style in styles]
        assert [trace["line"]["dash"] for trace in traces] == [style.dash for style in styles]
    symbols = [trace["marker"]["symbol"] for trace in quantiles(CURVES, places)["data"][1:]]
    assert symbols == [style.symbol for style in styles]
