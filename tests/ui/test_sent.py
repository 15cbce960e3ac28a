"""What a component has sent counts where it is of the kind that its script sends; a client may send anything."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ui.components.mounting import is_number, is_point, is_text, or_none, sent
from ui.components.threshold import is_choice


@pytest.mark.parametrize("value", [0, -1.5, 10**200])
def test_a_finite_number_counts(value: float) -> None:
    assert is_number(value)
    assert sent({"threshold": value}, "threshold", 0.5, is_number) == value


@pytest.mark.parametrize("value", [None, True, "1", [1], {}, math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_finite_number_does_not(value: Any) -> None:
    assert not is_number(value)
    assert sent({"threshold": value}, "threshold", 0.5, is_number) == 0.5


@pytest.mark.parametrize("value", [[], [1], [1, 2, 3], "12", [1, math.nan], [None, None], {"x": 1, "y": 2}])
def test_a_point_is_a_pair_of_numbers(value: Any) -> None:
    assert is_point([1, 2.5])
    assert not is_point(value)
    assert sent({"point": value}, "point", (0.0, 0.0), or_none(is_point)) == (0.0, 0.0)


@pytest.mark.parametrize("value", [None, 1, [], "\ud800", "x\udfff"])
def test_half_of_a_character_is_no_text(value: Any) -> None:
    assert is_text("\N{GRINNING FACE}")
    assert not is_text(value)


def test_a_point_that_was_taken_away_is_none() -> None:
    assert sent({"point": None}, "point", (0.0, 0.0), or_none(is_point)) is None


@pytest.mark.parametrize("result", [None, {}, [], 3, "x"])
def test_nothing_that_was_sent_is_what_was_there_before(result: Any) -> None:
    assert sent(result, "point", (1.0, 2.0), is_point) == (1.0, 2.0)


@pytest.mark.parametrize("value", [None, "x", [], {}, {"revision": "a"}, {"revision": "a", "threshold": "x"}])
def test_a_threshold_is_chosen_with_its_revision(value: Any) -> None:
    assert is_choice({"revision": "a", "threshold": None})
    assert is_choice({"revision": "a", "threshold": 0.1})
    assert not is_choice(value)
