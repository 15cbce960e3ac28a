"""A matrix of costs from a CSV file: what it costs to answer with one class where another one is true."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from uqcore.predictions.small_csv import number_of, separator_of, text_of
from uqcore.selection.cost import LARGEST
from uqcore.text import reason
from uqcore.types import FloatArray, UqError

_LARGEST = 2**24  # bytes
_FREE, _A_CELL = 2**16, 100  # bytes: a file of other things takes twenty times its size when it is taken apart


def read_costs(source: Path | bytes, class_names: Sequence[str]) -> FloatArray:
    """The costs ``(K, K)``, ``[truth, predicted]``, in the order of the classes.

    The file's first row names the predicted classes and its first column the true ones, in any order:

        truth,cat,dog
        cat,0,1
        dog,5,0

    Args:
        source: the file, or its content: CSV with commas, semicolons or tabs, in any of the encodings of `in_utf8`;
            beside the latter two numbers may have a decimal comma.
        class_names: of the predictions.

    Raises:
        UqError: it cannot be read, classes do not fit, or a cell is no number.
    """
    rows, separator = _rows(source, class_names)
    if len(rows) < 3:
        raise UqError(
            f"Expected a matrix of costs, with the predicted classes in the first row and the true ones in the first "
            f"column. Received {len(rows)} {'row' if len(rows) == 1 else 'rows'}; save it so."
        )
    head, body = rows[0], rows[1:]
    column_of = _places(head[1:], class_names, "first row")
    row_of = _places([row[0] for row in body], class_names, "first column")
    order = [column_of[name] + 1 for name in class_names]
    costs = np.empty((len(class_names), len(class_names)))
    for truth, name in enumerate(class_names):
        row = body[row_of[name]]
        if len(row) != len(head):
            raise UqError(f"Expected {len(head)} cells in the row of {name[:40]!r}. Received {len(row)}; correct it.")
        for predicted, place in enumerate(order):
            costs[truth, predicted] = _number(row[place], separator, name, class_names[predicted])
    return costs


def _places(found: Sequence[str], class_names: Sequence[str], which: str) -> dict[str, int]:
    """Where each class stands. UqError unless each stands there once and nothing else does."""
    places, known = {name: i for i, name in enumerate(found)}, {*class_names}
    missing = next((name for name in class_names if name not in places), None)
    strange = next((name for name in found if name not in known), None)
    if missing is not None or strange is not None or len(found) != len(class_names):
        if missing is not None:
            said = f"none for {missing[:40]!r}"
        elif strange is not None:
            said = f"{strange[:40]!r}, which is none of them"
        else:
            said = f"{Counter(found).most_common(1)[0][0][:40]!r} more than once"
        raise UqError(
            f"Expected each of the {len(class_names):,} classes once in the {which}. Received {said}; correct it."
        )
    return places


def _rows(source: Path | bytes, class_names: Sequence[str]) -> tuple[list[list[str]], str]:
    """The rows that are not empty, and what stands between their cells."""
    if isinstance(source, Path):
        try:
            content = source.read_bytes()
        except OSError as error:
            raise UqError(f"{source} cannot be read ({error.strerror}); name a file that can.") from error
    else:
        content = source
    n_cells, in_names = (len(class_names) + 1) ** 2, 8 * sum(map(len, class_names))
    most = min(_LARGEST, _FREE + _A_CELL * n_cells + in_names)
    if len(content) > most:
        raise UqError(
            f"Expected a matrix of costs of at most {most:,} bytes for {len(class_names):,} classes. Received "
            f"{len(content):,}; save nothing but the matrix."
        )
    try:
        text = text_of(content)
        if "\0" in text:
            raise ValueError
    except ValueError:
        raise UqError("Expected a matrix of costs as CSV. Received something else; save it as CSV.") from None
    separator = separator_of(text)
    try:
        lines = csv.reader(StringIO(text, newline=None), delimiter=separator)
        return [row for row in ([cell.strip() for cell in line] for line in lines) if any(row)], separator
    except csv.Error as error:
        raise UqError(
            f"Expected a matrix of costs as CSV. Received something else ({reason(error)}); save it as CSV."
        ) from None


def _number(cell: str, separator: str, truth: str, predicted: str) -> float:
    try:
        value = number_of(cell, separator)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        advice = "give all costs in a larger unit" if math.isfinite(value) else "correct it"
        raise UqError(
            f"Expected a number of at most {LARGEST:g} as the cost of {predicted[:40]!r} where {truth[:40]!r} is true. "
            f"Received {cell[:40]!r}; {advice}."
        )
    return value
