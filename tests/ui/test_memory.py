"""What a visitor leaves behind goes when nobody can come back to it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browsing import Visit, leave, needs_browser, started
from tests.garbage import collect
from ui import memory


def sessions(page: Page) -> int:
    page.get_by_role("button", name="Again").click()
    page.locator("[data-test-script-state=notRunning]").wait_for()
    return int(page.get_by_test_id("stCode").inner_text())


@needs_browser
def test_closed_sessions_end_when_their_time_is_over(visit: Visit) -> None:
    with started("tests/ui/apps/memory_app.py", "--server.disconnectedSessionTTL=1") as server:
        closed = visit(server.url, ready="[data-testid=stCode]")
        for _ in range(2):
            leave(closed)
            closed.goto(server.url)
            expect(closed.get_by_test_id("stCode")).to_be_visible()
        leave(closed)
        stays = visit(server.url, ready="[data-testid=stCode]")
        assert sessions(stays) > 1  # with one that was closed, and can still come back
        stays.wait_for_timeout(1500)
        assert sessions(stays) > 1  # its time is over, but nobody was closed since
        forgets = visit(f"{server.url}/?forget=1", ready="[data-testid=stCode]")
        there = 0
        for _ in range(100):
            there = sessions(forgets)
            if there == 2:  # those that are open
                break
        for page in (stays, forgets):
            leave(page)  # before the server, which they would miss
        assert there == 2


def test_without_a_server_there_is_nothing_to_forget() -> None:
    memory.forget_the_gone()


def test_memory_is_given_back_by_one_thread_a_server() -> None:
    memory.give_back.clear()
    first = memory.give_back()
    assert first is memory.give_back()
    assert first.daemon
    assert first.is_alive()
    collect()
