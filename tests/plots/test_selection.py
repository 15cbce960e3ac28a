"""Figures of a threshold: the arrays in them are those of the rankings, and each series has two signals."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from uqcore.plots.curves import MOST_POINTS
from uqcore.plots.selection import cost_sweep, histogram, risk_coverage, roc, set_sizes
from uqcore.plots.style import FONT_SIZE
from uqcore.plots.threshold_bins import measure_bins
from uqcore.selection import Ranking, error_roc, ood_roc, rank, risk_coverage_curve
from uqcore.selection.cost import Costs
from uqcore.selection.optimum import CostSweep, rank_outcomes


def ranking(n: int = 400, seed: int = 0) -> Ranking:
    rng = np.random.default_rng(seed)
    measure = rng.random(n) ** 3
    return rank(measure, rng.random(n) > 0.6 * measure, 0.2 + rng.random(n // 2))


RANKINGS = {f"method {i}": ranking(seed=i) for i in range(5)}
RISKS = {label: risk_coverage_curve(r.table(None)) for label, r in RANKINGS.items()}
ROCS = {label: ood_roc(r.table(None)) for label, r in RANKINGS.items()}
BINS = measure_bins(RANKINGS["method 0"].right, RANKINGS["method 0"].wrong, RANKINGS["method 0"].ood)
ONLY_RIGHT = measure_bins(np.array([0.0, 0.5, 1.0]), np.array([]))


def swept() -> CostSweep:
    rng = np.random.default_rng(0)
    outcomes = rank_outcomes(rng.random(300), rng.integers(0, 2, 300), rng.integers(0, 2, 300), 2)
    return outcomes.sweep(Costs.uniform(2, deferral=0.1), "deferral", np.linspace(-0.5, 1, 7))


def points_of(rankings: dict[str, Ranking], threshold: float) -> dict[str, tuple[float, float]]:
    found = {label: r.at(threshold) for label, r in rankings.items()}
    return {label: (at.coverage, 1 - at.accuracy) for label, at in found.items()}


def lines(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["mode"] == "lines"]


def markers(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["mode"] == "markers"]


FIGURES = {
    "risk": risk_coverage(RISKS, points=points_of(RANKINGS, 0.2)),
    "log risk": risk_coverage(RISKS, points=points_of(RANKINGS, -1), log_risk=True),
    "no risk": risk_coverage({}),
    "roc": roc(ROCS, points=dict.fromkeys(ROCS, (0.1, 0.7))),
    "no roc": roc({}, positive="errors"),
    "histogram": histogram(BINS, threshold=0.4, measure_label="Entropy (nats)"),
    "log histogram": histogram(BINS, threshold=math.inf, measure_label="Entropy", log_x=True, log_y=False),
    "one row": histogram(ONLY_RIGHT, threshold=None, measure_label="Entropy", has_labels=False),
    "cost": cost_sweep(swept(), x_title="cost of a deferral", now=0.3),
    "sets": set_sizes({"LAC": np.array([3, 90, 7, 0]), "APS": np.array([0, 80, 15, 5])}),
    "no sets": set_sizes({}),
}


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES.keys())
def test_plotly_takes_the_figure_and_json_too(figure: dict[str, Any]) -> None:
    """`go.Figure` refuses any name or value that plotly does not know."""
    drawn = go.Figure(figure)
    assert len(drawn.data) == len(figure["data"])
    assert drawn.layout.font.size == drawn.layout.hoverlabel.font.size == FONT_SIZE
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


@pytest.mark.parametrize("figure", [FIGURES["risk"], FIGURES["roc"]])
def test_no_two_curves_share_a_colour_a_dash_or_a_symbol(figure: dict[str, Any]) -> None:
    drawn, marked = lines(figure), markers(figure)
    assert len({line["line"]["color"] for line in drawn}) == len({line["line"]["dash"] for line in drawn}) == 5
    assert len({mark["marker"]["symbol"] for mark in marked}) == 5
    for line, mark in zip(drawn, marked, strict=True):
        assert line["line"]["color"] == mark["marker"]["color"]
        assert line["legendgroup"] == mark["legendgroup"]  # A click on the legend hides both.
        assert not mark["showlegend"]


def test_risk_coverage_draws_the_curve_without_its_undefined_risk() -> None:
    for line, curve in zip(lines(risk_coverage(RISKS)), RISKS.values(), strict=True):
        assert np.isnan(curve.risk[0])
        assert line["x"] == curve.coverage[1:].tolist()
        assert line["y"] == line["customdata"] == curve.risk[1:].tolist()
        assert line["text"] == [f"{threshold:.4g}" for threshold in curve.thresholds[1:]]


@pytest.mark.parametrize("threshold", [0.001, 0.2, math.inf])
def test_a_marker_stands_where_the_ranking_says_and_on_its_line(threshold: float) -> None:
    figure = risk_coverage(RISKS, points=points_of(RANKINGS, threshold))
    for r, line, mark in zip(RANKINGS.values(), lines(figure), markers(figure), strict=True):
        at = r.at(threshold)
        assert (mark["x"], mark["y"]) == ([at.coverage], [1 - at.accuracy])
        assert not mark["marker"]["symbol"].endswith("-open")
        on_line = line["x"].index(at.coverage)
        assert line["y"][on_line] == pytest.approx(1 - at.accuracy)


@pytest.mark.parametrize("log_risk", [False, True])
def test_a_marker_of_nothing_accepted_is_hollow_and_at_the_origin(log_risk: bool) -> None:
    figure = risk_coverage(RISKS, points=points_of(RANKINGS, -1), log_risk=log_risk)
    axis = figure["layout"]["yaxis"]
    for mark in markers(figure):
        assert mark["x"] == [0]
        assert mark["y"] == [axis["tickvals"][0] if log_risk else 0]
        assert mark["marker"]["symbol"].endswith("-open")
    assert figure["layout"]["xaxis"]["range"][0] < 0


def test_on_a_logarithmic_axis_only_risks_of_0_move_to_its_lower_end() -> None:
    figure = risk_coverage(RISKS, log_risk=True)
    end, label = (figure["layout"]["yaxis"][name][0] for name in ("tickvals", "ticktext"))
    assert label == "0%"
    zeros = 0
    for line, curve in zip(lines(figure), RISKS.values(), strict=True):
        for drawn, risk in zip(line["y"], curve.risk[1:], strict=True):
            assert drawn == (risk if risk > 0 else end)
            zeros += risk == 0
        assert line["customdata"] == curve.risk[1:].tolist()
    assert zeros > 0


@pytest.mark.parametrize("log_risk", [False, True])
def test_a_long_curve_loses_points_but_changes_none(log_risk: bool) -> None:
    large = dataclasses.replace(ranking(20_000), ood=None)
    curve, at = risk_coverage_curve(large.table(None)), large.at(0.123)
    figure = risk_coverage({"m": curve}, points={"m": (at.coverage, 1 - at.accuracy)}, log_risk=log_risk)
    (line,) = lines(figure)
    assert 500 < len(line["x"]) <= MOST_POINTS
    kept = np.searchsorted(curve.coverage, line["x"])
    assert line["x"] == curve.coverage[kept].tolist()
    assert line["customdata"] == curve.risk[kept].tolist()
    assert line["text"] == [f"{threshold:.4g}" for threshold in curve.thresholds[kept]]
    assert (line["x"][0], line["x"][-1]) == (curve.coverage[1], 1)
    assert at.coverage in line["x"]


@pytest.mark.parametrize("figure", [risk_coverage, roc])
def test_a_point_without_a_curve_has_its_own_colour_and_legend(figure: Any) -> None:
    curves = {"threshold": (RISKS if figure is risk_coverage else ROCS)["method 0"]}
    drawn = figure(curves, points={"sets of one class": (0.5, 0.25)})
    line, mark = drawn["data"]
    assert (line["name"], mark["name"], mark["showlegend"]) == ("threshold", "sets of one class", True)
    assert (mark["x"], mark["y"]) == ([0.5], [0.25])
    assert line["line"]["color"] != mark["marker"]["color"]


def test_roc_draws_the_curve_its_marker_and_chance() -> None:
    at = {label: r.at(0.3) for label, r in RANKINGS.items()}
    points = {label: (1 - a.coverage, 1 - a.ood_accepted) for label, a in at.items()}
    figure = roc(ROCS, points=points)
    for line, mark, curve, point in zip(lines(figure), markers(figure), ROCS.values(), points.values(), strict=True):
        assert (line["x"], line["y"]) == (curve.fpr.tolist(), curve.tpr.tolist())
        assert (*mark["x"], *mark["y"]) == point
        assert np.hypot(curve.fpr - point[0], curve.tpr - point[1]).min() < 1e-12
    (chance,) = figure["layout"]["shapes"]
    assert [chance[end] for end in ("x0", "y0", "x1", "y1")] == [0, 0, 1, 1]
    assert figure["layout"]["yaxis"]["title"]["text"] == "OOD deferred"
    errors = roc({}, positive="errors")["layout"]
    assert [errors[axis]["title"]["text"] for axis in ("xaxis", "yaxis")] == [
        "right predictions deferred",
        "errors deferred",
    ]


def test_a_roc_without_positives_or_without_negatives_is_left_out() -> None:
    measure = np.array([0.1, 0.2])
    curves = {
        "no error": error_roc(rank(measure, np.array([True, True])).table()),
        "both": error_roc(rank(measure, np.array([True, False])).table()),
        "no OOD": ood_roc(rank(measure, np.array([True, True])).table()),
    }
    figure = roc(curves, points={"no OOD": (0.5, float("nan")), "both": (1.0, 1.0)})
    line, mark = figure["data"]
    assert line["name"] == mark["name"] == "both"
    assert mark["marker"]["symbol"].endswith("-open")
    assert lines(roc(ROCS))[1]["line"] == line["line"]  # It has the style of its place among all.


@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("log_y", [False, True])
def test_a_histogram_has_a_row_a_group_with_every_count(log_x: bool, log_y: bool) -> None:
    figure = histogram(BINS, threshold=0.4, measure_label="Entropy", log_x=log_x, log_y=log_y)
    edges, counts = (BINS.log_edges, BINS.log_counts) if log_x else (BINS.linear_edges, BINS.linear_counts)
    assert [bars["name"] for bars in figure["data"]] == [
        f"{name} {total}" for name, total in zip(("right", "wrong", "OOD"), counts.sum(axis=1), strict=True)
    ]
    layout = figure["layout"]
    for bars, row in zip(figure["data"], counts, strict=True):
        assert bars["y"] == row.tolist()
        left = np.array(bars["x"]) - np.array(bars["width"]) / 2
        np.testing.assert_allclose(left, edges[:-1], atol=1e-12)
        np.testing.assert_allclose(left + bars["width"], edges[1:])
        axis = layout[bars["yaxis"].replace("y", "yaxis")]
        assert axis.get("type") == ("log" if log_y else None)
        if log_y:
            assert axis["range"][0] < 0 < np.log10(counts.max()) < axis["range"][1]
    domains = [layout[axis]["domain"] for axis in ("yaxis3", "yaxis2", "yaxis")]
    assert np.ravel(domains).tolist() == sorted(np.ravel(domains))
    assert (domains[0][0], domains[-1][1]) == (0, 1)
    ends = np.array(layout["xaxis"]["range"])
    np.testing.assert_allclose(10**ends if log_x else ends, edges[[0, -1]])


def test_groups_of_a_histogram_differ_in_colour_and_in_pattern() -> None:
    marks = [bars["marker"] for bars in FIGURES["histogram"]["data"]]
    assert len({mark["color"] for mark in marks}) == len({mark["pattern"]["shape"] for mark in marks}) == 3


@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize("threshold", [-math.inf, 0.4, math.inf])
def test_what_the_threshold_defers_is_shaded(threshold: float, log_x: bool) -> None:
    layout = histogram(BINS, threshold=threshold, measure_label="Entropy", log_x=log_x)["layout"]
    shade, line = layout["shapes"]
    low, high = (BINS.log_edges if log_x else BINS.linear_edges)[[0, -1]]
    expected = {-math.inf: low, math.inf: high}.get(threshold, threshold)
    assert (shade["type"], shade["x0"], shade["x1"]) == ("rect", expected, high)
    assert line["x0"] == line["x1"] == expected
    assert [note["text"] for note in layout["annotations"]] == ["← accepted", "deferred →"]


def test_a_histogram_of_thresholds_per_class_has_no_line() -> None:
    layout = FIGURES["one row"]["layout"]
    assert not {"shapes", "annotations", "yaxis2"} & set(layout)
    assert [bars["name"] for bars in FIGURES["one row"]["data"]] == ["examples 3"]


def test_a_histogram_says_what_its_first_bar_holds_beside() -> None:
    assert ONLY_RIGHT.n_below == 1
    drawn = histogram(ONLY_RIGHT, threshold=None, measure_label="Entropy", log_x=True)["layout"]["xaxis"]
    assert drawn["title"]["text"] == "Entropy<br>(first bar: also 1 below 0.5)"
    assert FIGURES["one row"]["layout"]["xaxis"]["title"]["text"] == "Entropy"


def test_a_measure_that_is_always_0_has_a_linear_axis() -> None:
    bins = measure_bins(np.zeros(3), np.zeros(1))
    assert "type" not in histogram(bins, threshold=0.0, measure_label="m", log_x=True)["layout"]["xaxis"]


def test_cost_sweep_draws_the_sweep_in_three_panels_with_a_line_at_the_present_cost() -> None:
    sweep = swept()
    coverage, risk, cost = FIGURES["cost"]["data"]
    for trace, values in ((coverage, sweep.coverage), (risk, sweep.risk), (cost, sweep.cost)):
        assert trace["x"] == sweep.values.tolist()
        drawn = np.array([math.nan if y is None else y for y in trace["y"]])
        np.testing.assert_array_equal(drawn, values)
    assert np.isnan(sweep.risk[0])  # Deferring is a gain: nothing is accepted.
    assert [trace["yaxis"] for trace in (coverage, risk, cost)] == ["y", "y2", "y3"]
    layout = FIGURES["cost"]["layout"]
    assert layout["yaxis3"]["domain"][1] < layout["yaxis2"]["domain"][0]
    assert layout["yaxis2"]["domain"][1] < layout["yaxis"]["domain"][0]
    assert [(shape["x0"], shape["x1"]) for shape in layout["shapes"]] == [(0.3, 0.3)]
    assert "tickformat" not in layout["xaxis"]
    of_shares = cost_sweep(sweep, x_title="share of unseen", now=0.1, is_share=True)["layout"]
    assert of_shares["xaxis"]["tickformat"] == "~%"
    assert layout["xaxis"]["title"]["text"] == "cost of a deferral"


def test_set_sizes_are_shares_up_to_the_largest_set() -> None:
    lac, aps = FIGURES["sets"]["data"]
    assert lac["x"] == aps["x"] == [0, 1, 2, 3]
    assert (lac["y"], aps["y"]) == ([0.03, 0.9, 0.07, 0], [0, 0.8, 0.15, 0.05])
    assert aps["customdata"] == [0, 80, 15, 5]
    (alone,) = set_sizes({"LAC": np.array([3, 90, 7, 0])})["data"]
    assert alone["x"] == [0, 1, 2]
    assert lac["marker"]["pattern"]["shape"] != aps["marker"]["pattern"]["shape"]


def test_markup_in_a_visitors_label_is_text() -> None:
    label = "<a href='https://example.org'>x</a>"
    figures = [
        risk_coverage({label: RISKS["method 0"]}, points={label: (0.5, 0.1)}),
        roc({label: ROCS["method 0"]}, points={label: (0.5, 0.5)}),
        histogram(BINS, threshold=0.0, measure_label=label),
        cost_sweep(swept(), x_title=label, now=0.3),
        set_sizes({label: np.array([0, 1])}),
    ]
    for figure in figures:
        assert "<a" not in json.dumps(figure)
        assert "&lt;a" in json.dumps(figure)
