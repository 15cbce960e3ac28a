"""A page that is whole by itself: nothing is fetched, nothing of a visitor's text is run, and it opens offline."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser
from plotly.offline import get_plotlyjs

from tests import browsing
from tests.browsing import needs_browser
from tests.report_pages import Elements, opened, until
from uqcore.tuning.html_report import Section, Table, report

EVIL = "</title></style></pre></script><script>window.hit=1</script><img src=x onerror='window.hit=2'>\"&amp;<!--"
FIGURE: dict[str, Any] = {
    "data": [{"type": "scatter", "mode": "lines+markers", "x": [0, 1, 2], "y": [0.5, 2, 1], "name": EVIL}],
    "layout": {"height": 300, "xaxis": {"title": {"text": EVIL}}, "showlegend": True},
}
SECTIONS = [
    Section("Words", ["First.", "Second."], [Table([("a", "1"), ("b", "2")], ("name", "value"))]),
    Section(
        EVIL, [EVIL], [Table([(EVIL, EVIL)], (EVIL, EVIL))], {EVIL: FIGURE, "another": FIGURE}, {EVIL: f"{EVIL}\n  x"}
    ),
]
PAGE = report(EVIL, SECTIONS)


def test_every_text_is_shown_as_it_is() -> None:
    elements = Elements(PAGE)
    assert elements.texts("title") == elements.texts("h1") == [EVIL]
    for tag, count in (("h2", 1), ("h3", 1), ("p", 1), ("th", 3), ("td", 1), ("figcaption", 1), ("pre", 1)):
        assert sum(text.startswith(EVIL) for text in elements.texts(tag)) == count, tag
    labels = [attributes["aria-label"] for _, attributes, _ in elements.found if "aria-label" in attributes]
    assert labels == [EVIL, "another"]
    assert "img" not in {tag for tag, _, _ in elements.found}


def test_sections_come_in_order_with_their_tables() -> None:
    page = report("Title", SECTIONS[:1])
    order = [page.index(text) for text in ("<h1>Title", "<h2>Words", "<p>First.", "<p>Second.", ">name<", ">a<", ">2<")]
    assert order == sorted(order)
    assert [len(Elements(page).texts(tag)) for tag in ("th", "td", "figure", "pre")] == [4, 2, 0, 0]


def test_the_script_is_there_once_and_the_figures_are_data() -> None:
    data, plotly_js, own = Elements(PAGE).texts("script")
    assert plotly_js == get_plotlyjs()
    assert json.loads(data)["figures"] == [FIGURE, FIGURE]
    assert "<" not in data
    assert EVIL not in own


def test_the_page_allows_no_script_but_its_own_and_no_request() -> None:
    elements = Elements(PAGE)
    (policy,) = [a["content"] for _, a, _ in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    hashes = [base64.b64encode(hashlib.sha256(js.encode()).digest()).decode() for js in elements.texts("script")[1:]]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in hashes]
    assert rules["default-src"] == "'none'"
    assert all(not {"src", "href", "action", "onerror"} & set(attributes) for _, attributes, _ in elements.found)
    assert not re.search(r"url\(|@import|@font-face", "".join(elements.texts("style")))


def test_the_same_sections_give_the_same_page() -> None:
    assert report(EVIL, SECTIONS) == PAGE


def test_a_figure_that_json_cannot_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="JSON"):
        report("Title", [Section("", figures={"": {"data": [{"y": [float("nan")]}], "layout": {"height": 1}}})])


def test_the_figure_of_these_tests_is_one_of_plotlys() -> None:
    assert len(go.Figure(FIGURE).data) == 1


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


INK = "getComputedStyle(document.querySelector('.xtick text')).fill"  # The colour of a figure's text.
WIDTH = "document.querySelector('.plot .main-svg').getBoundingClientRect().width"


@needs_browser
def test_it_opens_from_disk_without_a_network(browser: Browser, saved: Path) -> None:
    with opened(browser, saved, width=1280) as (page, events):
        assert page.locator(".plot .trace").count() == 2
        assert page.locator("h1").inner_text() == EVIL
        assert page.evaluate("window.hit") is None
        wide = page.evaluate(WIDTH)
        assert 800 < wide <= 1280
        page.set_viewport_size({"width": 390, "height": 800})
        until(page, f"{WIDTH} <= 390", True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert events == [saved.as_uri()]


@needs_browser
def test_nothing_else_runs_or_is_fetched_in_it(browser: Browser, saved: Path) -> None:
    with opened(browser, saved) as (page, events):
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.hit = 3'}))")
        page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
        browsing.until(page, lambda: sum("Content Security Policy" in event for event in events) == 2)
        assert page.evaluate("window.hit") is None


@needs_browser
def test_figures_follow_the_theme_and_are_printed_dark_on_white(browser: Browser, saved: Path) -> None:
    light, dark = "rgb(26, 34, 48)", "rgb(232, 236, 242)"
    with opened(browser, saved, "light") as (page, events):
        assert page.evaluate(INK) == light
        page.emulate_media(color_scheme="dark")
        until(page, INK, dark)
        page.evaluate(f"addEventListener('beforeprint', () => window.printed = [{WIDTH}, {INK}])")
        on_screen = page.evaluate(WIDTH)
        page.pdf(format="A4")
        assert page.evaluate("window.printed") == [680, light]
        until(page, INK, dark)
        until(page, WIDTH, on_screen)
        assert events == [saved.as_uri()]
