"""The regression page: what a link asks for, what is fitted again, and in a browser a click that adds a point."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from tests.app_pages import html, opened
from tests.browsing import Visit, at, needs_browser, serve
from ui import cache
from uqcore.exhibits.functions import Setting, fit, grid
from uqcore.methods import METHODS, of_task
from uqcore.models.sampling import draw, load_posterior
from uqcore.store import Store
from uqcore.types import UqError

LABELS = [METHODS[method_id].label for method_id in of_task("sine")]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "warm_up", lambda: None)


def page(**link: str) -> AppTest:
    return opened("pages/regression.py", **link)


def test_it_opens_with_who_widens_in_the_gap_and_every_method() -> None:
    app = page()
    assert app.markdown[0].value.startswith("In the shaded gap there is no data.")
    assert "**SVI (Flipout)** 1." in app.markdown[0].value
    assert "**Deterministic** draws one line" in app.markdown[0].value
    assert all(label in html(app) for label in LABELS)
    assert len(app.get("plotly_chart")) == len(LABELS) + 2
    assert len(page(layout="Overlaid").get("plotly_chart")) == 3


def test_another_gap_fits_every_method_again() -> None:
    app = page(gap_at="1.0", gap_width="1.0")
    assert [warning.value for warning in app.warning] == []
    assert html(app) != html(page())


def test_what_is_out_of_range_in_a_link_is_left_out_and_said() -> None:
    app = page(gap_at="99", gap_width="x", points="99,0;1,0.5;0,9")
    assert [warning.value for warning in app.warning] == [
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


def test_too_many_points_are_one_sentence(committed: Store) -> None:
    with pytest.raises(UqError, match=r"At most 50 points can be added\. Received: 51"):
        fit(committed, committed.find("sine", "sngp"), Setting(added=((0.0, 0.0),) * 51))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve("app.py") as address:
        yield f"{address}/regression"


@needs_browser
def test_a_click_adds_a_point_and_its_link_shows_the_same(visit: Visit, url: str) -> None:
    tab = visit(f"{url}?layout=Overlaid", ready=".js-plotly-plot .nsewdrag")
    plot = tab.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    tab.wait_for_timeout(1000)  # plotly listens a moment after it has drawn
    tab.mouse.move(*at(plot, 0.5, 0.25))
    tab.mouse.click(*at(plot, 0.5, 0.25))
    expect(tab).to_have_url(re.compile(r"points="))
    expect(tab.get_by_text("1 added")).to_be_visible()
    copy = visit(tab.url, ready=".js-plotly-plot")
    expect(copy.get_by_text("1 added")).to_be_visible()
    expect(copy.locator("table.verdicts")).to_have_text(tab.locator("table.verdicts").inner_text(), use_inner_text=True)


@needs_browser
def test_a_click_on_a_curve_adds_a_point_too(visit: Visit, url: str, committed: Store) -> None:
    tab = visit(f"{url}?layout=Overlaid", ready=".js-plotly-plot .nsewdrag")
    plot = tab.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    tab.wait_for_timeout(1000)  # plotly listens a moment after it has drawn
    curve = draw(load_posterior(committed, committed.find("sine", "deterministic")), grid(), 1).logits[0, :, 0]
    i = 2 * len(curve) // 3
    tab.mouse.click(*at(plot, i / (len(curve) - 1), 0.5 - float(curve[i]) / 5))
    expect(tab).to_have_url(re.compile(r"points="))


@needs_browser
def test_a_phone_does_not_scroll_sideways(visit: Visit, url: str) -> None:
    tab = visit(url, width=390, height=844, ready="table.verdicts", has_touch=True, is_mobile=True)
    for box in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert tab.evaluate(f"{box}.scrollWidth") <= tab.evaluate("innerWidth") + 1
