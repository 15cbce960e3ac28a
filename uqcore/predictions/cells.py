"""What stands in the cells of a table, as Arrow has them: numbers, and the vectors that some programs put into one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.raw import listed
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa

NO_TEXT = frozenset(("", "nan", "na", "n/a", "#n/a", "<na>", "none", "null", "?"))
"""What stands for a missing entry, in lower case."""

_NUMBER = r"^\*?[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(\s*%)?$"  # Weka marks the predicted class with *
_NOT_A_NUMBER = r"(?i)^([+-]?(nan|inf|infinity)|na|#?n/a|<na>|none|null|\?)?$"
_BRACKETED = re.compile(r"[A-Za-z_.]*[\[(]+(?:[-+\d.eE,;|\s]|nan|inf)*[\])]+")
_TAIL = re.compile(r"\]\s*,\s*(?:dtype|device|grad_fn|requires_grad)=[^\]\[]*\)$")  # of arrays and tensors as text
_BRACED = re.compile(r"\{[-+\d.eE,\s]*\}")  # an array of PostgreSQL
_BARE = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?(?:(?:\s*[|;]\s*|\s+)[-+]?[\d.]+(?:e[-+]?\d+)?)+", re.IGNORECASE)
_TO_SPACES = str.maketrans("[](),;|\n\r", " " * 9)
_NAMES, _NUMBERS = ("label", "class", "name", "category"), ("score", "prob", "probability", "confidence", "value", "p")


class Vectors(NamedTuple):
    """Numbers ``(N, K) float32``, and the names of the K if the cells have any."""

    values: NDArray[np.float32]
    classes: tuple[str, ...] | None


def may_be_vector(text: str) -> bool:
    """Whether a cell of text may hold several numbers."""
    return text.endswith(("]", ")", "}")) or _BARE.fullmatch(text) is not None


def is_text(kind: Any) -> bool:
    import pyarrow as pa

    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)


def is_number(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)


def is_nested(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_nested(kind)


def numbers(column: pa.Array, kind: Any = np.float64) -> tuple[NDArray[Any], int | None]:
    """``(N,)`` of ``kind``, NaN where nothing stands, and which cell, if any, is the first that is no number.

    Text is taken as people write it: with spaces around, a percent sign, or Weka's asterisk.
    """
    import pyarrow as pa
    from pyarrow import compute

    target = pa.from_numpy_dtype(kind)
    if is_number(column.type) or pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        plain = column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column
        return plain.cast(target, safe=False).to_numpy(zero_copy_only=False), None
    if not is_text(column.type):
        return np.full(len(column), np.nan, kind), 0 if len(column) else None
    texts = compute.utf8_trim_whitespace(column.cast(pa.string()))
    missing = compute.match_substring_regex(texts, _NOT_A_NUMBER)
    good = compute.fill_null(compute.or_(compute.match_substring_regex(texts, _NUMBER), missing), True)
    wrong = int(np.argmin(good.to_numpy(zero_copy_only=False))) if not compute.all(good, min_count=0).as_py() else None
    percent = compute.fill_null(compute.ends_with(texts, "%"), False).to_numpy(zero_copy_only=False)
    digits = compute.replace_substring_regex(texts, r"^\*|\s*%$", "")
    usable = compute.and_(good, compute.invert(compute.fill_null(missing, True)))
    exact = compute.if_else(usable, digits, None).cast(pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):  # a number beyond 32 bits becomes infinite, which is found later
        values = exact.astype(kind)
    infinite = compute.fill_null(compute.match_substring_regex(texts, r"(?i)^[+-]?inf"), False)
    values[infinite.to_numpy(zero_copy_only=False)] = np.inf
    values[percent] /= 100
    return values, wrong


def vectors(column: pa.Array, classes: tuple[str, ...] | None = None, first_row: int = 1) -> Vectors:
    """The vectors in a column's cells: lists, fields by class, lists of ``{label, score}``, or text of one of these.

    Args:
        classes: the names to go by where the cells name them; those of the first cell if None.
        first_row: the number of the first cell, for errors.

    Raises:
        UqError: there is a cell without one, or of another length or other classes than the first.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_map(kind):
        return _by_class([dict(cell or ()) for cell in column.to_pylist()], classes, first_row)
    if pa.types.is_struct(kind):
        if "values" in (field.name for field in kind):  # Spark's vectors
            if "type" in (field.name for field in kind) and 0 in column.field("type").to_pylist():
                raise UqError(
                    "Expected vectors with a number for every class. Received sparse ones; make them dense, as with "
                    "pyspark.ml.functions.vector_to_array."
                )
            return vectors(column.field("values"), classes, first_row)
        return _by_class(column.to_pylist(), classes, first_row)
    if is_text(kind):
        return _of_texts([(cell or "").strip() for cell in column.to_pylist()], classes, first_row)
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if is_list and pa.types.is_struct(kind.value_type):
        return _of_named([_named(cell) for cell in column.to_pylist()], classes, first_row)
    if not is_list or not is_number(kind.value_type):
        raise UqError(f"Expected a list of numbers in every cell. Received {kind}.")
    lengths = np.array([len(cell) if cell.is_valid else 0 for cell in column])
    _check_lengths(lengths, first_row)
    flat, _ = numbers(column.flatten(), np.float32)
    return Vectors(flat.reshape(len(column), -1), None)


