"""What the server keeps: once for all, by the arguments, under one budget."""

import math
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pytest

from ui.budget import Cache, count_bytes, forget, kept
from uqcore.types import FloatArray


def megabyte(_: object = None) -> FloatArray:
    return np.zeros(2**17)


def test_a_value_is_made_once_and_is_the_same_for_all_who_ask_at_once() -> None:
    cache, started = Cache(), threading.Barrier(8)
    made: list[None] = []
    got: list[object] = []

    def make() -> object:
        made.append(None)
        return object()

    def ask() -> None:
        started.wait()
        got.append(cache.get("key", make))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(each is got[0] for each in got)


def test_what_was_used_least_recently_goes_first() -> None:
    cache, made = Cache(max_bytes=3 * 2**20), ""

    def ask(key: str) -> None:
        def make() -> FloatArray:
            nonlocal made
            made += key
            return megabyte()

        cache.get(key, make)

    for key in "abcadabc":  # d pushes b out; b then c, and c then d
        ask(key)
    assert made == "abcdbc"
    assert cache.n_bytes == 3 * 2**20


def test_what_was_used_again_outlives_what_was_used_once_but_not_for_ever() -> None:
    cache = Cache(max_bytes=8 * 2**20)

    def asked_for(*keys: str) -> list[str]:
        """Which of them had to be made."""
        made: list[str] = []

        def make(key: str) -> FloatArray:
            made.append(key)
            return megabyte()

        for key in keys:
            cache.get(key, partial(make, key))
        return made

    needed = [f"needed {i}" for i in range(4)]
    assert asked_for(*needed, *needed) == needed
    assert len(asked_for(*(f"passing {i}" for i in range(50)))) == 50
    assert asked_for(*needed) == []
    others = [f"other {i}" for i in range(7)]
    for key in others:
        asked_for(key, key)
    assert asked_for(*needed[:2]) == needed[:2]
    assert asked_for(*others[-4:]) == []
    assert cache.n_bytes == 8 * 2**20


def test_one_value_may_be_larger_than_the_budget() -> None:
    cache = Cache(max_bytes=1)
    first = cache.get("a", megabyte)
    assert cache.get("a", megabyte) is first
    cache.get("b", megabyte)
    assert cache.n_bytes == 2**20


def test_what_a_value_computes_later_counts() -> None:
    class Late:
        @cached_property
        def part(self) -> FloatArray:
            return megabyte()

    at_once, later = Cache(recount_s=0), Cache(recount_s=3600)
    for cache in (at_once, later):
        assert cache.get("late", Late).part is cache.get("late", Late).part
        cache.get("other", object)
        assert cache.get("late", Late).part.nbytes == 2**20
        cache.get("another", object)
    assert at_once.n_bytes == 2**20
    assert later.n_bytes == 0  # it was counted when it was made, an hour ago or less


def test_what_fails_is_not_kept_and_the_next_who_asks_tries_again() -> None:
    cache = Cache()

    def fail() -> None:
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        cache.get("key", fail)
    assert cache.get("key", lambda: 1) == 1


def test_arguments_named_with_an_underscore_do_not_count() -> None:
    @kept()
    def value(a: int, _make: Callable[[], int]) -> int:
        return a + _make()

    forget()
    assert [value(1, lambda: 10), value(1, lambda: 20), value(2, lambda: 20)] == [11, 11, 22]


def test_functions_of_one_argument_do_not_get_each_others_values() -> None:
    @kept()
    def double(a: int) -> int:
        return 2 * a

    @kept()
    def triple(a: int) -> int:
        return 3 * a

    assert (double(2), triple(2)) == (4, 6)


@dataclass
class Holder:
    whole: FloatArray
    parts: dict[str, FloatArray] = field(default_factory=dict)


def test_bytes_are_those_of_the_arrays_each_once_a_part_of_one_being_the_whole() -> None:
    whole = megabyte()
    assert count_bytes((whole, [whole, "four"], None)) == 2**20 + 4
    assert count_bytes(Holder(whole, {"first": whole[:3], "turned": whole.reshape(2, -1).T})) == 2**20
    assert count_bytes(whole[:3]) == 2**20


def test_what_went_is_held_by_nothing() -> None:
    cache = Cache(max_bytes=1500, recount_s=math.inf)
    cache.get("first", lambda: np.zeros(1000, np.uint8))
    gone = weakref.ref(cache.get("first", lambda: np.zeros(1000, np.uint8)))
    cache.get("second", lambda: np.zeros(1000, np.uint8))
    assert gone() is None
