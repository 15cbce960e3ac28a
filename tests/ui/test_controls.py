"""The slider of a few numbers: it goes on to the next stop, and a link may say anything."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests import PATIENCE_S, app_pages
from uqcore.models.sampling import LADDER, rungs


def page(options: tuple[int, ...], default: int) -> None:
    """A script that `AppTest` runs by its source: what the slider gives, and what it gives in a longer row."""
    import streamlit as st

    from ui import controls

    st.code(str(controls.count("Samples", options, default, "samples")))


def opened(link: str | None = None, options: tuple[int, ...] = LADDER, default: int = 50) -> AppTest:
    app = AppTest.from_function(page, args=(options, default), default_timeout=PATIENCE_S)
    if link is not None:
        app.query_params["samples"] = link
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    assert [warning.value for warning in app.warning] == []
    return app


def moved(app: AppTest, by: int) -> AppTest:
    app.slider[0].set_value(int(str(app.slider[0].value)) + by)
    return checked(app.run())


def given(app: AppTest) -> int:
    return int(app.code[0].value)


def test_every_stop_is_one_press_from_the_next() -> None:
    app, seen = opened("1"), []
    for _ in range(len(LADDER)):
        seen.append(given(app))
        assert app.slider[0].value == given(app)
        app = moved(app, 1 if given(app) < LADDER[-1] else 0)
    assert seen == list(LADDER)
    for expected in LADDER[-2::-1]:
        app = moved(app, -1)
        assert given(app) == app.slider[0].value == expected


@pytest.mark.parametrize(("to", "stop"), [(3, 2), (9, 5), (49, 20), (51, 100), (99, 100), (50, 50), (100, 100), (1, 1)])
def test_wherever_it_is_dragged_it_goes_to_a_stop_in_that_direction(to: int, stop: int) -> None:
    app = moved(opened(), to - 50)
    assert given(app) == app.slider[0].value == stop
    if stop != to:  # else the browser has put it into the link itself
        assert app.query_params == {"samples": str(stop)}


@pytest.mark.parametrize("stop", LADDER)
def test_a_link_to_a_stop_stands_there(stop: int) -> None:
    app = opened(str(stop))
    assert given(app) == app.slider[0].value == stop


@pytest.mark.parametrize(
    ("link", "stop"),
    [("15", 10), ("3", 2), ("51", 50), ("99", 50), ("5.0", 5), ("15.5", 10), ("0", 50), ("-3", 50), ("1000", 50),
     ("abc", 50), ("nan", 50), ("", 50)],
)  # fmt: skip
def test_a_link_to_anything_else_gives_a_stop_too(link: str, stop: int) -> None:
    app = opened(link)
    assert given(app) == stop
    assert given(checked(app.run())) == stop, "a run for another reason moves nothing"


@pytest.mark.parametrize(("link", "up", "down"), [("15", 20, 10), ("3", 5, 2), ("51", 100, 50), ("99", 100, 50)])
def test_from_between_two_stops_a_step_goes_to_the_one_in_its_direction(link: str, up: int, down: int) -> None:
    for by, stop in ((1, up), (-1, down)):
        app = moved(opened(link), by)
        assert given(app) == app.slider[0].value == stop


def test_one_step_up_from_where_a_link_stands_is_a_step_up() -> None:
    for link, after in (("1000", 100), ("10", 20), ("0", 100), ("20", 50)):
        assert given(moved(opened(link), 1)) == after


@pytest.mark.parametrize("n", [2, 3, 10, 60])
def test_where_there_are_fewer_it_ends_with_all_of_them(n: int) -> None:
    app = opened(options=rungs(n), default=n)
    assert (app.slider[0].min, app.slider[0].max, given(app)) == (1, n, n)
    assert given(moved(app, -1)) == rungs(n)[-2]


def test_a_link_to_a_method_that_is_not_here_is_told_of() -> None:
    gallery = app_pages.opened("pages/gallery.py", method="Oracle <b>")
    said = [caption.value for caption in gallery.caption]
    assert any("asks for Oracle" in text and "not among the models here" in text for text in said)
    assert not any("<b>" in text for text in said)
    moons = app_pages.opened("pages/two_moons.py", methods_7=["SNGP", "Oracle"])
    assert any("asks for Oracle" in caption.value for caption in moons.caption)
    assert not any(
        "asks for" in caption.value for caption in app_pages.opened("pages/gallery.py", method="SNGP").caption
    )
