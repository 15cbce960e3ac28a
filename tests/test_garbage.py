"""Own tools of the tests that can be wrong without anybody seeing it."""

from __future__ import annotations

import gc
import threading
import weakref

from tests import PATIENCE_S
from tests.garbage import collect


class Node:
    def __init__(self) -> None:
        self.itself = self


def test_what_nobody_holds_is_gone_though_another_thread_collects() -> None:
    busy, go_on = threading.Event(), threading.Event()

    def hold(phase: str, _: dict[str, int]) -> None:
        if phase == "start" and threading.current_thread() is other and not busy.is_set():
            busy.set()
            go_on.wait(PATIENCE_S)

    other = threading.Thread(target=gc.collect)
    gc.callbacks.append(hold)
    try:
        other.start()
        assert busy.wait(PATIENCE_S)
        left = weakref.ref(Node())
        assert gc.collect() == 0, "the other one collects"
        assert left() is not None
        threading.Timer(0.05, go_on.set).start()
        collect()
        assert left() is None
    finally:
        go_on.set()
        gc.callbacks.remove(hold)
        other.join()
