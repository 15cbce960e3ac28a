"""Rows as CSV, Markdown and LaTeX: every row, every digit, and nothing that such a file would read as its own."""

from __future__ import annotations

import csv
import io

from uqcore.scoreboard import Key, Result, Row, rows
from uqcore.scoreboard.published import PUBLISHED
from uqcore.scoreboard.writers import WRITERS, to_csv, to_latex, to_markdown

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
    assert {line.count("|") for line in lines} == {8}
    assert to_latex(MADE).count(r"\\") == len(MADE) + 1
    assert set(WRITERS) == {"csv", "markdown", "latex"}


def test_controls_and_what_is_published_are_named() -> None:
    text = to_markdown(MADE)
    assert "| Chance (control) |" in text
    assert "| DUQ (published) |" in text


def test_signs_that_latex_and_markdown_read_as_their_own_are_escaped() -> None:
    odd = Row("digits", "", "a_b & 5 % {x} | ~", "", "accuracy", "", 1, 0.5, None, None, False)
    assert r"a\_b \& 5 \% \{x\} | \textasciitilde{}" in to_latex([odd])
    assert r"a_b & 5 % {x} \| ~" in to_markdown([odd])
