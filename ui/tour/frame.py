"""What every page has of the tour and of presenter mode."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache as kept
from typing import Any

import segno
import streamlit as st

from ui import glossary
from ui.components import asked_code, stage
from ui.tour import text
from ui.tour.steps import STEPS
from uqcore.store import default_store
from uqcore.types import UqError

_LONGEST = 2000  # characters of a link that a phone's camera reads from afar


def is_presented() -> bool:
    return "present" in st.query_params


def step() -> int:
    """The tour's step that the link asks for, from 1; 0 outside the tour."""
    asked = st.query_params.get("tour", "")
    return int(asked) if asked in map(str, range(1, len(STEPS) + 1)) else 0


def show(page: str) -> None:
    """The panel above ``page``, a file as in `ui.page.DOORS`, where the link asks for the tour; and the keys.

    A short link to a step, which does not set its page and figure yet, goes on to the whole one, and nothing follows.
    """
    n, more = step(), _more(is_presented())
    is_short = set(st.query_params) <= {"tour", "present"} and bool(STEPS[n - 1].query)
    # Without parameters the step's page itself may be meant, as the visitor has set it.
    if n and (page != STEPS[n - 1].page or (is_short and st.session_state.get("tour_shown") != n)):
        stage({"n": n, "goes": text.of_step(n, more)})
        st.stop()
    st.session_state["tour_shown"] = n
    with st.container(key="asks" if _told(n)["options"] else "step") if n else nullcontext():
        stage(_data(n, more))


def _data(n: int, more: dict[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {"n": n, "present": bool(more)}
    if n or more:
        data |= {"steps": _steps(bool(more)), "notes_href": f"./?notes=1&tour={n or 1}", "qr": _code()}
    return data | {"told": _in_html(n, more)} if n else data


@kept
def _steps(presented: bool) -> list[dict[str, str]]:
    return [{"claim": each.claim, "href": text.of_step(n, _more(presented))} for n, each in enumerate(STEPS, start=1)]


def _more(presented: bool) -> dict[str, str]:
    """What every link of a presentation has."""
    return {"present": "1"} if presented else {}


_known: dict[int, tuple[object, dict[str, Any]]] = {}


def _told(n: int) -> dict[str, Any]:
    """What step ``n`` asks and answers, computed once for all visitors, until the stored models change."""
    state = default_store().state()
    if n not in _known or _known[n][0] != state:
        try:
            _known[n] = state, STEPS[n - 1].tell()._asdict()
        except (UqError, KeyError) as error:  # a model is missing: the page says so too, and the tour goes on
            return {"ask": "", "options": (), "right": 0, "told": str(error), "picture": ""}
    return _known[n][1]


def _in_html(n: int, more: dict[str, str]) -> dict[str, Any]:
    told = _told(n)
    ask, answer = glossary.in_html(*(text.to_html(told[key], n, more) for key in ("ask", "told")))
    return told | {"ask": ask, "told": answer}


def _code() -> dict[str, str] | None:
    """The QR code that a visitor has asked for."""
    url = asked_code()
    parts = None if url is None else text.parts_of(url)
    if url is None or parts is None or parts.scheme not in ("http", "https"):
        return None
    if len(url) > _LONGEST:
        return {"url": url, "svg": "", "problem": "This link is too long for a QR code: it holds a picture."}
    svg = segno.make(url, error="m").svg_inline(scale=8, border=4)
    return {"url": url, "svg": svg, "problem": ""}
