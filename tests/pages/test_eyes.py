"""Every page for every eye and hand: axe-core finds nothing, and nothing moves because it is pointed at.

axe-core 4.14.1 (Deque Systems, MPL 2.0) is the one file of its npm package, with its licence, in tests/tools.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import ROOT
from tests.browsing import SHIFTS, Tabs, at, needs_browser, next_frame, settle, stand_still
from ui.page import DOORS

pytestmark = needs_browser

AXE = ROOT / "tests" / "tools" / "axe.min.js"
PATHS = [re.sub(r"app\.py|pages/|\.py", "", door.path) for door in DOORS]
MORE = ["two_moons?point=0.5,0.25", "digit_lab?worse=true&source=Upload"]  # which show what is not there at first
VIEWS = ["gallery?gallery=Errors", "gallery?gallery=Disagreement"]
PHONE: dict[str, Any] = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}
SIZES: dict[str, dict[str, Any]] = {"screen": {"width": 1280, "height": 720}, "phone": PHONE}
ON_SCREEN = [("screen", path) for path in [*PATHS, *MORE]]
ON_PHONE = [("phone", path) for path in [*PATHS, *MORE, *VIEWS]]
OF_COLOUR = ["color-contrast", "link-in-text-block"]
"""Those of axe's rules that look at colours: what is there, and what it is called, is the same light and dark."""


def grow_no_more(page: Page) -> None:
    """Wait until nothing has grown for half a second of frames."""
    page.wait_for_function(
        """async () => {
            const box = document.querySelector('[data-testid=stMain]');
            for (let frames = 0, last = -1; frames < 30; frames++) {
                await new Promise(requestAnimationFrame);
                if (box.scrollHeight !== last) [frames, last] = [0, box.scrollHeight];
            }
            return true;
        }"""
    )


def violations(page: Page, rules: list[str] | None = None) -> list[tuple[str, list[str]]]:
    """What axe finds by these rules, or else by all: the rule, and the first elements that break it."""
    # The place to drop files, which has a role and a name that contradict each other, is Streamlit's own.
    # And what is in order need not be listed, element by element.
    asked = """async (rules) => (await axe.run(
        {exclude: [['[data-testid=stFileUploaderDropzone]']]},
        {resultTypes: ["violations"], ...(rules && {runOnly: rules})})).violations"""
    found: list[dict[str, Any]] = page.evaluate(asked, rules)
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]


# What is waited for is waited for however slow the machine is.
PATIENT = """
addEventListener("DOMContentLoaded", () => {
    const style = document.createElement("style");
    style.textContent = "html:is(:not([data-whole]), [data-turned]) .block-container, " +
        "[data-turned] * {animation: none !important}";
    document.head.append(style);
});
"""
WIDEST = "Math.max(document.scrollingElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth)"


class Shown(NamedTuple):
    """A page, its size and path, and what moved while it was loaded: how much, and the elements."""

    page: Page
    size: str
    path: str
    shifts: list[Any]


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Tabs:
    """Tabs whose shifts are added up."""
    return Tabs(browser, SHIFTS + PATIENT)


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest, watched: Tabs, dashboard: str) -> Iterator[Shown]:
    """A page in a size, loaded once for all that is asked of it; how wide it is comes last, which changes its size."""
    size, path = request.param
    for _ in range(3):  # where a part comes much later than the others, on a busy machine, it moves them
        page = watched.visit(f"{dashboard}/{path}", ready="html[data-whole] h1", **SIZES[size])
        grow_no_more(page)
        shifts = page.evaluate("window.shifted")
        if sum(value for value, *_ in shifts) < 0.1:
            break
        assert watched.put_back() == []
    yield Shown(page, size, path, shifts)
    assert watched.put_back() == []


