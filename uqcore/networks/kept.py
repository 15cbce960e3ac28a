"""Networks that were drawn, kept for the next draw: those of all posteriors within one bound, for a server has many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from uqcore.types import Weights

MAX_BYTES = 112 * 2**20
"""Of all networks that are kept. A hundred over images take 88 MB, and to draw ten of them again 30 ms of a core."""

IDLE_S = 120.0


@dataclass
class _Block:
    """Networks side by side, their bytes, and when they were last asked for (`time.monotonic`)."""

    weights: Weights
    n_bytes: int
    used: float


class KeptNetworks:
    """Networks by the posterior that they were drawn of, and the number of their block. Any number of threads may ask.

    They go with their posterior. Where there is no room, those go that nobody has asked for in ``idle_s`` seconds, then
    those of the highest number: whoever asks for them asks for the first ones too, and of many that are asked for in
    turn some stay, where the one that was used least recently would always be the next.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, idle_s: float = IDLE_S) -> None:
        self.max_bytes, self.idle_s = max_bytes, idle_s
        self._blocks: WeakKeyDictionary[object, dict[int, _Block]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(self, posterior: object, number: int, draw: Callable[[int], Weights]) -> Weights:
        """Block ``number`` of a posterior: kept, or what ``draw(number)`` gives, which must always be the same."""
        with self._lock:
            known = self._blocks.get(posterior, {}).get(number)
            if known is not None:
                known.used = time.monotonic()
                return known.weights
        weights = draw(number)  # two who ask at once may both draw
        made = _Block(weights, sum(array.nbytes for array in weights.values()), time.monotonic())
        with self._lock:
            self._blocks.setdefault(posterior, {})[number] = made
            self._make_room(made)
        return weights

    @property
    def n_bytes(self) -> int:
        """Of all that is kept."""
        with self._lock:
            return self._sum()

    def let_go(self) -> None:
        """Forgets what nobody has asked for in ``idle_s`` seconds."""
        since = time.monotonic() - self.idle_s
        with self._lock:
            for posterior, number, block in self._all():
                if block.used <= since:
                    del self._blocks[posterior][number]

    def _all(self) -> list[tuple[object, int, _Block]]:
        return [(owner, number, block) for owner, of in self._blocks.items() for number, block in of.items()]

    def _sum(self) -> int:
        return sum(block.n_bytes for _, _, block in self._all())

    def _make_room(self, made: _Block) -> None:
        too_much = self._sum() - self.max_bytes
        if too_much <= 0:
            return
        since = time.monotonic() - self.idle_s
        others = [each for each in self._all() if each[2] is not made]
        for posterior, number, block in sorted(others, key=lambda each: (each[2].used > since, -each[1], each[2].used)):
            del self._blocks[posterior][number]
            too_much -= block.n_bytes
            if too_much <= 0:
                return


kept = KeptNetworks()
"""What the posteriors of this process keep."""
