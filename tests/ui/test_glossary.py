"""Every page explains each word that it uses."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.app_pages import opened
from ui.glossary import ON_PAGE, TERMS
from ui.page import DOORS
from uqcore.methods import METHODS

STATES: dict[str, list[dict[str, str]]] = {
    "Two moons": [{"point": "0.5,0.25"}, {"models": "Train now"}],
    "Digit lab": [{"source": "Pick", "worse": "true"}],
    "Threshold lab": [
        {},
        *({"look_8": look} for look in ("Measures", "Costs", "Classes", "Prediction sets", "Take home")),
        {"predictions": "Your own"},
        {"target_5": "Smallest risk"},
    ],
    "Regression": [{"layout": "Overlaid"}],
    "Gallery": [{}, {"gallery": "Errors"}, {"gallery": "Disagreement"}],
    "Train": [{}, {"r_task": "Sine"}],
    "Scoreboard": [{}, {"board": "sine"}, {"column": "Answers"}, {"column": "Finds its errors"}],
}
"""Links that show what a page has more to say of."""


def said(app: AppTest, *without: str) -> str:
    """All the text of a page, ``without`` these kinds of elements, style, glossary and tags."""
    found = []
    for element in app._tree:
        if getattr(element, "type", None) in without:
            continue
        proto = getattr(element, "proto", None)
        text = "" if proto is None else str(proto)
        if "<style>" not in text and 'class=\\"words\\"' not in text:
            found.append(text)
    other = r"(key|id|element_id|url_pathname|query_param_key|css_content|js_content): .*"
    return re.sub(rf"<[^<>]*>|{other}|\w+_\w+", "", "\n".join(found))


@pytest.mark.parametrize("page", [door.label for door in DOORS])
def test_a_page_explains_each_term_that_it_uses(page: str) -> None:
    (path,) = (door.path for door in DOORS if door.label == page)
    for link in STATES.get(page, [{}]):
        app = opened(path, **link)
        assert set(link) <= set(app.query_params), "the link is not understood"
        text = said(app)
        missing = {
            name: text[max(0, found.start() - 60) : found.end() + 60]
            for name, term in TERMS.items()
            if name not in ON_PAGE[page] and (found := re.search(term.pattern, text))
        }
        assert missing == {}
        assert re.findall(r".{0,40}\d %.{0,20}", said(app, "plotly_chart", "bidi_component", "code")) == [], (
            "lines may end there"
        )


def test_words_stand_once_in_plain_words_and_once_exactly() -> None:
    labels = [method.label for method in METHODS.values()]
    for names in ON_PAGE.values():
        assert len(set(names)) == len(names)
        assert set(names) <= set(TERMS)
    for term in TERMS.values():
        assert re.search(term.pattern, term.name)
        assert term.plain.endswith(".")
        assert term.exact.endswith(".") or (not term.exact and term.name in labels)
