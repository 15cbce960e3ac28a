"""Figures of many visitors at once, and what of a figure reaches the browser."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from tests import PATIENCE_S, ROOT
from uqcore.metrics.regression import QuantileCurve
from uqcore.plots import functions, selection, style
from uqcore.plots.spread import probability_spread
from uqcore.plots.sweep import sweep
from uqcore.plots.threshold_bins import measure_bins
from uqcore.selection import rank, risk_coverage_curve

RNG = np.random.default_rng(0)
X = np.linspace(-1, 1, 9)
RANKING = rank(RNG.random(50), RNG.random(50) > 0.2, RNG.random(20))
FIGURES = {
    "sweep": sweep([0.0, 0.5, 1.0], {"a": RNG.random(3)}, x_title="x", y_title="y", threshold=0.2, now=0.4),
    "spread": probability_spread(["a", "b"], [RNG.random(5), RNG.random(5)], [0.2, 0.7], "probability"),
    "spreads": functions.spreads(X, {"a": RNG.random(9), "b": RNG.random(9)}, gap=(-0.5, 0.5)),
    "quantiles": functions.quantiles({"a": QuantileCurve(np.array([0.1, 0.9]), np.array([0.2, 0.8]))}),
    "risk": selection.risk_coverage({"a": risk_coverage_curve(RANKING.table(None))}),
    "histogram": selection.histogram(
        measure_bins(RANKING.right, RANKING.wrong, RANKING.ood), threshold=0.4, measure_label="Entropy"
    ),
    "sets": selection.set_sizes({"LAC": np.array([3, 90, 7, 0])}),
    "empty": selection.roc({}),
}


def test_no_page_loads_a_library_of_which_it_needs_nothing_and_figures_are_plain_json() -> None:
    """They take a second and 100 MB. And of what is not plain JSON, Plotly asks a pandas that another visitor's page
    may have half loaded for what it has not got yet."""
    script = """
import sys
from _plotly_utils.utils import PlotlyJSONEncoder
from tests.app_pages import opened
from ui import page

def refuse(self, value):
    raise TypeError(f"{type(value)} in a figure")

PlotlyJSONEncoder.default = refuse
for door in page.DOORS:
    opened(door.path)
opened("pages/two_moons.py", point="0.5,0.2")
opened("pages/digit_lab.py", worse="true")
print(sorted({"pandas", "pyarrow", "sklearn", "keras", "tensorflow"} & {*sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]


def test_figures_are_shown_in_one_place() -> None:
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").glob("**/*.py")]
    assert [path.name for path in files if "plotly_chart" in path.read_text()] == ["charts.py"]


def page(figure: dict[str, object]) -> None:
    """A script that `AppTest` runs by its source: the figure twice, once in a place of its own."""
    import streamlit as st

    from ui import charts

    charts.chart(figure, "first")
    charts.chart(figure, "second", st.container())


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES.keys())
def test_a_figure_reaches_the_browser_as_it_is(figure: dict[str, Any]) -> None:
    before = copy.deepcopy(figure)
    app = AppTest.from_function(page, args=(figure,), default_timeout=PATIENCE_S).run()
    assert [error.value for error in app.exception] == []
    sent = [chart.proto for chart in app.get("plotly_chart")]
    assert len({chart.id for chart in sent}) == 2
    for chart in sent:
        assert json.loads(chart.spec) == style.in_pixels(before)
        assert json.loads(chart.config) == style.CONFIG
        assert chart.theme == "streamlit"
    assert figure == before


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES.keys())
def test_what_reaches_the_browser_is_what_plotlys_own_check_would_send(figure: dict[str, Any]) -> None:
    """Which Streamlit, given the dict, would have it do at every rerun: here it is done once for all."""
    sent = style.in_pixels(figure)
    validated = json.loads(go.Figure(sent).to_json())
    del validated["layout"]["template"]
    assert validated == json.loads(json.dumps(sent, allow_nan=False))


def test_numbers_that_json_lacks_are_gaps() -> None:
    line = {"type": "scatter", "x": [0.0, 1.0], "y": [1.0, float("nan")]}
    app = AppTest.from_function(
        page, args=({"data": [line], "layout": {"height": 300}},), default_timeout=PATIENCE_S
    ).run()
    (trace,) = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert trace["y"] == [1.0, None]
