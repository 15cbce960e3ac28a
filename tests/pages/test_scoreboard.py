"""The scoreboard's page, for each task and group of figures."""

from __future__ import annotations

import pytest

from tests.app_pages import opened
from ui import scoreboard
from uqcore.datasets import load
from uqcore.scoreboard.campaign import TASKS

PAGE = "pages/scoreboard.py"


def words(page: object) -> str:
    return " ".join(each.value for kind in ("markdown", "caption") for each in getattr(page, kind))


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_its_answer_its_figures_and_its_links(task: str) -> None:
    app = opened(PAGE, board=load(task).title)
    said = words(app)
    assert f"Trained on {load(task).title}, **" in said or f"On {load(task).title}, **" in said
    assert "not measured" not in said
    n_figures = len(app.get("plotly_chart"))
    assert n_figures >= (4 if scoreboard.drifts(task) else 3)
    assert len(app.get("page_link")) >= 2  # to inputs, beside the way on


@pytest.mark.parametrize("column", ["Finds the unseen", "Finds its errors", "Answers", "Cost"])
def test_each_column_opens_by_its_link(column: str) -> None:
    app = opened(PAGE, board="MNIST", column=column)
    assert len(app.get("plotly_chart")) >= 3


def test_corruptions_stand_by_name() -> None:
    app = opened(PAGE, board="MNIST", drift_digits="Corruptions of MNIST-C")
    assert any('"canny edges"' in chart.proto.spec for chart in app.get("plotly_chart"))


def test_the_table_of_a_link_holds_the_figure_above_or_all_of_the_kinds_asked_for() -> None:
    link: dict[str, str | list[str]] = {"board": "MNIST 0 to 4", "board_table": "true"}
    above, every, controls = (
        opened(PAGE, **link, **more).dataframe[0].value
        for more in ({}, {"table_rows": "All figures"}, {"table_kinds": ["□ control"]})
    )
    assert set(above["Figure"]) == {"AUROC of unseen"}
    assert set(above["Against"]) == {"MNIST 5 to 9"}
    assert list(above["Mean"]) == sorted(above["Mean"], reverse=True)
    assert len(every) == sum(row.task == "digits_0_4" for row in scoreboard.rows())
    assert set(controls["Kind"]) == {"□ control"}
