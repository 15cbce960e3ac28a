"""Visits keep apart: files that differ in one element give results of their own, and nothing of a visit is seen by
another or stays after it."""

from __future__ import annotations

import csv
import gc
import io
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit.runtime.caching import cache_data_api, cache_resource_api
from streamlit.testing.v1 import AppTest

from tests.app_pages import HOME, checked, component, html, opened, plotted
from tests.pages.hostile import shown
from ui import budget
from ui.budget import forget
from uqcore.predictions import Predictions, read_predictions

N = 300
RNG = np.random.default_rng(5)
PROBS = RNG.dirichlet([0.4, 0.4, 0.4], N).round(4)
PROBS[:, 2] = (1 - PROBS[:, 0] - PROBS[:, 1]).round(4)
LABELS = (RNG.random((N, 1)) < PROBS.cumsum(axis=1)).argmax(axis=1)
ROW = 8  # of the calibration part, which decides on the threshold
NAMES = ("secretcat", "secretdog", "secretemu")


def file(probs: NDArray[Any] = PROBS, labels: NDArray[Any] = LABELS) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow([*NAMES, "label"])
    writer.writerows([*row, NAMES[label].upper()] for row, label in zip(probs.tolist(), labels, strict=True))
    return target.getvalue().encode()


def visitor(data: bytes) -> AppTest:
    """Who has brought this file, under a name that all use."""
    app = opened("pages/threshold_lab.py", predictions="Your own")
    app.file_uploader[0].set_value(("mine.csv", data, ""))
    return checked(app.run())


def result(app: AppTest) -> tuple[str, bytes]:
    header, data = component(app)
    return " ".join([*shown(app), repr(header)]), data


def kept_by_the_server() -> Iterator[Any]:
    """All that the program's modules and Streamlit's caches lead to: what lives longer than a visit."""
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("ui", "uqcore", "pages")]
    todo: list[Any] = [cache_resource_api._resource_caches, cache_data_api._data_caches]
    todo += [value for module in ours for value in vars(module).values()]
    globals_of_modules = {id(vars(module)) for module in sys.modules.values() if hasattr(module, "__dict__")}
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if id(one) in seen or id(one) in globals_of_modules or isinstance(one, types.ModuleType):
            continue
        seen.add(id(one))
        yield one
        todo += gc.get_referents(one)


class Stay(NamedTuple):
    """What a visitor does on a page: the link that they follow, and what they do there; ``door`` is the link that the
    next visitor follows to the same place."""

    path: str
    link: dict[str, str | list[str]]
    act: Callable[[AppTest], object] = lambda app: None
    door: Mapping[str, str | list[str]] = {}


def picture() -> bytes:
    """A thick stroke on paper, of which no model would know what it is."""
    grey = np.full((90, 70), 255, np.uint8)
    grey[20:70, 30:40] = 0
    grey[60:70, 15:60] = 0
    target = io.BytesIO()
    Image.fromarray(grey).save(target, "PNG")
    return target.getvalue()


POINTS = "0.1,0.2,0;-0.4,0.9,1;1.5,-0.3,0;2,0.1,1"
UPLOAD: dict[str, str | list[str]] = {"source": "Upload"}
PAINT: dict[str, str | list[str]] = {"models": "Train now", "t_kind": "Your own points"}
STAYS = {
    "a drawing": Stay("pages/digit_lab.py", {"source": "Draw", "drawing": "ABBjNVk5UD5JRUNN", "rotation": "30"}),
    "a picture": Stay(
        "pages/digit_lab.py", UPLOAD, lambda app: app.file_uploader[0].set_value(("mine.png", picture(), "")), UPLOAD
    ),
    "painted points": Stay("pages/two_moons.py", {**PAINT, "t_points": POINTS, "t_cluster_x": "1.25"}, door=PAINT),
    "a file of points": Stay(
        "pages/two_moons.py",
        PAINT,
        lambda app: app.file_uploader[0].set_value(("p.csv", b"x,y,class\n0,1,secretcat\n2,3,secretdog\n", "")),
        PAINT,
    ),
    "added points": Stay("pages/regression.py", {"points": "-0.5,0.25;0.75,-0.5", "y_noise": "0.1"}),
    "costs": Stay(
        "pages/threshold_lab.py", {"look_8": "Costs", "costs": "0-1:9"}, lambda app: app.slider[0].set_value(0.6)
    ),
    "a link to few methods": Stay("pages/two_moons.py", {"methods_5": ["SNGP"], "moons_threshold": "0.2"}),
}


def whole(app: AppTest) -> list[str]:
    """All that a visitor is shown, and what a link to it holds."""
    link = sorted((name, [*values]) for name, values in app.query_params.items())
    return [*shown(app), html(app), *map(repr, plotted(app)), repr(link)]


@pytest.mark.parametrize("stay", STAYS.values(), ids=STAYS)
def test_the_next_visitor_of_a_page_sees_nothing_of_what_was_done_there(
    stay: Stay, request: pytest.FixtureRequest
) -> None:
    if "points" in stay.link:  # to which models are fitted
        request.getfixturevalue("hasty")
    before = whole(opened(stay.path, **stay.door))
    app = opened(stay.path, **stay.link)
    stay.act(app)
    app = checked(app.run())
    theirs = whole(app)
    assert theirs != before, "there is something to see"
    assert whole(opened(stay.path, **stay.door)) == before
    assert whole(checked(app.run())) == theirs, "and it stays theirs"


def of_the_visit() -> list[Any]:
    """What the server keeps of a visitor's file: its predictions, and every text with a name that stands in it."""

    def is_theirs(one: object) -> bool:
        if isinstance(one, Predictions):
            return one.class_names == NAMES
        return isinstance(one, str) and any(name in one for name in NAMES)

    return [one for one in kept_by_the_server() if is_theirs(one)]


def test_files_that_differ_in_one_element_never_share_a_result() -> None:
    another_label, another_probability = LABELS.copy(), PROBS.copy()
    another_label[ROW] = (LABELS[ROW] + 1) % 3
    another_probability[ROW, :2] = another_probability[ROW, :2] + [1e-3, -1e-3]
    files = [file(), file(labels=another_label), file(probs=another_probability)]
    visits = [visitor(data) for data in files]
    results = [result(app) for app in visits]
    assert len(set(results)) == 3
    assert [result(checked(app.run())) for app in visits] == results, "whoever came between"
    for data, expected in zip(files, results, strict=True):
        st.cache_data.clear()
        st.cache_resource.clear()
        forget()
        assert result(visitor(data)) == expected, "as if nobody else had been there"


def test_nothing_of_a_visit_is_seen_by_another_or_kept_by_the_server() -> None:
    app = visitor(file())
    assert "secretcat" in " ".join([*shown(app), html(app)])
    assert of_the_visit() == []
    for path, link in ((HOME, {}), ("pages/gallery.py", {}), ("pages/threshold_lab.py", {"predictions": "Your own"})):
        other = opened(path, **link)
        assert "secret" not in " ".join([*shown(other), html(other)])


def test_what_the_server_keeps_is_seen_by_the_test_above() -> None:
    brought = read_predictions(file(), "mine.csv")
    for kept in (brought, f"{NAMES[0]} and more"):
        for keep in (budget.kept()(lambda name: kept), st.cache_resource(lambda name: kept)):  # noqa: B023
            keep("mine")
            assert any(one is kept for one in of_the_visit())
            forget()
            st.cache_resource.clear()
    assert of_the_visit() == []
