"""What a server keeps for all visitors, under one budget of bytes: what was used once goes before what was used again.

It takes the place of `st.cache_resource`, which counts entries, one function apart from the other, and hashes every
argument at every call: 0.1 to 0.8 ms, a third of a move on a page that looks up seven methods.
"""

from __future__ import annotations

import inspect
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import streamlit as st

from uqcore.store import Store
from uqcore.types import Dataset, Posterior

BUDGET = 96 * 2**20
"""Bytes of all that is kept here together."""

ONCE = 0.25
"""Share of the room that is left to what was used once: so much can come, and be asked for again before it goes."""

P = ParamSpec("P")
R = TypeVar("R")

_OF_OTHERS = (Dataset, Posterior, Store)  # to keep


@dataclass(eq=False)
class _Entry:
    """A value; ``lock`` is held while it is made."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    made: bool = False
    n_bytes: int = 0


class _Shelf:
    """Entries, what was used least recently first, and the bytes of all as far as they have been counted."""

    def __init__(self) -> None:
        self.entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self.n_bytes = 0

    def put(self, key: Hashable, entry: _Entry) -> None:
        self.entries[key] = entry
        self.n_bytes += entry.n_bytes

    def take(self, key: Hashable) -> _Entry:
        entry = self.entries.pop(key)
        self.n_bytes -= entry.n_bytes
        return entry

    def oldest(self, newest: Hashable) -> Hashable | None:
        """The key of the first value; not ``newest``."""
        return next((key for key, entry in self.entries.items() if entry.made and key != newest), None)


class Cache:
    """Values by their keys, ``max_bytes`` of them at most but for the one that was made last. Any number of threads.

    What nobody has asked for again goes first, as long as it takes more than `ONCE` of the room: what a slider leaves
    behind at every step, for one visitor, does not push out what all need. Of each kind, what was used least recently.

    Bytes are counted when a value is made, and every ``recount_s`` seconds those of what was used meanwhile again, for
    some values compute parts of theirs when they are asked for; not at every move, for some have many parts.
    """

    def __init__(self, max_bytes: int = BUDGET, recount_s: float = 1.0) -> None:
        self.max_bytes, self.recount_s = max_bytes, recount_s
        self._once, self._again = _Shelf(), _Shelf()
        self._used: dict[Hashable, _Entry] = {}  # since they were counted
        self._counted = -math.inf  # when (`time.monotonic`)
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], R]) -> R:
        """The value of ``key``: made once, while others who ask for it wait; not kept where making it fails."""
        with self._lock:
            self._used[key] = entry = self._known(key)
        if not entry.made:
            with entry.lock:
                if not entry.made:
                    try:
                        entry.value = make()
                    except BaseException:  # a script that is stopped, too
                        self._drop(key, entry)
                        raise
                    entry.made = True
                    self._make_room(key, entry)
        value: R = entry.value
        return value

    @property
    def n_bytes(self) -> int:
        """Of all values, as far as they have been counted."""
        return self._once.n_bytes + self._again.n_bytes

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._once, self._again = _Shelf(), _Shelf()
            self._used.clear()

    def _known(self, key: Hashable) -> _Entry:
        """The entry of ``key``, now the one that was used last; an empty one where there was none."""
        if key in self._again.entries:
            self._again.entries.move_to_end(key)
            return self._again.entries[key]
        if key in self._once.entries:
            self._again.put(key, entry := self._once.take(key))
            return entry
        self._once.put(key, entry := _Entry())
        return entry

    def _drop(self, key: Hashable, entry: _Entry) -> None:
        with self._lock:
            for shelf in (self._once, self._again):
                if shelf.entries.get(key) is entry:
                    shelf.take(key)

    def _make_room(self, newest: Hashable, made: _Entry) -> None:
        with self._lock:
            now = time.monotonic()
            self._used.pop(newest, None)
            self._count(newest, made)
            if now >= self._counted + self.recount_s:
                while self._used:
                    self._count(*self._used.popitem())
                self._counted = now
            while self.n_bytes > self.max_bytes:
                shelves = (self._once, self._again)
                for shelf in shelves if self._once.n_bytes > ONCE * self.max_bytes else reversed(shelves):
                    if (oldest := shelf.oldest(newest)) is not None:
                        shelf.take(oldest)
                        self._used.pop(oldest, None)
                        break
                else:
                    return

    def _count(self, key: Hashable, entry: _Entry) -> None:
        for shelf in (self._once, self._again):
            if entry.made and shelf.entries.get(key) is entry:
                before, entry.n_bytes = entry.n_bytes, count_bytes(entry.value)
                shelf.n_bytes += entry.n_bytes - before


_cache = Cache()


def kept(spinner: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The function's values are kept for all visitors, by its positional arguments but for those named ``_like_this``.

    Numbers that are equal (0.0 and -0.0, 1 and 1.0) are one key: a function must say the same of them.
    Of an argument with an ``identity``, that counts: what determines all that can be computed of it.
    ``spinner`` is shown while one is made, where that may take long.
    """

    def keeping(function: Callable[P, R]) -> Callable[P, R]:
        in_key = [not name.startswith("_") for name in inspect.signature(function).parameters]
        name = f"{function.__module__}.{function.__qualname__}"

        @wraps(function)
        def looked_up(*args: P.args, **kwargs: P.kwargs) -> R:
            named = (value for value, counts in zip(args, in_key, strict=True) if counts)
            key = (name, *(getattr(value, "identity", value) for value in named))

            def make() -> R:
                with st.spinner(spinner) if spinner else nullcontext():
                    return function(*args, **kwargs)

            return _cache.get(key, make)

        return looked_up

    return keeping


def forget() -> None:
    """Forgets all that is kept."""
    _cache.clear()


def count_bytes(value: Any) -> int:
    """Of the arrays and texts that a value holds, each once, and of those that its parts hold."""
    n_bytes, seen, parts = 0, set[int](), [value]
    while parts:
        part = parts.pop()
        if isinstance(part, np.ndarray):
            while isinstance(part.base, np.ndarray):  # a part of an array holds the whole of it
                part = part.base
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray):
            n_bytes += part.nbytes
        elif isinstance(part, (str, bytes)):
            n_bytes += len(part)
        elif isinstance(part, dict):
            parts += list(part.values())  # others may add to it meanwhile
        elif isinstance(part, (list, tuple, set, frozenset)):
            parts += part
        # Last, for whether it is a posterior takes longer than all else, and most parts are texts and numbers.
        elif hasattr(part, "__dict__") and not callable(part) and not isinstance(part, _OF_OTHERS):
            parts += list(vars(part).values())
    return n_bytes
