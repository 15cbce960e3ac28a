"""Percentages: no false certainty; and exceptions in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from uqcore.text import exact_percent, fine_percent, percent, reason, unbroken


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.1234, "12.3 %"),
        (0.001, "0.1 %"),
        (0.00099, "< 0.1 %"),
        (1e-12, "< 0.1 %"),
        (0.9985, "99.9 %"),
        (0.9991, "> 99.9 %"),
        (1 - 1e-12, "> 99.9 %"),
        (float("nan"), "–"),
    ],
)
def test_percent(share: float, expected: str) -> None:
    assert percent(share) == expected.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("in_words", [percent, fine_percent, exact_percent])
def test_only_nothing_is_0_and_only_everything_is_100_percent(in_words: Callable[[float], str]) -> None:
    for share in np.concatenate([np.logspace(-9, 0, 1000)[:-1], 1 - np.logspace(-9, -0.001, 1000)]):
        assert in_words(float(share)).replace("\N{NO-BREAK SPACE}", " ") not in ("0 %", "100 %"), share


def test_a_rare_event_has_three_digits() -> None:
    assert fine_percent(0.00001234) == "0.00123\N{NO-BREAK SPACE}%"
    assert fine_percent(0.5) == "50\N{NO-BREAK SPACE}%"


def test_a_goal_keeps_its_digits_and_is_plain_until_it_is_shown() -> None:
    assert exact_percent(0.999999) == "99.9999 %"
    assert unbroken("at most 0.1 % wrong, with 95 % confidence") == "at most 0.1\xa0% wrong, with 95\xa0% confidence"


def test_what_an_exception_says_is_one_short_line_without_advice_for_programmers() -> None:
    assert reason(ValueError("no\nfile " + "x" * 300)) == "no file " + "x" * 192
    with pytest.raises(ValueError, match="integer string conversion") as raised:
        int("9" * 5000)
    assert reason(raised.value) == "a whole number of thousands of digits"
    with pytest.raises(UnicodeDecodeError) as undecoded:
        b"a\xff".decode()
    assert reason(undecoded.value) == "byte 1 is no UTF-8"
