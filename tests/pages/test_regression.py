"""The regression page: what a link asks for, what is fitted again, and in a browser a click that adds a point."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from streamlit.testing.v1 import AppTest

from tests import PATIENCE_S
from tests.app_pages import answer, component, html, moved, opened, spaced, stops, tables, tables_in
from tests.browsing import Visit, at, needs_browser, settle
from ui import cache, shelf
from ui.words import regression as words
from uqcore.exhibits import functions
from uqcore.exhibits.function_table import SETTINGS, UNIT, setting_of
from uqcore.exhibits.functions import MAX_ADDED, N_GRID, N_LINES, Setting, fit, grid
from uqcore.methods import METHODS, of_task
from uqcore.metrics.regression import Gaussian, predictive
from uqcore.models.sampling import LADDER, draw, load_posterior, rungs
from uqcore.plots.describe import values_of
from uqcore.store import Store
from uqcore.types import FloatArray, ModelRecord, UqError

LABELS = [METHODS[method_id].label for method_id in of_task("sine")]
SNGP = {f"methods_{len(LABELS)}": METHODS["sngp"].label}


def page(**link: str) -> AppTest:
    return opened("pages/regression.py", **link)


class Drawn(NamedTuple):
    """What the plots were given of one method."""

    mean: FloatArray
    std: FloatArray
    lines: FloatArray


def drawn(app: AppTest) -> tuple[dict[str, Drawn], FloatArray]:
    """Method's label -> its curves, and the points ``(N, 2)``."""
    header, data = component(app)
    numbers, curves, start = np.frombuffer(data, "<f4"), {}, 0
    for curve in header["curves"]:
        n = (2 + curve["n_lines"]) * header["n"]
        mean, std, *lines = numbers[start : start + n].reshape(-1, header["n"])
        curves[curve["label"]] = Drawn(mean, std, np.array(lines).reshape(-1, header["n"]))
        start += n
    points = numbers[start:].reshape(-1, 2)
    assert len(points) == header["n_points"]
    return curves, points


def test_it_opens_with_who_widens_in_the_gap_and_every_method() -> None:
    app = page()
    assert answer(app).startswith("In the shaded gap there is no data.")
    assert "**SVI (Flipout)** 1." in answer(app)
    assert "**Deterministic** draws one line" in answer(app)
    assert all(label in html(app) for label in LABELS)
    assert list(drawn(app)[0]) == LABELS
    assert len(app.get("plotly_chart")) == 2
    header, _ = component(app)
    assert not header["overlaid"]
    assert header["room"]
    whole, _ = component(page(layout="Overlaid"))
    assert whole["overlaid"]
    assert whole["height"] > header["height"]
    assert whole["curves"] == header["curves"]


def test_the_plots_are_given_what_the_models_say(committed: Store) -> None:
    curves, points = drawn(page(samples="20", members="5", lines="4"))
    train = Setting().dataset.train
    np.testing.assert_allclose(points, np.stack([train.x[:, 0], train.y], axis=1), atol=1e-6)
    for method_id, (mean, std, lines) in zip(of_task("sine"), curves.values(), strict=True):
        fitted = fit(committed, committed.find("sine", method_id), Setting())
        n = {None: 20, 1: 1}.get(fitted.posterior.n_samples, 5)
        (seen,) = functions.look(fitted, Setting(), [n])
        assert len(lines) == (0 if n == 1 else 4)
        for found, expected in ((mean, seen.function.mean), (std, seen.function.std), (lines, seen.samples[:4])):
            assert found.shape[-1] == N_GRID
            np.testing.assert_allclose(found, expected, atol=UNIT)


def test_the_band_with_the_noise_is_that_of_y(committed: Store) -> None:
    plain, noisy = (drawn(page(**link))[0] for link in ({}, {"band_noise": "true"}))
    for method_id, label in zip(of_task("sine"), LABELS, strict=True):
        noise = committed.find("sine", method_id).metrics["noise_std"]
        np.testing.assert_array_equal(noisy[label].mean, plain[label].mean)
        expected = predictive(Gaussian(plain[label].mean, plain[label].std), noise).std
        np.testing.assert_allclose(noisy[label].std, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("key", "value"), [("samples", 2), ("members", 2), ("lines", 30)])
def test_what_is_counted_changes_the_curves_and_a_link_shows_the_same(key: str, value: int) -> None:
    app = page()
    before = component(app)
    after = component(moved(app, key, value))
    assert after != before
    assert component(page(**{key: str(value)})) == after
    n_lines = {curve["label"]: curve["n_lines"] for curve in after[0]["curves"]}
    assert n_lines[METHODS["svi_flipout"].label] == {"samples": 2, "members": 8, "lines": N_LINES}[key]
    assert n_lines[METHODS["deep_ensemble"].label] == {"samples": 8, "members": 2, "lines": 10}[key]
    assert n_lines[METHODS["deterministic"].label] == 0


