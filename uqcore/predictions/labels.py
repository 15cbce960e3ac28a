"""Labels, OOD marks and class names of a file, checked: as `Predictions` keeps them, or refused in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.cells import NO_TEXT, in_order, literal
from uqcore.predictions.raw import NO_LABEL, Column, TextColumn, counted, listed, plain
from uqcore.predictions.roles import Unclear
from uqcore.types import FloatArray, IntArray, UqError

_TRUE, _FALSE = frozenset(("1", "1.0", "true", "t", "yes")), frozenset(("0", "0.0", "false", "f", "no"))
_POSITIVE, _NEGATIVE = _TRUE | {"y", "pos", "positive"}, _FALSE | {"n", "neg", "negative"}
_NUMBERED = re.compile(r"(\d{1,9}):(.+)")  # how Weka writes a class
_LONGEST = 10_000  # characters of a name that case and spaces may be changed in: a cell may hold a book
_MISSING, _UNREADABLE = np.nan, np.inf  # what stands for such a text among the numbers of the others


class Labels(NamedTuple):
    """Labels of a file as `Predictions` has them.

    Attributes:
        labels: ``(N,)``, None if no example has one.
        class_names: where they could be told from the labels.
        notes: a sentence for what was inferred.
    """

    labels: IntArray | None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def matcher(names: Sequence[str]) -> Callable[[str], str | None]:
    """What tells which of the class names a text is, up to case, spaces and what stands between words; None if none."""
    exact, by_form = frozenset(names), cache(lambda: _by_form(names))  # for most files the first is enough
    return lambda text: text if text in exact else by_form().get(_form(text))


def could_be_labels(entries: Sequence[str], n_classes: int, classes: Sequence[str] | None) -> bool:
    """Whether entries of a column may be labels of so many classes."""
    if not entries or len(entries) > n_classes + 1:
        return False
    if classes and all(map(matcher(classes), entries)):
        return True
    numbers = [_number(text) for text in entries]
    if all(np.isfinite(number) and number == int(number) for number in numbers):
        return min(numbers) >= -1 and max(numbers) <= n_classes
    if all(_NUMBERED.fullmatch(text) for text in entries):
        return True
    return n_classes == 2 and (len(entries) == 2 or all(text.lower() in _POSITIVE | _NEGATIVE for text in entries))


def in_class_order(texts: Sequence[str]) -> tuple[str, ...]:
    """Classes by what they say of a yes or no, then by number or by name."""
    return tuple(sorted(texts, key=lambda text: (text.lower() in _POSITIVE, in_order(text))))


def _by_form(names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(_form(name), name)
    return found if len(found) == len(names) else {}


def _form(text: str) -> str:
    if len(text) > _LONGEST:
        return text
    number = _number(text)
    return f"{number:.17g}" if np.isfinite(number) else plain(text) or text


def column_length(column: Column, name: str) -> int:
    """How many examples ``labels`` or ``ood`` has.

    Raises:
        UqError: an array is not ``(N,)`` or ``(N, 1)``.
    """
    if isinstance(column, TextColumn):
        return len(column.codes)
    if column.ndim == 1 or (column.ndim == 2 and (column.shape[1] == 1 or name == "labels")):
        return len(column)
    raise UqError(f"Expected one entry of `{name}` for each example, shape (N,). Received: {column.shape}; save it so.")


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
) -> Labels:
    """Labels ``(N,)`` in 0..K-1 and `NO_LABEL` for OOD: from class names, whole numbers of any type, from 1 to K or -1
    and 1 where these fit, true and false, or one-hot rows ``(N, K)``.

    None if no example has one. What stands there for OOD does not matter.

    Raises:
        Unclear: it cannot be told which of two texts is which class.
        UqError: a label of an example that is not OOD is missing while others are there, is no class, or is several.
    """
    wanted = np.ones(column_length(column, "labels"), np.bool_) if ood is None else ~ood
    entries, note = _one_class_each(column, wanted, n_classes)
    notes = [note] if note else []
    if isinstance(entries, TextColumn):
        numbers, class_names, note = _numbers_of(entries, wanted, n_classes, class_names)
        notes += [note] if note else []
    else:
        numbers = entries.astype(np.float64)
        if class_names and not _are_classes(numbers[wanted], n_classes):
            of_name = {float(name): float(k) for k, name in enumerate(class_names) if np.isfinite(_number(name))}
            if of_name and {*numbers[wanted & np.isfinite(numbers)].tolist()} <= of_name.keys():
                numbers = np.array([of_name.get(number, _MISSING) for number in numbers.tolist()])
    numbers, note = _from_zero(numbers, wanted, n_classes)
    notes += [note] if note else []
    missing = wanted & (np.isnan(numbers) | (numbers == NO_LABEL))
    if (missing == wanted).all():
        return Labels(None, class_names)
    if missing.any():
        raise UqError(
            f"Expected a label for every example that is not OOD. Received none, or -1, for {counted(missing)}; "
            f"leave those examples out, or leave out all labels."
        )
    _check_classes(numbers[wanted], wanted, n_classes)
    labels = np.full(len(wanted), NO_LABEL, np.int64)
    labels[wanted] = numbers[wanted]
    return Labels(labels, class_names, tuple(notes))


def checked_class_names(names: NDArray[Any], n_classes: int) -> tuple[str, ...]:
    """The K names.

    Raises:
        UqError: there are more, fewer, equal or empty ones.
    """
    decoded = tuple(str(name).strip() for name in _decoded(names).ravel())
    if len(decoded) != n_classes or len(set(decoded)) != n_classes or "" in decoded:
        raise UqError(
            f"Expected {n_classes:,} different names in `class_names`, one for each class. "
            f"Received {len(decoded):,}: {listed(decoded)}; name each class once."
        )
    return decoded


def largest_label(column: Column | None) -> int | None:
    """The largest number among the labels, as a clue to the number of classes; None where there is none."""
    if column is None or isinstance(column, TextColumn) or column.dtype.kind not in "iuf" or column.size == 0:
        return None
    if column.ndim == 2 and column.shape[1] > 1:  # one-hot
        return column.shape[1] - 1
    finite = column[np.isfinite(column)]
    return int(finite.max()) if finite.size else None


def texts_of(column: Column) -> NDArray[Any]:
    """The entries ``(N,)`` as `StringDType`, empty where nothing stands."""
    entries = _as_text(column)
    if isinstance(entries, TextColumn):
        return np.array(entries.texts, np.dtypes.StringDType())[entries.codes]
    return np.array([str(entry) for entry in entries.tolist()], np.dtypes.StringDType())


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


def _one_class_each(column: Column, wanted: NDArray[np.bool_], n_classes: int) -> tuple[Column, str | None]:
    """The column with one entry for each example, and a note where one-hot rows were read as classes."""
    several = UqError(
        "Expected one true class for each example. Received rows with several classes or none (multi-label), for which "
        "no threshold on the predicted class means anything; bring the columns of one class as a task of two classes."
    )
    if isinstance(column, TextColumn):
        used = np.bincount(column.codes[wanted], minlength=len(column.texts)) > 0
        lists = [text for text, is_used in zip(column.texts, used, strict=True) if is_used and text]
        if not lists or not all(text.startswith("[") and text.endswith("]") for text in lists):
            return column, None
        classes = {text: _of_list(text, n_classes) for text in lists}
        if None in classes.values() or len({text.count(",") for text in lists}) > 1:
            raise several
        texts = tuple(str(classes.get(text, "")) for text in column.texts)
        return TextColumn(column.codes, texts), "Labels in lists were read as the one class that each has."
    if column.ndim == 1 or column.shape[1] == 1:
        return _as_text(column), None
    if column.shape[1] != n_classes or column.dtype.kind in "US":
        raise UqError(f"Expected one entry of `labels` for each example, shape (N,). Received: {column.shape}.")
    numbers = column.astype(np.float64)
    rows = numbers[wanted]
    if not np.isin(rows, (0, 1)).all():
        raise UqError(
            f"Expected one entry of `labels` for each example, shape (N,), or one-hot rows of 0 and 1. Received: "
            f"{column.shape} with other numbers; save one of these."
        )
    if (rows.sum(axis=1) != 1).any():
        raise several
    return numbers.argmax(axis=1), "One-hot labels were read as classes."


def _of_list(text: str, n_classes: int) -> str | None:
    """The one class of ``"[0, 1, 0]"`` or ``"['cat']"``; None if it has several or none."""
    found = literal(text if "," in text else re.sub(r"(?<=\w)\.?\s+", ", ", text))  # NumPy writes no commas
    if not isinstance(found, list):
        return None
    if len(found) == n_classes and all(entry in (0, 1) for entry in found):
        return str(found.index(1)) if sum(found) == 1 else None
    return str(found[0]) if len(found) == 1 else None


def _numbers_of(
    column: TextColumn, wanted: NDArray[np.bool_], n_classes: int, class_names: tuple[str, ...] | None
) -> tuple[NDArray[np.float64], tuple[str, ...] | None, str | None]:
    """The labels as numbers, `_MISSING` where there is none; the class names, and a note on what was inferred."""
    used = np.bincount(column.codes[wanted], minlength=len(column.texts)) > 0
    here = [text for text, is_used in zip(column.texts, used, strict=True) if is_used and text]
    named = {name: float(k) for k, name in enumerate(class_names or ())}
    full = [text for text in here if text in named or text.lower() not in NO_TEXT]
    note = None
    class_of = matcher(class_names or ())
    pairs = [(text, name) for text in full if (name := class_of(text)) is not None]
    alike = {text: named[name] for text, name in pairs}
    unlike = [(text, name) for text, name in pairs if text.lower() != name.lower() and not np.isfinite(_number(text))]
    if unlike and len(alike) == len(full):
        note = f"Labels were matched with the classes up to what stands between words: {listed(unlike[0])}."
    if full and len(alike) == len(full):
        of = alike
    elif full and all(_NUMBERED.fullmatch(text) for text in full):
        of = {text: float(text.split(":")[0]) - 1 for text in full}
        names = {int(of[text]): text.split(":", 1)[1] for text in full}
        class_names = class_names or tuple(names.get(k, str(k)) for k in range(n_classes))
    elif n_classes == 2 and full and all(text.lower() in _POSITIVE | _NEGATIVE for text in full):
        of = {text: float(text.lower() in _POSITIVE) for text in full}
        if not all(np.isfinite(_number(text)) for text in full):
            note = f"Labels: {listed([t for t in full if of[t]])} was read as class 1, the others as class 0."
            if class_names is None and len(full) == 2:
                class_names = tuple(sorted(full, key=of.__getitem__))
    else:
        of = named
        _check_texts(full, named, n_classes, class_names)
    numbers = np.array([of.get(text, _MISSING if text.lower() in NO_TEXT else _number(text)) for text in column.texts])
    return numbers[column.codes], class_names, note


def _check_texts(
    texts: Sequence[str], named: dict[str, float], n_classes: int, class_names: tuple[str, ...] | None
) -> None:
    """UqError if one of the labels is neither a number nor the name of a class."""
    strange = [text for text in texts if text not in named and not np.isfinite(_number(text))]
    if not strange:
        return
    if class_names:
        raise UqError(
            f"Expected labels that are classes: {listed(class_names, 8)}. Received {listed(strange, 3)}; rename them, "
            f"or check that it is the column of true labels."
        )
    if len(texts) > n_classes:
        raise UqError(
            f"Expected labels of {n_classes:,} classes, as there are values of so many. Received {len(texts):,} "
            f"different ones, such as {listed(strange, 3)}; check that it is the column of true labels, and that no "
            f"class lacks its values."
        )
    which = "which column is of which class" if n_classes > 2 else "which of them is class 0 and which is class 1"
    raise Unclear(
        f"Expected class numbers as labels. Received text such as {listed(strange, 3)}, which does not tell {which}; "
        f"name the classes in the order of the columns.",
        "classes",
        texts if len(texts) == n_classes else (),
    )


def _are_classes(numbers: FloatArray, n_classes: int) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((numbers >= 0) & (numbers < n_classes) & (numbers == np.floor(numbers))).all())


def _from_zero(
    numbers: NDArray[np.float64], wanted: NDArray[np.bool_], n_classes: int
) -> tuple[NDArray[np.float64], str | None]:
    """Labels counted from 1, or -1 and 1, as 0..K-1, where they can be nothing else; and a note on it."""
    seen = np.unique(numbers[wanted & np.isfinite(numbers)])
    if n_classes == 2 and seen.tolist() == [-1, 1]:
        return np.where(numbers == -1, 0, numbers), "Labels -1 and 1 were read as class 0 and class 1."
    if seen.size and seen[0] >= 1 and seen[-1] == n_classes and (seen == np.floor(seen)).all():
        return numbers - 1, f"Labels 1 to {n_classes:,} were read as counted from 1: 1 is the first class."
    return numbers, None


def _number(text: str) -> float:
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
            f"for {counted(among_all(fractions))}; check that it is the column of true labels."
        )
    outside = (numbers < 0) | (numbers >= n_classes)
    if not outside.any():
        return
    which = [f"{number:g}" for number in np.unique(numbers[outside])[:1000]]
    raise UqError(
        f"Expected labels from 0 to {n_classes - 1:,}, as there are {n_classes:,} classes. "
        f"Received {listed(which)} for {counted(among_all(outside))}; correct them, or leave those examples out."
    )
