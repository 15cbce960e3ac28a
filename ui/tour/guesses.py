"""What can be guessed at a step, and counts in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(n: int) -> str:
    """A count, as it stands in a sentence."""
    return _WORDS[n] if n < len(_WORDS) else str(n)


def how_many(n: int, of: int) -> tuple[tuple[str, ...], int]:
    """Guesses at a count among ``of``, and which is ``n``."""
    counts = sorted({0, n, of, of // 2})
    return tuple(
        "none" if count == 0 else f"all {of}" if count == of else str(count) for count in counts
    ), counts.index(n)


def who(n: int) -> str:
    """How many methods accept, as the beginning of a sentence's end."""
    return "none accepts" if n == 0 else f"{in_words(n)} accept{'s' * (n == 1)}"


def what_share(share: float) -> tuple[tuple[str, ...], int]:
    """Guesses at a share, and which of them comes nearest."""
    return ("hardly any", "about half", "nearly all"), int(np.abs(np.array([0.0, 0.5, 1.0]) - share).argmin())


def among(right: float, others: tuple[float, ...], form: Callable[[float], str]) -> tuple[tuple[str, ...], int]:
    """Guesses in rising order, and which is ``right``."""
    values = sorted({form(value): value for value in (*others, right)}.values())
    return tuple(form(value) for value in values), [form(value) for value in values].index(form(right))
