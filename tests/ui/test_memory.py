"""What a visitor leaves behind goes when nobody can come back to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import Visit, leave, needs_browser, settle, started, until
from tests.garbage import collect
from tests.hostile_client import Client, run
from tests.live.settings import until as wait
from ui import memory


class Sessions(NamedTuple):
    there: int
    to_come_back_to: int


def sessions(page: Page) -> Sessions:
    page.get_by_role("button", name="Again").click()
    settle(page)
    there, closed = page.get_by_test_id("stText").inner_text().split()
    return Sessions(int(there), int(closed))


@needs_browser
def test_closed_sessions_end_when_their_time_is_over(visit: Visit) -> None:
    with started("tests/ui/apps/memory_app.py", "--server.disconnectedSessionTTL=1") as server:
        closed = visit(server.url, ready="[data-testid=stText]")
        for _ in range(2):
            leave(closed)
            closed.goto(server.url)
            expect(closed.get_by_test_id("stText")).to_be_visible()
        leave(closed)
        stays = visit(server.url, ready="[data-testid=stText]")
        assert sessions(stays).there > 1  # with one that was closed
        until(stays, lambda: sessions(stays).to_come_back_to == 0)
        assert sessions(stays).there > 1  # its time is over, but nobody was closed since
        forgets = visit(f"{server.url}/?forget=1", ready="[data-testid=stText]")
        until(forgets, lambda: sessions(forgets).there == 2)  # those that are open
        for page in (stays, forgets):
            leave(page)  # before the server, which they would miss


def test_without_a_server_there_is_nothing_to_forget() -> None:
    memory.forget_the_gone()


def test_memory_is_given_back_by_one_thread_a_server() -> None:
    memory.give_back.clear()
    first = memory.give_back()
    assert first is memory.give_back()
    assert first.daemon
    assert first.is_alive()
    collect()


def test_what_a_killed_server_left_goes_with_the_first_page_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    left = tmp_path / f"uqcore-visit-{gone.pid}-x"
    left.mkdir()

    async def visited(url: str) -> None:
        async with Client(url) as client:
            await client.ask("")

    with started("app.py") as server:
        run(visited(server.url))
        wait(lambda: not left.exists())
