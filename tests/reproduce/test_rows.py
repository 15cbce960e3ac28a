"""The rules that say whether a published number and ours agree, on cases made by hand."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from scipy import stats

from uqcore.reproduce import to_csv, to_plain
from uqcore.reproduce.rows import UNEXPECTED, Row, claim, exact, half_unit, measured, prediction_interval, spread


def agrees(published: str, *values: float) -> bool:
    return measured("source", "quantity", published, values).agrees


def test_the_prediction_interval_of_two_values_by_hand() -> None:
    low, high = prediction_interval([0, 2])  # t of 1 degree of freedom at 0.975 is tan(0.475 pi); s is sqrt(2)
    half = math.tan(0.475 * math.pi) * math.sqrt(2) * math.sqrt(1.5)
    np.testing.assert_allclose([low, high], [1 - half, 1 + half])


def test_the_prediction_interval_holds_the_next_value_19_times_in_20() -> None:
    values = np.random.default_rng(0).normal(7, 3, size=(4000, 6))
    held = sum(low <= row[-1] <= high for row in values for low, high in [prediction_interval(list(row[:-1]))])
    assert stats.binomtest(held, len(values), 0.95).pvalue > 0.01


@pytest.mark.parametrize(
    ("published", "half"), [("834", 0.5), ("85.61", 0.005), ("0.0150", 0.00005), ("0.995", 0.0005)]
)
def test_the_last_digit_that_is_printed_says_how_far_rounding_goes(published: str, half: float) -> None:
    assert half_unit(published) == pytest.approx(half, rel=1e-12)


def test_without_spread_a_number_agrees_with_what_rounds_to_it() -> None:
    assert agrees("10.00", 10.004, 10.004)
    assert not agrees("10.00", 10.006, 10.006)
    assert agrees("834", 834, 834)
    assert not agrees("834", 835, 835)


def test_with_spread_the_interval_decides() -> None:
    values = (9.0, 10.0, 11.0)
    low, high = prediction_interval(values)
    for published in (f"{low - 0.02:.2f}", f"{high + 0.02:.2f}"):
        assert not agrees(published, *values)
    for published in (f"{low + 0.01:.2f}", f"{high - 0.01:.2f}", "10.00"):
        assert agrees(published, *values)


def test_a_number_that_does_not_exist_agrees_with_nothing() -> None:
    assert not agrees("1.0", 1.0, float("nan"))


def test_a_measured_row_names_mean_range_and_seeds() -> None:
    row = measured("source", "quantity", "1741", [1000, 2000, 3000], "note")
    assert (row.published, row.ours) == ("1,741", "2,000 (1,000 to 3,000, 3 seeds)")
    assert (row.agrees, row.explanation, row.note) == (True, "", "note")
    assert row.values == {"seeds": (1000.0, 2000.0, 3000.0)}


def test_a_row_that_does_not_agree_has_an_explanation() -> None:
    assert measured("s", "q", "5", [1, 1]).explanation == UNEXPECTED
    assert "-2" in exact("s", "q", 10, 8).explanation
    assert "above 3" in claim("s", "q", "much", "2", False, "above 3", {}).explanation


def test_exact_and_claim() -> None:
    row = exact("s", "q", 99_714, 99_714)
    assert (row.published, row.ours, row.agrees, row.explanation) == ("99,714", "99,714", True, "")
    assert not exact("s", "q", 99_714, 99_713).agrees
    assert claim("s", "q", "much", "4", True, "above 3", {"values": [4]}).agrees


def test_spread_says_one_value_once() -> None:
    assert spread([1.0, 0.5], 1) == "0.5 to 1.0"
    assert spread([0.001, 0.002], 2) == "0.00"


def test_csv_gives_back_every_cell_and_runs_none() -> None:
    rows = [Row("=1+1", "a, b", "-5", 'say "x"', False, "line\nbreak", "@why", "rule")]
    head, cells = csv.reader(io.StringIO(to_csv(rows)))
    assert head[:6] == ["source", "quantity", "published", "ours", "agrees", "note"]
    assert cells == ["'=1+1", "a, b", "'-5", 'say "x"', "False", "line\nbreak", "'@why", "rule"]


def test_json_has_null_for_what_does_not_exist() -> None:
    (plain,) = to_plain([claim("s", "q", "p", "o", True, "rule", {"ratio": [1.5, float("nan")]})])
    assert json.loads(json.dumps(plain, allow_nan=False))["values"] == {"ratio": [1.5, None]}
