"""What the browser tests share: servers, tabs, and hands for the drawing pad. The fixtures are in conftest.py."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import IO, Any, Literal, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, WebSocketRoute, expect

from tests import PATIENCE_S, ROOT

# The one without windows does the same for two thirds of the work.
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _BROWSERS)), None)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="The browser tests need Chromium: `apt-get install chromium-headless-shell`."
)
Visit = Callable[..., Page]
expect.set_options(timeout=1000 * PATIENCE_S)
ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}
"""Of servers, as `deploy/` has it."""
SHIFTS = """
window.shifted = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
        const moved = entry.sources.map(({node, previousRect, currentRect}) =>
            `${node?.className || node?.nodeName} ${previousRect.y} to ${currentRect.y}`);
        window.shifted.push([entry.value, ...moved]);
    }
}).observe({type: "layout-shift", buffered: true});
"""
"""A script that keeps all layout shifts that no visitor caused: how much, and what moved."""


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
def started(app: str, *settings: str, log: IO[bytes] | None = None) -> Iterator[Server]:
    """A server of ``app``, a path in the repository, on a free port and with the repository's own settings.

    ``log``: where it goes in place of ours.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", app, f"--server.port={port}", "--server.address=127.0.0.1"]
    command += settings
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, f"The server of {app} ended by itself."
            time.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", server.pid)
    finally:
        server.terminate()
        try:
            server.wait(PATIENCE_S)
        finally:
            server.kill()


