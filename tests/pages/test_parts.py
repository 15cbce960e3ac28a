"""What runs again when a slider moves: the slider and what follows from it, not what stands above."""

from __future__ import annotations

import pytest

from tests.hostile_client import Client, run

WITH_PARTS = "digit_lab", "two_moons", "regression", "gallery"


@pytest.mark.parametrize("page", WITH_PARTS)
def test_a_slider_runs_all_sliders_and_what_they_change_but_no_choice(dashboard: str, page: str) -> None:
    async def move() -> None:
        async with Client(dashboard) as client:
            whole = await client.ask(page)
            sliders = {name for name, kind in whole.widgets.items() if kind == "slider"}
            (fragment,) = {whole.fragments[name] for name in sliders}
            moved = await client.ask(page, fragment=fragment)
        assert moved.exceptions == moved.alerts == []
        assert {name for name, kind in moved.widgets.items() if kind == "slider"} == sliders
        assert "button_group" in whole.widgets.values()
        assert "button_group" not in moved.widgets.values()

    run(move())


def test_a_slider_of_the_threshold_lab_runs_the_target_but_not_whose_predictions_they_are(dashboard: str) -> None:
    async def move() -> None:
        async with Client(dashboard) as client:
            whole = await client.ask("threshold_lab")
            (fragment,) = {whole.fragments[name] for name, kind in whole.widgets.items() if kind == "slider"}
            moved = await client.ask("threshold_lab", fragment=fragment)
        assert moved.exceptions == moved.alerts == []
        left_out = {name.rpartition("-")[2] for name in whole.widgets.keys() - moved.widgets.keys()}
        assert {"predictions", "task", "method"} <= left_out

    run(move())
