"""The dragged threshold in a real browser: what it reads out, and what Python gets from it and when."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browsing import Visit, at, needs_browser, settle, stand_in, until
from ui.components.threshold import chosen_of, pack, threshold_view
from uqcore.plots.threshold_bins import measure_bins
from uqcore.selection import Ranking, rank
from uqcore.text import percent
from uqcore.types import UqError


@pytest.fixture(scope="module")
def url(serving: Callable[[str], str]) -> str:
    return serving("tests/ui/apps/components_app.py") + "/threshold"


def ranking_of(n: int = 4_000, n_ood: int = 1_000, *, has_labels: bool = True) -> Ranking:
    """The app's own examples."""
    rng = np.random.default_rng(0)
    measure = rng.beta(0.3, 4, n).astype(np.float32)
    correct = rng.random(n) > measure if has_labels else np.ones(n, bool)
    return rank(measure, correct, rng.beta(2, 3, n_ood).astype(np.float32) if n_ood else None)


def plot(page: Page, name: str) -> Locator:
    return page.locator(f"[data-plot={name}]")


def handle(page: Page, name: str) -> Locator:
    return plot(page, name).locator(".handle")


READ = """divs => divs.filter(div => !div.hidden).map(div => [div.dataset.reading,
    [div.querySelector("b").textContent, div.querySelector("span").textContent]])"""
# What is read out after each of n presses of a key.
WALK = f"""(slider, [key, n]) => Array.from({{length: n}}, () => {{
    slider.dispatchEvent(new KeyboardEvent("keydown", {{key, bubbles: true, cancelable: true}}));
    return ({READ})([...slider.getRootNode().querySelectorAll("[data-reading]")]);
}})"""


def readings(page: Page) -> dict[str, tuple[str, str]]:
    """What is read out: name -> value and detail."""
    return named(page.locator("[data-reading]").evaluate_all(READ))


def named(pairs: list[tuple[str, list[str]]]) -> dict[str, tuple[str, str]]:
    return {name: (value, detail) for name, (value, detail) in pairs}


def expected(ranking: Ranking, threshold: float) -> dict[str, tuple[str, str]]:
    """What must be read out at a threshold, counted anew."""
    right, wrong = (np.count_nonzero(values <= threshold) for values in (ranking.right, ranking.wrong))
    n, n_deferred = right + wrong, ranking.n_examples - right - wrong
    counted = {
        "coverage": (percent(n / ranking.n_examples), f"{n:,} of {ranking.n_examples:,} accepted"),
        "accepted": (percent(right / n if n else float("nan")), f"{wrong:,} of {n:,} wrong"),
        "deferred": (
            percent((len(ranking.right) - right) / n_deferred if n_deferred else float("nan")),
            f"{len(ranking.wrong) - wrong:,} of {n_deferred:,} wrong",
        ),
    }
    if ranking.ood is not None:
        n_ood = np.count_nonzero(ranking.ood <= threshold)
        counted["ood"] = (percent(n_ood / len(ranking.ood)), f"{n_ood:,} of {len(ranking.ood):,}")
    return counted


def now(page: Page) -> float:
    """The threshold that the slider tells a screen reader."""
    return float(page.get_by_role("slider").get_attribute("aria-valuenow") or "nan")


def n_runs(page: Page) -> int:
    settle(page)
    return int(page.get_by_test_id("stText").first.inner_text().split()[1])


def received(page: Page) -> float:
    settle(page)
    return float(page.get_by_test_id("stText").last.inner_text().strip())


def matches(page: Page, ranking: Ranking, threshold: float) -> bool:
    return agrees(readings(page), ranking, threshold)


def agrees(seen: dict[str, tuple[str, str]], ranking: Ranking, threshold: float) -> bool:
    del seen["threshold"]
    return seen == expected(ranking, threshold)


def drag(page: Page, name: str, *path: tuple[float, float]) -> None:
    """Press, and move through these fractions of a plot."""
    page.mouse.move(*at(plot(page, name), *path[0]))
    page.mouse.down()
    for corner in path[1:]:
        page.mouse.move(*at(plot(page, name), *corner), steps=5)