def until(page: Page, holds: Callable[[], object]) -> None:
    """Wait for what no locator tells; it is asked again every frame."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        next_frame(page)


def next_frame(page: Page) -> None:
    """Wait until what was changed is painted. `Page.evaluate` would wait for ever where no frame comes."""
    page.wait_for_function("() => new Promise((painted) => requestAnimationFrame(() => painted(true)))")


def settle(page: Page) -> None:
    """Wait until Python has answered."""
    page.locator("[data-test-script-state=notRunning]").wait_for()


class Tabs:
    """The tabs of a browser, each with storage of its own, used again by the next test.

    A new tab is a new process that compiles all of Streamlit's scripts: four times the work of one that goes elsewhere.
    One that shows the app of a component stays there: the next visitor meets the component anew, in an emptied session.
    Each page runs ``script`` before its own.
    """

    def __init__(self, browser: Browser, script: str = "") -> None:
        self._browser, self._script = browser, script
        self._free: dict[str, list[Page]] = {}  # by the options that a context has for good
        self._taken: list[tuple[str, Page]] = []
        self._relays: dict[Page, Callable[[WebSocketRoute], None]] = {}
        self._complaints: list[str] = []
        self._numbers = count(1)

    def visit(
        self,
        url: str,
        width: int = 1280,
        height: int = 720,
        relay: Callable[[WebSocketRoute], None] | None = None,
        ready: str = "canvas",
        color_scheme: Literal["light", "dark"] = "light",
        **options: Any,
    ) -> Page:
        """See the fixture of this name; ``options`` are those of Playwright's contexts."""
        kind = repr((relay is not None, sorted(options.items())))
        free = self._free.setdefault(kind, [])
        page = free.pop() if free else self._new(options)
        self._taken.append((kind, page))
        if relay is not None:
            if page not in self._relays:
                page.route_web_socket("**/_stcore/stream", lambda page_end: self._relays[page](page_end))
            self._relays[page] = relay
        page.emulate_media(color_scheme=color_scheme)
        page.set_viewport_size({"width": width, "height": height})
        if page.url.split("?")[0].rstrip("/") == url.split("?")[0].rstrip("/"):
            _ask_anew(page, ready, f"{next(self._numbers)}?{urlsplit(url).query}")
        else:
            page.goto(url)
        page.locator(ready).first.wait_for()
        settle(page)
        # A component's HTML may be there before its script: a key that is pressed then is lost.
        expect(page.locator("[role=slider]:not([aria-valuenow])")).to_have_count(0)
        if options:  # a phone, a tab of its own most often, where a tap missed what was measured before
            stand_still(page.locator(ready).first)
        return page

    def elsewhere(self, url: str, **how: Any) -> Page:
        """Another visitor, once all others have left: in a tab of theirs, which has compiled the page's scripts."""
        complaints = self.put_back()
        page = self.visit(url, **how)
        self._complaints[:0] = complaints
        return page

    def put_back(self) -> list[str]:
        """What was complained about since the last time. Every tab is as new."""
        taken, self._taken = self._taken, []
        for _, page in taken:
            if not page.is_closed():
                page.mouse.up()
        complaints, self._complaints = self._complaints, []
        for kind, page in taken:
            if not _is_as_new(page, can_stay=page not in self._relays):
                page.context.close()
            else:
                self._free[kind].append(page)
        self._complaints = []  # leaving is no fault
        return complaints

    def _new(self, options: dict[str, Any]) -> Page:
        context = self._browser.new_context(**options)
        context.set_default_timeout(1000 * PATIENCE_S)
        context.add_init_script(self._script)
        # As those to other hosts do (`browser`); to be told of every request is a twentieth of a visit's work.
        context.on("requestfailed", lambda request: self._check_host(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("console", self._check_message)
        return page

    def _check_host(self, url: str) -> None:
        if not re.match(r"(http|ws)://127\.0\.0\.1:|(data|blob):", url):
            self._complaints.append(f"A request to another host: {url}")

    def _check_message(self, message: ConsoleMessage) -> None:
        # A deep link: Streamlit asks below the page's own path first, gets a 404, and so finds its base path.
        is_base_path_probe = re.search(r":\d+/\w+/_stcore/(health|host-config)$", message.location["url"])
        if message.type == "error" and not is_base_path_probe:
            self._complaints.append(f"{message.text} {message.location['url']}")


def leave(page: Page) -> None:
    """Close the app, whose server may end now, and stay in the process of the tab."""
    away = "_stcore/health"
    if not page.url.endswith(away):
        page.goto("/".join([*page.url.split("/")[:3], away]))


NEXT_VISIT = "[data-testid=stTextInput] input[aria-label='Next visit']"
CAN_STAY = "field => document.querySelector(field) !== null && matchMedia('(prefers-color-scheme: light)').matches"


def _ask_anew(page: Page, ready: str, visit: str) -> None:
    """Become another visitor of the app of a component that the tab shows (tests/ui/apps/visits.py)."""
    before = page.query_selector(ready)
    assert before is not None
    page.locator(NEXT_VISIT).fill(visit)
    page.locator(NEXT_VISIT).press("Enter")
    page.get_by_text(f"Visit {visit.partition('?')[0]}", exact=True).wait_for()
    page.wait_for_function("before => !before.isConnected", arg=before)
    page.locator(NEXT_VISIT).blur()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")


def _is_as_new(page: Page, can_stay: bool) -> bool:
    """Whether nothing is left of the visit: the tab is open and its server too, so that it could leave the app."""
    if page.is_closed():
        return False
    try:
        page.mouse.move(0, 0)
        if not can_stay or not page.evaluate(CAN_STAY, NEXT_VISIT):
            leave(page)
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    except Error:
        return False
    page.emulate_media(media="null", reduced_motion="null", forced_colors="null")
    page.context.clear_cookies()
    return True


def stand_still(box: Locator) -> None:
    """Wait until the box has stayed as it is for 20 frames: an expander opens slowly, a table grows."""
    box.page.wait_for_function(  # and not `evaluate`, which has no end where nothing ever stands still
        """async (box) => {
            for (let frames = 0, last = ""; frames < 20; frames++) {
                await new Promise(requestAnimationFrame);
                const now = JSON.stringify(box.getBoundingClientRect());
                if (now !== last) [frames, last] = [0, now];
            }
            return true;
        }""",
        arg=box.element_handle(),
    )


def at(box: Locator, right: float, down: float) -> tuple[float, float]:
    """The whole pixel nearest to this fraction of the box."""
    bounds = box.bounding_box()
    assert bounds is not None
    return round(bounds["x"] + right * bounds["width"]), round(bounds["y"] + down * bounds["height"])


def stand_in(boxes: Sequence[Locator], n: int, along: Literal["x", "y"] = "x") -> None:
    """Wait until the boxes stand in ``n`` columns, or ``along`` y in as many rows."""

    def holds() -> bool:
        bounds = [box.bounding_box() for box in boxes]
        return len({round(each[along]) for each in bounds if each is not None}) == n

    until(boxes[0].page, holds)


def draw(page: Page, *path: tuple[float, float], lift: bool = True) -> None:
    """One stroke with the mouse through these fractions of the pad."""
    pad = page.locator(".pad canvas")
    pad.hover(trial=True)  # once it stands still: what is above it may have just got its height
    page.mouse.move(*at(pad, *path[0]))
    page.mouse.down()
    for corner in path[1:]:
        page.mouse.move(*at(pad, *corner), steps=10)
    if lift:
        page.mouse.up()
