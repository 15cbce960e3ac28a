"""``python -m uqcore scoreboard``: rows, tables and errors."""

from __future__ import annotations

import json

import pytest

from uqcore.cli.main import main
from uqcore.scoreboard import board

FIELDS = {"task", "method", "score", "metric", "unseen", "n_seeds", "mean", "low", "high", "control"}


def test_json_is_every_row_of_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoreboard", "--json", "--task", "moons"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert all(row.keys() >= FIELDS for row in said)
    expected = [(row.method, row.metric, row.mean) for row in board() if row.task == "moons"]
    assert [(row["method"], row["metric"], row["mean"]) for row in said] == expected


def test_text_marks_the_best_and_names_controls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoreboard", "--task", "digits_0_4"]) == 0
    block = capsys.readouterr().out.split("digits_0_4: AUROC of unseen, digits_5_9\n")[1].split("\ndigits_0_4:")[0]
    lines = block.splitlines()
    assert lines[0].lstrip().startswith("= ")
    assert any("Pixels: nearest neighbour" in line and line.endswith("control") for line in lines)


def test_functions_are_on_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoreboard", "--task", "sine"]) == 0
    assert "sine: Spread where there is no data, gap\n" in capsys.readouterr().out


FORMS = {
    "csv": "task,method,",
    "latex": r"\begin{tabular}",
    "markdown": "| trained on | method |",
    "readme": "| two moons | seeds |",
}


@pytest.mark.parametrize(("form", "start"), FORMS.items())
def test_it_is_taken_home_in_other_forms(capsys: pytest.CaptureFixture[str], form: str, start: str) -> None:
    assert main(["scoreboard", "--task", "moons", "--format", form]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_one_figure_can_be_asked_for_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoreboard", "--task", "moons", "--metric", "brier", "--json"]) == 0
    assert {row["metric"] for row in json.loads(capsys.readouterr().out)} == {"brier"}
    assert main(["scoreboard", "--task", "moons", "--metric", "brier"]) == 0  # not among those usually shown
    assert capsys.readouterr().out.startswith("moons: Brier\n")
    assert main(["scoreboard", "--metric", "beauty"]) == 2
    assert "The board has the figures accuracy, nll, " in capsys.readouterr().err


def test_an_unknown_task_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scoreboard", "--task", "letters"]) == 2
    assert "The board has the tasks digits_0_4, digits, fashion, moons, sine. Received: --task letters." in (
        capsys.readouterr().err
    )