def swipe(page: Page, path: list[tuple[float, float]]) -> None:
    """One finger along these pixels."""
    touch = page.context.new_cdp_session(page)
    for kind, points in [("touchStart", path[:1]), *[("touchMove", [p]) for p in path[1:]], ("touchEnd", [])]:
        sent = {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        touch.send("Input.dispatchTouchEvent", sent)


# --- Dragging ---


@needs_browser
@pytest.mark.parametrize("rows", [4096, 60])
def test_the_counts_follow_the_drag_and_python_hears_at_the_end(visit: Visit, url: str, rows: int) -> None:
    page = visit(f"{url}?rows={rows}")
    ranking, before = ranking_of(), n_runs(page)
    table = ranking.table(rows)
    page.mouse.move(*at(plot(page, "histogram"), 0.3, 0.5))
    page.mouse.down()
    seen = set()
    for right in (0.32, 0.4, 0.6, 0.8, 0.2):
        page.mouse.move(*at(plot(page, "histogram"), right, 0.4), steps=3)
        assert now(page) in table.thresholds
        assert matches(page, ranking, now(page))
        seen.add(now(page))
    assert len(seen) == 5
    assert n_runs(page) == before
    page.mouse.up()
    expect(page.get_by_test_id("stText").first).to_have_text(f"runs {before + 1}")
    assert received(page) == now(page)
    assert matches(page, ranking, received(page))
    assert n_runs(page) == before + 1


@needs_browser
def test_the_line_stands_under_the_pointer_and_the_axis_is_linear(visit: Visit, url: str) -> None:
    page = visit(url)
    ranking = ranking_of()
    assert ranking.ood is not None
    greatest = max(ranking.measure[-1], ranking.ood[-1])  # Where the axis, and with it the shade, ends.
    per_pixel = []
    for right in (0.2, 0.5, 0.7):
        pointer = at(plot(page, "histogram"), right, 0.6)
        page.mouse.click(*pointer)
        line = plot(page, "histogram").locator(".line").bounding_box()
        shade = plot(page, "histogram").locator(".deferred").bounding_box()
        assert line is not None
        assert shade is not None
        assert [line["x"] + line["width"] / 2, shade["x"]] == pytest.approx([pointer[0]] * 2, abs=2)
        per_pixel.append((greatest - now(page)) / shade["width"])
    assert per_pixel == pytest.approx([per_pixel[0]] * 3, rel=1e-3)


@needs_browser
def test_a_handle_taken_beside_its_middle_does_not_jump(visit: Visit, url: str) -> None:
    page = visit(url)
    before, runs = now(page), n_runs(page)
    x, y = at(handle(page, "histogram"), 0.9, 0.5)
    page.mouse.move(x, y)
    page.mouse.down()
    assert now(page) == before
    page.mouse.up()
    page.mouse.down()
    page.mouse.move(x + 100, y, steps=4)
    page.mouse.up()
    expect(page.get_by_test_id("stText").first).to_have_text(f"runs {runs + 1}")  # the first time told Python nothing
    assert received(page) == now(page)
    box = handle(page, "histogram").bounding_box()
    assert box is not None
    assert box["x"] + 0.9 * box["width"] == pytest.approx(x + 100, abs=3)


@needs_browser
def test_dragging_a_curve_moves_the_same_threshold(visit: Visit, url: str) -> None:
    page, ranking = visit(url), ranking_of()
    for name in ("risk", "roc"):
        runs = n_runs(page)
        drag(page, name, (0.6, 0.3), (0.75, 0.3), (0.5, 0.3))
        pointer = at(plot(page, name), 0.5, 0.3)
        point = handle(page, name).bounding_box()
        assert point is not None
        if name == "risk":  # Along x, wherever the pointer is in y; on the ROC to the nearest point.
            assert point["x"] + point["width"] / 2 == pytest.approx(pointer[0], abs=2)
        assert n_runs(page) == runs
        assert matches(page, ranking, now(page))
        page.mouse.up()
        expect(page.get_by_test_id("stText").first).to_have_text(f"runs {runs + 1}")
        assert received(page) == now(page)
        assert page.get_by_role("slider").evaluate("slider => slider === slider.getRootNode().activeElement")


@needs_browser
def test_coverage_and_ood_are_where_the_curves_say(visit: Visit, url: str) -> None:
    """The points' places, from 0 to 1 along the axes, are the shares that are read out."""
    page = visit(url)
    ranking = ranking_of()
    ends = {}
    for key in ("Home", "End"):
        page.get_by_role("slider").press(key)
        ends[key] = [handle(page, name).bounding_box() for name in ("risk", "roc")]
    page.mouse.click(*at(plot(page, "histogram"), 0.4, 0.5))
    accepted = ranking.at(now(page))
    for i, (coverage, y) in enumerate([(accepted.coverage, None), (accepted.coverage, 1 - accepted.ood_accepted)]):
        none, everything = ends["Home"][i], ends["End"][i]
        box = handle(page, ("risk", "roc")[i]).bounding_box()
        assert none is not None
        assert everything is not None
        assert box is not None
        assert (box["x"] - none["x"]) / (everything["x"] - none["x"]) == pytest.approx(coverage, abs=0.01)
        if y is not None:
            assert (everything["y"] - box["y"]) / (everything["y"] - none["y"]) == pytest.approx(y, abs=0.01)


@needs_browser
def test_a_finger_drags_sideways_and_a_tap_picks(visit: Visit, url: str) -> None:
    page = visit(url, width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=3)
    path = [at(plot(page, "histogram"), right, 0.5) for right in np.linspace(0.3, 0.7, 8)]
    swipe(page, path)
    assert matches(page, ranking_of(), now(page))
    line = plot(page, "histogram").locator(".line").bounding_box()
    assert line is not None
    assert line["x"] == pytest.approx(path[-1][0], abs=4)
    page.touchscreen.tap(*path[0])
    line = plot(page, "histogram").locator(".line").bounding_box()
    assert line is not None
    assert line["x"] == pytest.approx(path[0][0], abs=4)
    expect(plot(page, "histogram")).to_have_css("touch-action", "pan-y")
    expect(handle(page, "roc")).to_have_css("touch-action", "none")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


@needs_browser
def test_a_finger_that_scrolls_leaves_the_threshold(visit: Visit, url: str) -> None:
    page = visit(url, width=390, height=600, has_touch=True, is_mobile=True, device_scale_factor=3)
    before, runs = now(page), n_runs(page)
    script = "canvas => canvas.getBoundingClientRect().y"
    canvas = plot(page, "histogram").locator("canvas")
    y = canvas.evaluate(script)
    swipe(page, [at(canvas, 0.8, down) for down in np.linspace(0.9, 0.1, 12)])
    page.wait_for_function(f"canvas => ({script})(canvas) < {y - 50}", arg=canvas.element_handle())
    assert now(page) == before
    assert n_runs(page) == runs


# --- The keyboard ---


@needs_browser
def test_arrow_keys_go_from_row_to_row(visit: Visit, url: str) -> None:
    page = visit(f"{url}?n=120&n_ood=16")
    ranking = ranking_of(120, 16)
    thresholds = ranking.table().thresholds
    slider = page.get_by_role("slider")
    row = int(np.searchsorted(thresholds, 0.1, side="right")) - 1
    assert now(page) == thresholds[row]
    for key, step in [("ArrowRight", 1), ("ArrowUp", 1), ("ArrowLeft", -1), ("ArrowDown", -1), ("ArrowDown", -1)]:
        slider.press(key)
        row += step
        assert now(page) == thresholds[row]
        assert matches(page, ranking, thresholds[row])
    slider.press("Home")
    assert matches(page, ranking, -np.inf)
    # Every row, and with them the roundings of many shares.
    walked = slider.evaluate(WALK, ["ArrowRight", len(thresholds) - 1])
    for threshold, seen in zip(thresholds[1:], walked, strict=True):
        assert agrees(named(seen), ranking, threshold)
    slider.press("ArrowRight")
    assert now(page) == thresholds[-1] == float(slider.get_attribute("aria-valuemax") or "nan")
    assert float(slider.get_attribute("aria-valuemin") or "nan") == thresholds[1]


@needs_browser
def test_larger_steps_are_five_percent_of_coverage(visit: Visit, url: str) -> None:
    page = visit(url)
    slider, ranking = page.get_by_role("slider"), ranking_of()
    slider.press("Home")
    for n_steps, key in enumerate(("PageUp", "Shift+ArrowRight", "Shift+ArrowUp"), start=1):
        slider.press(key)
        assert ranking.at(now(page)).n_accepted == n_steps * 200
    slider.press("PageDown")
    assert ranking.at(now(page)).n_accepted == 400
    slider.press("End")
    slider.press("Shift+ArrowLeft")
    assert ranking.at(now(page)).n_accepted == 3_800
    slider.press("PageUp")
    slider.press("PageUp")
    assert now(page) == ranking.table().thresholds[-1]


@needs_browser
def test_python_hears_once_of_a_row_of_key_presses(visit: Visit, url: str) -> None:
    page = visit(url)
    runs, slider = n_runs(page), page.get_by_role("slider")
    slider.focus()
    # All at once: on a busy machine a key pressed from here may come after the pause.
    press = "key => s.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"
    slider.evaluate(f"s => Array(10).fill('ArrowRight').forEach({press})")
    expect(page.get_by_test_id("stText").first).to_have_text(f"runs {runs + 1}")
    assert received(page) == now(page)
    slider.press("Home")
    expect(page.get_by_test_id("stText").last).to_have_text("-inf")
    assert n_runs(page) == runs + 2


@needs_browser
def test_a_screen_reader_hears_the_threshold_and_what_it_means(visit: Visit, url: str) -> None:
    page = visit(url)
    slider = page.get_by_role("slider")
    slider.press("ArrowRight")
    accepted, seen = ranking_of().at(now(page)), readings(page)
    n_wrong = round(accepted.n_accepted * (1 - accepted.accuracy))
    text = (
        f"{seen['threshold'][0]}: coverage {percent(accepted.coverage)}, {n_wrong} of {accepted.n_accepted:,} wrong "
        f"among the accepted, {percent(accepted.ood_accepted)} of the unseen let through"
    )
    expect(slider).to_have_attribute("aria-valuetext", text)
    expect(slider).to_have_accessible_name(
        "Threshold of Normalised entropy. Arrow keys move it by one step, Page Up and Page Down by 5 % of coverage."
    )
    expect(page.get_by_role("img", name="ROC curve, at")).to_be_visible()


# --- Python moves it ---


@needs_browser
def test_a_new_revision_moves_it_and_the_old_one_does_not(visit: Visit, url: str) -> None:
    page = visit(url)
    ranking = ranking_of()
    thresholds = ranking.table().thresholds
    drag(page, "histogram", (0.3, 0.5), (0.6, 0.5))
    page.mouse.up()
    mine = now(page)
    expect(page.get_by_test_id("stText").last).to_have_text(repr(mine))
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_test_id("stText").first).to_have_text("runs 3")
    assert received(page) == now(page) == mine
    page.get_by_role("button", name="To a fifth").click()
    fifth = thresholds[thresholds <= 0.2][-1]
    expect(page.get_by_test_id("stText").last).to_have_text(repr(float(fifth)))
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", repr(float(fifth)))
    assert matches(page, ranking, 0.2)
    drag(page, "risk", (0.5, 0.5), (0.4, 0.5))
    page.mouse.up()
    expect(page.get_by_test_id("stText").last).not_to_have_text(repr(float(fifth)))
    assert received(page) == now(page)
    page.get_by_role("button", name="To a fifth").click()
    expect(page.get_by_test_id("stText").last).to_have_text(repr(float(fifth)))
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_test_id("stText").last).to_have_text(repr(float(thresholds[-1])))
    assert matches(page, ranking, np.inf)
    page.get_by_role("button", name="Accept none").click()
    expect(page.get_by_test_id("stText").last).to_have_text("-inf")
    assert matches(page, ranking, -np.inf)


