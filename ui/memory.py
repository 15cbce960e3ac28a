"""Memory that nobody uses any more goes back to the system: without this a server stays as large as it ever was.

And what servers before this one left in temporary files, which may be memory too.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from contextlib import nullcontext

import streamlit as st
from streamlit.runtime import exists, get_instance

from uqcore.networks.kept import kept
from uqcore.trainings.visit import sweep

_LOOK_EVERY_S, _GIVE_EVERY_S = 5, 30
_YOUNG = (5000, 20, 20)  # objects, and collections, after which Python looks for garbage by itself
# Of glibc's malloc. By default each of many threads keeps free memory of its own, and once an array of some megabytes
# was freed, arrays as large are put among all that is small, where the holes that they leave stay.
_OPTIONS = {
    -8: 2,  # M_ARENA_MAX
    # M_MMAP_THRESHOLD, for good: what is larger is paged in anew at every move. At 128 kB that is what a page sends
    # (1.5 ms), at 1 MB what ten networks see of an image (up to 4 ms).
    -3: 2 * 2**20,
    -1: 8 * 2**20,  # M_TRIM_THRESHOLD, which is set where the other one is
}


@st.cache_resource(show_spinner=False)
def give_back() -> threading.Thread:
    """Starts, once a server, what gives memory back twice a minute, and at once where a visit ended; first of all that
    of servers which are gone."""
    for option, value in _OPTIONS.items():
        _libc("mallopt", option, value)
    if exists():  # not in tests of pages, whose process has more to do
        gc.collect()
        gc.freeze()  # what is loaded stays: looking through it again took 40 ms at every full collection
        gc.set_threshold(*_YOUNG)  # seldom: what a run makes is no garbage before its end

    def run() -> None:
        sweep()
        given = time.monotonic()
        while True:
            time.sleep(_LOOK_EVERY_S)
            if not forget_the_gone() and time.monotonic() - given < _GIVE_EVERY_S:
                continue
            given = time.monotonic()
            kept.let_go()
            gc.collect()  # a session is full of cycles; `runner.postScriptGC` is off
            _libc("malloc_trim", 0)

    thread = threading.Thread(target=run, daemon=True, name="memory")
    thread.start()
    return thread


def forget_the_gone() -> bool:
    """Ends the sessions that nobody can come back to; whether there were any.

    Streamlit keeps a closed session, with its uploads, for `server.disconnectedSessionTTL`, but forgets it no sooner
    than when the next one is closed.
    """
    if not exists():
        return False
    manager = getattr(get_instance(), "_session_mgr", None)
    expire = getattr(getattr(getattr(manager, "_session_storage", None), "_cache", None), "expire", None)
    if expire is None:
        return False
    with getattr(manager, "_storage_lock", None) or nullcontext():  # the cache is not safe for threads
        return bool(expire())


def _libc(name: str, *arguments: int) -> None:
    """Calls a function of the C library, where it has it: glibc's alone does."""
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*arguments)
