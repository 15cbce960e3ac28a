"""Who uses much waits for others who do; who uses little never."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ui.fairness import Fairness


class Clock:
    """Two clocks that are moved by hand: of the wall, and of the processor for every thread alike."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def fairness(self, **options: Any) -> Fairness:
        return Fairness(now=lambda: self.wall_s, used=lambda: self.cpu_s, **options)

    def use(self, fairness: Fairness, visit: str, seconds: float) -> None:
        with fairness.turn(visit):
            self.cpu_s += seconds


def held(fairness: Fairness, visit: str, opens: bool = False) -> Callable[[], None]:
    """Takes a turn in another thread, in which it is kept until what is given back is called."""
    has_begun, may_end = threading.Event(), threading.Event()

    def keep() -> None:
        with fairness.turn(visit, opens):
            has_begun.set()
            assert may_end.wait(20)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    assert has_begun.wait(20)

    def end() -> None:
        may_end.set()
        thread.join(20)

    return end


def test_what_a_visit_has_used_is_forgotten_in_ten_seconds_or_so() -> None:
    clock = Clock()
    fairness = clock.fairness()
    for _ in range(2):
        clock.use(fairness, "a", 0.3)
    assert fairness.use("a") == pytest.approx(0.6)
    assert fairness.use("b") == 0
    clock.wall_s = 10
    assert fairness.use("a") == pytest.approx(0.6 / math.e)
    clock.use(fairness, "a", 0.1)
    assert fairness.use("a") == pytest.approx(0.6 / math.e + 0.1)


def test_a_turn_within_a_turn_is_part_of_it_and_an_error_ends_it() -> None:
    clock = Clock()
    fairness = clock.fairness(much_s=0.1)
    clock.use(fairness, "a", 1)

    def fails() -> None:
        with fairness.turn("a"):
            clock.use(fairness, "a", 0.5)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fails()
    assert fairness.use("a") == pytest.approx(1.5)
    held(fairness, "a")()  # and the turn was given back


@pytest.mark.parametrize(("used", "opens"), [(1.0, False), (1.0, True), (0.0, True)])
def test_visits_that_used_much_and_openings_run_one_after_the_other(used: float, opens: bool) -> None:
    clock = Clock()
    fairness = clock.fairness(patience_s=20, at_opening_s=20)
    clock.use(fairness, "much", 1)
    clock.use(fairness, "waits", used)
    end = held(fairness, "much")

    def waits() -> bool:
        with fairness.turn("waits", opens):
            return True

    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(waits)
        with pytest.raises(TimeoutError):
            waiting.result(0.1)
        with fairness.turn("little"):  # whose move waits for nobody
            assert not waiting.done()
        end()
        assert waiting.result(20)


@pytest.mark.parametrize("opens", [False, True])
def test_a_run_goes_on_where_the_one_before_it_does_not_end(opens: bool) -> None:
    clock = Clock()
    fairness = clock.fairness(patience_s=0.01, at_opening_s=0.01)
    clock.use(fairness, "much", 1)
    clock.use(fairness, "another", 0 if opens else 1)
    end = held(fairness, "much")
    with fairness.turn("another", opens):
        end()  # who did not get the turn gives none back
    held(fairness, "much")()


def test_no_more_visits_are_remembered_than_a_thousand() -> None:
    clock = Clock()
    fairness = clock.fairness()
    for i in range(1001):
        clock.use(fairness, f"{i}", 1)
    assert [fairness.use(f"{i}") for i in (0, 1, 1000)] == [0, 1, 1]
