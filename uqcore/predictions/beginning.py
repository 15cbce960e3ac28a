"""Where a table of text begins: what stands above the names of its columns, names in two rows, rows that have a name
of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from uqcore.predictions.cells import NO_TEXT

N_LINES = 60
"""How many rows are looked at."""

_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s*%?")

Row = Sequence[str]


class Beginning(NamedTuple):
    """How a table begins.

    Attributes:
        headers: the names of the columns, empty where there are none.
        n_rows: how many rows come before the first example.
        notes: a sentence for each thing that is not usual.
    """

    headers: list[str]
    n_rows: int
    notes: tuple[str, ...] = ()


def beginning(rows: Sequence[Row]) -> Beginning:
    """How the table that these first rows are of begins: with its first row of two names or more, usually the first.

    A title above it is left out; a second row of names, as pandas writes columns of two levels, is joined with the
    first; where rows have one cell more than there are names, as R writes them, it is their name.
    """
    start = 0
    while start + 2 < len(rows) and _is_title(rows[start], rows[start + 1 : start + 3]):
        start += 1
    notes = [f"Above the names of the columns stands {_filled(rows[0])[0][:60]!r}."] if start else []
    first, body = list(rows[start]), rows[start + 1 :]
    if _are_data(first):
        return Beginning([""] * len(first), start, (*notes, "The first line has numbers and no names."))
    n_rows, headers = start + 1, first
    if (joined := _of_two_levels(first, body)) is not None:
        headers, n_more = joined
        n_rows, body = n_rows + n_more, body[n_more:]
        notes.append("The names of the columns stand in two rows, which were joined.")
    if (longer := _with_row_names(headers, body)) is not None:
        headers = longer
        if not headers[0]:
            notes.append("The rows have one cell more than there are names: it was read as the row's own name.")
    return Beginning(headers, n_rows, tuple(notes))


def _filled(row: Row) -> list[str]:
    return [cell for cell in row if cell.strip()]


def _is_title(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row of one cell, its first, stands above the names of several columns."""
    is_alone = len(_filled(row)) == 1 and bool(row[0].strip())
    return is_alone and len({len(some) for some in below}) == 1 < len(_filled(below[0])) and not _are_data(below[0])


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None


def _is_fraction(cell: str) -> bool:
    """Whether it is a number with decimals that are not zero, which no name of a class is."""
    text = cell.strip().replace(",", ".")
    return _is_number(cell) and not text.endswith("%") and not float(text).is_integer()


def _are_data(cells: Row) -> bool:
    """Whether a first row is one of an example: of numbers that are not all whole, as unnamed columns are called, or
    with two fractions or more among them."""
    whole = all(cell.strip().isdigit() for cell in cells)
    return (all(map(_is_number, cells)) and not whole) or sum(map(_is_fraction, cells)) > 1


def _of_two_levels(first: Row, body: Sequence[Row]) -> tuple[list[str], int] | None:
    """The joined names, and how many rows below the first they take up; None where there is one row of names."""
    if len(body) < 2:
        return None
    second, rest = body[0], body[1:]
    n_more = 1
    if len(rest) > 1 and len(_filled(rest[0])) <= 1 and not any(map(_is_number, rest[0])):
        rest, n_more = rest[1:], 2  # the name of the index, or nothing
    if len(second) != len(first) or any(len(row) != len(first) for row in rest[:2]):
        return None
    rest = [row for row in rest if len(row) == len(first)]  # who reads the rows refuses the others
    values = [k for k in range(len(first)) if all(_is_fraction(row[k]) or _is_whole(row[k]) for row in rest[:5])]
    values = [k for k in values if any(_is_fraction(row[k]) for row in rest)]
    texts = [second[k].strip() for k in values]
    if len(values) < 2 or any(_is_fraction(text) or text.lower() in NO_TEXT for text in texts):
        return None
    if not all(_is_number(text) or re.search(r"[^\W\d]", text) for text in texts):
        return None
    if any(not first[k].strip() and k == values[0] for k in values) or len(set(texts)) < len(texts):
        return None
    if all(map(_is_number, texts)) and len({first[k].strip() for k in values}) == len(values) > 1:
        return None  # an example that is certain: 0, 1, 0
    upper, headers = "", []
    for k, (above, below) in enumerate(zip(first, second, strict=True)):
        upper = above.strip() or (upper if k in values else "")  # a spreadsheet writes it above the first alone
        headers.append("_".join(part for part in (upper, below.strip()) if part))
    return headers, n_more


def _is_whole(cell: str) -> bool:
    return cell.strip() in ("0", "1", "0.0", "1.0")


def _with_row_names(headers: Sequence[str], body: Sequence[Row]) -> list[str] | None:
    """With an empty name for the one cell that every row has more; None where it has none, or it cannot be told."""
    if not body or len(headers) < 2 or any(len(row) != len(headers) + 1 for row in body):
        return None
    if not any(row[-1].strip() for row in body):  # a comma at the end of every row
        return [*headers, ""]
    names = [row[0].strip() for row in body]
    return ["", *headers] if len(set(names)) == len(names) > 1 and all(names) else None
