"""Moves come one after the other; who uses much waits for others who do, and gives way to moves."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import PATIENCE_S
from ui import fairness
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
            assert may_end.wait(PATIENCE_S)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    assert has_begun.wait(PATIENCE_S)

    def end() -> None:
        may_end.set()
        thread.join(PATIENCE_S)

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
    fairness = clock.fairness()
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
        with fairness.turn("little"):  # whose move waits for neither
            assert not waiting.done()
        end()
        assert waiting.result(PATIENCE_S)


@pytest.mark.parametrize(
    ("used", "opens", "takes_long"),
    [(1.0, False, "long_s"), (0.0, True, "long_s"), (0.1, False, "move_long_s")],
    ids=["uses much", "opens", "moves"],
)
def test_the_next_run_begins_beside_one_that_takes_long(used: float, opens: bool, takes_long: str) -> None:
    clock = Clock()
    fairness = clock.fairness(**{takes_long: 2})
    for visit in ("first", "another"):
        clock.use(fairness, visit, used)
    end = held(fairness, "first", opens)

    def waits() -> bool:
        with fairness.turn("another", opens):
            return True

    with ThreadPoolExecutor() as threads:
        clock.wall_s = 1.9
        waiting = threads.submit(waits)
        with pytest.raises(TimeoutError):
            waiting.result(0.6)  # it has looked again
        clock.wall_s = 2.1
        assert waiting.result(PATIENCE_S)
    end()
    held(fairness, "first", opens)()


class Crowd:
    """Runs that wait behind one that has its turn, and the order in which they then have theirs."""

    def __init__(self, clock: Clock, fairness: Fairness, first_used: float = 1.0) -> None:
        self._fairness, self.order = fairness, list[str]()
        self._threads: list[threading.Thread] = []
        clock.use(fairness, "first", first_used)
        self._end = held(fairness, "first")

    def comes(self, visit: str, opens: bool = True) -> None:
        def run() -> None:
            with self._fairness.turn(visit, opens):
                self.order.append(visit)

        n_waiting = self._fairness.n_waiting  # to be sure who came first
        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()
        while self._fairness.n_waiting == n_waiting:
            time.sleep(0.001)

    def goes_on(self) -> list[str]:
        self._end()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return self.order


def test_moves_are_answered_as_they_come_and_wait_for_no_other_kind() -> None:
    clock = Clock()
    fairness = clock.fairness(long_s=1000, move_long_s=1000)
    for visit, seconds in (("much", 1), ("busy", 0.4), ("here", 0.1)):
        clock.use(fairness, visit, seconds)
    much_ends, crowd = held(fairness, "much"), Crowd(clock, fairness, first_used=0.1)
    for visit in ("busy", "new", "here"):
        crowd.comes(visit, opens=False)
    assert crowd.order == []
    much_ends()
    held(fairness, "opens", opens=True)()  # waits for no move to begin
    assert crowd.goes_on() == ["busy", "new", "here"]


def test_who_is_here_comes_before_who_is_new_and_who_uses_more_comes_later_but_comes() -> None:
    clock = Clock()
    fairness = clock.fairness(long_s=1000)
    for visit, seconds in (("more", 0.8), ("most", 3.0), ("here", 0.1)):
        clock.use(fairness, visit, seconds)
    crowd = Crowd(clock, fairness)
    crowd.comes("most", opens=False)
    crowd.comes("more", opens=False)
    for visit in ("new", "new too", "here"):
        crowd.comes(visit)
    clock.wall_s = 11  # the most that anybody is put back
    crowd.comes("new at last")
    assert crowd.goes_on() == ["here", "new", "new too", "more", "most", "new at last"]


def test_a_run_stands_still_while_a_move_is_answered_three_times_as_long_as_it_has_run() -> None:
    clock = Clock()
    fairness = clock.fairness()
    has_moved = held(fairness, "moves")
    with fairness.turn("opens", opens=True):
        fairness.give_way()  # it has not run yet: at once
        clock.cpu_s += 0.02
        began = time.monotonic()
        fairness.give_way()
        assert time.monotonic() - began >= 0.06  # the move is not over: but it goes on
        clock.cpu_s += 60
        timer = threading.Timer(0.1, has_moved)
        timer.start()
        fairness.give_way()
        timer.join(PATIENCE_S)
        assert time.monotonic() - began < 60  # it waited for the move, not for three minutes
    with fairness.turn("moves"):
        fairness.give_way()  # a move gives way to none


def test_a_run_that_another_waits_for_rests_now_and_then_where_somebody_else_has_moved_lately() -> None:
    clock, rests = Clock(), list[float]()
    fairness = clock.fairness(long_s=1000, sleep=rests.append)

    def n_rests(visit: str, is_waited_for: bool = True) -> int:
        def waits() -> None:
            with fairness.turn("waits", opens=True):
                pass

        rests.clear()
        waiting = threading.Thread(target=waits, daemon=True)
        with fairness.turn(visit, opens=True):
            if is_waited_for:
                waiting.start()
                while not fairness.n_waiting:
                    time.sleep(0.001)
            for _ in range(4):
                clock.cpu_s += 0.0004
                fairness.give_way()
        if is_waited_for:
            waiting.join(PATIENCE_S)
        return len(rests)

    assert n_rests("opens") == 0  # nobody waits for an answer
    held(fairness, "moves")()
    assert n_rests("opens") == 2  # of four elements
    assert n_rests("opens", is_waited_for=False) == 0
    assert n_rests("moves") == 0  # who has moved is itself the one that waits
    clock.wall_s = 1.5
    assert n_rests("opens") == 0


def test_a_run_that_is_about_to_use_much_waits_from_then_on() -> None:
    clock = Clock()
    fairness = clock.fairness(long_s=1000)
    end, steps = held(fairness, "opens", opens=True), list[str]()

    def brings_a_file() -> None:
        with fairness.turn("brings"):
            steps.append("moves")
            fairness.much_follows()
            fairness.much_follows()  # again: it has its turn
            steps.append("reads")

    thread = threading.Thread(target=brings_a_file, daemon=True)
    thread.start()
    while not fairness.n_waiting:
        time.sleep(0.001)
    assert steps == ["moves"]
    end()
    thread.join(PATIENCE_S)
    assert steps == ["moves", "reads"]
    fairness.much_follows()  # outside of a turn: nothing
    held(fairness, "opens", opens=True)()  # and all turns were given back


@pytest.mark.parametrize(("lately", "rests"), [(True, True), (False, False)])
def test_those_who_use_much_rest_as_long_as_they_ran_where_others_move(lately: bool, rests: bool) -> None:
    clock = Clock()
    fairness = clock.fairness()
    clock.use(fairness, "much", 2)
    clock.use(fairness, "moves", 0.1)
    if not lately:
        clock.wall_s = 1.5
    clock.use(fairness, "much", 0.3)
    with ThreadPoolExecutor() as threads:

        def moves_again() -> bool:
            with fairness.turn("much"):
                return True

        again = threads.submit(moves_again)
        if rests:
            clock.wall_s += 0.29
            with pytest.raises(TimeoutError):
                again.result(0.6)  # it has looked again
            clock.wall_s += 0.02
        assert again.result(PATIENCE_S)


def test_every_element_that_a_script_shows_is_an_occasion_to_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, stood = list[str](), list[str]()

    class Context:
        session_id = "a visit"

        def enqueue(self, message: str) -> None:
            shown.append(message)

    context = Context()
    monkeypatch.setattr(fairness, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(Fairness, "give_way", lambda fairness: stood.append("still"))
    with fairness.turn(opens=True):
        context.enqueue("a title")
        with fairness.turn():
            context.enqueue("a slider")
        context.enqueue("a figure")
    context.enqueue("after it")
    assert shown == ["a title", "a slider", "a figure", "after it"]
    assert stood == ["still"] * 3


def test_no_more_visits_are_remembered_than_a_thousand() -> None:
    clock = Clock()
    fairness = clock.fairness()
    for i in range(1001):
        clock.use(fairness, f"{i}", 1)
    assert [fairness.use(f"{i}") for i in (0, 1, 1000)] == [0, 1, 1]
