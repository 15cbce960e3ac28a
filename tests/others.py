"""Visitors who work on at a server, and what they wait: `python -m tests.others URL`, a line of JSON a move."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable
from contextlib import suppress

from tests import ROOT
from tests.load import PAGES, Seen, Visitor, quantile

N_OTHERS = 4  # about a move a second each


class Others:
    """Visitors who work on all the time, in a process of their own: what they wait is the server's doing, not that of
    fifty hostile visitors in the one thread of this process. The moment and the milliseconds of each move are kept.
    """

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-m", "tests.others", url]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._moves: list[tuple[float, float]] = []
        self.failed: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._moves += [tuple(told)] if isinstance(told, list) else []
            self.failed += [told] if isinstance(told, str) else []

    async def p95(self, during: Awaitable[None]) -> tuple[float | None, int]:
        """Of the moves that were answered while something lasts, and how many there were."""
        began = time.monotonic()
        await during
        ended = time.monotonic()
        await asyncio.sleep(0.5)  # in which what was answered at the end is told
        found = [ms for at, ms in self._moves if began <= at <= ended]
        return quantile(found, 0.95), len(found)

    def leave(self) -> None:
        self._process.terminate()
        self._process.wait()


class _Telling(list[float]):
    """Milliseconds, told as they come."""

    def append(self, ms: float) -> None:
        print(json.dumps([time.monotonic(), round(ms, 1)]), flush=True)


async def work_on(url: str) -> None:
    """What the process of `Others` does until it is ended: a line of JSON for each move, and for each failure."""

    async def one(number: int) -> None:
        while True:
            seen = Seen(moves=defaultdict(_Telling))
            await Visitor(number, url, PAGES, seen).visit(math.inf)
            for line in seen.failed:
                print(json.dumps(line), flush=True)
            await asyncio.sleep(1)  # and comes back, as a browser would

    await asyncio.gather(*(one(i) for i in range(N_OTHERS)))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(work_on(sys.argv[1]))