@needs_browser
def test_an_echo_during_the_next_drag_undoes_nothing(visit: Visit, url: str) -> None:
    page = visit(f"{url}?pause=1")
    drag(page, "histogram", (0.3, 0.5), (0.6, 0.5))
    page.mouse.up()
    first = now(page)
    drag(page, "histogram", (0.6, 0.5), (0.8, 0.5))
    held = now(page)
    expect(page.get_by_test_id("stText").last).to_have_text(repr(first))
    settle(page)
    assert now(page) == held != first
    page.mouse.up()
    expect(page.get_by_test_id("stText").last).to_have_text(repr(held))


# --- What is shown ---


@needs_browser
def test_a_logarithmic_axis_keeps_the_threshold(visit: Visit, url: str) -> None:
    page = visit(url)
    for toggle in ("log counts", "log measure", "log risk", "log x"):
        before, runs = readings(page), n_runs(page)
        name = {"log risk": "risk", "log x": "roc"}.get(toggle, "histogram")
        canvas = plot(page, name).locator("canvas")
        linear = canvas.evaluate("canvas => canvas.toDataURL()")
        button = page.get_by_role("button", name=toggle)
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert canvas.evaluate("canvas => canvas.toDataURL()") != linear
        assert readings(page) == before
        drag(page, name, (0.5, 0.5), (0.7, 0.4))
        assert matches(page, ranking_of(), now(page))
        page.mouse.up()
        button.click()
        assert canvas.evaluate("canvas => canvas.toDataURL()") == linear
        expect(page.get_by_test_id("stText").first).to_have_text(f"runs {runs + 1}")
        settle(page)
        assert n_runs(page) == runs + 1


