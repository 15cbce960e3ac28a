"""What the C library's malloc is told, and asked: glibc's alone listens.

It is told before pages are imported (`ui`): once more than eight threads have met, glibc settles for eight arenas a
core, whatever it is told later. Arenas that are there by then stay, and a server's own threads have some, so `deploy/`
says it in the environment, too.
"""

from __future__ import annotations

import ctypes
import sys

_OPTIONS = {
    # M_ARENA_MAX. Each arena has holes of its own: with fifteen, 75 MB of a server of 540 were free and could not be
    # given back, with one 28 at most. Threads do not wait for it much: they take turns by Python's lock anyway.
    -8: 1,
    # M_MMAP_THRESHOLD, for good: what is larger is paged in anew at every move. At 128 kB that is what a page sends
    # (1.5 ms), at 1 MB what ten networks see of an image (up to 4 ms). By default arrays as large as one that was freed
    # are put among all that is small, where the holes that they leave stay.
    -3: 2 * 2**20,
    -1: 8 * 2**20,  # M_TRIM_THRESHOLD, which is set where the other one is
}


def tell() -> None:
    """Sets the options, for the rest of the process."""
    for option, value in _OPTIONS.items():
        _libc("mallopt", option, value)


def trim() -> None:
    """Gives what is free back to the system."""
    _libc("malloc_trim", 0)


def _libc(name: str, *arguments: int) -> None:
    """Calls a function of the C library, where it has it."""
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*arguments)
