"""What the tests of pages share: a page as `AppTest` runs it, and what is on it."""

from __future__ import annotations

import base64
import io
import json
import re
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from tests import PATIENCE_S, ROOT

HOME = "app.py"


def opened(page: str, /, **link: str | list[str]) -> AppTest:
    """The page, run once, as a link with these parameters opens it."""
    app = AppTest.from_file(ROOT / HOME, default_timeout=PATIENCE_S)
    if page != HOME:
        app.switch_page(page)
    for name, value in link.items():
        app.query_params[name] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    """The page, which is whole: nothing was raised, and Plotly refuses none of its figures."""
    assert [error.value for error in app.exception] == []
    for chart in app.get("plotly_chart"):
        _refuse_unknown(chart.proto.spec)
    return app


@cache
def _refuse_unknown(spec: str) -> None:
    """ValueError where a figure has a name or a value that Plotly does not know; pages show the same ones again."""
    go.Figure(json.loads(spec))


def moved(app: AppTest, key: str, value: float) -> AppTest:
    """The page after a slider was moved."""
    app.slider(key=key).set_value(value)
    return checked(app.run())


def stops(app: AppTest, key: str) -> list[float]:
    """Every value that a slider can have."""
    slider = app.slider(key=key).proto
    n = round((slider.max - slider.min) / slider.step)
    return [round(slider.min + i * slider.step, 6) for i in range(n + 1)]


def plotted(app: AppTest) -> list[bytes]:
    """What each component of plots was given."""
    return [mounted.proto.bytes for mounted in app.get("bidi_component") if mounted.proto.bytes]


def component(app: AppTest) -> tuple[dict[str, Any], bytes]:
    """The header of what the page's one component of plots was given, and what comes after it."""
    (data,) = plotted(app)
    end = 4 + int.from_bytes(data[:4], "little")
    header: dict[str, Any] = json.loads(data[4:end])
    return header, data[end:]


def answer(app: AppTest) -> str:
    """The page's answer without the marks of its terms; a no-break space is a space, as in `html`."""
    return spaced(unmarked(app.markdown[0].value))


def unmarked(text: str) -> str:
    """Markdown without the links of its terms to their explanations."""
    return re.sub(r"\[([^]]*)\]\(#word-[^)]*\)", r"\1", text)


def spaced(text: str) -> str:
    """Where no line breaks is for eyes: `tests.ui.test_glossary` sees to it on all pages."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def html(app: AppTest) -> str:
    """All that is there as HTML, by itself or in a component, but for the style, the words beside the title, and what
    screen readers say of a chart."""
    others = ("<style", '<details class="words">', '<p class="unseen">')
    bodies = [element.proto.body for element in app.get("html") if not element.proto.body.startswith(others)]
    given = (json.loads(mounted.proto.json or "{}") for mounted in app.get("bidi_component"))
    return spaced("".join([*bodies, *(data.get("html", "") for data in given if isinstance(data, dict))]))


def choose(app: AppTest, key: str, option: str | list[str]) -> AppTest:
    """The page after a click on an option, or on as many as it takes to choose these."""
    buttons(app, key).set_value(option)
    return checked(app.run())


def buttons(app: AppTest, key: str) -> ButtonGroup[Any]:
    (group,) = (group for group in app.get("button_group") if group.key == key)
    assert isinstance(group, ButtonGroup)
    return group


def hrefs(app: AppTest) -> list[str]:
    """Where the pictures lead."""
    return [unescape(href) for href in re.findall(r'<a href="([^"]+)"', html(app))]


def followed(href: str) -> AppTest:
    """The digit lab as a picture's link opens it."""
    address = urlsplit(href)
    assert address.path == "digit_lab"
    return opened("pages/digit_lab.py", **dict(parse_qsl(address.query, strict_parsing=True)))


def seen(lab: AppTest) -> NDArray[np.uint8]:
    """The image that the models see in the digit lab."""
    (data,) = re.findall(r'class="seen"><img[^>]*base64,([^"]+)"', html(lab))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def tables(app: AppTest) -> list[list[list[str]]]:
    """The cells of every table of the page, row by row."""
    return tables_in(html(app))


def tables_in(html: str) -> list[list[list[str]]]:
    """The cells of every table, row by row."""
    found = re.findall(r"<table.*?</table>", html)
    return [
        [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]
        for rows in (re.findall(r"<tr.*?</tr>", table) for table in found)
    ]