@needs_browser
def test_on_the_log_axis_equal_ways_are_equal_factors(visit: Visit, url: str) -> None:
    page = visit(f"{url}?log=1&n=100000")
    expect(page.get_by_role("button", name="log measure")).to_have_attribute("aria-pressed", "true")
    values = []
    for right in (0.5, 0.6, 0.7):
        page.mouse.click(*at(plot(page, "histogram"), right, 0.5))
        values.append(now(page))
    assert np.log(values[2] / values[1]) == pytest.approx(np.log(values[1] / values[0]), rel=0.02)


@needs_browser
def test_a_button_leads_back_to_what_python_asked_for(visit: Visit, elsewhere: Visit, url: str) -> None:
    page = visit(f"{url}?target=0.1")
    asked, back, code = now(page), page.locator(".back"), page.get_by_test_id("stText").last
    expect(back).to_be_hidden()
    page.mouse.click(*at(plot(page, "histogram"), 0.6, 0.5))
    expect(code).to_have_text(repr(now(page)))
    assert received(page) > asked
    back.click()
    expect(back).to_be_hidden()
    expect(code).to_have_text(repr(asked))
    assert now(page) == asked
    plain = elsewhere(url)
    plain.mouse.click(*at(plot(plain, "histogram"), 0.6, 0.5))
    expect(plain.locator(".back")).to_be_hidden()


