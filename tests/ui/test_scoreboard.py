"""Which rows of the scoreboard are shown, what is said of them, and how they are taken home."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ui import scoreboard
from ui.scoreboard_answer import answer
from uqcore.methods import EVERY_METHOD
from uqcore.plots.board import Spot
from uqcore.scoreboard import PUBLISHED, Key, Result


def result(method: str, values: dict[Key, tuple[float, ...]], n: int = 3) -> Result:
    seeds = tuple(range(n))
    return Result("digits", method, seeds, ("",) * n, values, n_examples={"test": 10_000, "fashion": 10_000})


FOUND, OWN_FOUND = Key("auroc", "predictive_entropy", "fashion"), Key("auroc", "score", "fashion")
ERRORS, OWN_ERRORS = Key("error_auroc", "predictive_entropy"), Key("error_auroc", "score")
RESULTS = (
    result("deterministic", {FOUND: (0.90, 0.91, 0.92), ERRORS: (0.98, 0.981, 0.979)}),
    result(
        "feature_density",
        {
            FOUND: (0.90, 0.91, 0.92),
            OWN_FOUND: (0.990, 0.991, 0.992),
            ERRORS: (0.98, 0.981, 0.979),
            OWN_ERRORS: (0.90, 0.91, 0.905),
        },
    ),
    result("pixel_pca", {OWN_FOUND: (0.95,)}, n=1),
)


def measured(monkeypatch: pytest.MonkeyPatch, results: Sequence[Result]) -> None:
    """These stand on the board, and nothing published."""
    made = scoreboard.Board.of(results, ())
    monkeypatch.setattr(scoreboard, "kept", lambda: made)
    monkeypatch.setattr(scoreboard, "stale_seeds", lambda task: {})


@pytest.fixture(autouse=True)
def board(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, RESULTS)
    return


def test_each_method_stands_once_by_its_own_score_the_best_first() -> None:
    shown = scoreboard.chosen("digits", "auroc", "fashion")
    assert [(row.method, row.score) for row in shown] == [
        ("feature_density", "score"),
        ("pixel_pca", "score"),
        ("deterministic", "predictive_entropy"),
    ]


def test_one_score_or_all_of_them_and_kinds_can_be_asked_for() -> None:
    entropy = scoreboard.chosen("digits", "auroc", "fashion", "predictive_entropy", ("method",))
    assert {row.score for row in entropy} == {"predictive_entropy"}
    assert len(scoreboard.chosen("digits", "auroc", "fashion", "all")) == 4
    assert [row.method for row in scoreboard.chosen("digits", "auroc", "fashion", kinds=("control",))] == ["pixel_pca"]


def test_the_answer_says_what_wins_what_no_network_reaches_and_what_it_costs() -> None:
    said = answer("digits", "fashion")
    assert "**Feature density** tells Fashion-MNIST best: AUROC **0.9910**" in said
    assert "without any network, reaches **0.9500**, so training adds something" in said
    assert "it reaches 0.9050, and Deterministic 0.9800, so it is worse at that" in said


@pytest.mark.parametrize("pixels", [0.9915, 0.99098])  # better, and worse by less than is shown
def test_a_pixel_rule_that_does_as_well_is_said(monkeypatch: pytest.MonkeyPatch, pixels: float) -> None:
    sure = result("feature_density", {OWN_FOUND: (0.99101, 0.991, 0.99102)})
    measured(monkeypatch, [sure, result("pixel_pca", {OWN_FOUND: (pixels,)}, n=1)])
    assert "so this pair says little about networks" in answer("digits", "fashion")


def test_of_few_seeds_nobody_is_said_to_be_told_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    few = result("feature_density", {OWN_FOUND: (0.99, 0.98)}, n=2)
    others = [
        result(name, {FOUND: (0.9, 0.91, 0.92, 0.91, 0.9 + i / 1000)}, n=5)
        for i, name in enumerate(("deterministic", "mc_dropout"))
    ]
    measured(monkeypatch, [few, *others])
    assert "**Feature density** tells" in answer("digits", "fashion")
    assert "cannot be told" not in answer("digits", "fashion")


def test_seeds_that_agree_have_no_interval_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, [result("feature_density", {OWN_FOUND: (1.0,) * 5}, n=5)])
    assert "**1.0000** (the same over 5 seeds)" in answer("digits", "fashion")


def test_what_nothing_was_measured_of_is_said() -> None:
    assert "No method was measured" in answer("fashion", "digits")


def test_the_front_holds_what_nothing_cheaper_equals() -> None:
    spots = [Spot("a", 0, 1, 0.5), Spot("b", 0, 2, 0.5), Spot("c", 0, 2, 0.7), Spot("d", 0, 3, 0.6)]
    assert scoreboard.front(spots, higher_is_better=True) == [(1, 0.5), (2, 0.7)]
    assert scoreboard.front(spots, higher_is_better=False) == [(1, 0.5)]


def test_figures_against_each_other_are_those_of_one_method() -> None:
    spots = scoreboard.spots(
        scoreboard.chosen("digits", "auroc", "fashion"), scoreboard.chosen("digits", "error_auroc", "")
    )
    assert {(spot.label, round(spot.x, 3), round(spot.y, 3)) for spot in spots} == {
        ("Deterministic", 0.91, 0.98),
        ("Feature density", 0.991, 0.905),
    }


def test_chance_is_said_where_it_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scoreboard.chance(scoreboard.rows()) == ""
    measured(monkeypatch, [*RESULTS, result("chance", {OWN_FOUND: (0.5,)}, n=1)])
    assert scoreboard.chance(scoreboard.chosen("digits", "auroc", "fashion")) == " Chance: 0.5000."


def test_what_has_no_value_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    cost, why = Key("train_s"), "Not kept."
    unkept = [Result("digits", name, (0,), ("",), {}, {cost: why}) for name in ("deterministic", "energy")]
    measured(monkeypatch, [*unkept, result("sngp", {cost: (3.0, 3.1, 3.2)})])
    assert "Without a value: Deterministic, Energy. Not kept." in scoreboard.unknown("digits", "train_s")


def test_a_method_without_any_run_is_named_where_it_learns_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = [result(name, {FOUND: (0.9, 0.9, 0.9)}) for name in EVERY_METHOD]
    measured(monkeypatch, everyone)
    assert scoreboard.unknown("digits", "auroc", "fashion") == []
    measured(monkeypatch, [each for each in everyone if each.method != "svi_flipout"])
    (said,) = scoreboard.unknown("digits", "auroc", "fashion")
    assert said.startswith("Without a value: SVI (Flipout). No seed of it was measured")


def test_the_table_says_what_was_run_here_and_what_others_published() -> None:
    (here, *_), (there, *_) = scoreboard.rows(), PUBLISHED
    assert [row["Origin"] for row in scoreboard.table([here, there])] == ["run here", "published"]


def test_a_stale_row_says_so_above_the_board_in_its_figure_and_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scoreboard.problems("digits") == []
    monkeypatch.setattr(scoreboard, "stale_seeds", lambda task: {"feature_density": (0, 2)})
    assert scoreboard.problems("digits") == [
        "Measured with other models than those stored now: Feature density (seeds 0, 2). "
        "Run `python -m uqcore scoreboard --run`."
    ]
    shown = scoreboard.chosen("digits", "auroc", "fashion")
    assert [mark.label for mark in scoreboard.marks(shown, with_score=False)] == [
        "Feature density (3 seeds, stale)",
        "Pixels: PCA residual",
        "Deterministic (3 seeds)",
    ]
    assert [line["Origin"] for line in scoreboard.table(shown)] == [
        "run here, stale",
        "run here",
        "run here",
    ]
