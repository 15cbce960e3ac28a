"""The README's figures are the committed results, to the letter."""

from __future__ import annotations

from tests import ROOT
from uqcore.scoreboard import Key, Result, board, rows
from uqcore.scoreboard.campaign import TASKS
from uqcore.scoreboard.markdown import BEGIN, END, MARK, tables


def test_the_readme_shows_the_committed_results() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.split(BEGIN)[1].split(END)[0].strip() == tables(board(), TASKS)


def test_a_cell_has_mean_interval_and_mark() -> None:
    key = Key("accuracy")
    made = rows([Result("digits", name, (0, 1), ("", ""), {key: values}) for name, values in (
        ("deterministic", (0.90, 0.90)), ("mc_dropout", (0.5, 0.5)))])  # fmt: skip
    first, _, best, other = tables(made, ["digits"]).splitlines()
    assert first.endswith("AUROC of errors | AUROC of Fashion-MNIST |")
    assert best == f"| Deterministic, entropy | 2 | 90.00 ± 0.00 %{MARK} |  |  |  |  |"
    assert other == "| MC Dropout, entropy | 2 | 50.00 ± 0.00 % |  |  |  |  |"
