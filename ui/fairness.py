"""Who keeps the server busy waits for others who do; who asks little waits for nobody.

Pages share one core, and Python divides it among all threads alike: ten visits that ask without end would leave the
eleventh an eleventh of it. Here visits that have used much lately run one after the other, and so do openings of whole
pages, so that who moves a slider shares the core with one of them, however many there are.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from streamlit.runtime.scriptrunner import get_script_run_ctx

MUCH_S: Final = 0.5
"""Seconds of CPU, of the last ten or so, above which a visit keeps the server busy: a move a second takes a third."""

_MEMORY_S = 10.0
_MOST_VISITS = 1000  # whose use is remembered
# Then a run goes on all the same: the one that it waits for may be waiting itself, for a fit or another's file.
_PATIENCE_S, _AT_OPENING_S = 5.0, 0.5


class Fairness:
    """The turns of all visits. Any number of threads.

    Args:
        much_s: seconds of CPU that make a visit one that waits.
        patience_s, at_opening_s: the longest that such a visit waits, and that others do who open a page.
        now: seconds, by a clock; ``used``: seconds of CPU of this thread.
    """

    def __init__(
        self,
        much_s: float = MUCH_S,
        patience_s: float = _PATIENCE_S,
        at_opening_s: float = _AT_OPENING_S,
        now: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self._much_s, self._patience_s, self._at_opening_s = much_s, patience_s, at_opening_s
        self._now, self._used = now, used
        self._uses: OrderedDict[str, tuple[float, float]] = OrderedDict()  # seconds, and when they were that many
        self._lock, self._turn, self._thread = threading.Lock(), threading.Lock(), threading.local()

    def use(self, visit: str) -> float:
        """Seconds of CPU that a visit has used lately: what is ten seconds old counts a third."""
        with self._lock:
            seconds, then = self._uses.get(visit, (0.0, 0.0))
        return seconds * math.exp((then - self._now()) / _MEMORY_S)

    @contextmanager
    def turn(self, visit: str, opens: bool = False) -> Iterator[None]:
        """What is done within counts as the visit's. A turn within another is part of it.

        It waits while others have theirs, if the visit has used much or ``opens`` a page.
        """
        if getattr(self._thread, "is_within", False):
            yield
            return
        patience_s = self._patience_s if self.use(visit) > self._much_s else self._at_opening_s if opens else 0
        has_turn = patience_s > 0 and self._turn.acquire(timeout=patience_s)
        began, self._thread.is_within = self._used(), True
        try:
            yield
        finally:
            self._thread.is_within = False
            if has_turn:
                self._turn.release()
            self._count(visit, self._used() - began)

    def _count(self, visit: str, seconds: float) -> None:
        total = self.use(visit) + seconds
        with self._lock:
            self._uses[visit] = total, self._now()
            self._uses.move_to_end(visit)
            if len(self._uses) > _MOST_VISITS:
                self._uses.popitem(last=False)


_fairness = Fairness()


@contextmanager
def turn(opens: bool = False) -> Iterator[None]:
    """The turn of the visit whose script this thread runs; ``opens``: from the top of its page."""
    context = get_script_run_ctx()
    with _fairness.turn("" if context is None else context.session_id, opens):
        yield
