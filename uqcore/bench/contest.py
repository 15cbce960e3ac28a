"""Two ways to do the same work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

N_RUNS = 7

Way = Callable[[int], object]
"""One way to do a piece of work; told the number of the run, so that it can take inputs that were never seen before."""


class Contest(NamedTuple):
    """``naive``, which ``note`` describes, is None where its library is not installed.

    Attributes:
        n_runs: of either way; what takes a minute is run once.
        clock: seconds that go by, or `time.process_time` where CPU is compared.
    """

    ours: Way
    naive: Way | None
    note: str
    n_runs: int = N_RUNS
    clock: Callable[[], float] = time.perf_counter
