"""Memory that nobody uses any more goes back to the system: without this a server stays as large as it ever was."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time

import streamlit as st
from streamlit.runtime import exists, get_instance

_EVERY_S = 30
_M_ARENA_MAX, _N_ARENAS = -8, 2  # of glibc's malloc: by default each of many threads keeps its own free memory


@st.cache_resource(show_spinner=False)
def give_back() -> threading.Thread:
    """Starts, once a server, what gives memory back twice a minute."""
    _libc("mallopt", _M_ARENA_MAX, _N_ARENAS)

    def run() -> None:
        while True:
            time.sleep(_EVERY_S)
            forget_the_gone()
            gc.collect()  # a session is full of cycles; `runner.postScriptGC` is off
            _libc("malloc_trim", 0)

    thread = threading.Thread(target=run, daemon=True, name="memory")
    thread.start()
    return thread


def forget_the_gone() -> None:
    """Ends the sessions that nobody can come back to.

    Streamlit keeps a closed session, with its uploads, for two minutes (`server.disconnectedSessionTTL`), but forgets
    it no sooner than when the next one is closed.
    """
    if exists():
        sessions = getattr(getattr(get_instance(), "_session_mgr", None), "_session_storage", None)
        expire = getattr(getattr(sessions, "_cache", None), "expire", None)
        if expire is not None:
            expire()


def _libc(name: str, *arguments: int) -> None:
    """Calls a function of the C library, where it has it: glibc's alone does."""
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*arguments)
