"""Small settings, and waiting for what must come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tests import PATIENCE_S
from uqcore.live import Setting

TINY = Setting(n_points=40, depth=1, width=8, n_random_features=16, n_members=2, epochs=2, methods=("deterministic",))
"""Trained in some hundredths of a second."""

ALL = replace(TINY, methods=Setting().methods)

LONG = replace(TINY, n_points=2000, depth=6, width=64, epochs=300)
"""Not trained to its end by any test."""


def until(holds: Callable[[], object]) -> None:
    """Returns as soon as ``holds()``."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.005)
