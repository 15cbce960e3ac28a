"""Tables in long format: the predictions of several models below each other, with a column that says whose a row is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.raw import Found, TextColumn
from uqcore.predictions.roles import SeveralModels

MOST_MODELS = 50


def one_of(found: Found, model: TextColumn, wanted: str | None) -> Found:
    """The rows of one model; all, where the column does not say that there are several.

    It does where every model has as many rows, and the same ids or the same labels in the same order: a column of that
    name may also hold what a car is called.

    Raises:
        SeveralModels: there are several, and ``wanted`` is none of them.
    """
    places = {text: np.flatnonzero(model.codes == code) for code, text in enumerate(model.texts) if text}
    places = {text: rows for text, rows in places.items() if len(rows)}
    if len(places) < 2 or not _of_the_same(found, list(places.values())):
        return found
    if wanted not in places:
        raise SeveralModels(places)
    rows = places[wanted]
    return replace(
        found,
        values=found.values[rows],
        labels=_some(found.labels, rows),
        ood=_some(found.ood, rows),
        ids={name: ids[rows] for name, ids in found.ids.items()},
        group=_some(found.group, rows),
        weight=_some(found.weight, rows),
        time=_some(found.time, rows),
        model=None,
        notes=(*found.notes, f"Read the rows of {wanted[:40]!r} alone, one of {len(places):,} models."),
    )


def _of_the_same(found: Found, places: list[NDArray[np.int64]]) -> bool:
    first = places[0]
    if len(places) > MOST_MODELS or any(len(rows) != len(first) for rows in places):
        return False
    for ids in found.ids.values():
        known = {*ids[first].tolist()}
        if len(known) == len(first) and all({*ids[rows].tolist()} == known for rows in places):
            return True
    if isinstance(found.labels, TextColumn):
        return all((found.labels.codes[rows] == found.labels.codes[first]).all() for rows in places)
    return found.labels is None


def _some(column: Any, rows: NDArray[np.int64]) -> Any:
    if isinstance(column, TextColumn):
        return column._replace(codes=column.codes[rows])
    return None if column is None else column[rows]
