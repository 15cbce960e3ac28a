"""Who keeps the server busy waits for others who do, and gives way to those who ask little.

Pages share one core, and Python divides it among all threads alike. Ten moves that come together would all be answered
when the last is: they are answered one after the other, half as late on average and the last no later. And ten visits
that ask without end would leave the eleventh an eleventh of the core: those that have used much lately run one after
the other too, in a line of their own with openings of whole pages and work on large files, and stand still while a
slider's answer is made, at the next element that they show, and now and then for it to be sent.
"""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from streamlit.runtime.scriptrunner import get_script_run_ctx

MUCH_S: Final = 0.5
"""Seconds of CPU, of the last ten or so, above which a visit keeps the server busy: a move a second takes a third."""

LONG_S: Final = 0.5
"""Seconds after which the next run begins beside one that has not ended: it may be waiting itself, for a fit or for
another visitor's file."""

MOVE_LONG_S: Final = 0.1
"""The same for moves: several times what most of them take."""

_MEMORY_S = 10.0
"""Seconds after which what a visit has used counts a third: as long as one stays with a page before the next."""

_MOST_VISITS = 1000
"""Whose use is remembered."""

# Moves are answered as they come; so are all others, but whoever is here already and opens another page is taken for
# having come earlier, before a crowd that comes at once; those who use much for having come later, the more the more
# they use. Nobody waits for ever.
_EARLIER_S, _LATER_S = 5.0, 10.0  # at most
_A_SECOND_S = 20.0  # later, for a second of CPU above what is much: all of it, from 0.75 seconds on

_YIELDS = 3.0
"""Times as long as it has run, a run stands still for others: a quarter of its pace is left at least."""

_LATELY_S = 1.0
"""Where somebody else has moved something since, a run that others wait for rests now and then, and those who use much,
at their end, as long as they have run."""

_BREATH_S, _REST_S = 0.0005, 0.001
"""Seconds of CPU after which it rests at its next element, and how long. One thread sends what all others have made,
a message at a time, and before each of them Python lets a thread that computes keep it waiting for 5 milliseconds."""


@dataclass(order=True)
class _Run:
    """One run of a visit's script; of those that wait for their turn the first is the next.

    Attributes:
        is_move: it waits for other moves only.
        uses_much: it has waited with those who use much.
        has_turn: whether it has begun; ``look``: one that waits sees whether it has, or may.
        began: when its turn did.
        began_cpu, rested: this thread's seconds of CPU when its turn began, and when it stood still last.
    """

    key: tuple[float, int] = (0.0, 0)
    visit: str = field(default="", compare=False)
    is_move: bool = field(default=False, compare=False)
    uses_much: bool = field(default=False, compare=False)
    has_turn: bool = field(default=False, compare=False)
    look: threading.Event = field(default_factory=threading.Event, compare=False)
    began: float = field(default=0.0, compare=False)
    began_cpu: float = field(default=0.0, compare=False)
    rested: float = field(default=0.0, compare=False)


class _Line:
    """Runs one after the other: those that wait, as a heap, and those that have their turn.

    Args:
        long_s: the longest that a turn keeps the next from its own.

    Attributes:
        rests_until: before which none begins whose visit uses much.
    """

    def __init__(self, long_s: float) -> None:
        self._long_s = long_s
        self.waiting: list[_Run] = []
        self._having: list[_Run] = []
        self.rests_until = -math.inf

    def __len__(self) -> int:
        return len(self.waiting) + len(self._having)

    def next_at(self) -> float:
        """When the first that waits may begin, if nobody ends before."""
        began = max((run.began for run in self._having), default=-math.inf)
        rested = self.rests_until if self.waiting and self.waiting[0].uses_much else -math.inf
        return max(began + self._long_s, rested)

    def begin(self, now: float) -> None:
        """Gives their turn to those whose time has come."""
        while self.waiting and now >= self.next_at():
            run = heapq.heappop(self.waiting)
            run.began, run.has_turn = now, True
            self._having.append(run)
            run.look.set()

    def end(self, run: _Run) -> None:
        self._having = [each for each in self._having if each is not run]
        for waiting in self.waiting[:1]:  # which may begin sooner than it thinks
            waiting.look.set()


