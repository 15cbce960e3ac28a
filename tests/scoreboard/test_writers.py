"""Rows as CSV, Markdown and LaTeX: every row, every digit, and nothing that such a file would read as its own."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from uqcore.scoreboard import METRICS, Key, Result, Row, rows
from uqcore.scoreboard.published import PUBLISHED
from uqcore.scoreboard.writers import WRITERS, against, name, number, to_csv, to_latex, to_markdown

ACCURACY, FOUND = Key("accuracy"), Key("auroc", "predictive_entropy", "fashion")
MADE = [
    *rows(
        [
            Result("digits", "sngp", (0, 1), ("", ""), {ACCURACY: (0.1234567891, 0.5), FOUND: (0.9, 0.8)}),
            Result("digits", "chance", (0,), ("",), {ACCURACY: (0.1,)}),
        ]
    ),
    *PUBLISHED,
]


def test_csv_has_every_row_with_every_digit() -> None:
    read = list(csv.DictReader(io.StringIO(to_csv(MADE))))
    assert [float(row["mean"]) for row in read] == [row.mean for row in MADE]
    assert [row["citation"] for row in read] == [row.citation for row in MADE]
    assert {row["control"] for row in read} == {"True", "False"}


def test_tables_have_a_line_a_row_and_as_many_cells() -> None:
    lines = to_markdown(MADE).splitlines()
    assert len(lines) == len(MADE) + 2
    assert {line.count("|") for line in lines} == {9}
    assert to_latex(MADE).count(r"\\") == len(MADE) + 1
    assert set(WRITERS) == {"csv", "markdown", "latex"}


def test_controls_and_what_is_published_are_named() -> None:
    text = to_markdown(MADE)
    assert "| MNIST | Chance (control) |" in text
    assert "| DUQ (published): van Amersfoort et al. 2020, arXiv 2003.02037 |" in text


def test_what_a_figure_is_measured_against_is_named_as_people_do() -> None:
    rows_of = [Row("digits_0_4", "", "a", "", "auroc", of, 1, 0.5, None, None, False) for of in ("digits_5_9", "")]
    assert [against(row) for row in rows_of] == ["MNIST 5 to 9", ""]
    assert against(replace(rows_of[0], unseen="mnist_c:canny_edges")) == "mnist c, canny edges"


@pytest.mark.parametrize(
    ("value", "said"), [(0.00914, "0.00914"), (0.01084, "0.0108"), (0.0000031, "3.10e-06"), (-0.8929, "-0.8929")]
)
def test_small_figures_are_written_out_as_long_as_they_can_be_read(value: float, said: str) -> None:
    assert number(value, METRICS["ece"]) == said


def test_a_score_of_a_methods_own_is_called_that() -> None:
    own, entropy = (
        Row("digits", "energy", "Energy", score, "auroc", "fashion", 1, 0.5, None, None, False)
        for score in ("score", "predictive_entropy")
    )
    assert name(own, with_score=True) == "Energy, its own score"
    assert name(entropy, with_score=True) == "Energy, predictive entropy"


def test_signs_that_latex_and_markdown_read_as_their_own_are_escaped() -> None:
    odd = Row("digits", "", "a_b & 5 % {x} | ~", "", "accuracy", "", 1, 0.5, None, None, False)
    assert r"a\_b \& 5 \% \{x\} | \textasciitilde{}" in to_latex([odd])
    assert r"a_b & 5 % {x} \| ~" in to_markdown([odd])
