"""Garbage that is gone when the call is over, whatever other threads of the process do."""

from __future__ import annotations

import gc
import threading
import time


def collect() -> None:
    """A whole collection by this very thread.

    `gc.collect` returns at once, and has collected nothing, while another thread collects: `ui.memory`'s does so twice
    a minute in every process that has opened a page.
    """
    me, collected = threading.get_ident(), False

    def note(phase: str, _: dict[str, int]) -> None:
        nonlocal collected
        collected = collected or (phase == "stop" and threading.get_ident() == me)

    while not collected:
        gc.callbacks.append(note)
        try:
            gc.collect()
        finally:
            gc.callbacks.remove(note)
        time.sleep(0)  # lets the one that collects go on
