"""From runs to rows: means, intervals, marks and reasons; and the committed board."""

from __future__ import annotations

import math

import pytest

from uqcore import datasets
from uqcore.metrics.uncertainty import MEASURES
from uqcore.scoreboard import METRICS, RESULTS, SYSTEMS, Key, Result, Row, board, load_results, rows, stale, stale_said
from uqcore.scoreboard.rows import ALIKE, LEAST_SEEDS, ONE_RUN
from uqcore.scoreboard.statistics import over_seeds, wilson
from uqcore.store import Store

AUROC = Key("auroc", "predictive_entropy", "fashion")


def result(method: str, *values: float, key: Key = AUROC) -> Result:
    """Of as many seeds, on 100 test and 50 unseen inputs."""
    n = len(values)
    return Result("digits", method, tuple(range(n)), ("",) * n, {key: values}, n_examples={"test": 100, "fashion": 50})


def only(made: list[Row], method: str) -> Row:
    (row,) = (row for row in made if row.method == method)
    return row


def test_a_row_has_mean_and_interval_over_seeds() -> None:
    (row,) = rows([result("sngp", 0.6, 0.65, 0.67)])
    assert (row.n_seeds, row.control, row.origin) == (3, False, "here")
    assert row.mean == pytest.approx(0.64)
    assert (row.low, row.high) == pytest.approx(over_seeds([0.6, 0.65, 0.67]))


def test_an_interval_stays_where_the_figure_can_be() -> None:
    (high,), (low,) = rows([result("sngp", 0.9, 0.95, 0.99)]), rows([result("sngp", 0, 0.1, key=Key("accuracy"))])
    assert high.high == 1
    assert low.low == 0


@pytest.mark.parametrize(("key", "n"), [(Key("accuracy"), 100), (Key("accepted", "score", "fashion"), 50)])
def test_a_share_of_one_run_has_wilsons_interval(key: Key, n: int) -> None:
    (row,) = rows([result("sngp", 0.9, key=key)])
    assert (row.low, row.high) == pytest.approx(wilson(0.9, n))


def test_one_run_of_another_figure_has_none_and_says_so() -> None:
    (row,) = rows([result("sngp", 0.9)])
    assert (row.low, row.high, row.reason) == (None, None, ONE_RUN)
    (row,) = rows([result("pixel_pca", 0.9)])
    assert row.reason == "Nothing in it is random."


def test_what_is_undefined_says_why() -> None:
    one = Result("digits", "sngp", (0,), ("",), {}, {Key("error_auroc", "score"): "All are right."})
    (row,) = rows([one])
    assert (row.mean, row.n_seeds, row.values, row.reason) == (None, 0, (), "All are right.")


def test_what_cannot_be_told_from_the_best_shares_the_mark() -> None:
    made = rows(
        [
            result("sngp", 0.990, 0.992, 0.991, 0.990, 0.992),
            result("deterministic", 0.989, 0.993, 0.990, 0.989, 0.993),
            result("mc_dropout", 0.900, 0.903, 0.901, 0.902, 0.901),
            result("pixel_pca", 0.9909),
            result("svi_flipout", 0.999),
            result("temperature", 0.999, 0.998, 0.999, 0.998),
        ]
    )
    assert {row.method for row in made if row.best} == {"sngp", "deterministic", "pixel_pca"}
    assert only(made, "pixel_pca").control


def test_fewer_than_five_seeds_are_said_and_share_no_mark() -> None:
    four, five = result("sngp", 0.9, 0.91, 0.92, 0.93), result("deterministic", 0.5, 0.51, 0.52, 0.53, 0.54)
    made = rows([four, five, result("mc_dropout", 0.4, 0.41, 0.42, 0.43, 0.44)])
    assert {row.method for row in made if row.best} == {"deterministic"}
    assert only(made, "sngp").reason == "4 of 5 seeds: it takes no part in the marks."
    assert only(made, "deterministic").reason == ""


@pytest.mark.parametrize("metric", [metric_id for metric_id, metric in METRICS.items() if metric.is_share])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_interval_of_a_share_is_a_point(metric: str, share: float) -> None:
    """Five seeds that agree: Wilson's interval of all their inputs."""
    key = Key(metric, unseen="fashion" if METRICS[metric].group == "unseen" else "")
    (row,) = rows([result("sngp", *[share] * 5, key=key)])
    n = 50 if key.unseen and metric != "fpr95" else 100
    assert (row.low, row.high) == pytest.approx(wilson(share, 5 * n))
    assert row.low is not None
    assert row.high is not None
    assert row.high - row.low > 0.005


def test_a_share_is_never_surer_than_its_inputs_allow() -> None:
    key = Key("accuracy")
    (close,), (apart,) = (rows([result("sngp", *values, key=key)]) for values in ((0.5, 0.51, 0.5), (0.1, 0.9, 0.5)))
    assert (close.low, close.high) == pytest.approx(wilson(0.50333333, 300))
    assert (apart.low, apart.high) == (0, 1)


def test_a_figure_that_is_the_same_in_every_seed_has_no_interval_and_says_so() -> None:
    (row,) = rows([result("sngp", 1, 1, 1, 1, 1)])
    assert (row.mean, row.low, row.high, row.reason) == (1, None, None, ALIKE)


def test_direction_decides_who_is_best_and_cost_has_no_mark() -> None:
    for metric, best in (("nll", {"sngp"}), ("train_s", set())):
        key = Key(metric)
        few, many = ([level + i / 100 for i in range(5)] for level in (0.1, 0.9))
        made = rows([result("sngp", *few, key=key), result("mc_dropout", *many, key=key)])
        assert {row.method for row in made if row.best} == best


# The committed board


def test_the_committed_board_names_what_there_is() -> None:
    made = board()
    assert made
    for row in made:
        assert row.metric in METRICS
        assert row.origin == "published" or row.method in SYSTEMS
        assert row.score == "" or row.score in MEASURES
        dataset = datasets.load(row.task)
        assert METRICS[row.metric].group != "unseen" or row.unseen in dataset.ood_sets
        assert not row.best or row.control or row.n_seeds >= LEAST_SEEDS
        shares = (
            METRICS[row.metric].is_share and row.origin == "here" and row.mean is not None and row.method != "chance"
        )
        assert not shares or (row.low is not None and row.high is not None and row.low < row.high), row
        numbers = [number for number in (row.mean, row.low, row.high) if number is not None]
        assert all(math.isfinite(number) for number in numbers)
        assert row.reason or len(numbers) == 3


def test_the_committed_results_are_small() -> None:
    assert RESULTS.stat().st_size < 2**20


def test_no_committed_row_is_stale(committed: Store) -> None:
    problems = {(each.task, each.method): stale(each, committed) for each in load_results()}
    assert {each: seeds for each, seeds in problems.items() if seeds} == {}


def test_a_row_of_another_model_is_stale(committed: Store) -> None:
    seeds = stale(Result("moons", "sngp", (0, 77), ("0" * 12, "0" * 12), {}), committed)
    assert seeds == (0,)  # of seed 77 nothing is stored that could have changed
    assert "SNGP (seed 0)" in stale_said({"deep_ensemble": (), "sngp": seeds})
    assert stale_said({"sngp": ()}) == ""