class Fairness:
    """The turns of all visits. Any number of threads.

    Args:
        much_s: seconds of CPU that make a visit one that waits.
        long_s: the longest that a turn keeps others from theirs; ``move_long_s``: that a move keeps other moves.
        now: seconds, by a clock; ``used``: seconds of CPU of this thread; ``sleep``: waits for so many seconds.
    """

    def __init__(
        self,
        much_s: float = MUCH_S,
        long_s: float = LONG_S,
        move_long_s: float = MOVE_LONG_S,
        now: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._much_s, self._now, self._used, self._sleep = much_s, now, used, sleep
        self._uses: OrderedDict[str, tuple[float, float]] = OrderedDict()  # seconds, and when they were that many
        self._lock, self._thread = threading.Lock(), threading.local()
        self._moves, self._others = _Line(move_long_s), _Line(long_s)
        self._n_came = 0
        self._calm = threading.Condition(self._lock)
        self._moved, self._moved_last = -math.inf, ""  # when, and who

    @property
    def n_waiting(self) -> int:
        """Runs that wait for their turn."""
        with self._lock:
            return len(self._moves.waiting) + len(self._others.waiting)

    def use(self, visit: str) -> float:
        """Seconds of CPU that a visit has used lately: what is ten seconds old counts a third."""
        with self._lock:
            seconds, then = self._uses.get(visit, (0.0, 0.0))
        return seconds * math.exp((then - self._now()) / _MEMORY_S)

    @contextmanager
    def turn(self, visit: str, opens: bool = False) -> Iterator[None]:
        """What is done within counts as the visit's. A turn within another is part of it.

        A move waits while other moves have theirs; what ``opens`` a page, and all of a visit that has used much, while
        others of that kind have.
        """
        if self._run is not None:
            yield
            return
        use, began = self.use(visit), self._used()
        more = use - self._much_s
        later_s = min(_A_SECOND_S * max(more, 0.0) - _EARLIER_S, _LATER_S) if use else 0.0
        run = _Run(visit=visit, is_move=not opens and more <= 0, uses_much=more > 0)
        self._begin(run, 0.0 if run.is_move else later_s)
        self._thread.run = run
        try:
            yield
        finally:
            self._thread.run = None
            self._end(run)
            self._count(visit, self._used() - began)

    def much_follows(self) -> None:
        """The run of this thread is about to use much: it waits for its turn, and gives way from now on."""
        run = self._run
        if run is not None and not run.uses_much:
            self._end(run)
            run.is_move, run.uses_much = False, True
            self._begin(run, _LATER_S)

    def give_way(self) -> None:
        """Stands still while there are moves of those who wait for nobody, and a little while their answers are sent;
        to be called now and then in a turn."""
        run = self._run
        if run is None or run.is_move:
            return
        ran_s = self._used() - run.rested
        if self._moves:
            with self._lock:
                self._calm.wait_for(lambda: not self._moves, _YIELDS * ran_s)
        elif ran_s >= _BREATH_S and self._others.waiting and self._others_moved(run):
            self._sleep(_REST_S)
        else:
            return
        run.rested = self._used()

    @property
    def _run(self) -> _Run | None:
        run: _Run | None = getattr(self._thread, "run", None)
        return run

    def _line(self, run: _Run) -> _Line:
        return self._moves if run.is_move else self._others

    def _begin(self, run: _Run, later_s: float) -> None:
        """When its turn has come."""
        run.began_cpu = run.rested = self._used()
        line = self._line(run)
        with self._lock:
            if run.is_move:
                self._moved, self._moved_last = self._now(), run.visit
            self._n_came += 1
            run.key = self._now() + later_s, self._n_came
            run.has_turn = False
            heapq.heappush(line.waiting, run)
        while True:
            with self._lock:
                line.begin(self._now())
                if run.has_turn:
                    return
                next_in_s = line.next_at() - self._now()
            run.look.wait(next_in_s)
            run.look.clear()

    def _end(self, run: _Run) -> None:
        with self._lock:
            if run.uses_much and self._others_moved(run):
                self._others.rests_until = self._now() + self._used() - run.began_cpu
            self._line(run).end(run)
            if not self._moves:
                self._calm.notify_all()

    def _others_moved(self, run: _Run) -> bool:
        """Whether somebody else has, lately."""
        return self._moved_last != run.visit and self._now() - self._moved < _LATELY_S

    def _count(self, visit: str, seconds: float) -> None:
        total = self.use(visit) + seconds
        with self._lock:
            self._uses[visit] = total, self._now()
            self._uses.move_to_end(visit)
            if len(self._uses) > _MOST_VISITS:
                self._uses.popitem(last=False)


_fairness = Fairness()
much_follows = _fairness.much_follows


@contextmanager
def turn(opens: bool = False) -> Iterator[None]:
    """The turn of the visit whose script this thread runs; ``opens``: from the top of its page."""
    context = get_script_run_ctx()
    with _fairness.turn("" if context is None else context.session_id, opens), _giving_way(context):
        yield


@contextmanager
def _giving_way(context: Any) -> Iterator[None]:
    """Every element that the script shows is an occasion to stand still."""
    if context is None or "enqueue" in vars(context):  # which a turn around this one does
        yield
        return
    show = context.enqueue

    def show_in_turn(message: object) -> None:
        _fairness.give_way()
        show(message)

    context.enqueue = show_in_turn
    try:
        yield
    finally:
        del context.enqueue
