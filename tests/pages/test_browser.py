"""The pages in a real browser, as a visitor meets them. `visit` fails on any error and any request to another host."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browsing import Tabs, Visit, at, draw, leave, needs_browser, serve, settle, stand_still
from uqcore.datasets.bundled import mnist
from uqcore.methods import METHODS, of_task

pytestmark = needs_browser

SEVEN = ((0.25, 0.22), (0.75, 0.22), (0.45, 0.82))
OF_DIGITS, OF_MOONS = of_task("digits"), of_task("moons")
# The grey levels of a picture of 28 by 28.
LEVELS_OF = """const levels = async (shown) => {
    const context = new OffscreenCanvas(28, 28).getContext("2d");
    context.drawImage(await createImageBitmap(shown), 0, 0);
    return [...context.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
};"""
PAD, CARDS = ".pad canvas", ".card .label b"


def link(page: Page) -> dict[str, list[str]]:
    """The parameters in the page's address."""
    return parse_qs(urlsplit(page.url).query)


def slider(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}").get_by_role("slider")


def draw_seven(page: Page) -> None:
    """On an emptied pad, until every method has read it."""
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw a digit, pick a test image or upload one")).to_be_visible()
    draw(page, *SEVEN)
    expect(page).to_have_url(re.compile(r"drawing=\w{10}"))  # which says nothing of a stroke that goes on
    expect(page.locator(CARDS)).to_have_text(["7"] * len(OF_DIGITS))
    settle(page)


def ink(page: Page) -> str:
    picture: str = page.locator(PAD).evaluate("canvas => canvas.toDataURL()")
    return picture


def test_a_drawn_seven_is_read_and_its_link_shows_the_same_elsewhere(
    visit: Visit, elsewhere: Visit, dashboard: str
) -> None:
    page = visit(f"{dashboard}/digit_lab", ready=PAD)
    draw_seven(page)
    seen = page.locator(".seen img").get_attribute("src") or ""
    for _ in range(5):
        slider(page, "noise").press("ArrowRight")
    expect(page).to_have_url(re.compile(r"[?&]noise=0\.05(&|$)"))
    expect(page.locator(".seen img")).not_to_have_attribute("src", seen)
    settle(page)
    assert len(link(page)["drawing"][0]) > 10
    drawn, said, linked = ink(page), page.locator(".cards").inner_text(), link(page)
    seen = page.locator(".seen img").get_attribute("src") or ""

    copy = elsewhere(page.url, ready=CARDS)
    expect(copy.locator(".st-key-noise").get_by_test_id("stSliderThumbValue")).to_have_text("0.05")
    expect(copy.locator(".cards")).to_be_visible()  # it is hidden until the page has its answer
    assert ink(copy) == drawn
    expect(copy.locator(".cards")).to_have_text(said, use_inner_text=True)
    expect(copy.locator(".seen img")).to_have_attribute("src", seen)
    assert link(copy) == linked


def test_the_drawing_survives_a_change_of_page(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/digit_lab", ready=PAD)
    draw_seven(page)
    drawn, said, kept = ink(page), page.locator(".cards").inner_text(), link(page)["drawing"]
    page.get_by_role("link", name="Two moons").click()
    page.locator(".plot canvas").first.wait_for()
    assert "drawing" not in link(page)
    page.get_by_role("link", name="Digit lab").click()
    expect(page.locator(".cards")).to_have_text(said, use_inner_text=True)
    settle(page)
    assert ink(page) == drawn
    assert link(page)["drawing"] == kept


def test_verdicts_follow_the_pen_and_the_last_readings_bring_their_pictures_back(visit: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/digit_lab", ready=PAD)
    example = page.locator(".cards").inner_text()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw a digit, pick a test image or upload one")).to_be_visible()
    draw(page, *SEVEN, lift=False)
    expect(page.locator(CARDS)).to_have_text(["7"] * len(OF_DIGITS))
    assert link(page)["drawing"] == ["-"]
    page.mouse.up()
    expect(page.locator(".readings a")).to_have_count(2)
    settle(page)
    page.locator(".readings a").nth(1).click()
    expect(page.locator(".cards")).to_have_text(example, use_inner_text=True)
    expect(page.locator(".readings a").nth(1)).to_have_attribute("aria-current", "true")


def test_the_picture_follows_a_slider_that_is_dragged_and_is_what_the_models_then_see(
    visit: Visit, dashboard: str
) -> None:
    frames: list[str | bytes] = []

    def relay(ws: WebSocketRoute) -> None:
        server = ws.connect_to_server()

        def passed_on(message: str | bytes) -> None:
            frames.append(message)
            server.send(message)

        ws.on_message(passed_on)

    others = "noise=0.3&blur=1.2&right=3&down=-2"
    page = visit(f"{dashboard}/digit_lab?source=Pick&{others}", ready=CARDS, relay=relay)
    thumb = page.locator(".st-key-rotation").get_by_test_id("stSliderThumbValue")
    thumb.scroll_into_view_if_needed()
    stand_still(thumb)
    n_frames = len(frames)
    x, y = at(thumb, 0.5, 1.3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=5)
    canvas = page.locator(".preview canvas")
    expect(canvas).to_be_visible()
    previewed = canvas.evaluate(f"(canvas) => {{ {LEVELS_OF} return levels(canvas); }}")
    assert len(frames) == n_frames  # nothing was sent
    page.mouse.up()
    expect(canvas).to_be_hidden()
    seen = page.locator(".seen img").evaluate(f"async (image) => {{ {LEVELS_OF} return levels(image); }}")
    assert "rotation" in link(page)
    np.testing.assert_allclose(previewed, seen, atol=2)  # of 255


def test_a_link_into_a_server_that_has_just_started_and_when_it_is_away_our_words(tabs: Tabs, dashboard: str) -> None:
    with serve("app.py") as url:
        page = tabs.visit(f"{url}/digit_lab", ready=PAD)
        expect(page.get_by_role("heading", level=1)).to_have_text("Digit lab")
        assert tabs.put_back() == []  # before the server, which it would miss
        left = tabs.visit(url, ready="html[data-whole] h1")
    dialog = left.get_by_role("dialog")
    expect(dialog).to_contain_text("The server is away")
    expect(dialog).to_contain_text("goes on by itself")
    assert "Streamlit" not in dialog.inner_text()
    left.goto(dashboard)  # one that is there, to be put back
    leave(left)
    tabs.put_back()  # its console is full of requests that fail


def test_requests_to_other_hosts_fail_and_are_seen(tabs: Tabs, dashboard: str) -> None:
    page = tabs.visit(dashboard, ready="h1")
    others = ["http://example.org/data", "http://192.0.2.1/", "http://localhost/", "https://[2001:db8::1]/x"]
    for address in others:
        page.evaluate("address => fetch(address, {mode: 'no-cors'}).catch(() => {})", address)
    seen = tabs.put_back()
    assert [one for one in seen if "another host" in one] == [f"A request to another host: {one}" for one in others]


def test_home_shows_its_grid_and_its_doors_open(visit: Visit, dashboard: str) -> None:
    page = visit(dashboard, ready="table.grid")
    expect(page.locator("table.grid tr")).to_have_count(1 + len(OF_DIGITS))
    page.get_by_role("link", name="Try a garment").click()
    expect(page.locator(CARDS)).to_have_count(len(OF_DIGITS))
    assert link(page) == {"source": ["Pick"], "images": ["Fashion-MNIST"]}


def test_moons_read_out_under_the_pointer_and_a_click_asks_every_method(
    visit: Visit, elsewhere: Visit, dashboard: str
) -> None:
    page = visit(f"{dashboard}/two_moons", ready=".plot")
    plot = page.locator(".plot").first
    plot.scroll_into_view_if_needed()
    assert page.locator(".value").all_inner_texts() == [""] * len(OF_MOONS)
    page.mouse.move(*at(plot, 0.6, 0.4))
    expect(page.locator(".value")).to_have_text([re.compile(r"0\.\d+|1\.00")] * len(OF_MOONS))
    page.mouse.click(*at(plot, 0.6, 0.4))
    expect(page.locator("table.verdicts tr")).to_have_count(1 + len(OF_MOONS))
    x, y = (float(part) for part in link(page)["point"][0].split(","))
    assert x == pytest.approx(-3.5 + 7 * 0.6, abs=0.1)
    assert y == pytest.approx(2.5 - 5 * 0.4, abs=0.1)
    expect(page.get_by_role("heading", name=f"What each method says at ({x:.2f}, {y:.2f})")).to_be_visible()

    said = page.locator("table.verdicts").inner_text()
    copy = elsewhere(page.url, ready="table.verdicts")
    expect(copy.locator("table.verdicts")).to_have_text(said, use_inner_text=True)


def test_a_hidden_method_is_in_the_link_which_hides_it_elsewhere(
    visit: Visit, elsewhere: Visit, dashboard: str
) -> None:
    page = visit(f"{dashboard}/digit_lab", ready=CARDS)
    hidden, key = METHODS[OF_DIGITS[0]].label, f"methods_{len(OF_DIGITS)}"
    others = [METHODS[method_id].label for method_id in OF_DIGITS[1:]]
    page.locator(f".st-key-{key}").get_by_role("button", name=hidden, exact=True).click()
    expect(page.locator(".card h2")).to_have_text(others)
    settle(page)
    assert link(page)[key] == others
    url = page.url
    page.locator(f".st-key-{key}").get_by_role("button", name=hidden, exact=True).click()
    expect(page.locator(".card h2")).to_have_text([hidden, *others])
    copy = elsewhere(url, ready=CARDS)
    expect(copy.locator(".card h2")).to_have_text(others)


def test_a_chosen_task_is_in_the_link_which_shows_it_elsewhere(visit: Visit, elsewhere: Visit, dashboard: str) -> None:
    page = visit(f"{dashboard}/digit_lab", ready=CARDS)
    page.locator(".st-key-task").get_by_text("Fashion-MNIST", exact=True).click()
    expect(page.locator(".card .bar span").first).to_have_text("T-shirt/top")
    settle(page)
    assert link(page) == {"task": ["Fashion-MNIST"]}
    url, said = page.url, page.locator(".cards").inner_text()
    page.locator(".st-key-task").get_by_text("MNIST", exact=True).click()
    expect(page.locator(PAD)).to_be_visible()
    settle(page)
    assert link(page) == {}
    copy = elsewhere(url, ready=CARDS)
    expect(copy.locator(".cards")).to_have_text(said, use_inner_text=True)


def test_the_curves_of_a_worse_image_open_with_a_click_and_by_a_link(
    visit: Visit, elsewhere: Visit, dashboard: str
) -> None:
    page = visit(f"{dashboard}/digit_lab", ready=CARDS)
    summary, charts = page.get_by_text("As the image gets worse"), page.locator(".js-plotly-plot .main-svg")
    expect(charts).to_have_count(0)
    summary.click()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.get_by_text("at most 20 samples")).to_be_visible()
    settle(page)
    assert link(page) == {"worse": ["true"]}
    page.set_viewport_size({"width": 1920, "height": 1080})  # where charts are larger than they were drawn
    for place in page.locator("[data-testid=stElementContainer]:has(.js-plotly-plot)").all():
        drawn, room = place.locator(".js-plotly-plot").bounding_box(), place.bounding_box()
        assert drawn is not None
        assert room is not None
        assert drawn["height"] > 330
        assert drawn["height"] == pytest.approx(room["height"], abs=1)
    slider(page, "noise").press("ArrowRight")
    expect(page).to_have_url(re.compile(r"[?&]noise=0\.01(&|$)"))
    settle(page)
    url = page.url
    summary.click()
    expect(page.get_by_text("at most 20 samples")).not_to_be_visible()
    settle(page)
    assert "worse" not in link(page)
    copy = elsewhere(url, ready=".js-plotly-plot")
    expect(copy.locator(".js-plotly-plot")).to_have_count(2)


@pytest.mark.parametrize("path", ["two_moons", "digit_lab"])
def test_every_press_goes_on_to_the_next_number_of_samples(
    visit: Visit, elsewhere: Visit, dashboard: str, path: str
) -> None:
    page = visit(f"{dashboard}/{path}", ready=".plot" if path == "two_moons" else CARDS)
    for key, presses in (("samples", (("ArrowRight", 100), ("ArrowLeft", 50), ("ArrowLeft", 20), ("ArrowLeft", 10))),
                         ("members", (("ArrowLeft", 5), ("ArrowLeft", 2), ("ArrowRight", 5)))):  # fmt: skip
        thumb = page.locator(f".st-key-{key}").get_by_test_id("stSliderThumbValue")
        for press, stop in presses:
            slider(page, key).press(press)
            expect(thumb).to_have_text(str(stop))
            settle(page)
            expect(thumb).to_have_text(str(stop))
    linked = link(page)
    assert linked == {"samples": ["10"], "members": ["5"]}
    copy = elsewhere(page.url, ready=".plot" if path == "two_moons" else CARDS)
    for key, values in linked.items():
        expect(copy.locator(f".st-key-{key}").get_by_test_id("stSliderThumbValue")).to_have_text(values)


def upload(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def test_an_uploaded_digit_is_read_and_its_link_shows_the_same(visit: Visit, elsewhere: Visit, dashboard: str) -> None:
    digit = 255 - np.kron(np.pad(mnist().x_test[0], 4), np.ones((8, 8), np.uint8))  # a 7, dark on white
    buffer = io.BytesIO()
    Image.fromarray(digit).save(buffer, "PNG")
    page = visit(f"{dashboard}/digit_lab?source=Upload", ready="[data-testid=stFileUploader]")
    upload(page, "seven.png", buffer.getvalue())
    expect(page.locator(CARDS)).to_have_text(["7"] * len(OF_DIGITS))
    settle(page)
    said = page.locator(".cards").inner_text()
    copy = elsewhere(page.url, ready=CARDS)
    assert copy.locator(".cards").inner_text() == said


def test_a_text_file_by_the_name_of_a_picture_is_one_sentence_and_the_page_works_on(
    visit: Visit, dashboard: str
) -> None:
    page = visit(f"{dashboard}/digit_lab?source=Upload", ready="[data-testid=stFileUploader]")
    upload(page, "text.png", b"This is no picture.")
    expect(page.get_by_role("alert")).to_have_text("The file is not a picture; choose a PNG or JPEG picture.")
    page.get_by_text("Draw", exact=True).click()
    expect(page.locator(CARDS)).to_have_count(len(OF_DIGITS))
    expect(page.get_by_role("alert")).to_have_count(0)
