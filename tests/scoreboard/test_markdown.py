"""The README's figures are the committed results, to the letter."""

from __future__ import annotations

from tests import ROOT
from uqcore.scoreboard import Key, Result, board, rows
from uqcore.scoreboard.campaign import TASKS
from uqcore.scoreboard.markdown import BEGIN, END, MARK, tables
from uqcore.scoreboard.statistics import over_seeds


def test_the_readme_shows_the_committed_results() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.split(BEGIN)[1].split(END)[0].strip() == tables(board(), TASKS)


def test_a_cell_has_mean_interval_and_mark() -> None:
    key = Key("accuracy")
    seeds, models = tuple(range(5)), ("",) * 5
    made = rows([Result("digits", name, seeds, models, {key: values}) for name, values in (
        ("deterministic", (0.9, 0.8, 0.9, 0.8, 0.85)), ("mc_dropout", (0.5,) * 5))])  # fmt: skip
    first, _, best, other = tables(made, ["digits"]).splitlines()
    assert first.endswith("AUROC of errors | AUROC of Fashion-MNIST |")
    half = 100 * (over_seeds([0.9, 0.8, 0.9, 0.8, 0.85])[1] - 0.85)
    assert best == f"| Deterministic, entropy | 5 | 85.00 ± {half:.2f} %{MARK} |  |  |  |  |"
    assert other == "| MC Dropout, entropy | 5 | 50.00 % |  |  |  |  |"


def test_functions_have_columns_of_their_own() -> None:
    key, there = Key("regression_nll"), Key("std_ratio", "", "gap")
    made = rows([Result("sine", "sngp", (0, 1), ("", ""), {key: (-0.9, -0.8), there: (4, 6)})])
    head, rule, row = tables(made, ["sine"]).splitlines()
    assert head.startswith("| sine | seeds | NLL | RMSE | CRPS | Coverage | Width |")
    assert {line.count("|") for line in (head, rule, row)} == {10}
    assert row.startswith("| SNGP | 2 | -0.8500 ± ")
