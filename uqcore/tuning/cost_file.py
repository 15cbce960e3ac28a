"""A matrix of costs from a CSV file: what it costs to answer with one class where another one is true."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from uqcore.text import reason
from uqcore.types import FloatArray, UqError

_LARGEST = 2**24  # bytes


def read_costs(source: Path | bytes, class_names: Sequence[str]) -> FloatArray:
    """The costs ``(K, K)``, ``[truth, predicted]``, in the order of the classes.

    The file's first row names the predicted classes and its first column the true ones, in any order:

        truth,cat,dog
        cat,0,1
        dog,5,0

    Args:
        source: the file, or its content: CSV with commas, semicolons or tabs, in UTF-8.
        class_names: of the predictions.

    Raises:
        UqError: it cannot be read, classes do not fit, or a cell is no number.
    """
    rows = _rows(source)
    if len(rows) < 3:
        raise UqError(
            f"Expected a matrix of costs, with the predicted classes in the first row and the true ones in the first "
            f"column. Received {len(rows)} rows."
        )
    head, body = rows[0], rows[1:]
    predicted, truths = head[1:], [row[0] for row in body]
    for which, found in (("first row", predicted), ("first column", truths)):
        missing = [name for name in class_names if name not in found]
        strange = [name for name in found if name not in class_names]
        if missing or strange or len(found) != len(class_names):
            said = f"none for {missing[0][:40]!r}" if missing else f"{(strange or found)[0][:40]!r}, unknown or twice"
            raise UqError(f"Expected each of the {len(class_names):,} classes once in the {which}. Received {said}.")
    costs = np.empty((len(class_names), len(class_names)))
    for row in body:
        if len(row) != len(head):
            raise UqError(f"Expected {len(head)} cells in the row of {row[0][:40]!r}. Received {len(row)}.")
        for name, cell in zip(predicted, row[1:], strict=True):
            costs[class_names.index(row[0]), class_names.index(name)] = _number(cell, row[0], name)
    return costs


def _rows(source: Path | bytes) -> list[list[str]]:
    if isinstance(source, Path):
        try:
            content = source.read_bytes()
        except OSError as error:
            raise UqError(f"{source} cannot be read ({error.strerror}); name a file that can.") from error
    else:
        content = source
    try:
        text = content[: _LARGEST + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UqError("Expected a matrix of costs as CSV in UTF-8. Received something else; save it as CSV.") from None
    if len(content) > _LARGEST:
        raise UqError(f"Expected a matrix of costs of at most {_LARGEST / 1e6:.0f} MB. Received more.")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=separator)]
    except csv.Error as error:
        raise UqError(
            f"Expected a matrix of costs as CSV. Received something else ({reason(error)}); save it as CSV."
        ) from None
    return [row for row in rows if any(row)]


def _number(cell: str, truth: str, predicted: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UqError(
            f"Expected a number as the cost of {predicted[:40]!r} where {truth[:40]!r} is true. Received {cell[:40]!r}."
        )
    return value
