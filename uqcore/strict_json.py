"""Strict JSON and its fields: each check returns a plain Python value, or raises a `UqError` that names the field."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Collection
from datetime import date
from numbers import Integral, Real
from typing import Any

from uqcore.text import has_half_pairs, reason
from uqcore.types import UqError

LONGEST_LINE = 1000
"""Characters of a text (see `text`)."""


def json_object(text: str | bytes, most_bytes: int) -> dict[str, Any]:
    """An object of JSON, without NaN, infinity or a name that is there twice."""
    if len(text) > most_bytes:
        raise UqError(f"Expected JSON of at most {most_bytes // 2**20} MB. Received more.")
    try:
        plain = text.decode() if isinstance(text, bytes) else text
        content = json.loads(plain, parse_constant=_finite, parse_float=_finite, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise UqError("Expected JSON. Received text that is nested too deeply.") from None
    except ValueError as error:
        raise UqError(f"Expected JSON. Received text that is not: {reason(error)}.") from None
    if has_half_pairs(plain, content):
        raise UqError("Expected JSON of text. Received half of a character that takes two, such as \\ud800.")
    if not isinstance(content, dict):
        raise UqError(f"Expected a JSON object. Received: {type(content).__name__}.")
    return content


def names(what: str, content: Collection[str], expected: Collection[str]) -> None:
    """Exactly the names ``expected``."""
    for problem, found in (("lacks", {*expected} - {*content}), ("has unknown", {*content} - {*expected})):
        if found:
            shown = ", ".join(name[:40] for name in sorted(found)[:5])
            raise UqError(f"{what} must have the fields {', '.join(sorted(expected))}. It {problem}: {shown}.")


def json_fields(name: str, value: object, expected: Collection[str]) -> dict[str, Any]:
    """An object with exactly the fields ``expected``."""
    content = json_map(name, value)
    names(f"`{name}`", content, expected)
    return content


def json_map(name: str, value: object) -> dict[str, Any]:
    """An object of any fields."""
    if not isinstance(value, dict):
        raise _refusal(name, "an object", value)
    return value


def json_list(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _refusal(name, "a list", value)
    return value


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in ``low..high``; a boolean is none."""
    where = "" if math.isinf(low) else f" from {low:g} to {high:g}"
    if not isinstance(value, float) and (isinstance(value, bool) or not isinstance(value, Real)):  # a float is quickest
        raise _refusal(name, f"a number{where}", value)
    try:
        as_float = float(value)
    except OverflowError:
        as_float = math.inf
    if not (math.isfinite(as_float) and low <= as_float <= high):
        raise _refusal(name, f"a finite number{where}", value)
    return as_float


def integer(name: str, value: object, least: int) -> int:
    """An integer from ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise _refusal(name, f"an integer of at least {least}", value)
    return int(value)


def boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refusal(name, "true or false", value)
    return value


def nothing(name: str, value: object) -> None:
    if value is not None:
        raise _refusal(name, "null", value)


def one_of(name: str, value: object, choices: Collection[Any]) -> Any:
    # Types too, because True == 1; and a list or an object from JSON has no hash.
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise _refusal(name, f"one of {', '.join(str(choice) for choice in choices)}", value)
    return value


def text(name: str, value: object) -> str:
    """One line of text that can be shown and written: no control characters, no halves of a surrogate pair."""
    if not isinstance(value, str) or not is_line(value):
        raise _refusal(name, f"a line of text of at most {LONGEST_LINE:,} characters", value)
    return value


def is_line(value: str) -> bool:
    """Whether it is a line as `text` has it."""
    return bool(value.strip()) and value.isprintable() and len(value) <= LONGEST_LINE


def iso_date(name: str, value: object) -> str:
    """A day as ``YYYY-MM-DD``."""
    try:
        is_day = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_day = False
    if not is_day:
        raise _refusal(name, "a date like 2026-01-31", value)
    return str(value)


def sha256(name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise _refusal(name, "a SHA-256, 64 digits from 0 to f", value)
    return value


NO_SUM = "0" * 64
"""What stands in a text in the place of its own SHA-256 before it is `sealed`."""


def sealed(text: bytes) -> bytes:
    """The text with its SHA-256 in the place of the first `NO_SUM`."""
    return text.replace(NO_SUM.encode(), hashlib.sha256(text).hexdigest().encode(), 1)


def is_sealed(text: bytes, said: str) -> bool:
    """Whether ``said``, which the text holds, is its SHA-256 as `sealed` has it."""
    return hashlib.sha256(text.replace(said.encode(), NO_SUM.encode(), 1)).hexdigest() == said


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:40]} is not a finite number")
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name is there twice")
    return content


def _refusal(name: str, expected: str, value: object) -> UqError:
    shown = repr(value)
    return UqError(f"`{name}` must be {expected}. Received: {shown if len(shown) <= 80 else shown[:77] + '...'}.")
