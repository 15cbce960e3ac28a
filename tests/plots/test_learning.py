"""Learning curves."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from uqcore.plots.curves import MOST_POINTS
from uqcore.plots.learning import learning


def lines(figure: dict[str, Any]) -> list[tuple[list[Any], list[Any]]]:
    go.Figure(figure)
    return [(trace["x"], trace["y"]) for trace in figure["data"]]


def test_runs_stand_over_each_other_with_gaps_between() -> None:
    figure = learning({"training": [([1, 2], [0.5, 0.25]), ([1], [0.75])]}, "loss", 2, log=True)
    assert lines(figure) == [([1, 2, None, 1], [0.5, 0.25, None, 0.75])]
    assert figure["layout"]["xaxis"]["range"] == [0.5, 2.5]


def test_what_is_not_finite_is_a_gap_and_nothing_is_an_empty_figure() -> None:
    assert lines(learning({"training": [([1, 2], [math.nan, 1.0])]}, "loss", 2)) == [([1, 2], [None, 1.0])]
    assert lines(learning({"training": [], "validation": []}, "loss", 1)) == [([], []), ([], [])]


def test_a_logarithmic_axis_has_round_ticks() -> None:
    axis = learning({"training": [([1, 2], [0.7, 0.03])]}, "loss", 2, log=True)["layout"]["yaxis"]
    assert axis["type"] == "log"
    assert axis["ticktext"] == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]
    assert "type" not in learning({"training": [([1, 2], [0.7, 0.1])]}, "loss", 2, log=True)["layout"]["yaxis"]


def test_an_axis_with_a_0_is_linear() -> None:
    assert "type" not in learning({"training": [([1, 2], [0.0, 1.0])]}, "loss", 2, log=True)["layout"]["yaxis"]


def test_many_epochs_are_thinned_and_each_run_keeps_its_ends() -> None:
    epochs = list(range(1, 3001))
    ((x, _),) = lines(learning({"training": [(epochs, [1.0] * 3000)] * 3}, "loss", 3000))
    assert len(x) <= MOST_POINTS + 10
    assert (x[0], x[-1], x.count(1), x.count(3000)) == (1, 3000, 3, 3)
