"""A row for every example and class, put together: a row for each example, a column for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.cells import NO_TEXT
from uqcore.predictions.labels import in_class_order
from uqcore.predictions.raw import TextColumn, listed
from uqcore.predictions.roles import Roles
from uqcore.predictions.rows import Columns
from uqcore.types import IntArray, UqError

_TRUE = frozenset(("1", "1.0", "true", "t", "yes"))


class ByExample(NamedTuple):
    """Values ``(N, K)``, the K classes, and the columns of `Columns.others` and `Columns.ids` with N entries."""

    values: NDArray[np.float32]
    classes: tuple[str, ...]
    others: dict[str, Any]
    ids: dict[str, NDArray[Any]]


def by_example(columns: Columns, of_class: TextColumn, others: Mapping[str, Any], roles: Roles) -> ByExample | None:
    """The rows of a table in which the first id and the class ``of_class`` say what the one value is of; None where
    ids are there once, so that a row is an example and its class the predicted one.

    Raises:
        UqError: an example lacks a class or has it twice, or has several labels.
    """
    if not columns.ids:
        return None
    ids = next(iter(columns.ids.values()))
    first, which = _first_rows(ids)
    if len(first) in (0, len(ids)):
        return None
    used = np.unique(of_class.codes)
    present = tuple(of_class.texts[code] for code in used.tolist() if of_class.texts[code])
    classes = roles.classes if roles.classes is not None and {*present} <= {*roles.classes} else in_class_order(present)
    place = np.array([classes.index(text) if text in classes else -1 for text in of_class.texts])[of_class.codes]
    n, k = len(first), len(classes)
    count = np.bincount(which * k + place, minlength=n * k) if (place >= 0).all() else np.zeros(n * k, np.int64)
    odd = (count.reshape(n, k) != 1).any(axis=1)
    if odd.any():
        raise UqError(
            f"Expected one row for each of the classes {listed(classes)} of every example. Received more or fewer for "
            f"{listed([str(ids[first[odd.argmax()]])])}; add what is missing, or keep one of each."
        )
    values = np.empty((n, k), np.float32)
    values[which, place] = columns.values[:, 0]
    kept = {role: _rows(column, first) for role, column in others.items() if role != "label"}
    label = others.get("label")
    if label is not None:
        kept["label"] = _label(label, which, first, place, classes)
    return ByExample(values, classes, kept, {name: texts[first] for name, texts in columns.ids.items()})


def _first_rows(ids: NDArray[Any]) -> tuple[IntArray, IntArray]:
    """The first row of each id, in the order in which they come, and of each row the number of its id."""
    number: dict[str, int] = {}
    which = np.array([number.setdefault(text, len(number)) for text in ids.tolist()], np.int64)
    _, first = np.unique(which, return_index=True)
    return first, which


def _rows(column: Any, rows: IntArray) -> Any:
    return column._replace(codes=column.codes[rows]) if isinstance(column, TextColumn) else column[rows]


def _label(
    label: TextColumn, which: IntArray, first: IntArray, place: IntArray, classes: tuple[str, ...]
) -> TextColumn:
    """The label of each example: the same in all its rows, or the class of the one row that is marked as true."""
    if (label.codes == label.codes[first][which]).all():
        return label._replace(codes=label.codes[first])
    is_true = np.array([text.lower() in _TRUE for text in label.texts])[label.codes]
    marks = {text.lower() for text in label.texts if text.lower() not in NO_TEXT}
    if len(marks) > 2 or (np.bincount(which, weights=is_true) != 1).any():
        raise UqError(
            f"Expected the same label in all rows of an example, or one row marked as the true class. Received others, "
            f"such as {listed(label.texts, 3)}; check that it is the column of true labels."
        )
    codes = np.empty(len(first), np.int32)
    codes[which[is_true]] = place[is_true]
    return TextColumn(codes, classes)
