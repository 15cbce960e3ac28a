"""JSON files: records, columns, pandas' and Weights & Biases' tables, lines of JSON, and what Hugging Face puts out."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from uqcore.predictions.cells import in_order
from uqcore.predictions.table import Opened, in_memory
from uqcore.text import has_half_pairs, reason
from uqcore.types import UqError

_TIMES_LARGER = 20  # that Python's objects are than the text that they are read from
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
    if has_half_pairs(text, content):
        raise UqError(
            "Expected text in JSON. Received half of a character that takes two, such as \\ud800; save it again."
        )
    most_cells = _FREE_CELLS + len(data)
    if isinstance(content, dict):
        return _columns(content, most_cells)
    if not isinstance(content, list) or not content:
        raise UqError(
            "Expected a table in JSON: a list of records, or columns. Received something else or nothing; save "
            "it as one."
        )
    return _rows(content, most_cells)


def _whole(text: str) -> Any:
    """The one value in the text, or those of its lines."""
    try:
        return json.loads(text, object_hook=_object, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise UqError("Expected a table in JSON. Received text that is nested too deeply; save a flat one.") from None
    except ValueError as error:
        whole = reason(error)  # the error itself would hold the text, and this function's frame
    rows = []
    for i, line in enumerate(text.splitlines()):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            if not rows:
                raise UqError(f"Expected JSON. Received text that is not ({whole}); save it again.") from None
            raise UqError(f"Expected JSON in every line. Received other text in line {i + 1:,}; correct it.") from None
    return rows


# With nothing of Python's in between, Python's reader lets no other thread run until it has read the last character: a
# second for 25 MB. Each of these is an occasion for others, for a fifth of the time more.
def _object(content: dict[str, Any]) -> dict[str, Any]:
    return content


def _float(text: str) -> float:
    return float(text)


def _int(text: str) -> int:
    return int(text)


def _rows(rows: list[Any], most_cells: int) -> Opened:
    if all(isinstance(row, dict) for row in rows):
        flat: list[dict[str, Any]] = []
        names: dict[str, None] = {}
        for row in rows:
            flat.append(_flat(row))
            names.update(dict.fromkeys(flat[-1]))
            _check_cells(len(names), len(rows), most_cells)  # before more is made of it
        return in_memory([*names], [[row.get(name) for row in flat] for name in names])
    if all(isinstance(row, list) for row in rows):
        if all(row and isinstance(row[0], dict) for row in rows):  # Hugging Face: all scores of every text
            return in_memory(["scores"], [rows])
        if len({len(row) for row in rows}) == 1:
            return in_memory([""] * len(rows[0]), list(zip(*rows, strict=True)))
    raise UqError(
        "Expected records, or rows of equal length, in JSON. Received a list of other things; save it as records."
    )


_OF_CLASSES = ("labels", "classes", "class_names", "displaynames", "label", "class")
_OF_SCORES = ("scores", "probabilities", "probs", "confidences", "score", "probability", "predictions")


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose inner objects are gone: classes and their scores in two lists, as zero-shot pipelines and cloud
    services write them, become one object by class; other objects that hold more than numbers give their entries."""
    made: dict[str, Any] = {}
    for name, entry in _paired(record).items():
        inner = _paired(entry) if isinstance(entry, dict) else None
        if inner is None or all(isinstance(value, int | float | None) for value in inner.values()):
            made[name] = entry
        else:
            made |= {f"{name}_{key}": value for key, value in inner.items()}
    return made


def _paired(record: dict[str, Any]) -> dict[str, Any]:
    """With one object by class in place of two lists of the same length, one of classes and one of numbers."""
    lowered = {str(name).lower(): name for name, entry in record.items() if isinstance(entry, list)}
    classes = next((lowered[name] for name in _OF_CLASSES if name in lowered), None)
    scores = next((lowered[name] for name in _OF_SCORES if name in lowered), None)
    if classes is None or scores is None:
        return record
    names, numbers = record[classes], record[scores]
    are_names = len({str(name) for name in names}) == len(names) == len(numbers) > 1
    if not are_names or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        return record
    by_class = dict(sorted(zip(map(str, names), numbers, strict=True), key=lambda pair: in_order(pair[0])))
    return {name: entry for name, entry in record.items() if name not in (classes, scores)} | {scores: by_class}


def _check_cells(n_columns: int, n_rows: int, most: int) -> None:
    """UqError where the records have so different names that a table of them would be mostly holes, and immense."""
    if n_columns * n_rows > most:
        raise UqError(
            f"Expected records with the same names. Received {n_columns:,} different ones or more in {n_rows:,} "
            f"records; give all the same."
        )


def _columns(content: dict[str, Any], most_cells: int) -> Opened:
    if isinstance(content.get("columns"), list) and isinstance(content.get("data"), list):
        names, rows = [str(name) for name in content["columns"]], content["data"]
        if all(isinstance(row, list) and len(row) == len(names) for row in rows):
            return in_memory(names, list(zip(*rows, strict=True)) or [[] for _ in names])
    if content and all(isinstance(column, dict) for column in content.values()):
        if _is_by_example(content):
            return _rows([{"id": name, **_flat(record)} for name, record in content.items()], most_cells)
        rows = list(dict.fromkeys(key for column in content.values() for key in column))
        _check_cells(len(content), len(rows), most_cells)
        return in_memory([*content], [[column.get(key) for key in rows] for column in content.values()])
    tables = [inner for name, inner in content.items() if _are_records(inner) and name != "schema"]
    if len(tables) == 1:
        return _rows(tables[0], most_cells)  # {"model": ..., "predictions": [{...}, ...]}
    lists = {name: column for name, column in content.items() if isinstance(column, list)}
    if lists and len({len(column) for column in lists.values()}) == 1:
        return in_memory([*lists], [*lists.values()])
    if (with_names := _with_class_names(lists)) is not None:
        return with_names
    if content and not any(isinstance(value, list | dict) for value in content.values()):
        return _rows([content], most_cells)  # one line of JSON lines
    raise UqError(
        "Expected a table in JSON: a list of records, or columns of equal length. Received an object of other things; "
        "save it as records."
    )


def _are_records(inner: Any) -> bool:
    return isinstance(inner, list) and len(inner) > 0 and isinstance(inner[0], dict)


def _is_by_example(content: dict[str, Any]) -> bool:
    """Whether an object of objects has an entry for each example, and not one for each column, as pandas has it: then
    there are more of them than they have names, and these are no numbers of rows."""
    inner = dict.fromkeys(key for entry in content.values() for key in entry)
    rows_by_number = all(str(key).isdigit() for key in inner) and not all(str(key).isdigit() for key in content)
    return len(content) > len(inner) > 1 and not rows_by_number


def _with_class_names(lists: dict[str, list[Any]]) -> Opened | None:
    """Columns of equal length beside a shorter list with the names of the classes, which one column has vectors of."""
    n_rows = max(map(len, lists.values()), default=0)
    columns = {name: column for name, column in lists.items() if len(column) == n_rows}
    others = {name: column for name, column in lists.items() if name not in columns}
    names = next(iter(others.values()), [])
    if len(others) != 1 or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None

    def is_vector(cell: Any) -> bool:
        return isinstance(cell, list) and len(cell) == len(names)

    of_classes = [name for name, column in columns.items() if all(map(is_vector, column))]
    if len(of_classes) != 1:
        return None
    columns[of_classes[0]] = [dict(zip(names, cell, strict=True)) for cell in columns[of_classes[0]]]
    return in_memory([*columns], [*columns.values()])
