"""The scoreboard's figures."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from uqcore.plots.board import Line, Mark, Spot, against, forest, lines
from uqcore.plots.describe import describe
from uqcore.plots.names import beside


def test_rows_stand_in_their_order_with_their_intervals() -> None:
    marks = [
        Mark("Best <one>", 0, 0.9, 0.85, 0.97, "method", True),
        Mark("Pixels", 0, 0.8, None, None, "control"),
        Mark("Second", 1, 0.7, 0.6, 0.75),
    ]
    figure = forest(marks, "AUROC")
    go.Figure(figure)
    assert figure["layout"]["yaxis"]["categoryarray"] == ["<b>Best &lt;one&gt;</b>", "Pixels", "Second"]
    methods, controls = figure["data"]
    assert methods["x"] == [0.9, 0.7]
    assert [round(up, 9) for up in methods["error_x"]["array"]] == [0.07, 0.05]
    assert [round(down, 9) for down in methods["error_x"]["arrayminus"]] == [0.05, 0.1]
    assert controls["error_x"]["array"] == [0]  # none is said, and none is drawn
    assert set(methods["marker"]["symbol"]).isdisjoint(controls["marker"]["symbol"])


def test_one_row_has_room_for_its_axis_and_the_title_below() -> None:
    one, three = (forest([Mark(str(i), 0, 0.5, None, None) for i in range(n)], "AUROC") for n in (1, 3))
    assert one["layout"]["height"] == three["layout"]["height"]


def test_each_spot_has_its_name_and_neighbours_have_theirs_in_different_places() -> None:
    spots = [Spot("a <b>", 0, 1.0, 0.5), Spot("b", 1, 1.01, 0.5), Spot("c", 2, 100.0, 0.1)]
    figure = against(spots, "seconds", "AUROC", front=[(1.0, 0.5)], log_x=True)
    go.Figure(figure)
    front, drawn = figure["data"]
    assert (front["x"], front["y"]) == ([1.0], [0.5])
    assert drawn["x"] == [1.0, 1.01, 100.0]
    annotations = figure["layout"]["annotations"]
    assert len({one["opacity"] for one in annotations}) == 2  # for a phone and for a desktop
    beside = annotations[:3]
    assert [one["text"] for one in beside] == ["a &lt;b&gt;", "b", "c"]
    assert [one["x"] for one in beside] == pytest.approx([0, 0.00432, 2], abs=1e-5)  # logarithms
    assert (beside[0]["xanchor"], beside[0].get("ay")) != (beside[1]["xanchor"], beside[1].get("ay"))
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < 0
    assert high > 2
    assert {"1", "10", "100"} <= set(figure["layout"]["xaxis"]["ticktext"])


@pytest.mark.parametrize(("first", "wide"), [(0, 300), (9, 470)])  # on a phone, on a desktop
def test_names_of_crowded_points_do_not_meet_and_stay_inside(first: int, wide: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.3, 0.7, 9), rng.uniform(0.9, 0.92, 9)
    made = beside(["Entropy and distance"] * 9, x, y, ((0, 1), (0.5, 1)))[first : first + 9]
    boxes = []
    for one in made:  # as plotly places them, on a plot 340 high
        left = wide * one["x"] + one.get("ax", one.get("xshift"))
        middle = 340 * (1 - one["y"]) / 0.5 + one.get("ay", 0)
        width = 6.2 * len(one["text"])
        boxes.append((left if one["xanchor"] == "left" else left - width, middle, width))
    for i, (left, middle, width) in enumerate(boxes):
        assert left >= 0
        assert left + width <= wide
        for other, at, its in boxes[:i]:
            assert left + width <= other or other + its <= left or abs(middle - at) >= 18


def test_no_line_to_a_name_crosses_another_name_where_there_is_room() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.45, 0.6, 12), rng.uniform(0.8, 0.9, 12)
    made = beside(["Entropy and distance"] * 12, x, y, ((0, 1), (0.5, 1)))[12:]  # on a desktop's plot, 470 by 340
    width = 6.2 * len("Entropy and distance")
    ends = [(470 * one["x"], 680 * (1 - one["y"]), one.get("ax") or one["xshift"], one.get("ay", 0)) for one in made]
    assert sum(off != 0 for *_, off in ends) >= 3
    for i, (x0, y0, aside, off) in enumerate(ends):
        along = np.linspace(0, 1, 500)[:, None] * (aside, off) + (x0, y0)
        for j, (a, b, right, down) in enumerate(ends):
            if i == j or off == 0:
                continue
            left = a + right - width * (right < 0)
            least, most = np.array([left, b + down - 9]), np.array([left + width, b + down + 9])
            assert not ((along > least) & (along < most)).all(axis=1).any()


def test_what_points_with_names_show_is_said_name_by_name() -> None:
    marks = [Mark("Best", 0, 0.9, 0.85, 0.97, "method", True), Mark("Pixels", 0, 0.8, None, None, "control")]
    assert describe(forest(marks, "AUROC (higher is better)")) == (
        "Chart of values by AUROC (higher is better): method: Best at 0.9; control: Pixels at 0.8."
    )
    assert describe(against([Spot("a", 0, 3.0, 0.5)], "s", "AUROC")) == "Chart of AUROC by s: AUROC: a at 0.5."


def test_a_short_logarithmic_axis_has_several_ticks() -> None:
    axis = against([Spot("a", 0, 150.0, 0.5), Spot("b", 1, 310.0, 0.4)], "ms", "AUROC", log_x=True)["layout"]["xaxis"]
    low, high = axis["range"]
    assert sum(low <= np.log10(tick) <= high for tick in axis["tickvals"]) >= 2


def test_one_spot_and_none_are_figures() -> None:
    go.Figure(against([], "x", "y"))
    go.Figure(against([Spot("a", 0, 3.0, 3.0)], "x", "y", log_x=True))


def test_points_of_a_line_have_the_intervals_that_are_given() -> None:
    bars = lines([Line("a", 0, [0.5], [0.6], within=[(0.4, 0.7)])], "x", "y")["data"][0]["error_y"]
    assert (bars["arrayminus"], bars["array"]) == (pytest.approx([0.2]), pytest.approx([0.1]))
    assert "error_y" not in lines([Line("a", 0, [0.5], [0.6])], "x", "y")["data"][0]


def test_lines_with_a_diagonal_and_a_gap_at_0_of_a_logarithmic_axis() -> None:
    figure = lines([Line("a", 0, [0, 1], [0.0, 0.5], ["n", "m"])], "x", "y", diagonal=True, log_y=True)
    go.Figure(figure)
    diagonal, line = figure["data"]
    assert (diagonal["x"], diagonal["y"]) == ([0, 1], [0, 1])
    assert line["y"] == [None, 0.5]
