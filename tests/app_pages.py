"""What the tests of pages share: a page as `AppTest` runs it, and what is on it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from tests import ROOT

HOME = "app.py"


def opened(page: str, **link: str) -> AppTest:
    """The page, run once, as a link with these parameters opens it."""
    app = AppTest.from_file(ROOT / HOME, default_timeout=120)  # s; a busy machine is slow, not wrong
    if page != HOME:
        app.switch_page(page)
    for name, value in link.items():
        app.query_params[name] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def answer(app: AppTest) -> str:
    return app.markdown[0].value


def html(app: AppTest) -> str:
    return "".join(element.proto.body for element in app.get("html") if not element.proto.body.startswith("<style>"))


def choose(app: AppTest, key: str, option: str) -> AppTest:
    (group,) = (group for group in app.get("button_group") if group.key == key)
    assert isinstance(group, ButtonGroup)
    group.set_value(option)
    return checked(app.run())
