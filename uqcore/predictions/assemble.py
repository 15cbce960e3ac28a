"""From the columns of a table and their roles to what `checked` takes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.by_example import by_example
from uqcore.predictions.cells import in_order
from uqcore.predictions.finding import said
from uqcore.predictions.labels import in_class_order, matcher
from uqcore.predictions.raw import Found, TextColumn, listed
from uqcore.predictions.roles import Roles
from uqcore.predictions.rows import Columns
from uqcore.types import UqError

_NUMBERED = re.compile(r"\d+:.+")
_A_ROW_EACH = "The file has a row for every example and class; the rows of an example were put together."


def found_in(columns: Columns, roles: Roles, left_out: tuple[str, ...], notes: tuple[str, ...]) -> Found:
    """The parts of a table whose columns have ``roles``; ``notes`` on the form of its file come first.

    Raises:
        UqError: there is the probability of the predicted class alone, and there are not two classes.
    """
    others: dict[str, Any] = dict(columns.others)
    values, classes = columns.values, columns.classes
    predicted = others.pop("predicted", None)
    ids, long = columns.ids, None
    if predicted is not None:
        long = by_example(columns, predicted, others, roles)
        if long is None:
            values, classes = _of_both(values, predicted, others.get("label"), roles)
        else:
            values, classes, others, ids = long
    meaning = said(roles)
    ignored = f"Columns that mean nothing here were left out: {listed(left_out)}." if left_out else None
    empty = f"Rows at the end in which nothing stands were left out: {columns.n_empty:,}." if columns.n_empty else None
    return Found(
        kind=roles.kind,
        values=values,
        order="NK",
        labels=others.get("label"),
        ood=others.get("ood"),
        class_names=None if classes is None else np.array(classes),
        ids=ids,
        group=others.get("group"),
        weight=others.get("weight"),
        time=others.get("time"),
        model=others.get("model"),
        roles=roles,
        left_out=left_out,
        notes=tuple(note for note in (*notes, meaning, _A_ROW_EACH if long else None, empty, ignored) if note),
    )


def _of_both(
    values: NDArray[np.float32], predicted: TextColumn, label: TextColumn | None, roles: Roles
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Probabilities ``(N, 2)`` of both classes from that of the predicted one, NaN where none is, and their names."""
    texts = [text for column in (predicted, label) if column is not None for text in column.texts if text]
    seen = tuple(dict.fromkeys(texts))
    if seen and all(_NUMBERED.fullmatch(text) for text in seen):  # Weka's 1:cat, which labels are told by
        names = {text: text.split(":", 1)[1] for text in sorted(seen, key=in_order)}
        found = tuple(names.values())
    else:
        names, found = {text: text for text in seen}, in_class_order(seen)
    classes = roles.classes or found
    if len(classes) != 2:
        raise UqError(
            f"Expected a probability for every class. Received only that of the predicted one, and the classes "
            f"{listed(classes)}, from which the others follow for two classes alone; save all that the model puts out."
        )
    class_of = matcher(classes)
    strange = [text for text in predicted.texts if text and class_of(names[text]) is None]
    if strange:
        raise UqError(f"Expected predicted classes {listed(classes)}. Received {listed(strange, 3)}; check the column.")
    place = [text != "" and class_of(names[text]) == classes[1] for text in predicted.texts]
    one = values[:, 0] / np.float32(100) if roles.kind == "percent" else values[:, 0]
    one = np.where(predicted.codes == predicted.texts.index(""), np.float32(np.nan), one)
    second = np.where(np.array(place)[predicted.codes], one, 1 - one)
    return np.column_stack([1 - second, second]), classes