@needs_browser
def test_who_accepts_zeros_stands_behind_the_bar_that_holds_them(visit: Visit, url: str) -> None:
    page = visit(f"{url}?log=1&zeros=500")
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert readings(page)["threshold"][0] == "0"
    place = plot(page, "histogram")
    left, x = (
        float(place.evaluate(f"p => parseFloat(p.style.getPropertyValue('--{name}'))")) for name in ("left", "x")
    )
    right = float(place.evaluate("p => p.clientWidth - parseFloat(p.style.getPropertyValue('--right'))"))
    assert x - left == pytest.approx((right - left) / 60, rel=0.01)  # of 60 bars the first is before it


@needs_browser
def test_without_labels_there_is_no_risk(visit: Visit, elsewhere: Visit, url: str) -> None:
    page = visit(f"{url}?unlabelled=1")
    ranking = ranking_of(has_labels=False)
    assert set(readings(page)) == {"threshold", "coverage", "ood"}
    expect(page.locator(".legend li:visible")).to_have_text(["examples 4,000", "unseen 1,000"])
    expect(plot(page, "risk")).to_be_hidden()
    expect(page.get_by_text("ROC: unseen detected")).to_be_visible()
    drag(page, "roc", (0.5, 0.5), (0.3, 0.3))
    for name in ("coverage", "ood"):
        assert readings(page)[name] == expected(ranking, now(page))[name]
    page = elsewhere(f"{url}?unlabelled=1&n_ood=0")
    assert set(readings(page)) == {"threshold", "coverage"}
    expect(plot(page, "roc")).to_be_hidden()