def test_the_band_is_as_wide_as_its_slider_says() -> None:
    assert component(page())[0]["n_stds"] == 2
    assert component(moved(page(), "stds", 0.5))[0]["n_stds"] == 0.5


def test_another_gap_is_of_every_method_and_in_every_picture() -> None:
    app = page(gap_at="1.0", gap_width="1.0")
    assert [warning.value.replace("\\", "") for warning in app.warning] == []
    assert html(app) != html(page())
    assert component(app)[0]["gap"] == [0.5, 1.5]
    here, there = drawn(app)[0], drawn(page())[0]
    assert all(np.abs(here[label].mean - there[label].mean).max() > 0.05 for label in LABELS)
    x = drawn(app)[1][:, 0]
    assert not ((x > 0.5) & (x < 1.5)).any()
    assert ((x > -1) & (x < 0.5)).any()


# What is looked up, and what is fitted


def test_the_sliders_can_have_the_settings_of_the_table_and_no_others() -> None:
    app = page(**SNGP)
    noises, centers, widths = (stops(app, key) for key in ("y_noise", "gap_at", "gap_width"))
    reached = [setting_of(*values) for values in product(noises, centers, widths)]
    assert set(reached) == set(SETTINGS)
    assert len(reached) == len(SETTINGS)
    assert (app.slider(key="lines").max, app.slider(key="samples").max) == (N_LINES, LADDER[-1])
    assert page().slider(key="members").max == rungs(10)[-1] == 10


@pytest.mark.parametrize("noise", [0.1 + 0.2, 3 * 0.1, 0.30000001192092896])
def test_a_number_that_a_browser_rounds_otherwise_is_the_same_setting(noise: float) -> None:
    assert setting_of(noise, 0.0, 2.0) == setting_of(0.3, 0.0, 2.0)


def test_no_slider_has_a_method_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "fit", None)
    app = page()
    for key, value in (("y_noise", 0.5), ("gap_at", -2.0), ("gap_width", 3.0), ("samples", 1), ("members", 1),
                       ("y_noise", 0.3), ("gap_at", 1.5), ("gap_width", 0.5), ("samples", 100)):  # fmt: skip
        app = moved(app, key, value)
        assert list(drawn(app)[0]) == LABELS
        assert [warning.value.replace("\\", "") for warning in app.warning] == []


