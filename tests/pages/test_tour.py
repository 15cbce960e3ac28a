"""The guided tour and presenter mode in a real browser, by keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import SHIFTS, Tabs, Visit, needs_browser, next_frame, settle, stand_still
from ui.glossary import TERMS
from ui.page import DOORS
from ui.tour import text
from ui.tour.steps import STEPS
from uqcore.methods import of_task

pytestmark = needs_browser

PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
LEAST = 0.02  # of the screen's height, that the smallest text has in presenter mode

# The smallest text that is seen, in CSS pixels, with its words; canvases write at 14 units of 16 (canvas.js).
SMALLEST = """() => {
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const found = [[14 * unit, "canvas"]];
    const walk = (root) => {
        for (const element of root.querySelectorAll("*")) {
            if (element.shadowRoot) walk(element.shadowRoot);
            const { width, height } = element.getBoundingClientRect();
            if (width < 2 || height < 2 || !element.checkVisibility({ visibilityProperty: true })) continue;
            if (["STYLE", "SCRIPT", "TITLE"].includes(element.tagName)) continue;
            const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
                .map((node) => node.textContent.trim()).join("");
            const isDrawn = element instanceof SVGGraphicsElement; // In a chart, which is larger than it was drawn.
            const grown = isDrawn ? Math.hypot(element.getScreenCTM().a, element.getScreenCTM().b) : 1;
            if (words) found.push([grown * parseFloat(getComputedStyle(element).fontSize), words]);
        }
    };
    walk(document);
    return found.sort((a, b) => a[0] - b[0])[0];
}"""

# Whether all that a step says is on the screen: no part of it must be scrolled to.
UNCUT = """() => [...document.querySelectorAll('.st-key-asks, .st-key-step')]
    .every(words => words.scrollHeight <= words.clientHeight + 1)"""


def veiled(page: Page) -> bool:
    """Whether what follows the question cannot be read."""
    blur: bool = page.locator(".st-key-answer").evaluate(
        """place => {
            while (place && getComputedStyle(place).filter === "none") place = place.parentElement;
            return place !== null;
        }"""
    )
    return blur


def at_step(page: Page, n: int) -> None:
    """Wait until the step stands there with its figure."""
    expect(page.locator(".bar .count", has_text=f"{n} of {len(STEPS)}")).to_be_visible()
    settle(page)
    expect(page.locator(".claim")).to_have_text(STEPS[n - 1].claim)  # and the last step's is gone


@pytest.mark.parametrize("presented", [False, True])
def test_the_tour_by_keys_alone(visit: Visit, dashboard: str, presented: bool) -> None:
    size = {"width": 1920, "height": 1080} if presented else {}
    page = visit(f"{dashboard}/?tour=1{'&present=1' * presented}", ready=".claim", **size)
    page.evaluate(SHIFTS)
    for n, step in enumerate(STEPS, start=1):
        at_step(page, n)
        assert f"tour={n}" in page.url
        assert ("present=1" in page.url) == presented
        options = page.locator(".options button")
        if options.count():
            assert veiled(page)
            expect(page.locator(".told")).to_be_empty()
            page.keyboard.press("2" if n == 1 else "ArrowRight")
            assert options.nth(1).get_attribute("aria-pressed") == str(n == 1).lower()
            assert page.locator(".options [data-right]").count() == 1
        page.wait_for_function(
            "!document.querySelector('.st-key-asks') || document.documentElement.dataset.told === ''"
        )
        expect(page.locator(".told")).not_to_be_empty()
        assert page.evaluate(UNCUT), (n, step.claim)
        if n == 6:  # how far apart the curves lie is seen together with them
            chart, bar = (
                page.locator(".st-key-spreads .plot-container").bounding_box(),
                page.locator("nav.bar").bounding_box(),
            )
            assert chart is not None
            assert bar is not None
            assert chart["y"] + chart["height"] <= bar["y"]
        if presented:
            size_px, words = page.evaluate(SMALLEST)
            assert size_px >= LEAST * 1080, (n, step.claim, words)
        shifts = page.evaluate("window.shifted.splice(0)")
        assert sum(value for value, *_ in shifts) < 0.1, (n, shifts)
        page.keyboard.press("ArrowRight")
    at_step(page, len(STEPS))  # there is none after the last
    page.keyboard.press("ArrowLeft")
    at_step(page, len(STEPS) - 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


def test_the_tour_on_a_phone_the_words_drive_the_figure_and_back_brings_it_back(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/?tour=2", ready=".claim", **PHONE)
    at_step(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert veiled(page)
    page.locator(".options button").first.tap()
    words = page.locator(".told a:not(.word)").first
    accepting = page.locator(".card .verdict.accept")
    shown = accepting.count()
    assert f"{shown} of" in page.locator(".told").inner_text()
    words.tap()
    expect(page).to_have_url(re.compile(r"rotation=90"))
    settle(page)
    expect(accepting).not_to_have_count(shown)
    expect(words).to_have_attribute("aria-current", "true")  # what the figure shows now
    page.go_back()
    expect(accepting).to_have_count(shown)
    expect(page.locator(".told [aria-current]")).to_have_text("As it was")
    assert "rotation" not in page.url
    page.locator(".bar .next").tap()
    at_step(page, 3)
    expect(page.locator(".told")).to_be_empty()
    page.locator(".bar .next").tap()  # as the key: the answer first
    expect(page.locator(".told")).not_to_be_empty()
    expect(page.locator(".question")).not_to_be_visible()
    plot = page.locator(".surfaces .plot").bounding_box()
    assert plot is not None
    assert plot["y"] + plot["height"] <= page.locator("nav.bar").evaluate("bar => bar.getBoundingClientRect().top")
    page.get_by_text("The question").tap()
    expect(page.locator(".question")).to_be_visible()
    page.locator(".told .word", has_text="deferred").tap()
    meaning = page.get_by_role("dialog", name="defer")
    expect(meaning).to_contain_text(TERMS["defer"].plain)
    meaning.get_by_text("exactly").tap()
    expect(meaning).to_contain_text(TERMS["defer"].exact)
    page.locator(".claim").tap()
    expect(meaning).not_to_be_visible()
    page.locator(".bar .leave").tap()
    expect(page.locator(".claim")).not_to_be_visible()
    assert "tour" not in page.url
    expect(page.locator(".st-key-doors")).to_be_visible()
    page.locator(".begin").tap()
    at_step(page, 3)  # where it was left


@pytest.mark.parametrize("more", ["", "&moons_threshold=0.1"])
def test_who_takes_the_controls_or_a_link_to_a_changed_figure_is_asked_nothing(
    visit: Visit, dashboard: str, more: str
) -> None:
    page = visit(f"{dashboard}/{text.of_step(3, {})}{more}", ready=".claim")
    at_step(page, 3)
    if not more:
        assert veiled(page)
        page.locator(".bar .controls").click()
    expect(page.locator(".told")).not_to_be_empty()
    assert page.evaluate("document.documentElement.hasAttribute('data-told')")


def test_who_only_scrolls_is_told(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/?tour=7", ready=".claim")
    at_step(page, 7)
    assert veiled(page)
    page.mouse.move(900, 400)
    page.mouse.wheel(0, 400)
    expect(page.locator(".told")).not_to_be_empty()
    page.wait_for_function("document.documentElement.hasAttribute('data-told')")


def test_whose_finger_would_scroll_where_all_is_in_sight_is_told_too(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/?tour=8", ready=".claim", **PHONE)
    at_step(page, 8)
    expect(page.locator(".told")).to_be_empty()
    hand = page.context.new_cdp_session(page)
    hand.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 200, "y": 700}]})
    for y in range(650, 400, -50):
        hand.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": 200, "y": y}]})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".told")).not_to_be_empty()
    expect(page.locator(".question")).to_be_visible()  # nothing jumps under the finger


@pytest.fixture(scope="module")
def presented(request: pytest.FixtureRequest, tabs: Tabs, dashboard: str) -> Iterator[Page]:
    """A page as a presenter shows it, loaded once for all that is asked of it; `visit` puts it back at the latest."""
    more = "&worse=true" if request.param == "digit_lab" else ""
    url = f"{dashboard}/{request.param}?present=1{more}"
    yield tabs.visit(url, width=1920, height=1080, ready="html[data-whole] h1")
    assert tabs.put_back() == []


def on(*paths: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("presented", paths, indirect=True)


@on("digit_lab")
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720)])
def test_the_digit_lab_stands_on_one_screen(presented: Page, width: int, height: int) -> None:
    presented.set_viewport_size({"width": width, "height": height})
    presented.wait_for_function(
        """() => {
            const box = document.querySelector("[data-testid=stMain]");
            return document.querySelector(".card") && box.scrollHeight === box.clientHeight;
        }"""
    )
    presented.set_viewport_size({"width": 1920, "height": 1080})


@on("scoreboard")
def test_what_is_pointed_at_in_a_chart_is_what_stands_there_however_large_it_is(presented: Page) -> None:
    mark = presented.locator(".st-key-board_forest .point").first
    stand_still(mark)
    box = mark.bounding_box()
    assert box is not None
    assert box["height"] > 13 * 1.5  # as drawn at 1280 x 720
    presented.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = presented.locator(".st-key-board_forest .hoverlayer .hovertext")
    expect(label).to_be_visible()
    told = label.bounding_box()
    assert told is not None
    assert told["y"] < box["y"] + box["height"] / 2 < told["y"] + told["height"]
    presented.mouse.move(0, 0)


@on("two_moons")
def test_a_word_is_explained_where_it_stands_by_keys_and_nothing_moves(presented: Page) -> None:
    page = presented
    word = page.locator(".st-key-answer").get_by_role("link", name="Deterministic")
    before, url = page.locator(".surfaces").bounding_box(), page.url
    word.focus()
    word.press("Enter")
    meaning = page.get_by_role("dialog", name="Deterministic")
    expect(meaning).to_contain_text(TERMS["Deterministic"].plain)
    expect(meaning).to_be_focused()
    assert page.locator(".surfaces").bounding_box() == before
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(meaning).to_contain_text(TERMS["Deterministic"].exact)
    page.keyboard.press("Escape")
    expect(meaning).not_to_be_visible()
    expect(word).to_be_focused()
    assert page.url == url  # still presented


ANSWERS = {
    "two_moons": (".plot", "moons"),
    "digit_lab": (".card", "digits"),
    "regression": (".functions .plot", "sine"),
}
"""Page -> its figures, and the task whose methods have one each."""


@on(*ANSWERS)
def test_a_figure_fills_a_presenters_screen_and_is_whole_on_it(presented: Page) -> None:
    ((answer, task),) = (of for path, of in ANSWERS.items() if path in presented.url)
    for width, height in ((1920, 1080), (1280, 720), (1024, 768)):
        presented.set_viewport_size({"width": width, "height": height})
        stand_still(presented.locator(answer).last)
        boxes = presented.locator(answer).evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")
        assert len(boxes) == len(of_task(task))
        assert len({round(box["top"]) for box in boxes}) == 2, "rows"
        assert all(box["right"] <= width and box["bottom"] <= height for box in boxes)
        assert max(box["bottom"] for box in boxes) > 0.84 * height
        assert max(box["right"] for box in boxes) > 0.94 * width
    presented.set_viewport_size({"width": 1920, "height": 1080})


@on(*(re.sub(r"app\.py|pages/|\.py", "", door.path) for door in DOORS))
def test_on_every_page_a_presenters_letters_are_large_enough_on_any_screen(presented: Page) -> None:
    for width, height in ((1280, 720), (1920, 1080), (1024, 768), (1080, 1920)):
        presented.set_viewport_size({"width": width, "height": height})
        next_frame(presented)
        size_px, words = presented.evaluate(SMALLEST)
        assert size_px >= LEAST * min(width, height), (width, height, words)
        assert presented.evaluate("document.documentElement.scrollWidth") <= width


def test_a_presenters_keys(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/digit_lab?present=1&rotation=30", width=1920, height=1080, ready=".card")
    slider = page.locator(".st-key-rotation")
    expect(slider).not_to_be_visible()
    page.keyboard.press("c")
    expect(slider).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).not_to_be_visible()
    page.keyboard.press("q")
    code = page.get_by_role("dialog", name="QR code")
    expect(code.locator("svg.segno")).to_be_visible()
    expect(code.locator(".link")).to_have_text(f"{dashboard}/digit_lab?rotation=30")
    code.get_by_role("button").click()
    page.keyboard.press("b")
    page.keyboard.press("r")
    expect(page).to_have_url(f"{dashboard}/digit_lab?present=1")
    settle(page)
    page.keyboard.press("b")
    expect(page.locator("iframe")).to_have_count(2)
    assert [frame.get_attribute("src") for frame in page.locator("iframe").all()] == [
        "/digit_lab?present=1&rotation=30",
        "/digit_lab?present=1",
    ]
    expect(page.frame_locator("iframe >> nth=0").locator(".card")).not_to_have_count(0)


def test_the_pad_stays_where_it_is_while_the_first_stroke_is_drawn(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/digit_lab?tour=9&drawing=-", ready="canvas")
    pad = page.get_by_role("img", name=re.compile("^Drawing pad"))
    before = pad.bounding_box()
    assert before is not None
    x, y, side = before["x"], before["y"], before["width"]
    page.mouse.move(x + side / 4, y + side / 4)
    page.mouse.down()
    page.mouse.move(x + side / 2, y + side * 3 / 4, steps=8)
    expect(page.locator(".card").first).to_be_visible()  # read while the pen moves
    assert pad.bounding_box() == before
    page.mouse.up()
    settle(page)
    assert pad.bounding_box() == before


def test_the_notes_follow_the_presentation(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/?tour=1&present=1", ready=".claim")
    with page.expect_popup() as opening:
        page.keyboard.press("n")
    notes = opening.value
    expect(notes.get_by_role("heading", level=1)).to_have_text(f"1. {STEPS[0].claim}")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(notes.get_by_role("heading", level=1)).to_have_text(f"2. {STEPS[1].claim}")
    settle(notes)
    notes.keyboard.press("ArrowRight")
    at_step(page, 3)
    expect(notes.get_by_role("heading", level=1)).to_have_text(f"3. {STEPS[2].claim}")


def test_a_figure_alone_on_the_whole_screen(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/two_moons")
    expect(page.locator("html")).to_have_css("font-size", "16px")
    page.get_by_role("button", name="Whole screen").first.click()
    page.wait_for_function("document.fullscreenElement !== null")
    expect(page.locator("html")).to_have_css("font-size", "19.44px")  # 2.7 % of the screen's height: read from afar
    stand_still(page.locator(".plot").first)
    boxes = page.locator(".plot").evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")
    assert len(boxes) == len(of_task("moons"))
    assert all(box["width"] > 0 and box["top"] >= 0 and box["bottom"] <= 720 for box in boxes)
    page.get_by_role("button", name="Whole screen").first.click()
    page.wait_for_function("document.fullscreenElement === null")
    expect(page.locator("html")).to_have_css("font-size", "16px")


def test_back_and_forward_move_what_components_hold(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/two_moons")
    threshold = page.locator(".cut input").last  # while another takes its place, there are two
    start = threshold.input_value()
    threshold.press("ArrowLeft")
    expect(page).to_have_url(re.compile("moons_threshold=0.49"))
    settle(page)
    moved = threshold.input_value()
    assert moved != start
    page.go_back()
    expect(threshold).to_have_value(start)
    settle(page)
    page.go_forward()
    expect(threshold).to_have_value(moved)
    assert "moons_threshold=0.49" in page.url


def test_back_brings_back_a_page_that_was_left_by_a_link_in_one_step(visit: Visit, dashboard: str) -> None:
    # Both pages have a control of images, of samples and of methods.
    page = visit(f"{dashboard}/digit_lab?source=Pick&images=Fashion-MNIST&class=Sandal&samples=20", ready=".card")
    straight = page.locator(".st-key-answer").inner_text()
    page.locator(".st-key-rotation").get_by_role("slider").press("ArrowRight")
    expect(page).to_have_url(re.compile("rotation=5"))
    expect(page.locator(".st-key-answer")).not_to_have_text(straight)  # the link is there before the answer
    settle(page)
    was, said = page.url, page.locator(".st-key-answer").inner_text()
    page.locator(".st-key-doors").get_by_role("link", name="Gallery", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Gallery")
    settle(page)
    assert "rotation" not in page.url
    page.go_back()
    expect(page.locator(".st-key-rotation").get_by_test_id("stSliderThumbValue")).to_have_text("5°")
    expect(page.locator(".st-key-answer")).to_have_text(said)
    settle(page)
    expect(page).to_have_url(was)


def test_the_tours_words_set_what_a_page_opens_with(visit: Visit, elsewhere: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/?tour=5", ready=".claim")
    at_step(page, 5)
    page.keyboard.press("ArrowRight")
    expect(page.locator("figure .plot")).to_have_count(2)
    page.get_by_role("link", name="See every method").click()
    expect(page.locator("figure .plot")).to_have_count(len(of_task("moons")))

    page = elsewhere(f"{dashboard}/?tour={len(STEPS)}", ready=".claim")
    at_step(page, len(STEPS))
    expect(page.locator(".card")).to_have_count(0)
    page.get_by_role("link", name="half a four, half a nine").click()
    expect(page.locator(".card")).not_to_have_count(0)