@needs_browser
def test_without_ood_the_roc_is_of_errors(visit: Visit, url: str) -> None:
    page = visit(f"{url}?n_ood=0")
    ranking = ranking_of(n_ood=0)
    assert set(readings(page)) == {"threshold", "coverage", "accepted", "deferred"}
    n_right, n_wrong = len(ranking.right), len(ranking.wrong)
    expect(page.locator(".legend li:visible")).to_have_text([f"right {n_right:,}", f"wrong {n_wrong:,}"])
    expect(page.get_by_text("ROC: errors detected")).to_be_visible()
    drag(page, "roc", (0.5, 0.5), (0.3, 0.3))
    assert matches(page, ranking, now(page))


@needs_browser
@pytest.mark.parametrize("query", ["n=1&n_ood=0", "n=1&n_ood=1", "n=2&n_ood=0&unlabelled=1"])
def test_one_example_is_enough(visit: Visit, url: str, query: str) -> None:
    page = visit(f"{url}?{query}&threshold=2")
    expect(page.locator("[data-reading=coverage] b")).to_have_text("100 %")
    page.get_by_role("slider").press("Home")
    expect(page.locator("[data-reading=coverage] b")).to_have_text("0 %")
    assert page.get_by_test_id("stException").count() == 0


@needs_browser
def test_the_theme_reaches_the_canvas(visit: Visit, url: str) -> None:
    page = visit(url)
    canvas = plot(page, "risk").locator("canvas")
    script = """canvas => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, 24); // The label of the axis.
        let [sum, weight] = [0, 0];
        for (let i = 0; i < data.length; i += 4) { sum += data[i + 1] * data[i + 3]; weight += data[i + 3]; }
        return sum / weight;
    }"""
    assert canvas.evaluate(script) < 80
    mine = now(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".threshold")).to_have_css("color", "rgb(232, 236, 242)")
    page.wait_for_function(f"canvas => ({script})(canvas) > 180", arg=canvas.element_handle())
    assert now(page) == mine


@needs_browser
def test_the_plots_stand_in_as_many_rows_as_the_width_asks(visit: Visit, url: str) -> None:
    page = visit(url, width=390, height=1400, device_scale_factor=2)
    canvas = plot(page, "roc").locator("canvas")
    for width, tops in ((390, 3), (800, 2), (1280, 1)):
        page.set_viewport_size({"width": width, "height": 1400})
        stand_in([page.locator("figure").nth(i) for i in range(3)], tops, "y")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        until(page, lambda: abs(canvas.evaluate("canvas => canvas.width / canvas.clientWidth") - 2) < 0.01)


# --- What Python sends and takes ---


def test_the_payload_holds_the_very_numbers() -> None:
    table = ranking_of().table(50)
    payload = pack({"n_rows": len(table.thresholds)}, table, np.inf, 0.5)
    end = 4 + int.from_bytes(payload[:4], "little")
    assert json.loads(payload[4:end]) == {"n_rows": len(table.thresholds)}
    n_floats = len(table.thresholds) + 2
    thresholds = np.frombuffer(payload, "<f8", n_floats, end)
    np.testing.assert_array_equal(thresholds, np.concatenate([[np.inf, 0.5], table.thresholds]))
    counts = np.frombuffer(payload[end + 8 * n_floats :], "<u4").reshape(3, -1)
    np.testing.assert_array_equal(counts, [table.n_right, table.n_wrong, table.n_ood])


@pytest.mark.parametrize(
    ("choice", "threshold"),
    [
        (None, 0.5),
        ({"revision": "a", "threshold": 0.1}, 0.5),
        ({"revision": "b", "threshold": 0.1}, 0.1),
        ({"revision": "b", "threshold": None}, -np.inf),
    ],
)
def test_the_visitors_choice_counts_under_its_own_revision(choice: dict[str, object] | None, threshold: float) -> None:
    assert chosen_of(choice, "b", 0.5) == threshold


def test_a_threshold_must_be_a_number() -> None:
    ranking = ranking_of(10, 0)
    bins = measure_bins(ranking.right, ranking.wrong)
    with pytest.raises(UqError, match="NaN"):
        threshold_view(ranking.table(), bins, threshold=np.nan, revision="", measure_label="", key="key")
