"""Every page for every eye and hand: axe-core finds nothing, and nothing moves because it is pointed at.

axe-core 4.14.1 (Deque Systems, MPL 2.0) is the one file of its npm package, with its licence, in tests/tools.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import ROOT
from tests.browsing import Visit, at, needs_browser, stand_still
from ui.page import DOORS

pytestmark = needs_browser

AXE = ROOT / "tests" / "tools" / "axe.min.js"
PATHS = [re.sub(r"app\.py|pages/|\.py", "", door.path) for door in DOORS]


def opened(visit: Visit, url: str, **options: Any) -> Page:
    """The page, whole: nothing has grown for half a second of frames."""
    page = visit(url, ready="h1", **options)
    page.evaluate(
        """async () => {
            const box = document.querySelector('[data-testid=stMain]');
            for (let frames = 0, last = -1; frames < 30; frames++) {
                await new Promise(requestAnimationFrame);
                if (box.scrollHeight !== last) [frames, last] = [0, box.scrollHeight];
            }
        }"""
    )
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PATHS, "two_moons?point=0.5,0.25", "digit_lab?worse=true&source=Upload"])
def test_axe_finds_nothing(visit: Visit, dashboard: str, path: str, scheme: str) -> None:
    page = opened(visit, f"{dashboard}/{path}", color_scheme=scheme)
    page.add_script_tag(path=AXE)
    # The place to drop files, which has a role and a name that contradict each other, is Streamlit's own.
    asked = "async () => (await axe.run({exclude: [['[data-testid=stFileUploaderDropzone]']]})).violations"
    found: list[dict[str, Any]] = page.evaluate(asked)
    said = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_moves_because_a_map_is_pointed_at(visit: Visit, dashboard: str, scheme: str) -> None:
    page = opened(visit, f"{dashboard}/two_moons", color_scheme=scheme)
    plots = page.locator(".plot")
    plots.first.scroll_into_view_if_needed()
    stand_still(plots.first)
    tops = plots.evaluate_all("plots => plots.map((plot) => plot.getBoundingClientRect().top)")
    for down in (0.02, 0.5, 0.98):
        page.mouse.move(*at(plots.first, 0.5, down))
        expect(page.locator(".value").first).not_to_have_text("")
        assert plots.evaluate_all("plots => plots.map((plot) => plot.getBoundingClientRect().top)") == tops
