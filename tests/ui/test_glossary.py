"""Every page explains each word that it uses."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.app_pages import checked, opened
from ui import glossary
from ui.glossary import ON_PAGE, TERMS
from ui.page import DOORS
from ui.tour.steps import STEPS
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
        if "<style" not in text and 'class=\\"words\\"' not in text:
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


def test_a_page_without_terms_shows_no_words() -> None:
    def page() -> None:
        from ui import glossary

        glossary.show("A new page")
        glossary.show("Home")

    (words,) = checked(AppTest.from_function(page).run()).get("html")
    assert 'class="words"' in words.proto.body


def test_words_stand_once_in_plain_words_and_once_exactly() -> None:
    labels = [method.label for method in METHODS.values()]
    for names in ON_PAGE.values():
        assert len(set(names)) == len(names)
        assert set(names) <= set(TERMS)
    for term in TERMS.values():
        assert re.search(term.pattern, term.name)
        assert term.plain.endswith(".")
        assert term.exact.endswith(".") or (not term.exact and term.name in labels)


def test_a_term_is_marked_where_it_first_stands_and_nowhere_else() -> None:
    assert glossary.in_markdown("**SNGP** defers; SNGP, a `risk` and [a risk](x). Deep ensembles defer.") == (
        "**[SNGP](#word-sngp)** [defers](#word-defer); SNGP, a `risk` and [a risk](x). "
        "[Deep ensembles](#word-deep-ensemble) defer."
    )
    ask, answer = glossary.in_html('<a href="SNGP">SNGP</a> has <b>SVI (Flipout)</b>', "SVI (Flipout) has SNGP")
    assert re.sub(r'<a class="word" href="#word-([^"]*)"[^>]*>(.*?)</a>', r"{\1: \2}", f"{ask}; {answer}") == (
        '<a href="SNGP">SNGP</a> has <b>{svi-flipout: SVI (Flipout)}</b>; SVI (Flipout) has {sngp: SNGP}'
    )
    assert glossary.in_markdown("a brisk deferral") == "a brisk [deferral](#word-defer)"
    assert len({term.href for term in TERMS.values()}) == len(TERMS)


@pytest.mark.parametrize("n", range(1, len(STEPS) + 1))
def test_what_is_marked_in_a_step_is_explained_on_its_page(n: int) -> None:
    told = STEPS[n - 1].tell()
    (page,) = (door.label for door in DOORS if door.path == STEPS[n - 1].page)
    marked = re.findall(r'href="(#word-[^"]*)"', "".join(glossary.in_html(told.ask, told.told)))
    assert set(marked) <= {TERMS[name].href for name in ON_PAGE[page]}
    assert len(set(marked)) == len(marked)
    assert marked


def test_a_pages_answer_marks_its_terms() -> None:
    app = opened("pages/two_moons.py")
    assert "[Deterministic](#word-deterministic)" in app.markdown[0].value
    entries = [element.proto.body for element in app.get("html") if 'class="words"' in element.proto.body]
    assert '<dt id="word-deterministic">' in entries[0]
