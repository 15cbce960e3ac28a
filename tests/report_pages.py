"""What the tests of reports share: a page read as a browser reads it, and one opened without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page

from tests import PATIENCE_S, browsing


class Elements(HTMLParser):
    """Every element's name, attributes and own text, in order of their start."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[list[str]] = [[]]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        if tag != "meta":
            self._open.append(self.found[-1][2])

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].append(data)

    def texts(self, tag: str) -> list[str]:
        return ["".join(text) for name, _, text in self.found if name == tag]


@contextmanager
def opened(
    browser: Browser, path: Path, scheme: Literal["light", "dark"] = "light", width: int = 1280
) -> Iterator[tuple[Page, list[str]]]:
    """The file at ``path`` without any network, and what it asked for or complained about so far."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    context.set_default_timeout(1000 * PATIENCE_S)
    context.set_offline(True)
    events: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: events.append(request.url))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("console", lambda message: events.append(message.text))
    page.goto(path.as_uri())
    yield page, events
    context.close()


def until(page: Page, expression: str, value: Any) -> None:
    """Wait for ``expression`` to be ``value``. `Page.wait_for_function` needs eval, which a report does not allow."""
    browsing.until(page, lambda: page.evaluate(expression) == value)
