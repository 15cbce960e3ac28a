"""What the tests share. TensorFlow is imported by those that need it, inside functions, and then once for all."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebSocketRoute, sync_playwright
from streamlit.components.v2 import manifest_scanner

from tests.browsing import CHROMIUM, Visit, settle
from uqcore.methods import METHODS
from uqcore.methods.base import TrainingConfig, configure
from uqcore.models.sampling import load_posterior
from uqcore.models.training import train
from uqcore.networks.parallel import one_blas_thread
from uqcore.store import Store, default_store
from uqcore.types import ModelRecord, Posterior

one_blas_thread()  # as every program of ours does
# Each AppTest looks for components in the metadata of all installed packages, which takes longer than most pages: once.
setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))  # noqa: B010


@pytest.fixture(scope="session")
def committed() -> Store:
    """The repository's own store."""
    return default_store()


@pytest.fixture(scope="session")
def posterior_of(committed: Store) -> Callable[[str, str], Posterior]:
    """``(task, method) -> posterior`` of the committed model of seed 0, loaded once."""
    return cache(lambda task, method: load_posterior(committed, committed.find(task, method)))


def tiny_config(method: str) -> TrainingConfig:
    """The least training that leaves a model of ``method`` on moons."""
    settings = {"epochs": "1"} | ({"n_members": "2"} if method == "deep_ensemble" else {})
    return configure(METHODS[method].configs["moons"], settings)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Every method really trained on moons, for one epoch. Read only."""
    return Store(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_store: Store) -> dict[str, ModelRecord]:
    """Method -> its record in ``tiny_store``."""
    return {method: train(tiny_store, "moons", method, 0, tiny_config(method)) for method in METHODS}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a module: while Playwright runs, no other test may start an event loop in this thread."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open an address, by default as on a projector, until ``ready`` is there and Python has answered.

    At the end nothing may stand in the console as an error, and no request may have left for another host.
    """
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(
        url: str,
        width: int = 1280,
        height: int = 720,
        relay: Callable[[WebSocketRoute], None] | None = None,
        ready: str = "canvas",
        **options: Any,
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light", **options)
        contexts.append(context)
        context.on("request", lambda request: _check_host(request.url, errors))
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: _check_message(message, errors))
        if relay is not None:
            page.route_web_socket("**/_stcore/stream", relay)
        page.goto(url)
        page.locator(ready).first.wait_for(timeout=60_000)
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def _check_host(url: str, errors: list[str]) -> None:
    if not re.match(r"(http|ws)://127\.0\.0\.1:|(data|blob):", url):
        errors.append(f"A request to another host: {url}")


def _check_message(message: ConsoleMessage, errors: list[str]) -> None:
    # A deep link: Streamlit asks below the page's own path first, gets a 404, and so finds its base path.
    is_base_path_probe = re.search(r":\d+/\w+/_stcore/(health|host-config)$", message.location["url"])
    if message.type == "error" and not is_base_path_probe:
        errors.append(f"{message.text} {message.location['url']}")