def on(*shown: tuple[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shown", shown, indirect=True, ids="-".join)


in_every_size = on(*ON_SCREEN, *ON_PHONE)


@contextmanager
def dark(page: Page) -> Iterator[None]:
    """The page as it is in the dark."""
    app = page.get_by_test_id("stApp")
    light = app.evaluate("app => getComputedStyle(app).backgroundColor")
    page.emulate_media(color_scheme="dark")
    expect(app).not_to_have_css("background-color", light)
    settle(page)
    grow_no_more(page)
    yield
    page.emulate_media(color_scheme="light")
    expect(app).to_have_css("background-color", light)
    settle(page)


Scheme = Callable[[Page], AbstractContextManager[None]]
light_and_dark = pytest.mark.parametrize("scheme", [nullcontext, dark])


WIDTHS = """() => {
    window.widths = [];
    const box = document.querySelector(".block-container");
    new ResizeObserver(([{contentRect}]) => window.widths.push(contentRect.width)).observe(box);
}"""
"""Keeps how wide the page has been."""


def test_hardly_anything_moves_when_another_page_is_gone_to(watched: Tabs, dashboard: str) -> None:
    """The first of all: its tab, which then has the scripts of every page, is that of all pages on a screen."""
    page = watched.visit(dashboard, ready="html[data-whole] h1")
    page.evaluate(WIDTHS)
    for door in (*DOORS[1:], DOORS[0]):
        page.locator(".st-key-doors").get_by_role("link", name=door.label, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(door.title or door.label)
        page.locator("html:not([data-turned])").wait_for(state="attached")
        grow_no_more(page)
        shifts = page.evaluate("window.shifted.splice(0)")
        assert sum(value for value, *_ in shifts) < 0.1, (door.label, shifts)
        widths = page.evaluate("window.widths")
        assert len(set(widths)) == 1, (door.label, widths)  # what follows a click at once is no shift, to a browser
    assert watched.put_back() == []


@in_every_size
def test_hardly_anything_moves_while_a_page_loads(shown: Shown) -> None:
    assert sum(value for value, *_ in shown.shifts) < 0.1, shown.shifts


@on(*ON_SCREEN)
def test_axe_finds_nothing_light_and_dark(shown: Shown) -> None:
    page = shown.page
    page.add_script_tag(path=AXE)
    assert violations(page) == []
    with dark(page):
        assert violations(page, OF_COLOUR) == []


LONGEST = """() => {
    const seconds = (text) => Math.max(...text.split(",").map(parseFloat));
    const of = (root) => Math.max(0, ...[...root.querySelectorAll("*")].map((each) =>
        Math.max(seconds(getComputedStyle(each).transitionDuration), each.shadowRoot ? of(each.shadowRoot) : 0)));
    return of(document);
}"""
"""The seconds that the slowest change of anything on a page takes."""


@on(("screen", "threshold_lab"))
def test_nothing_fades_for_those_who_ask_for_less_motion(shown: Shown) -> None:
    assert shown.page.evaluate(LONGEST) > 0.1
    shown.page.emulate_media(reduced_motion="reduce")
    assert shown.page.evaluate(LONGEST) < 0.001
    shown.page.emulate_media(reduced_motion="no-preference")


@on(("screen", "two_moons"))
@light_and_dark
def test_nothing_moves_because_a_map_is_pointed_at(shown: Shown, scheme: Scheme) -> None:
    page = shown.page
    plots = page.locator(".plot")
    with scheme(page):
        plots.first.scroll_into_view_if_needed()
        stand_still(plots.first)
        tops = plots.evaluate_all("plots => plots.map((plot) => plot.getBoundingClientRect().top)")
        for down in (0.02, 0.5, 0.98):
            page.mouse.move(*at(plots.first, 0.5, down))
            expect(page.locator(".value").first).not_to_have_text("")
            assert plots.evaluate_all("plots => plots.map((plot) => plot.getBoundingClientRect().top)") == tops
        page.mouse.move(0, 0)


@on(("screen", "regression"))
@light_and_dark
def test_a_printed_page_is_laid_out_as_on_the_screen_and_as_wide_as_the_paper(shown: Shown, scheme: Scheme) -> None:
    page = shown.page
    with scheme(page):
        figures = page.locator(".plot, .stPlotlyChart")
        widths = figures.evaluate_all("figures => figures.map((figure) => figure.getBoundingClientRect().width)")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        expect(page.locator(".st-key-doors")).to_be_hidden()
        boxes = figures.evaluate_all("figures => figures.map((figure) => figure.getBoundingClientRect().toJSON())")
        shrunk = float(page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--print-zoom')"))
        assert 0.5 < shrunk < 0.7
        assert [box["width"] for box in boxes] == pytest.approx([shrunk * width for width in widths], abs=2)
        assert all(box["left"] >= 0 and box["right"] <= 701 for box in boxes)
        turned = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).filter")
        assert (turned == "none") == (scheme is not dark)  # no black sheets
        link = page.locator(".block-container").evaluate("box => getComputedStyle(box, '::before').content")
        assert link == f'"{page.url}"'
        page.emulate_media(media="screen")
        expect(page.locator(".st-key-doors")).to_be_visible()


@on(("screen", ""))
def test_the_doors_of_home_are_of_one_height(shown: Shown) -> None:
    doors = shown.page.locator(".st-key-tiles > * > [data-testid=stVerticalBlock]")
    heights = doors.evaluate_all("all => all.map(door => Math.round(door.getBoundingClientRect().height))")
    assert len(heights) == sum(len(door.invitations) for door in DOORS)
    assert len(set(heights)) == 1


@on(("screen", ""))
def test_links_to_more_pages_than_there_are_stand_in_one_line_too(shown: Shown) -> None:
    row = shown.page.locator(".st-key-doors")
    height = row.evaluate("row => row.getBoundingClientRect().height")
    grown = row.evaluate(
        """row => [1, 2, 3].map(() => {
            row.prepend(row.children[1].cloneNode(true));
            return row.getBoundingClientRect().height;
        })"""
    )
    row.evaluate("row => { for (let i = 0; i < 3; i++) row.firstChild.remove(); }")
    assert grown == [height] * 3


@on(("screen", "threshold_lab"))
def test_of_three_data_sets_in_two_lines_each_is_a_button_by_itself(shown: Shown) -> None:
    buttons = shown.page.locator(".st-key-task button")
    buttons.last.evaluate("last => last.after(last.cloneNode(true))")
    tops, radii = (
        buttons.evaluate_all(f"all => all.map(each => {what})")
        for what in ("each.getBoundingClientRect().top", "getComputedStyle(each).borderRadius")
    )
    buttons.last.evaluate("last => last.remove()")
    assert len(set(tops)) == 2
    assert radii == ["8px"] * 3


@on(("screen", "scoreboard"))
def test_what_the_scoreboard_is_ranked_by_is_in_no_line_by_itself(shown: Shown) -> None:
    for width, height in ((1920, 1080), (2560, 1440), (1280, 720)):
        shown.page.set_viewport_size({"width": width, "height": height})
        next_frame(shown.page)
        tops = shown.page.locator(".st-key-ranked, [class*=st-key-unseen_]").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().top)"
        )
        assert len(tops) == 2
        assert tops[0] == tops[1]


@in_every_size
def test_no_page_is_wider_than_its_screen(shown: Shown) -> None:
    assert shown.page.evaluate(WIDEST) <= SIZES[shown.size]["width"]
    for width, height in ((320, 640), (640, 360)):  # the least phone, and 1280 by 720 at 200 %
        shown.page.set_viewport_size({"width": width, "height": height})
        next_frame(shown.page)
        assert shown.page.evaluate(WIDEST) <= width


FOLDED = {
    "digit_lab": (".card", "rotation"),
    "two_moons": ("figure .plot", "samples"),
    "regression": ("figure .plot", "y_noise"),
    "threshold_lab": (".threshold .histogram", "by"),
}
"""Page -> its answer, and one of its controls."""


@on(*(("phone", path) for path in FOLDED))
def test_on_a_phone_the_answer_is_in_sight_and_controls_are_folded(shown: Shown) -> None:
    answer, folded = FOLDED[shown.path]
    page = shown.page
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    box = page.locator(answer).first.bounding_box()
    assert box is not None
    assert box["y"] < 844
    slider = page.locator(f".st-key-{folded}")
    expect(slider).to_be_hidden()
    page.locator(".fold summary").tap()
    expect(slider).to_be_visible()
