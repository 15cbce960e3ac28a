"""Labels, OOD marks and class names of a file, checked: as `Predictions` keeps them, or refused in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.raw import Column, TextColumn, counted, listed
from uqcore.predictions.record import NO_LABEL
from uqcore.types import FloatArray, IntArray, UqError

_NO_TEXT = frozenset(("", "nan", "na", "n/a", "none", "null"))
_TRUE, _FALSE = frozenset(("1", "1.0", "true", "t", "yes")), frozenset(("0", "0.0", "false", "f", "no"))
_MISSING, _UNREADABLE = np.nan, np.inf  # what stands for such a text among the numbers of the others


def column_length(column: Column, name: str) -> int:
    """How many examples ``labels`` or ``ood`` has.

    Raises:
        UqError: an array is not ``(N,)`` or ``(N, 1)``.
    """
    if isinstance(column, TextColumn):
        return len(column.codes)
    if column.ndim == 1 or (column.ndim == 2 and column.shape[1] == 1):
        return len(column)
    hint = "; for one-hot labels save labels.argmax(axis=1)" if name == "labels" and column.ndim == 2 else ""
    raise UqError(f"Expected one entry of `{name}` for each example, shape (N,). Received: {column.shape}{hint}.")


def checked_ood(column: Column) -> NDArray[np.bool_] | None:
    """Which examples are OOD, ``(N,)``, from booleans, 0 and 1, or words for them; None if none is.

    Raises:
        UqError: an entry is missing or something else.
    """
    entries = _as_text(column)
    if isinstance(entries, TextColumn):
        marks = np.array([_mark(text) for text in entries.texts])[entries.codes]
    else:
        marks = entries.astype(np.float64)
    wrong = ~((marks == 0) | (marks == 1))
    if wrong.any():
        raise UqError(
            f"Expected true or false, or 1 or 0, in `ood`. Received something else or nothing for {counted(wrong)}; "
            f"mark every example."
        )
    return marks == 1 if marks.any() else None


def checked_labels(
    column: Column, ood: NDArray[np.bool_] | None, n_classes: int, class_names: tuple[str, ...] | None
) -> IntArray | None:
    """Labels ``(N,)`` in 0..K-1, from whole numbers of any type or from class names, and `NO_LABEL` for OOD.

    None if no example has one. What stands there for OOD does not matter.

    Raises:
        UqError: a label of an example that is not OOD is missing while others are there, or is no class.
    """
    entries = _as_text(column)
    wanted = np.ones(column_length(column, "labels"), np.bool_) if ood is None else ~ood
    numbers = _numbers_of(entries, wanted, class_names) if isinstance(entries, TextColumn) else entries
    missing = wanted & (np.isnan(numbers) | (numbers == NO_LABEL))
    if (missing == wanted).all():
        return None
    if missing.any():
        raise UqError(
            f"Expected a label for every example that is not OOD. Received none for {counted(missing)}; "
            f"fill them in, leave those examples out, or leave out all labels."
        )
    _check_classes(numbers[wanted], wanted, n_classes)
    labels = np.full(len(wanted), NO_LABEL, np.int64)
    labels[wanted] = numbers[wanted]
    return labels


def checked_class_names(names: NDArray[Any], n_classes: int) -> tuple[str, ...]:
    """The K names.

    Raises:
        UqError: there are more, fewer, equal or empty ones.
    """
    decoded = tuple(str(name).strip() for name in _decoded(names).ravel())
    if len(decoded) != n_classes or len(set(decoded)) != n_classes or "" in decoded:
        raise UqError(
            f"Expected {n_classes:,} different names in `class_names`, one for each class. "
            f"Received {len(decoded):,}: {listed(decoded)}."
        )
    return decoded


def largest_label(column: Column | None) -> int | None:
    """The largest number among the labels, as a clue to the number of classes; None where there is none."""
    if column is None or isinstance(column, TextColumn) or column.dtype.kind not in "iuf" or column.size == 0:
        return None
    finite = column[np.isfinite(column)]
    return int(finite.max()) if finite.size else None


def _as_text(column: Column) -> Column:
    """A `TextColumn` in place of an array of text; of any other, the entries ``(N,)``."""
    if isinstance(column, TextColumn):
        return column
    if column.dtype.kind not in "US":
        return column.ravel().astype(np.uint8) if column.dtype.kind == "b" else column.ravel()
    texts, codes = np.unique(_decoded(column).ravel(), return_inverse=True)
    return TextColumn(codes.astype(np.int32), tuple(str(text).strip() for text in texts))


def _decoded(texts: NDArray[Any]) -> NDArray[np.str_]:
    try:
        return np.char.decode(texts, "utf-8") if texts.dtype.kind == "S" else texts
    except UnicodeDecodeError:
        raise UqError("Expected text in UTF-8. Received bytes that are not; save the array as str.") from None


def _mark(text: str) -> float:
    return 1.0 if text.lower() in _TRUE else 0.0 if text.lower() in _FALSE else _UNREADABLE


def _numbers_of(
    column: TextColumn, wanted: NDArray[np.bool_], class_names: tuple[str, ...] | None
) -> NDArray[np.float64]:
    """The labels as numbers, `_MISSING` where there is none."""
    by_name = {name: float(i) for i, name in enumerate(class_names or ())}
    of_text = np.array([by_name.get(text, _number(text)) for text in column.texts])
    used = np.bincount(column.codes[wanted], minlength=len(of_text)) > 0
    strange = [column.texts[i] for i in np.flatnonzero(used & (of_text == _UNREADABLE))]
    if strange:
        advice = "use those of `class_names`" if class_names else "number the classes by column, or save an NPZ file "
        advice += "" if class_names else "with `class_names`"
        raise UqError(f"Expected class numbers as labels. Received text such as {listed(strange, 3)}; {advice}.")
    return of_text[column.codes]


def _number(text: str) -> float:
    if text.lower() in _NO_TEXT:
        return _MISSING
    try:
        number = float(text)
    except ValueError:
        return _UNREADABLE
    return number if np.isfinite(number) else _UNREADABLE


def _check_classes(numbers: FloatArray | IntArray, wanted: NDArray[np.bool_], n_classes: int) -> None:
    """UqError unless the labels of the ``wanted`` examples are whole numbers from 0 to K - 1."""

    def among_all(some: NDArray[np.bool_]) -> NDArray[np.bool_]:
        mask = np.zeros(len(wanted), np.bool_)
        mask[wanted] = some
        return mask

    fractions = numbers != np.floor(numbers)
    if fractions.any():
        raise UqError(
            f"Expected class numbers as labels, such as 0 or 1. Received {numbers[fractions][0]:g} and the like "
            f"for {counted(among_all(fractions))}."
        )
    outside = (numbers < 0) | (numbers >= n_classes)
    if not outside.any():
        return
    if numbers.min() == 1 and numbers.max() == n_classes:
        raise UqError(
            f"Expected labels from 0 to {n_classes - 1:,}. Received: 1 to {n_classes:,}, as if counted from 1; "
            f"subtract 1 from each."
        )
    which = [f"{number:g}" for number in np.unique(numbers[outside])[:1000]]
    raise UqError(
        f"Expected labels from 0 to {n_classes - 1:,}, as there are {n_classes:,} classes. "
        f"Received {listed(which)} for {counted(among_all(outside))}."
    )
