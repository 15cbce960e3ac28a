"""What the browser tests share: a server to visit, and hands for the drawing pad. The fixtures are in conftest.py."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="The browser tests need Chromium: install it with `apt-get install chromium`."
)
Visit = Callable[..., Page]
expect.set_options(timeout=60_000)  # ms; a busy machine is slow, not wrong


class Server(NamedTuple):
    """Its address and its process."""

    url: str
    pid: int


@contextmanager
def serve(app: str) -> Iterator[str]:
    """The address of a server, see `started`."""
    with started(app) as server:
        yield server.url


@contextmanager
def started(app: str, *settings: str) -> Iterator[Server]:
    """A server of ``app``, a path in the repository, on a free port and with the repository's own settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", app, f"--server.port={port}", "--server.address=127.0.0.1"]
    command += settings
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, f"The server of {app} ended by itself."
            time.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", server.pid)
    finally:
        server.terminate()
        server.wait()


def settle(page: Page) -> None:
    """Wait until Python has answered."""
    page.locator("[data-test-script-state=notRunning]").wait_for()


def stand_still(box: Locator) -> None:
    """Wait until the box has stayed where it is for 20 frames: an expander opens slowly."""
    box.evaluate(
        """async (box) => {
            for (let frames = 0, last = NaN; frames < 20; frames++) {
                await new Promise(requestAnimationFrame);
                const { top } = box.getBoundingClientRect();
                if (top !== last) [frames, last] = [0, top];
            }
        }"""
    )


def at(box: Locator, right: float, down: float) -> tuple[float, float]:
    """The whole pixel nearest to this fraction of the box."""
    bounds = box.bounding_box()
    assert bounds is not None
    return round(bounds["x"] + right * bounds["width"]), round(bounds["y"] + down * bounds["height"])


def draw(page: Page, *path: tuple[float, float], lift: bool = True) -> None:
    """One stroke with the mouse through these fractions of the pad."""
    pad = page.locator(".pad canvas")
    page.mouse.move(*at(pad, *path[0]))
    page.mouse.down()
    for corner in path[1:]:
        page.mouse.move(*at(pad, *corner), steps=10)
    if lift:
        page.mouse.up()