@pytest.mark.usefixtures("hasty")
def test_what_is_in_no_table_is_fitted_and_looked_at_alike(committed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[tuple[str, Setting]] = []

    def told(store: Store, record: ModelRecord, setting: Setting) -> functions.FittedFunctions:
        fitted.append((record.method, setting))
        return fit(store, record, setting)

    monkeypatch.setattr(functions, "fit", told)
    methods = {f"methods_{len(LABELS)}": [METHODS[method_id].label for method_id in ("deterministic", "sngp")]}
    between, added = Setting(0.17, (-1.0, 1.0)), Setting(added=((0.25, 1.5),))
    for setting, link in ((between, {"y_noise": "0.17"}), (added, {"points": "0.25,1.5"})):
        app = opened("pages/regression.py", **methods, **link, samples="20")
        assert [len(app.get("progress")), len(app.warning)] == [0, 0]
        curves, points = drawn(app)
        assert fitted[-2:] == [("deterministic", setting), ("sngp", setting)]
        assert len(points) == 200 + len(setting.added)
        (seen,) = functions.look(fit(committed, committed.find("sine", "sngp"), setting), setting, [20])
        np.testing.assert_allclose(curves[METHODS["sngp"].label].mean, seen.function.mean, atol=1e-5)
        np.testing.assert_allclose(curves[METHODS["sngp"].label].std, seen.function.std, atol=1e-5)
    opened("pages/regression.py", **methods, points="0.25,1.5", samples="2", lines="0")
    assert len(fitted) == 4, "another number of samples is drawn from the same fit"


def test_the_figures_are_those_of_what_is_drawn(committed: Store) -> None:
    link = {"y_noise": "0.3", "gap_at": "-1.0", "gap_width": "0.5"}
    setting = setting_of(0.3, -1.0, 0.5)
    (seen,) = functions.look(fit(committed, committed.find("sine", "sngp"), setting), setting, [50])
    app = page(**SNGP, **link)
    assert tables(app) == tables_in(spaced(words.regression_table({METHODS["sngp"].label: seen.figures})))
    ratios = {METHODS["sngp"].label: seen.figures.std_ratio["gap"]}
    assert answer(app) == spaced(words.who_widens_in_the_gap(ratios))


def test_points_that_are_added_are_drawn_last_until_there_is_no_room() -> None:
    header, _ = component(page(points="0,1;0.2,1.1", **SNGP))
    assert (header["n_added"], header["n_points"], header["room"]) == (2, 202, True)
    np.testing.assert_allclose(drawn(page(points="0,1;0.2,1.1", **SNGP))[1][-2:], [(0, 1), (0.2, 1.1)], rtol=1e-6)
    many = ";".join(f"{i / 10:g},1" for i in range(MAX_ADDED))
    app = page(points=many, **SNGP)
    assert not component(app)[0]["room"]
    assert any("there is room for no more" in caption.value for caption in app.caption)


@pytest.mark.usefixtures("hasty")
def test_what_is_out_of_range_in_a_link_is_left_out_and_said() -> None:
    app = page(gap_at="99", gap_width="x", points="99,0;1,0.5;0,9")
    assert [warning.value.replace("\\", "") for warning in app.warning] == [
        "Gap, centre must be from -2 to 2. The link says 99: it is left out.",
        "Gap, width must be from 0.5 to 3. The link says x: it is left out.",
        "Expected at most 50 points in the link, each as x,y with x from -6 to 6 and y from -2.5 to 2.5. "
        "2 of 3 are left out.",
    ]
    assert any("1 added" in caption.value for caption in app.caption)


def test_nonsense_in_a_link_is_left_out() -> None:
    plain = page()
    odd = page(gap_at="99", y_noise="-1", points="a;1;2,3,4;nan,1;99,0;1,inf", stds="x", lines="-4", layout="Round")
    assert odd.markdown[0].value == plain.markdown[0].value
    assert html(odd) == html(plain)


@pytest.mark.usefixtures("hasty")
def test_points_in_a_link_are_there_and_can_be_removed() -> None:
    app = page(points="0,1;0.2,1.1")
    assert any("2 added" in caption.value for caption in app.caption)
    app.button(key="remove_last").click().run()
    assert app.query_params["points"] == "0,1"


def test_the_stored_model_serves_its_own_setting_and_a_new_point_pulls_the_line(committed: Store) -> None:
    record = committed.find("sine", "deterministic")
    stored = draw(load_posterior(committed, record), grid(), 1).logits
    assert (draw(fit(committed, record, Setting()).posterior, grid(), 1).logits == stored).all()
    far = fit(committed, record, Setting(added=((0.0, 2.0),)))
    middle = len(grid()) // 2
    before = draw(fit(committed, record, Setting(noise=0.1, gap=(-1.0, 1.0))).posterior, grid(), 1).logits[0, middle, 0]
    assert abs(before) < 0.3
    assert draw(far.posterior, grid(), 1).logits[0, middle, 0] > 1


@pytest.mark.usefixtures("hasty")
def test_where_many_wait_for_a_fit_methods_are_shown_without_the_points_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare, _ = drawn(page())
    may_fit, stored = threading.Event(), shelf.committed("sine", "deterministic")

    def fits_later(*asked: Any) -> functions.FittedFunctions:
        assert may_fit.wait(PATIENCE_S)
        return fit(*asked)

    monkeypatch.setattr(functions, "fit", fits_later)
    with ThreadPoolExecutor() as others:
        waiting = {others.submit(cache.seen, stored, Setting(added=((0.1, y),)), 10) for y in (0.0, 0.1, 0.2, 0.3)}
        refused = next(as_completed(waiting, PATIENCE_S))  # when the three others wait
        with pytest.raises(cache.BusyError):
            refused.result()
        without = page(points="0.123,0.5")
        may_fit.set()
        for each in waiting - {refused}:
            each.result(PATIENCE_S)
    (warning,) = without.warning
    assert "shown without the added points" in warning.value
    assert all((curve.mean == bare[label].mean).all() for label, curve in drawn(without)[0].items())
    for points in ("0.123,0.5", "0.124,0.5"):  # more fits than there are places, which are given back
        fitted = page(points=points)
        assert not fitted.warning
        assert any((curve.mean != bare[label].mean).any() for label, curve in drawn(fitted)[0].items())


def test_too_many_points_are_one_sentence(committed: Store) -> None:
    with pytest.raises(UqError, match=r"At most 50 points can be added\. Received: 51"):
        fit(committed, committed.find("sine", "sngp"), Setting(added=((0.0, 0.0),) * 51))


@pytest.fixture(scope="module")
def url(dashboard: str) -> str:
    return f"{dashboard}/regression"


def link(tab: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(tab.url).query)


def plot(tab: Page) -> Locator:
    found = tab.locator(".plot").first
    found.scroll_into_view_if_needed()
    return found


def pixel_of(tab: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the first plot's axes is on the page; its axes take 40 pixels at the left and 24 below."""
    box = plot(tab).bounding_box()
    assert box is not None
    right, down = (x + 6) / 12, (2.5 - y) / 5
    return box["x"] + 40 + right * (box["width"] - 40), box["y"] + down * (box["height"] - 24)


@needs_browser
@pytest.mark.parametrize("layout", ["Overlaid", "Side+by+side"])
def test_a_click_adds_a_point_and_its_link_shows_the_same(
    visit: Visit, elsewhere: Visit, url: str, layout: str
) -> None:
    tab = visit(f"{url}?layout={layout}&methods_{len(LABELS)}=SNGP", ready=".plot canvas")
    tab.mouse.click(*pixel_of(tab, 0, 1.25))
    expect(tab).to_have_url(re.compile(r"points="))
    expect(tab.get_by_text("1 added")).to_be_visible()
    settle(tab)
    ((x, y),) = (map(float, pair.split(",")) for pair in link(tab)["points"])
    assert x == pytest.approx(0, abs=12 / 200)
    assert y == pytest.approx(1.25, abs=5 / 200)
    linked, said = tab.url, tab.locator("table.verdicts").inner_text()
    tab.mouse.click(*pixel_of(tab, 2, -1))
    expect(tab.get_by_text("2 added")).to_be_visible()
    settle(tab)
    tab.get_by_role("button", name="Remove the last").click()
    expect(tab.get_by_text("1 added")).to_be_visible()
    settle(tab)
    left = link(tab)["points"]
    copy = elsewhere(linked, ready=".plot canvas")
    expect(copy.get_by_text("1 added")).to_be_visible()
    expect(copy.locator("table.verdicts")).to_have_text(said, use_inner_text=True)
    assert left == link(copy)["points"]


@needs_browser
def test_a_click_on_a_curve_adds_a_point_too(visit: Visit, url: str, committed: Store) -> None:
    tab = visit(f"{url}?layout=Overlaid&methods_{len(LABELS)}=Deterministic&methods_{len(LABELS)}=SNGP", ready=".plot")
    curve = draw(load_posterior(committed, committed.find("sine", "deterministic")), grid(), 1).logits[0, :, 0]
    i = 2 * len(curve) // 3
    tab.mouse.click(*pixel_of(tab, float(grid()[i, 0]), float(curve[i])))
    expect(tab).to_have_url(re.compile(r"points="))


@needs_browser
def test_the_plots_are_read_where_the_pointer_is(visit: Visit, url: str) -> None:
    tab = visit(url, ready=".plot canvas")
    expect(tab.locator(".plot")).to_have_count(len(LABELS))
    tab.mouse.move(*at(plot(tab), 0.5, 0.5))
    expect(tab.locator(".value")).to_have_text([re.compile(r"^\u2212?\d\.\d\d ± \d\.\d\d$")] * len(LABELS))
    tab.get_by_text("Overlaid").click()
    expect(tab.locator(".plot")).to_have_count(1)
    expect(tab.locator("figcaption .name")).to_have_count(len(LABELS))


@needs_browser
def test_a_slider_stops_at_the_numbers_of_the_table_and_nothing_is_fitted(visit: Visit, url: str) -> None:
    tab = visit(url, ready=".plot canvas")
    slider = tab.locator(".st-key-y_noise").get_by_role("slider")
    for noise in ("0.2", "0.3", "0.4", "0.5"):
        before = tab.locator("table.verdicts").inner_text()
        slider.press("ArrowRight")
        expect(tab).to_have_url(re.compile(rf"[?&]y_noise={re.escape(noise)}(&|$)"))
        expect(tab.locator("table.verdicts")).not_to_have_text(before, use_inner_text=True)
        settle(tab)
    samples = tab.locator(".st-key-samples")
    for key, stop in (("ArrowRight", 100), ("ArrowLeft", 50), ("ArrowLeft", 20)):
        samples.get_by_role("slider").press(key)
        expect(samples.get_by_test_id("stSliderThumbValue")).to_have_text(str(stop))
        settle(tab)
    assert link(tab) == {"y_noise": ["0.5"], "samples": ["20"]}


def test_the_ratio_that_is_said_is_the_one_that_is_drawn() -> None:
    app = page()
    lines = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    in_gap = np.abs(np.array(values_of(lines[0]["x"]))) <= 1
    drawn_there = {line["name"]: f"{np.mean(np.array(values_of(line['y']))[in_gap]):.2f} times" for line in lines}
    assert drawn_there == {label: said for label, said, *_ in tables(app)[0][1:] if said != "–"}
    assert drawn_there
