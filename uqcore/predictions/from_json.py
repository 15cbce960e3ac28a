"""JSON files: records, columns, pandas' and Weights & Biases' tables, lines of JSON, and what Hugging Face puts out."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from uqcore.predictions.table import Opened, in_memory
from uqcore.types import UqError

_TIMES_LARGER = 20  # that Python's objects are than the text that they are read from
_MOST_COLUMNS = 100_000
_FREE_CELLS = 1_000_000  # beyond one a character of the text


def open_json(file: BinaryIO, max_bytes: int) -> Opened:
    """A table in JSON, whole: a list of records or of rows, an object of columns, or an object a line.

    Raises:
        UqError: it is no JSON, no table, or too large to be read as a whole.
    """
    most = max_bytes // _TIMES_LARGER
    file.seek(0)
    data = file.read(most + 1)
    if len(data) > most:
        raise UqError(
            f"Expected at most {most / 1e6:,.0f} MB of JSON. Received more; save the table as Parquet or CSV."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UqError("Expected JSON in UTF-8. Received other bytes; save it as UTF-8.") from None
    content = _whole(text)
    most_cells = _FREE_CELLS + len(data)
    if isinstance(content, dict):
        return _columns(content, most_cells)
    if not isinstance(content, list) or not content:
        raise UqError("Expected a table in JSON: a list of records, or columns. Received something else or nothing.")
    return _rows(content, most_cells)


def _whole(text: str) -> Any:
    """The one value in the text, or those of its lines."""
    try:
        return json.loads(text)
    except RecursionError:
        raise UqError("Expected a table in JSON. Received text that is nested too deeply.") from None
    except ValueError as error:
        whole = error
    rows = []
    for i, line in enumerate(text.splitlines()):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            if not rows:
                raise UqError(f"Expected JSON. Received text that is not ({whole}); save it again.") from None
            raise UqError(f"Expected JSON in every line. Received other text in line {i + 1:,}; correct it.") from None
    return rows


def _rows(rows: list[Any], most_cells: int) -> Opened:
    if all(isinstance(row, dict) for row in rows):
        names = list(dict.fromkeys(str(name) for row in rows for name in row))
        _check_cells(len(names), len(rows), most_cells)
        return in_memory(names, [[row.get(name) for row in rows] for name in names])
    if all(isinstance(row, list) for row in rows):
        if all(row and isinstance(row[0], dict) for row in rows):  # Hugging Face: all scores of every text
            return in_memory(["scores"], [rows])
        if len({len(row) for row in rows}) == 1:
            return in_memory([""] * len(rows[0]), list(zip(*rows, strict=True)))
    raise UqError("Expected records, or rows of equal length, in JSON. Received a list of other things.")


def _check_cells(n_columns: int, n_rows: int, most: int) -> None:
    """UqError where the records have so different names that a table of them would be mostly holes, and immense."""
    if n_columns > _MOST_COLUMNS or n_columns * n_rows > most:
        raise UqError(f"Expected records with the same names. Received {n_columns:,} different ones.")


def _columns(content: dict[str, Any], most_cells: int) -> Opened:
    if isinstance(content.get("columns"), list) and isinstance(content.get("data"), list):
        names, rows = [str(name) for name in content["columns"]], content["data"]
        if all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return in_memory(names, list(zip(*rows, strict=True)) or [[] for _ in names])
    if content and all(isinstance(column, dict) for column in content.values()):  # pandas' default: by index
        rows = list(dict.fromkeys(key for column in content.values() for key in column))
        _check_cells(len(content), len(rows), most_cells)
        return in_memory([*content], [[column.get(key) for key in rows] for column in content.values()])
    if (
        len(content) == 1
        and isinstance(inner := next(iter(content.values())), list)
        and inner
        and isinstance(inner[0], dict)
    ):
        return _rows(inner, most_cells)  # {"predictions": [{...}, ...]}
    lists = {name: column for name, column in content.items() if isinstance(column, list)}
    if lists and len({len(column) for column in lists.values()}) == 1:
        return in_memory([*lists], [*lists.values()])
    if content and not any(isinstance(value, list | dict) for value in content.values()):
        return _rows([content], most_cells)  # one line of JSON lines
    raise UqError(
        "Expected a table in JSON: a list of records, or columns of equal length. Received an object of other things."
    )
