"""The functions of the regression page in a real browser: what they read out, and what Python gets from a click."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browsing import Visit, at, needs_browser, settle, stand_in, until
from ui.components.functions import Curves, Points, pack
from uqcore.metrics.regression import Gaussian
from uqcore.plots.palette import series_style

LEFT, BELOW = 40, 24  # room for the axes, in CSS pixels
X_RANGE, Y_RANGE = (-6.0, 6.0), (-2.5, 2.5)
GRID = np.linspace(*X_RANGE, 241)
SILENT = "Point at a plot to read all of them there: mean ± one standard deviation."


@pytest.fixture(scope="module")
def url(serving: Callable[[str], str]) -> str:
    return serving("tests/ui/apps/components_app.py") + "/functions"


def functions_of(up: float = 0.0) -> list[Gaussian]:
    """The app's own."""
    rng = np.random.default_rng(0)
    return [
        Gaussian(
            np.sin(GRID + i) + up + rng.normal(0, 0.05, len(GRID)),
            0.3 + 0.2 * np.cos(GRID) + rng.uniform(0, 0.05, len(GRID)),
        )
        for i in range(3)
    ]


def plot(page: Page, number: int) -> Locator:
    return page.locator(".plot").nth(number)


def size(page: Page, number: int) -> FloatRect:
    box = plot(page, number).bounding_box()
    assert box is not None
    return box


def pixel_at(page: Page, number: int, x: float, y: float) -> tuple[float, float]:
    """The whole pixel of the page nearest to this point of a plot's axes."""
    box = size(page, number)
    right, down = (x - X_RANGE[0]) / 12, (Y_RANGE[1] - y) / 5
    across, along = box["width"] - LEFT, box["height"] - BELOW
    return round(box["x"] + LEFT + right * across), round(box["y"] + down * along)


def point_at(page: Page, number: int, pointer: tuple[float, float]) -> tuple[float, float]:
    """The point of a plot's axes at a pixel of the page."""
    box = size(page, number)
    right = (pointer[0] - box["x"] - LEFT) / (box["width"] - LEFT)
    down = (pointer[1] - box["y"]) / (box["height"] - BELOW)
    return X_RANGE[0] + 12 * right, Y_RANGE[1] - 5 * down


def pixel_size(page: Page, number: int) -> tuple[float, float]:
    """How much of the axes a pixel is."""
    box = size(page, number)
    return 12 / (box["width"] - LEFT), 5 / (box["height"] - BELOW)


def words(*numbers: float) -> list[str]:
    return [f"{number:.2f}".replace("-", "\u2212") for number in numbers]


def readings(page: Page) -> list[str]:
    return page.locator(".value").all_inner_texts()


def read_at(x: float, functions: list[Gaussian]) -> list[list[str]]:
    """What NumPy reads at the point of the grid that is nearest to x; at either, half way between two."""
    distance = np.abs(GRID - x)
    return [
        [" ± ".join(words(float(np.float32(mean[i])), float(np.float32(std[i])))) for mean, std in functions]
        for i in np.flatnonzero(distance <= distance.min() + 1e-6)
    ]


def n_runs(page: Page) -> int:
    settle(page)
    return int(page.get_by_test_id("stText").first.inner_text().split()[1])


def clicked(page: Page, n: int) -> list[tuple[float, float]]:
    """The points that Python has got, once it has this many."""

    def points() -> list[tuple[float, float]]:
        had: list[tuple[float, float]] = ast.literal_eval(page.get_by_test_id("stText").nth(1).inner_text())
        return had

    until(page, lambda: len(points()) >= n)
    settle(page)
    return points()


def run_again(page: Page) -> None:
    """The whole script once more, and its answer."""
    before = n_runs(page)
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_test_id("stText").first).to_have_text(f"runs {before + 1}")
    settle(page)


