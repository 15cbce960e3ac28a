"""The drawing pad and the surfaces in a real browser, and what Python gets from them."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browsing import Visit, at, draw, needs_browser, next_frame, settle, stand_in, until
from ui.components.surfaces import Panel, PointGroup, pack, stack, surfaces, within
from uqcore.plots.palette import lut
from uqcore.types import UqError

Stroke = list[tuple[int, int]]
MOVING = re.compile(" …$")  # after a drawing that goes on


@pytest.fixture(scope="module")
def pad_url(serving: Callable[[str], str]) -> str:
    return serving("tests/ui/apps/components_app.py") + "/pad"


@pytest.fixture(scope="module")
def cards_url(serving: Callable[[str], str]) -> str:
    return serving("tests/ui/apps/components_app.py") + "/cards"


@pytest.fixture(scope="module")
def surfaces_url(serving: Callable[[str], str]) -> str:
    return serving("tests/ui/apps/components_app.py") + "/surfaces"


@needs_browser
def test_a_kept_file_is_chosen_again_in_another_visit_of_the_same_page(
    visit: Visit, serving: Callable[[str], str]
) -> None:
    """As when a server is gone and another one goes on with the page."""
    page = visit(serving("tests/ui/apps/components_app.py") + "/kept", ready="[data-testid=stFileUploader]")
    said = page.get_by_test_id("stText")
    page.locator("input[type=file]").set_input_files({"name": "mine.csv", "mimeType": "text/csv", "buffer": b"a\n1\n"})
    expect(said).to_have_text("mine.csv in visit 0")
    page.wait_for_function("Object.keys(sessionStorage).length === 1")
    for n in (1, 2):
        page.get_by_role("button", name="Another visit").click()
        expect(said).to_have_text(f"mine.csv in visit {n}")


def pixel(canvas: Locator, right: float, down: float) -> list[int]:
    """RGBA of the canvas at a fraction of its size."""
    script = """(canvas, [right, down]) => [...canvas.getContext("2d").getImageData(
        Math.floor(right * canvas.width), Math.floor(down * canvas.height), 1, 1).data]"""
    color: list[int] = canvas.evaluate(script, [right, down])
    return color


# --- The drawing pad ---


def decode(strokes: str) -> list[Stroke]:
    """The strokes in a drawing, by the description of the format in `drawing_pad`."""
    raw = base64.urlsafe_b64decode(strokes + "=" * (-len(strokes) % 4))
    result = []
    while raw:
        (n,) = struct.unpack(">H", raw[:2])
        result.append(list(zip(raw[2 : 2 + 2 * n : 2], raw[3 : 3 + 2 * n : 2], strict=True)))
        raw = raw[2 + 2 * n :]
    return result


def encode(*strokes: Stroke) -> str:
    raw = b"".join(struct.pack(">H", len(stroke)) + bytes(sum(stroke, ())) for stroke in strokes)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def received(page: Page, n_strokes: int) -> list[Stroke]:
    """What Python has, once it has this many strokes, the last of them to its end."""
    expect(page.locator(".pad canvas")).to_have_attribute("aria-label", label_of(n_strokes))

    def strokes() -> list[Stroke]:
        text = page.get_by_test_id("stText").inner_text().strip()
        return [] if text == "empty" or MOVING.search(text) else decode(text)

    until(page, lambda: len(strokes()) == n_strokes)
    return strokes()


def label_of(n_strokes: int) -> str:
    return f"Drawing pad, {'empty' if n_strokes == 0 else '1 stroke' if n_strokes == 1 else f'{n_strokes} strokes'}"


@needs_browser
def test_a_stroke_reaches_python_as_its_corners(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    expect(page.get_by_text("Draw here")).to_have_css("opacity", "1")
    draw(page, (0.25, 0.25), (0.25, 0.75), (0.75, 0.75))
    (stroke,) = received(page, 1)
    np.testing.assert_allclose([stroke[0], stroke[-1]], [(64, 64), (191, 191)], atol=1.5)
    to_corner = np.abs(np.array(stroke) - (64, 191)).max(axis=1)
    assert to_corner.min() <= 1.5
    assert len(stroke) <= 5
    assert pixel(page.locator(".pad canvas"), 0.25, 0.5) == [255, 255, 255, 255]
    assert pixel(page.locator(".pad canvas"), 0.5, 0.5)[3] == 0
    expect(page.get_by_text("Draw here")).to_have_css("opacity", "0")


@needs_browser
def test_while_the_pen_moves_python_has_the_drawing_so_far(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    draw(page, (0.25, 0.25), (0.25, 0.75))
    (first,) = received(page, 1)
    kept = page.url
    draw(page, (0.5, 0.5), (0.75, 0.5), lift=False)
    expect(page.get_by_test_id("stText")).to_have_text(MOVING)
    before, so_far = decode(page.get_by_test_id("stText").inner_text().strip().removesuffix(" …"))
    assert before == first
    assert so_far[0] == pytest.approx((128, 128), abs=1.5)
    assert page.url == kept
    page.mouse.move(*at(page.locator(".pad canvas"), 0.75, 0.9), steps=10)
    page.mouse.up()
    assert received(page, 2)[1][-1] == pytest.approx((191, 230), abs=1.5)
    assert page.url != kept


@needs_browser
def test_the_pen_is_as_wide_as_python_says(visit: Visit, pad_url: str) -> None:
    page = visit(f"{pad_url}?strokes={encode([(0, 128), (255, 128)])}")
    received(page, 1)
    next_frame(page)
    ink = [pixel(page.locator(".pad canvas"), 0.5, 0.5 + offset)[3] for offset in (-0.05, -0.04, 0.04, 0.05)]
    assert ink == [0, 255, 255, 0]  # Half of 0.09 on each side.


@needs_browser
def test_a_round_digit_is_short_and_stays_round(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    turn = np.linspace(0, 2 * np.pi, 25)
    draw(page, *zip(0.5 + 0.4 * np.cos(turn), 0.5 + 0.4 * np.sin(turn), strict=True))
    (stroke,) = received(page, 1)
    assert len(page.get_by_test_id("stText").inner_text().strip()) < 250
    radii = np.hypot(*(np.array(stroke) - 127.5).T)
    np.testing.assert_allclose(radii, 0.4 * 255, atol=2)


@needs_browser
def test_a_stroke_out_and_back_keeps_its_far_end(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    draw(page, (0.2, 0.5), (0.8, 0.5), (0.4, 0.5))
    (stroke,) = received(page, 1)
    assert max(x for x, _ in stroke) == pytest.approx(204, abs=1.5)


@needs_browser
def test_undo_and_clear(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    undo, clear = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Clear")
    expect(undo).to_be_disabled()
    expect(clear).to_be_disabled()
    draw(page, (0.2, 0.2), (0.8, 0.2))
    draw(page, (0.8, 0.2), (0.4, 0.8))
    both = received(page, 2)
    undo.click()
    assert received(page, 1) == both[:1]
    draw(page, (0.5, 0.5))  # A dot.
    assert len(received(page, 2)[1]) == 1
    clear.click()
    assert received(page, 0) == []
    assert pixel(page.locator(".pad canvas"), 0.5, 0.5)[3] == 0
    page.locator(".pad canvas").focus()
    page.keyboard.press("Control+z")
    received(page, 2)
    page.keyboard.press("Control+z")
    assert received(page, 1) == both[:1]


@needs_browser
def test_the_drawing_outlives_a_rerun_a_reload_and_another_pad(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    draw(page, (0.2, 0.2), (0.8, 0.2))
    drawn = received(page, 1)
    page.get_by_role("button", name="Run again").click()
    settle(page)
    assert received(page, 1) == drawn
    first = page.locator(".pad canvas").element_handle()
    page.get_by_text("second").click()  # A new pad, which starts from what the URL holds.
    page.wait_for_function("canvas => !canvas.isConnected", arg=first)
    assert received(page, 1) == drawn
    page.reload()
    assert received(page, 1) == drawn
    assert pixel(page.locator(".pad canvas"), 0.5, 0.2) == [255, 255, 255, 255]


class Wire:
    """The web socket between the page and Python, on which messages can be held up in either direction."""

    def __init__(self) -> None:
        self.held: dict[str, list[str | bytes] | None] = {"to_python": None, "to_page": None}
        self.ends: dict[str, WebSocketRoute] = {}

    def connect(self, page_end: WebSocketRoute) -> None:
        self.ends = {"to_page": page_end, "to_python": page_end.connect_to_server()}
        self.ends["to_page"].on_message(lambda message: self._pass("to_python", message))
        self.ends["to_python"].on_message(lambda message: self._pass("to_page", message))

    def _pass(self, way: str, message: str | bytes) -> None:
        waiting = self.held[way]
        if waiting is None:
            self.ends[way].send(message)
        else:
            waiting.append(message)

    def hold(self, way: str) -> None:
        self.held[way] = []

    def release(self, way: str) -> None:
        waiting, self.held[way] = self.held[way], None
        for message in waiting or []:
            self.ends[way].send(message)


@needs_browser
def test_a_late_echo_undoes_nothing_that_was_drawn_since(visit: Visit, pad_url: str) -> None:
    wire = Wire()
    page = visit(pad_url, relay=wire.connect)
    pad = page.locator(".pad canvas")
    wire.hold("to_page")
    draw(page, (0.2, 0.2), (0.8, 0.2))
    whole = encode([(51, 51), (204, 51)])  # not what was sent while the pen moved, if it was slow
    until(page, lambda: any(whole in str(answer) for answer in wire.held["to_page"] or ()))
    wire.hold("to_python")
    draw(page, (0.2, 0.8), (0.8, 0.8))
    draw(page, (0.2, 0.5), (0.5, 0.5), lift=False)
    wire.release("to_page")
    expect(page.get_by_test_id("stText")).to_have_text(whole)
    page.mouse.move(*at(pad, 0.5, 0.6), steps=3)
    expect(pad).to_have_attribute("aria-label", label_of(2))
    assert pixel(pad, 0.5, 0.8) == pixel(pad, 0.4, 0.5) == [255, 255, 255, 255]
    page.mouse.up()
    wire.release("to_python")
    starts = [stroke[0] for stroke in received(page, 3)]
    np.testing.assert_allclose(starts, [(51, 51), (51, 204), (51, 128)], atol=1.5)


@needs_browser
@pytest.mark.parametrize("broken", ["no~drawing", "A", "AAA", encode([(1, 2), (3, 4)])[:-2], "AAAA"])
def test_a_broken_drawing_is_an_empty_pad(visit: Visit, pad_url: str, broken: str) -> None:
    page = visit(f"{pad_url}?strokes={broken}")
    expect(page.locator(".pad canvas")).to_have_attribute("aria-label", "Drawing pad, empty")
    draw(page, (0.2, 0.2), (0.8, 0.2))
    expect(page.get_by_test_id("stText")).not_to_have_text(broken)
    assert len(received(page, 1)) == 1


@needs_browser
def test_a_finger_draws_and_does_not_scroll(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url, width=320, height=568, has_touch=True, is_mobile=True, device_scale_factor=3)
    pad = page.locator(".pad canvas")
    touch = page.context.new_cdp_session(page)
    path = [at(pad, 0.5, down) for down in np.linspace(0.8, 0.2, 12)]
    for kind, points in [("touchStart", path[:1]), *[("touchMove", [p]) for p in path[1:]], ("touchEnd", [])]:
        sent = {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        touch.send("Input.dispatchTouchEvent", sent)
    (stroke,) = received(page, 1)
    np.testing.assert_allclose([stroke[0], stroke[-1]], [(128, 204), (128, 51)], atol=2)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320


@needs_browser
def test_a_change_of_theme_keeps_the_drawing(visit: Visit, pad_url: str) -> None:
    page = visit(pad_url)
    draw(page, (0.2, 0.2), (0.8, 0.2))
    received(page, 1)
    clear = page.get_by_role("button", name="Clear")
    page.mouse.move(0, 0)
    light = clear.evaluate("button => getComputedStyle(button).color")
    page.emulate_media(color_scheme="dark")
    expect(clear).not_to_have_css("color", light)
    assert len(received(page, 1)) == 1
    assert pixel(page.locator(".pad canvas"), 0.5, 0.2) == [255, 255, 255, 255]


# --- The surfaces ---


def plot(page: Page, panel: int) -> Locator:
    return page.locator(".plot").nth(panel)


def readings(page: Page) -> list[str]:
    return page.locator(".value").all_inner_texts()


def axes_point(page: Page, panel: int, pointer: tuple[float, float]) -> tuple[float, float]:
    """The pointer's place in units of the app's axes, x from -3 to 4 and y from -2 to 3."""
    box = plot(page, panel).bounding_box()
    assert box is not None
    return -3 + 7 * (pointer[0] - box["x"]) / box["width"], 3 - 5 * (pointer[1] - box["y"]) / box["height"]


def picked(page: Page) -> tuple[float, float]:
    expect(page.get_by_test_id("stText").first).not_to_have_text("None")
    x, y = page.get_by_test_id("stText").first.inner_text().strip("() \n").split(",")
    return float(x), float(y)


@needs_browser
def test_every_panel_reads_out_the_value_under_the_cross_hair(visit: Visit, surfaces_url: str) -> None:
    page = visit(surfaces_url)
    for panel in (0, 3):
        pointer = at(plot(page, panel), 0.2, 0.7)
        page.mouse.move(*pointer)
        x, y = axes_point(page, panel, pointer)
        on_grid = [np.round((x + 3) / 7 * 99) / 99 * 0.25, np.round((y + 2) / 5 * 99) / 99 * 0.25]
        assert readings(page)[:2] == [f"{value:.3f}" for value in on_grid]
        assert page.locator(".where").inner_text() == f"At x {x:.2f}, y {y:.2f}".replace("-", "\u2212")
        for other in range(5):
            line = plot(page, other).locator(".v")
            expect(line).to_be_visible()
            box, frame = line.bounding_box(), plot(page, other).bounding_box()
            assert box is not None
            assert frame is not None
            assert (box["x"] - frame["x"]) / frame["width"] == pytest.approx((x + 3) / 7, abs=0.01)
        page.mouse.move(0, 0)
        expect(plot(page, panel).locator(".v")).to_be_hidden()
        assert readings(page) == [""] * 5


@needs_browser
def test_a_click_gives_python_the_exact_point_and_reads_what_numpy_reads(visit: Visit, surfaces_url: str) -> None:
    page = visit(surfaces_url)
    for panel, right, down in [(2, 0.3, 0.2), (4, 0.9, 0.95)]:
        pointer = at(plot(page, panel), right, down)
        page.mouse.click(*pointer)
        expected = axes_point(page, panel, pointer)
        text = page.get_by_test_id("stText").first
        expect(text).to_contain_text(f"({expected[0]:.4f}"[:-1])
        settle(page)
        assert picked(page) == pytest.approx(expected, abs=1e-6)
        assert " ".join(readings(page)) == page.get_by_test_id("stText").nth(1).inner_text().strip()
        expect(plot(page, 0).locator(".pick")).to_be_visible()


@needs_browser
def test_the_keyboard_moves_picks_and_removes(visit: Visit, surfaces_url: str) -> None:
    page = visit(surfaces_url)
    page.locator(".grid").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert picked(page) == pytest.approx((0.5 + 2 * 7 / 99, 0.5 + 9 * 5 / 99))
    expect(page.get_by_role("status").filter(has_text="SNGP 0.")).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stText")).to_have_text(["None"])
    expect(plot(page, 0).locator(".pick")).to_be_hidden()


@needs_browser
def test_a_point_from_python_is_shown_and_the_visitors_pick_outlives_a_rerun(visit: Visit, surfaces_url: str) -> None:
    page = visit(f"{surfaces_url}?picked=1")
    assert picked(page) == (1, 2)
    assert readings(page)[:2] == [f"{0.25 * 57 / 99:.3f}", f"{0.25 * 79 / 99:.3f}"]  # The nearest of 100 grid points.
    page.mouse.click(*at(plot(page, 1), 0.5, 0.5))
    expect(page.get_by_test_id("stText").first).not_to_have_text("(1.0, 2.0)")
    mine = picked(page)
    page.get_by_role("slider").press("ArrowRight")
    expect(page.get_by_test_id("stSliderThumbValue")).to_have_text("0.01")
    settle(page)
    assert picked(page) == mine
    assert " ".join(readings(page)) == page.get_by_test_id("stText").nth(1).inner_text().strip()


@needs_browser
def test_colours_orientation_and_border(visit: Visit, surfaces_url: str) -> None:
    page = visit(surfaces_url)
    table = lut("cividis").astype(int)
    in_x, in_y = (plot(page, panel).locator("canvas") for panel in (0, 1))
    for canvas, right, down in [(in_x, 0.2, 0.9), (in_y, 0.9, 0.8)]:  # Both are accepted: value 0.05 of 0.25.
        np.testing.assert_allclose(pixel(canvas, right, down)[:3], table[round(255 * 0.2)], atol=5)
    for canvas, right, down in [(in_x, 0.5, 0.1), (in_y, 0.1, 0.5)]:  # The border, where the plane is 0.125.
        np.testing.assert_allclose(pixel(canvas, right, down)[:3], 255, atol=5)
    hatched = [pixel(in_x, right, 0.1)[:3] for right in np.linspace(0.8, 0.85, 12)]
    accepted = [pixel(in_x, right, 0.1)[:3] for right in np.linspace(0.2, 0.25, 12)]
    assert np.ptp(np.sum(hatched, axis=1)) > 3 * np.ptp(np.sum(accepted, axis=1))


@needs_browser
def test_the_maps_follow_the_threshold_and_python_hears_when_it_stops(visit: Visit, surfaces_url: str) -> None:
    page = visit(f"{surfaces_url}?slides=1&threshold=0.05")
    slider, heard = page.locator(".cut input"), page.get_by_test_id("stCaptionContainer")
    expect(page.locator(".cut output")).to_have_text("0.05")
    in_x = plot(page, 0).locator("canvas")
    # Deferred between 0.05 and 0.2 of 0.25: hatched, so not one colour.
    between = [pixel(in_x, right, 0.1)[:3] for right in np.linspace(0.4, 0.45, 12)]
    page.mouse.move(*at(slider, 0.2, 0.5))
    page.mouse.down()
    page.mouse.move(*at(slider, 0.8, 0.5), steps=5)
    expect(page.locator(".cut output")).to_have_text("0.20")
    expect(page.locator(".subtitle").first).to_have_text("cut at 0.20")
    expect(page.locator(".legend .deferred")).to_have_text("Deferred: above 0.200")
    after = [pixel(in_x, right, 0.1)[:3] for right in np.linspace(0.4, 0.45, 12)]
    assert np.ptp(np.sum(between, axis=1)) > 3 * np.ptp(np.sum(after, axis=1))
    expect(heard).to_have_text("threshold 0.05")  # while it is held
    page.mouse.up()
    expect(heard).to_have_text("threshold 0.2")
    slider.press("ArrowRight")
    expect(heard).to_have_text("threshold 0.21")
    expect(slider).to_have_attribute("aria-valuetext", "0.21")


@needs_browser
def test_another_run_leaves_the_visitors_threshold_where_it_is(visit: Visit, surfaces_url: str) -> None:
    page = visit(f"{surfaces_url}?slides=1")
    page.locator(".cut input").press("End")
    heard = page.get_by_test_id("stCaptionContainer")
    expect(heard).to_have_text("threshold 0.25")
    page.mouse.click(*at(plot(page, 1), 0.5, 0.5))
    assert picked(page) == pytest.approx((0.5, 0.5), abs=0.05)
    expect(heard).to_have_text("threshold 0.25")
    expect(page.locator(".cut output")).to_have_text("0.25")


# --- The cards ---


@needs_browser
def test_verdicts_follow_the_threshold_and_python_hears_when_it_stops(visit: Visit, cards_url: str) -> None:
    page = visit(f"{cards_url}?threshold=0.3", ready=".card")
    slider, heard = page.locator(".cut input"), page.get_by_test_id("stCaptionContainer")
    verdicts = page.locator(".verdict")
    expect(verdicts).to_have_text(["yes", "no", "no"])  # 0.2, 0.5 and 1
    page.mouse.move(*at(slider, 0.3, 0.5))
    page.mouse.down()
    page.mouse.move(*at(slider, 0.6, 0.5), steps=5)
    expect(verdicts).to_have_text(["yes", "yes", "no"])
    expect(verdicts.nth(1)).to_have_class("verdict accept")
    expect(page.locator(".gauge i").first).to_have_attribute("style", re.compile("left: (59|60|61)%"))
    expect(heard).to_have_text("threshold 0.3")  # while it is held
    page.mouse.up()
    expect(heard).not_to_have_text("threshold 0.3")
    slider.press("End")
    expect(verdicts).to_have_text(["yes", "yes", "yes"])
    expect(heard).to_have_text("threshold 1")
    page.get_by_role("button", name="Other cards").click()
    expect(page.locator(".card h2")).to_have_text(["C"])
    expect(verdicts).to_have_text(["yes"])
    expect(page.locator(".cut output")).to_have_text("1.00")


@needs_browser
def test_as_many_columns_as_fit_evenly(visit: Visit, surfaces_url: str) -> None:
    page = visit(surfaces_url, width=320, height=800)
    for width, n_columns in ((320, 2), (390, 2), (900, 3), (1280, 5)):
        page.set_viewport_size({"width": width, "height": 800})
        stand_in([plot(page, panel) for panel in range(5)], n_columns)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@needs_browser
def test_a_tap_picks_and_the_page_still_scrolls(visit: Visit, surfaces_url: str) -> None:
    page = visit(surfaces_url, width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=3)
    pointer = at(plot(page, 0), 0.25, 0.5)
    expected = axes_point(page, 0, pointer)
    page.touchscreen.tap(*pointer)
    assert picked(page) == pytest.approx(expected, abs=0.02)
    expect(plot(page, 0)).to_have_css("touch-action", "pan-y")


def test_the_payload_holds_the_numbers() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 3, 4)).astype(np.float32)
    group = PointGroup("points", rng.normal(size=(5, 2)).astype(np.float32))
    payload = pack({"label": "p (1 − p)"}, values, [group], "viridis")
    end = 4 + int.from_bytes(payload[:4], "little")
    header = json.loads(payload[4:end])
    assert header["label"] == "p (1 − p)"
    assert header["low"] == values.min()
    np.testing.assert_array_equal(np.frombuffer(payload, np.uint8, 768, end).reshape(256, 3), lut("viridis"))
    steps = np.frombuffer(payload, "<u2", values.size, end + 768)
    read = steps * header["step"] + header["low"]
    np.testing.assert_allclose(read, values.ravel(), atol=float(np.ptp(values)) / 2**16, rtol=1e-6)
    assert [steps.min(), steps.max()] == [0, 2**16 - 1]
    points = np.frombuffer(payload[end + 768 + steps.nbytes :], "<f4")
    np.testing.assert_array_equal(points, group.xy.ravel())


def test_a_payload_of_one_value_everywhere() -> None:
    payload = pack({}, np.full((1, 2, 2), 0.25, np.float32), [], "viridis")
    end = 4 + int.from_bytes(payload[:4], "little")
    header = json.loads(payload[4:end])
    assert header["low"] == 0.25
    assert np.frombuffer(payload, "<u2", 4, end + 768).tolist() == [0] * 4


@pytest.mark.parametrize(
    ("grids", "message"),
    [
        ([], r"shapes \[\]"),
        ([np.zeros((3, 4)), np.zeros((4, 3))], r"shapes \[\(3, 4\), \(4, 3\)\]"),
        ([np.zeros(9)], r"shapes \[\(9,\)\]"),
        ([np.zeros((3, 3)), np.full((3, 3), np.nan)], "NaN or infinity in panel 1"),
    ],
)
def test_unusable_panels_are_named(grids: list[np.ndarray], message: str) -> None:
    panels = [Panel(f"panel {i}", grid) for i, grid in enumerate(grids)]
    with pytest.raises(UqError, match=message):
        surfaces(panels, x_range=(0, 1), y_range=(0, 1), label="", key="key")


def test_stacked_values_are_float32_in_the_panels_order() -> None:
    stacked = stack([("a", np.zeros((2, 3))), ("b", np.ones((2, 3)))])
    assert stacked.dtype == np.float32
    np.testing.assert_array_equal(stacked[:, 0, 0], [0, 1])


def test_what_is_cut_has_the_shape_of_what_is_shown() -> None:
    panel = Panel("a", np.zeros((3, 4)), cut=np.zeros((4, 3)))
    with pytest.raises(UqError, match=r"shapes \[\(3, 4\), \(4, 3\)\]"):
        surfaces([panel], x_range=(0, 1), y_range=(0, 1), label="", key="key")


@pytest.mark.parametrize(
    ("point", "expected"),
    [(None, None), ((0.5, 2.0), (0.5, 2.0)), ((0, 1), (0.0, 1.0)), ((2, 2), None), ((float("nan"), 2), None)],
)
def test_a_start_outside_the_axes_is_no_pick(point: tuple[float, float] | None, expected: object) -> None:
    assert within(point, (0, 1), (1, 3)) == expected
