"""Which networks and surfaces the second of two processes takes, so that both end together.

Processes, not threads: the products of such small networks are over in microseconds, and threads spend as long again
on handing Python's lock to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar

from uqcore.live.costs import epoch_ms, final_ms, frame_ms
from uqcore.live.pupils import SNGP, SVI, places
from uqcore.live.setting import Setting

MOST_PROCESSES = 2

DRAWING_SHARE = 0.36
"""How much of the time surfaces may take while networks learn: drawn by the clock, see `uqcore.live.worker`."""

_START_MS, _SECOND_MS = 370.0, 30.0  # of the first process, with NumPy, and of one more
_MOST_FRAMES = 120


class Split(NamedTuple):
    """What the second process has.

    Attributes:
        networks: the places of those that it trains.
        drawn, finished: the methods whose surfaces it draws while they form, and in the end.
    """

    networks: frozenset[int] = frozenset()
    drawn: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()


class Expected(NamedTuple):
    """Of a training, from its start to the final surfaces, on cores that nobody else uses."""

    cpu_s: float
    wall_s: float


def frame_gap(setting: Setting) -> int:
    """Surfaces are drawn after every so many epochs at most: a visitor's slider has no more places than that gives."""
    return -(-setting.epochs // _MOST_FRAMES)


def expected(setting: Setting, split: Split | None) -> Expected:
    """Processes wait for each other after each epoch and each frame, so that the longer half counts."""
    theirs = split or Split()
    learning = _halves(epoch_ms(setting), theirs.networks)
    frame, final = _halves(frame_ms(setting), theirs.drawn), _halves(final_ms(setting), theirs.finished)
    n_frames = setting.epochs * max(learning) * DRAWING_SHARE / (1 - DRAWING_SHARE) / max(frame)
    n_frames = min(max(n_frames, 2), -(-setting.epochs // frame_gap(setting)))
    start = _START_MS + (_SECOND_MS if split else 0)
    cpu_ms, wall_ms = (start + setting.epochs * of(learning) + n_frames * of(frame) + of(final) for of in (sum, max))
    return Expected(cpu_ms / 1000, wall_ms / 1000)


def split(setting: Setting, n_processes: int) -> Split | None:
    """The most even one; None where a second process would not help, or there is none."""
    if n_processes == 1:
        return None
    even = Split(
        _evenly(epoch_ms(setting), _networks(setting)),
        _evenly(frame_ms(setting), _some(setting.methods)),
        _evenly(final_ms(setting), _some(setting.methods)),
    )
    return even if expected(setting, even).wall_s < expected(setting, None).wall_s else None


K = TypeVar("K", int, str)


def _evenly(costs: Mapping[K, float], options: Iterable[frozenset[K]]) -> frozenset[K]:
    return min(options, key=lambda theirs: (max(_halves(costs, theirs)), len(theirs), sorted(theirs)))


def _networks(setting: Setting) -> Iterator[frozenset[int]]:
    """Networks of a kind are alike: of members, the last ones."""
    everything = {place for own in places(setting).values() for place in own}
    plain, special = sorted(everything - {SNGP, SVI}), sorted(everything & {SNGP, SVI})
    for some in _some(special):
        for n in range(len(plain) + 1):
            yield some | {*plain[len(plain) - n :]}


def _some(keys: Sequence[K]) -> Iterator[frozenset[K]]:
    for n in range(len(keys) + 1):
        yield from map(frozenset, combinations(keys, n))


def _halves(costs: Mapping[K, float], of_second: frozenset[K]) -> tuple[float, float]:
    theirs = sum(cost for key, cost in costs.items() if key in of_second)
    return sum(costs.values()) - theirs, theirs