def color(page: Page, number: int, pointer: tuple[float, float]) -> list[int]:
    """RGBA of a plot's canvas at a pixel of the page."""
    box = size(page, number)
    script = """(canvas, [right, down]) => [...canvas.getContext("2d").getImageData(
        Math.floor(right * canvas.width), Math.floor(down * canvas.height), 1, 1).data]"""
    fraction = [(pointer[0] - box["x"]) / box["width"], (pointer[1] - box["y"]) / box["height"]]
    found: list[int] = plot(page, number).locator("canvas").evaluate(script, fraction)
    return found


def rgb(place: int) -> list[int]:
    return [int(series_style(place).color[i : i + 2], 16) for i in (1, 3, 5)]


# --- The cross-hair ---


@needs_browser
def test_every_method_is_read_out_at_the_grid_point_under_the_pointer(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    for number, right, down in ((0, 0.3, 0.2), (1, 0.51, 0.5), (2, 0.97, 0.9)):
        assert readings(page) == [""] * 3
        assert page.locator(".where").inner_text() == SILENT
        pointer = at(plot(page, number), right, down * 0.9)
        page.mouse.move(*pointer)
        x, y = point_at(page, number, pointer)
        assert readings(page) in read_at(x, functions_of())
        assert page.locator(".where").inner_text() == "At x {}, y {}".format(*words(x, y))
        for other in range(3):
            box = size(page, other)
            for line, start, place, room in (
                (".v", box["x"] + LEFT, (x + 6) / 12, box["width"] - LEFT),
                (".h", box["y"], (2.5 - y) / 5, box["height"] - BELOW),
            ):
                expect(plot(page, other).locator(line)).to_be_visible()
                bounds = plot(page, other).locator(line).bounding_box()
                assert bounds is not None
                assert (bounds["x"] if line == ".v" else bounds["y"]) == pytest.approx(start + place * room, abs=1)
        page.mouse.move(0, 0)
        expect(plot(page, number).locator(".v")).to_be_hidden()
        assert readings(page) == [""] * 3
        assert page.locator(".where").inner_text() == SILENT


@needs_browser
def test_what_is_read_out_follows_the_pointer_without_python(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    before, seen = n_runs(page), set()
    for right in np.linspace(0.2, 0.98, 9):
        pointer = at(plot(page, 1), right, 0.4)
        page.mouse.move(*pointer)
        assert readings(page) in read_at(point_at(page, 1, pointer)[0], functions_of())
        seen.add(tuple(readings(page)))
    assert len(seen) == 9
    assert n_runs(page) == before


@needs_browser
def test_new_functions_are_read_where_the_cross_hair_stands(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    page.locator(".grid").focus()
    page.keyboard.press("Shift+ArrowRight")
    x = 6 * 0.2
    assert readings(page) in read_at(x, functions_of())
    # Without a pointer or the focus elsewhere, either of which would take the cross-hair away.
    page.get_by_role("slider").evaluate(
        "slider => slider.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
    )
    expect(page.get_by_test_id("stText").first).to_have_text("runs 2")
    expect(page.locator(".value").first).to_have_text(read_at(x, functions_of(0.5))[0][0])
    assert readings(page) in read_at(x, functions_of(0.5))


@needs_browser
def test_in_one_plot_all_methods_are_read_out_beside_their_lines(visit: Visit, url: str) -> None:
    page = visit(f"{url}?overlaid=1&height=430", ready=".plot")
    expect(page.locator(".plot")).to_have_count(1)
    assert size(page, 0)["height"] == 430
    expect(page.locator("figcaption .name")).to_have_count(3)
    expect(page.locator("figcaption .name canvas")).to_have_count(3)
    pointer = at(plot(page, 0), 0.7, 0.3)
    page.mouse.move(*pointer)
    x, _ = point_at(page, 0, pointer)
    said = [[f"Method {i}{reading}" for i, reading in enumerate(each)] for each in read_at(x, functions_of())]
    assert page.locator("figcaption .name").all_text_contents() in said


# --- Clicks ---


@needs_browser
def test_a_click_gives_python_the_point_under_the_pointer(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    expected = []
    for number, right, down in [(0, 0.3, 0.2), (2, 0.9, 0.8), (2, 0.9, 0.8)]:
        pointer = at(plot(page, number), right, down)
        expected.append(point_at(page, number, pointer))
        page.mouse.click(*pointer)
        points = clicked(page, len(expected))
        across, along = pixel_size(page, number)
        assert len(points) == len(expected), "the same place twice is two clicks"
        assert points[-1][0] == pytest.approx(expected[-1][0], abs=across)
        assert points[-1][1] == pytest.approx(expected[-1][1], abs=along)
    run_again(page)
    assert len(clicked(page, 3)) == 3, "a click is one click, however often the page runs"
    expect(page.get_by_test_id("stText").last).to_have_text("None")


@needs_browser
def test_a_click_on_a_line_is_one_on_the_plot(visit: Visit, url: str) -> None:
    page = visit(f"{url}?flat=1&overlaid=1&points=1", ready=".plot")
    for n, (x, y) in enumerate([(1.0, -1.0), (-2.0, 0.75), (-3.0, 0.5), (3.0, 2.0)], 1):  # a mean, a function, points
        page.mouse.click(*pixel_at(page, 0, x, y))
        across, along = pixel_size(page, 0)
        found = clicked(page, n)[-1]
        assert found[0] == pytest.approx(x, abs=across)
        assert found[1] == pytest.approx(y, abs=along)


@needs_browser
def test_a_click_beside_the_axes_adds_nothing(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    box, name = size(page, 0), page.locator(".name").first.bounding_box()
    assert name is not None
    middle = box["x"] + box["width"] / 2
    for pointer in [
        (box["x"] + LEFT - 2, box["y"] + 50),
        (middle, box["y"] + box["height"] - BELOW + 2),
        (name["x"] + 2, name["y"] + 2),
    ]:
        page.mouse.click(*pointer)
        assert readings(page) == [""] * 3
    run_again(page)
    assert n_runs(page) == 2
    assert clicked(page, 0) == []
    # And just inside of them a click is one.
    page.mouse.click(box["x"] + LEFT + 1, box["y"] + box["height"] - BELOW - 1)
    ((x, y),) = clicked(page, 1)
    across, along = pixel_size(page, 0)
    assert x == pytest.approx(X_RANGE[0], abs=2 * across)
    assert y == pytest.approx(Y_RANGE[0], abs=2 * along)


@needs_browser
def test_where_there_is_no_room_a_click_adds_nothing_and_reads_out_still(visit: Visit, url: str) -> None:
    page = visit(f"{url}?full=1", ready=".plot")
    pointer = at(plot(page, 0), 0.5, 0.5)
    page.mouse.click(*pointer)
    assert readings(page) in read_at(point_at(page, 0, pointer)[0], functions_of())
    page.locator(".grid").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    run_again(page)
    assert n_runs(page) == 2
    assert clicked(page, 0) == []


# --- The keyboard ---


@needs_browser
def test_the_keyboard_moves_and_adds(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    page.locator(".grid").focus()
    page.keyboard.press("Enter")  # no cross-hair yet, and so no point
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    x, y = 2 * 0.12, 9 * 0.05
    assert readings(page) in read_at(x, functions_of())
    assert page.locator(".where").inner_text() == "At x {}, y {}".format(*words(x, y))
    said = ", ".join(["At x {}, y {}".format(*words(x, y)), *(f"Method {i} {r}" for i, r in enumerate(readings(page)))])
    expect(page.get_by_role("status").filter(has_text="Method 0")).to_have_text(said)
    assert n_runs(page) == 1
    page.keyboard.press("Enter")
    assert clicked(page, 1) == [pytest.approx((x, y))]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    assert clicked(page, 2)[1] == pytest.approx((x - 0.12, y))
    page.keyboard.press("Escape")
    assert readings(page) == [""] * 3
    expect(plot(page, 0).locator(".v")).to_be_hidden()


@needs_browser
def test_the_cross_hair_stops_at_the_ends_of_the_axes(visit: Visit, url: str) -> None:
    page = visit(url, ready=".plot")
    page.locator(".grid").focus()
    for key in ("ArrowLeft", "ArrowDown"):
        for _ in range(7):
            page.keyboard.press(f"Shift+{key}")
    assert page.locator(".where").inner_text() == "At x {}, y {}".format(*words(-6, -2.5))
    assert readings(page) in read_at(-6, functions_of())
    page.keyboard.press("Enter")
    assert clicked(page, 1) == [pytest.approx((-6, -2.5))]


# --- What is drawn ---


@needs_browser
def test_a_mean_a_band_functions_the_gap_and_points_stand_where_they_belong(visit: Visit, url: str) -> None:
    page = visit(f"{url}?flat=1&points=1&n=2", ready=".plot")
    page.mouse.move(0, 0)
    expect(page.locator(".plot")).to_have_count(2)
    for number, mean in enumerate((-1.0, 1.0)):
        seen = color(page, number, pixel_at(page, number, -4.5, mean))
        np.testing.assert_allclose(seen, [*rgb(2 * number), 255], atol=3)
        for inside in (-0.4, 0.4):  # of two standard deviations of 0.25
            assert color(page, number, pixel_at(page, number, -4.5, mean + inside))[3] == pytest.approx(0x40, abs=3)
        for outside in (-0.65, 0.65):
            assert color(page, number, pixel_at(page, number, -4.5, mean + outside))[3] == 0
    x, y = pixel_at(page, 0, -4.5, 0.75)
    assert max(color(page, 0, (x, y + offset))[3] for offset in (-1, 0, 1)) > 50  # a thin line
    assert max(color(page, 1, (x - size(page, 0)["x"] + size(page, 1)["x"], y + o))[3] for o in (-2, -1)) == 0x40
    for inside, outside in ((-0.8, -1.2), (1.8, 2.2)):
        assert color(page, 0, pixel_at(page, 0, inside, -2.2))[3] == pytest.approx(0x20, abs=1)
        assert color(page, 0, pixel_at(page, 0, outside, -2.2))[3] == 0
    given, added = pixel_at(page, 0, -3, 0.5), pixel_at(page, 0, 3, 2)
    assert color(page, 0, given)[:3] == pytest.approx([0x88] * 3, abs=2)
    assert color(page, 0, added) == [0x88, 0x88, 0x88, 255]
    assert color(page, 0, (added[0], added[1] - 5))[3] == 255  # a star is larger than a point
    assert color(page, 0, (given[0], given[1] - 5))[3] == 0


def pixels(page: Page, number: int, x: int, y: int, width: int, height: int) -> NDArray[np.int64]:
    """RGBA ``(height, width, 4)`` of a part of a plot's canvas, which has a pixel for each of the page."""
    script = """(canvas, part) => [...canvas.getContext("2d").getImageData(...part).data]"""
    data = plot(page, number).locator("canvas").evaluate(script, [x, y, width, height])
    return np.array(data).reshape(height, width, 4)


def share_drawn(page: Page, number: int, place: int, y: float) -> float:
    """How much of a plot's width has a method's colour at this y."""
    box = size(page, number)
    down = int((Y_RANGE[1] - y) / 5 * (box["height"] - BELOW))
    row = pixels(page, number, LEFT + 2, down, int(box["width"]) - LEFT - 4, 1)
    return float(np.mean(np.abs(row - [*rgb(place), 255]).max(axis=-1) <= 3))


@needs_browser
def test_the_methods_of_one_plot_are_drawn_over_each_other_each_in_its_own_dash(visit: Visit, url: str) -> None:
    page = visit(f"{url}?flat=1", ready=".plot")
    assert [share_drawn(page, 0, 0, -1), share_drawn(page, 1, 2, 1)] == [1, 1]
    page.get_by_text("Overlaid").click()
    expect(page.locator(".plot")).to_have_count(1)
    settle(page)
    assert share_drawn(page, 0, 0, -1) == 1
    assert 0.2 < share_drawn(page, 0, 2, 1) < 0.8
    swatches = page.locator("figcaption .name canvas")
    script = """canvas => [...canvas.getContext("2d").getImageData(0, 6, canvas.width, 1).data]"""
    for i, has_gaps in enumerate([False, True, True]):
        line = np.array(swatches.nth(i).evaluate(script)).reshape(-1, 4)
        np.testing.assert_allclose(line[line[:, 3] == 255, :3], [rgb(2 * i)] * int((line[:, 3] == 255).sum()), atol=1)
        assert bool((line[:, 3] == 0).any()) == has_gaps
    page.get_by_text("Overlaid").click()
    expect(page.locator(".plot")).to_have_count(3)
    settle(page)
    assert [share_drawn(page, 0, 0, -1), share_drawn(page, 1, 2, 1)] == [1, 1]
    assert share_drawn(page, 0, 2, 1) == 0


@needs_browser
def test_nothing_is_drawn_over_the_axes(visit: Visit, url: str) -> None:
    page = visit(f"{url}?flat=1&overlaid=1", ready=".plot")
    assert share_drawn(page, 0, 0, -1) == 1
    axes = pixels(page, 0, 0, 0, LEFT - 1, int(size(page, 0)["height"]))
    for place in (0, 2, 4):
        assert np.abs(axes[..., :3] - rgb(place)).max(axis=-1).min() > 3


@needs_browser
def test_as_many_columns_as_fit_evenly(visit: Visit, url: str) -> None:
    page = visit(url, width=320, height=800, ready=".plot")
    for width, n_columns in ((320, 1), (390, 1), (600, 2), (700, 3), (1280, 3)):
        page.set_viewport_size({"width": width, "height": 800})
        stand_in([plot(page, number) for number in range(3)], n_columns)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@needs_browser
def test_the_canvas_is_as_sharp_as_the_screen(visit: Visit, url: str) -> None:
    page = visit(url, device_scale_factor=2, ready=".plot")
    canvas = plot(page, 0).locator("canvas")
    assert canvas.evaluate("canvas => canvas.width / canvas.clientWidth") == pytest.approx(2, abs=0.01)


@needs_browser
def test_a_tap_adds_a_point_and_the_page_still_scrolls(visit: Visit, url: str) -> None:
    page = visit(url, width=390, height=844, ready=".plot", has_touch=True, is_mobile=True, device_scale_factor=3)
    pointer = at(plot(page, 0), 0.4, 0.5)
    expected, (across, along) = point_at(page, 0, pointer), pixel_size(page, 0)
    page.touchscreen.tap(*pointer)
    ((x, y),) = clicked(page, 1)
    assert x == pytest.approx(expected[0], abs=across)
    assert y == pytest.approx(expected[1], abs=along)
    expect(plot(page, 0)).to_have_css("touch-action", "pan-y")
    for box in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{box}.scrollWidth") <= 390


# --- What Python sends ---


def test_the_payload_holds_the_very_numbers() -> None:
    rng = np.random.default_rng(1)
    curves = [Curves(i, f"method {i}", Gaussian(*rng.normal(size=(2, 5))), rng.normal(size=(i, 5))) for i in range(3)]
    points = Points(rng.normal(size=4), rng.normal(size=4), 1)
    payload = pack({"label": "± 1"}, curves, points)
    end = 4 + int.from_bytes(payload[:4], "little")
    assert json.loads(payload[4:end]) == {"label": "± 1"}
    floats = np.frombuffer(payload[end:], "<f4")
    parts = [part.ravel() for one in curves for part in (*one.function, one.samples)]
    parts.append(np.stack([points.x, points.y], axis=1).ravel())
    np.testing.assert_array_equal(floats, np.concatenate(parts).astype(np.float32))
