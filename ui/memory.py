"""Memory that nobody uses any more goes back to the system: without this a server stays as large as it ever was.

And what servers before this one left in temporary files, which may be memory too.
"""

from __future__ import annotations

import gc
import threading
import time
from contextlib import nullcontext

import streamlit as st
from streamlit.runtime import exists, get_instance

from ui import malloc
from uqcore.networks.kept import kept
from uqcore.trainings.visit import sweep

_LOOK_EVERY_S, _GIVE_EVERY_S = 5, 30
_YOUNG = (5000, 20, 20)  # objects, and collections, after which Python looks for garbage by itself


@st.cache_resource(show_spinner=False)
def give_back() -> threading.Thread:
    """Starts, once a server, what gives memory back twice a minute, and at once where a visit ended; first of all that
    of servers which are gone."""
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
            malloc.trim()

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
