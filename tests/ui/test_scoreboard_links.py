"""Every figure of the scoreboard leads to the inputs behind it, by links that their pages understand."""

from __future__ import annotations

from typing import get_args

import pytest

from tests import ROOT
from tests.app_pages import buttons, opened
from ui import controls
from ui.scoreboard_links import Figure, leads
from uqcore.datasets import DATASETS, load
from uqcore.methods import METHODS
from uqcore.scoreboard.campaign import TASKS

LABELS = {method.label for method in METHODS.values()}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("figure", get_args(Figure))
def test_each_figure_of_each_task_leads_somewhere(task: str, figure: Figure) -> None:
    for unseen in load(task).ood_sets:
        found = leads(task, figure, unseen, ["odder_ensemble", "feature_density"])
        assert found
        for lead in found:
            assert (ROOT / lead.page).exists()
            assert lead.query.get("method", "SNGP") in LABELS
            assert lead.query.get("task", "MNIST") in controls.image_tasks().values()


def test_points_that_two_moons_does_not_show_are_no_link_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATASETS, "other_points", DATASETS["moons"])
    assert leads("moons", "errors", "cluster", ["sngp"])
    assert leads("other_points", "errors", "cluster", ["sngp"]) == []


def test_a_method_that_no_page_shows_is_passed_over() -> None:
    _, errors = leads("fashion", "unseen", "digits", ["entropy_and_distance", "sngp", "deterministic"])
    assert errors.query["method"] == "SNGP"


@pytest.mark.parametrize(("task", "unseen"), [("digits", "fashion"), ("fashion", "digits"), ("digits_0_4", "fashion")])
def test_the_gallery_opens_as_the_link_says(task: str, unseen: str) -> None:
    ends, errors = leads(task, "unseen", unseen, ["sngp"])
    for lead in (ends, errors):
        app = opened(lead.page, **lead.query)
        assert not app.exception
        assert app.selectbox(key="method").value == "sngp"
    key = controls.task_key("images", "fashion" if task == "fashion" else "digits")
    shown = opened(ends.page, **ends.query)
    assert buttons(shown, key).value == unseen