def _of_texts(texts: list[str], classes: tuple[str, ...] | None, first_row: int) -> Vectors:
    if texts and (_BRACED.fullmatch(texts[0]) or _BARE.fullmatch(texts[0])):
        texts = [
            f"[{text.strip('{}')}]" if _BRACED.fullmatch(text) or _BARE.fullmatch(text) else text for text in texts
        ]
    elif texts and _TAIL.search(texts[0]):
        texts = [_TAIL.sub("])", text) for text in texts]
    if texts and _BRACKETED.fullmatch(texts[0]):
        parts = [text[text.find("[") if "[" in text else text.find("(") :].translate(_TO_SPACES) for text in texts]
        rows = [part.split() for part in parts]
        strange = next(
            (i for i, text in enumerate(texts) if not _BRACKETED.fullmatch(text) or not _are_floats(rows[i])), -1
        )
        if strange >= 0:
            raise UqError(
                f"Expected a list of numbers in every cell. Received {texts[strange][:40]!r} in row "
                f"{strange + first_row:,}."
            )
        _check_lengths(np.array([len(row) for row in rows]), first_row)
        with np.errstate(over="ignore"):
            return Vectors(np.array(rows, np.float32).reshape(len(rows), -1), None)
    read = [_literal(text) for text in texts]
    if all(isinstance(cell, dict) for cell in read):
        return _by_class(read, classes, first_row)
    return _of_named([_named(cell) for cell in read], classes, first_row)


def _are_floats(words: list[str]) -> bool:
    try:
        return bool([float(word) for word in words])
    except ValueError:
        return False


def _of_named(cells: list[dict[str, Any]], classes: tuple[str, ...] | None, first_row: int) -> Vectors:
    """Such lists are sorted by score, so the classes of the first are put into an order that says nothing of it."""
    return _by_class(cells, classes or tuple(sorted(cells[0] if cells else (), key=in_order)), first_row)


def in_order(name: str) -> tuple[object, ...]:
    """For sorting names: by their text, but numbers in it by value, so that ``LABEL_2`` comes before ``LABEL_10``."""
    # Text and numbers in turn. A number counts by its length and then its digits: some are too long for `int`.
    parts = re.split(r"(\d+)", name)
    return tuple(
        (1, len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (0, 0, part) for i, part in enumerate(parts)
    )


def literal(text: str) -> Any:
    """What Python, or JSON without true and false, writes as ``text``; None where that is nothing, or nothing that
    Python would write: it reads ``0xfff...`` of any length, but writes no whole number of more than 4,300 digits."""
    try:
        found = ast.literal_eval(re.sub(r"\b(nan|NaN|null)\b", "None", text))
        repr(found)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # TypeError: of a set of lists
        return None
    return found


def _literal(text: str) -> Any:
    return literal(text) if text[:1] in ("[", "{") else None


def _named(cell: Any) -> dict[str, Any]:
    """``[{"label": "cat", "score": 0.9}, ...]``, as Hugging Face and BigQuery write it, by class."""
    found = {}
    for entry in cell if isinstance(cell, list) else ():
        lowered = {str(key).lower(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
        name = next((lowered[key] for key in _NAMES if key in lowered), None)
        number = next((lowered[key] for key in _NUMBERS if key in lowered), None)
        if name is None or number is None:
            return {}
        found[str(name)] = number
    return found


def _by_class(cells: list[Any], classes: tuple[str, ...] | None, first_row: int) -> Vectors:
    first = cells[0] if cells and isinstance(cells[0], dict) else {}
    if classes is None or not set(classes) >= {*map(str, first)}:
        classes = tuple(map(str, first))
    values = np.full((len(cells), len(classes)), np.nan, np.float32)
    for i, cell in enumerate(cells):
        named = {str(key): value for key, value in cell.items()} if isinstance(cell, dict) else {}
        strange = sorted(named.keys() - {*classes})
        if not named or strange:
            came = listed(strange) if strange else "none"
            raise UqError(
                f"Expected numbers for the classes {listed(classes)} in every cell. Received {came} in row "
                f"{i + first_row:,}."
            )
        for k, name in enumerate(classes):
            number = named.get(name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
                raise UqError(
                    f"Expected numbers for every class. Received {listed([number], 1)} in row {i + first_row:,}."
                )
            values[i, k] = np.nan if number is None else _float(number)
    return Vectors(values, classes)


def _float(number: float) -> float:
    """A whole number of hundreds of digits is infinite, as it is with a point behind it."""
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def _check_lengths(lengths: NDArray[np.int64], first_row: int) -> None:
    if len(lengths) and (lengths != lengths[0]).any():
        row = int((lengths != lengths[0]).argmax())
        raise UqError(
            f"Expected {lengths[0]:,} numbers in every cell, as in the first. Received {lengths[row]:,} in row "
            f"{row + first_row:,}."
        )
