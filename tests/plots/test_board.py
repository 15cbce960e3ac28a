"""The scoreboard's figures."""

from __future__ import annotations

import plotly.graph_objects as go

from uqcore.plots.board import Line, Mark, Spot, against, forest, lines


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


def test_each_spot_has_its_name_and_neighbours_have_theirs_on_different_sides() -> None:
    spots = [Spot("a", 0, 1.0, 0.5), Spot("b", 1, 1.01, 0.5), Spot("c", 2, 100.0, 0.1)]
    figure = against(spots, "seconds", "AUROC", front=[(1.0, 0.5)], log_x=True)
    go.Figure(figure)
    front, drawn = figure["data"]
    assert (front["x"], front["y"]) == ([1.0], [0.5])
    assert [text.strip() for text in drawn["text"]] == ["a", "b", "c"]
    assert drawn["textposition"][0] != drawn["textposition"][1]
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < 0
    assert high > 2


def test_one_spot_and_none_are_figures() -> None:
    go.Figure(against([], "x", "y"))
    go.Figure(against([Spot("a", 0, 3.0, 3.0)], "x", "y", log_x=True))


def test_lines_with_a_diagonal_and_a_gap_at_0_of_a_logarithmic_axis() -> None:
    figure = lines([Line("a", 0, [0, 1], [0.0, 0.5], ["n", "m"])], "x", "y", diagonal=True, log_y=True)
    go.Figure(figure)
    diagonal, line = figure["data"]
    assert (diagonal["x"], diagonal["y"]) == ([0, 1], [0, 1])
    assert line["y"] == [None, 0.5]
