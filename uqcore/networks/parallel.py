"""Work on many examples: some at a time, on all cores.

The matrix products of a small network are too small to share one between cores: they wait for each other, most of all
on a busy server. So programs that are ours (the pages, the commands) tell BLAS to use one thread, `one_blas_thread`,
and each core takes a group of examples of its own. Importing the package changes nothing in somebody else's process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Thread
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")


def map_examples(function: Callable[[slice], T], n_examples: int, step: int) -> list[T]:
    """``function(slice)`` for every ``step`` examples, in order. The groups do not depend on the number of cores.

    ``function`` runs in several threads at once and must not call `map_examples` itself.
    """
    slices = [slice(i, min(i + step, n_examples)) for i in range(0, n_examples, step)]
    if len(slices) < 2:
        return [function(part) for part in slices]
    return list(_pool().map(function, slices))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="examples")


@cache
def one_blas_thread() -> None:
    """For the rest of the process, and once: called where a program starts."""
    # In a thread of its own: threadpoolctl keeps the one that asked, and with a page's thread all that its visitor had.
    asking = Thread(target=threadpool_limits, kwargs={"limits": 1, "user_api": "blas"})
    asking.start()
    asking.join()
