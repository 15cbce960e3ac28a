"""The guided tour says what its pages show, and its words set their figures."""

from __future__ import annotations

import ast
import inspect
import json
import re
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from tests.app_pages import answer, component, html, opened, spaced
from ui import glossary, page, words
from ui.tour import frame, steps, text
from ui.tour.steps import STEPS
from ui.tour.views import own_link, sections
from uqcore.methods import METHODS
from uqcore.store import MODELS_VARIABLE
from uqcore.text import percent
from uqcore.types import UqError

NUMBERS = range(1, len(STEPS) + 1)
PAGES = {text.address(door.path, {}): door.path for door in page.DOORS}


def told(n: int) -> steps.Told:
    return STEPS[n - 1].tell()


def following(href: str) -> tuple[AppTest, dict[str, str | list[str]]]:
    """The page as a link of the tour opens it, and the link's parameters."""
    address = urlsplit(href)
    found = parse_qs(address.query, keep_blank_values=True, strict_parsing=bool(address.query))
    query = {key: values if len(values) > 1 else values[0] for key, values in found.items()}
    return opened(PAGES[address.path], **query), query


def links(n: int) -> list[str]:
    return [unescape(href) for href in re.findall(r'href="([^"]+)"', text.to_html(told(n).told, n, {}))]


def panel(app: AppTest) -> dict[str, Any]:
    """What the tour's component was given."""
    given = (json.loads(mounted.proto.json or "{}") for mounted in app.get("bidi_component"))
    (data,) = [data for data in given if isinstance(data, dict) and "n" in data]
    return data


@pytest.mark.parametrize("n", NUMBERS)
def test_a_steps_link_sets_its_figure_and_the_panel_above_it(n: int) -> None:
    app, query = following(text.of_step(n, {}))
    kept = {key: app.query_params[key] for key in query}  # a page drops what it does not understand
    assert kept == query
    assert panel(app)["n"] == n
    said = glossary.in_html(*(text.to_html(part, n, {}) for part in (told(n).ask, told(n).told)))
    assert (panel(app)["told"]["ask"], panel(app)["told"]["told"]) == said
    assert panel(app)["steps"][n - 1] == {"claim": STEPS[n - 1].claim, "href": text.of_step(n, {})}


@pytest.mark.parametrize("n", NUMBERS)
def test_the_words_of_a_step_set_its_figure(n: int) -> None:
    for href in links(n):
        # Some train; and what has no parameters is a short link, but for those who are there: see the browser's tests.
        if "go=1" in href or "&" not in href:
            continue
        app, query = following(href)
        assert {key: app.query_params[key] for key in query} == query, href
        assert panel(app)["n"] == (n if "tour" in query else 0), href


@pytest.mark.parametrize("n", NUMBERS)
def test_the_right_guess_is_one_of_the_options_and_no_option_stands_twice(n: int) -> None:
    said = told(n)
    assert bool(said.ask) == bool(said.options)
    assert len(set(said.options)) == len(said.options)
    assert not said.options or 0 <= said.right < len(said.options)


def test_no_number_in_a_step_is_written_out() -> None:
    tree = ast.parse(inspect.getsource(steps))
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    spoken = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    targets = re.compile(r"\]\([^)]*\)|<[^>]*>")
    written = [s for s in strings if s not in spoken and re.search(r"\d", targets.sub("", s))]
    formats = re.compile(r"[,.\d]*[fg%]")
    assert [s for s in written if not formats.fullmatch(s)] == []


def test_the_garment_is_accepted_by_as_many_as_the_lab_shows() -> None:
    app, _ = following(text.of_step(2, {}))
    cards = re.findall(r"<section.*?</section>", html(app))
    accepting = [card for card in cards if words.ACCEPT in card]
    said = told(2)
    assert f"**{len(accepting)} of {len(cards)}**" in said.told
    assert said.options[said.right] == str(len(accepting))
    turned, _ = following(next(href for href in links(2) if "rotation=90" in href))
    n_turned = html(turned).count(words.ACCEPT)
    in_words = ("none accepts", "one accepts", "two accept", "three accept", "four accept", "five accept")
    assert f"(rotation=90): {in_words[n_turned]} it" in said.told


@pytest.mark.parametrize(
    ("n", "method_id"), [(3, "deterministic"), (4, "deep_ensemble"), (4, "mc_dropout"), (5, "sngp")]
)
def test_the_crosses_are_accepted_as_the_maps_say(n: int, method_id: str) -> None:
    app, _ = following(text.of_step(n, {}))
    header, _ = component(app)
    panels = {each["title"]: each for each in header["panels"]}
    shown = panels[METHODS[method_id].label]
    subtitle = shown["subtitles"][shown["subtitle_of"][header["thresholds"].index(header["threshold"])]]
    (share,) = re.findall(r", ([^,]+%) of unseen", subtitle)
    assert percent(steps.accepted(method_id).ood_accepted) == share
    assert share in told(n).told


def test_every_method_is_said_to_accept_the_crosses_that_its_map_accepts() -> None:
    app = opened("pages/two_moons.py")  # as without the parameter that the words take away
    header, _ = component(app)
    at = header["thresholds"].index(header["threshold"])
    shares = {
        each["title"]: float(re.findall(r", ([\d.]+).% of unseen", each["subtitles"][each["subtitle_of"][at]])[0])
        for each in header["panels"]
    }
    too, most, least = re.findall(
        r"\(methods=\): (.*) ask it too, and accept at most ([\d.]+) %. "
        r"The others do not: (?:at least )?([\d.]+) %",
        spaced(told(5).told),
    )[0]
    asking = {"SNGP", *(label for label in shares if label in too)}
    assert 2 <= len(asking) < len(shares)
    assert max(shares[label] for label in asking) == float(most)
    assert min(share for label, share in shares.items() if label not in asking) == float(least)
    assert float(most) < float(least)


@pytest.mark.parametrize("parameter", ["", "gap_width="])
def test_the_band_opens_as_often_as_the_page_says(parameter: str) -> None:
    pressed = [href for href in links(6) if parameter and parameter in href]
    app, _ = following(pressed[0] if pressed else text.of_step(6, {}))
    ratios = dict(re.findall(r"\*\*([^*]+)\*\* ([\d.]+) times", answer(app)))
    several, thinned = (f"{float(ratios[label]):.3g}" for label in ("Deep ensemble", "MC Dropout"))
    said = told(6).told
    if parameter:
        assert f"(gap_width=3): {several} and {thinned} times" in said
    else:
        assert said.startswith(f"**{several} times**; MC Dropout's thinned networks, {thinned} times")
    assert any("gap_width" not in href and "lines" not in href for href in links(6)), "no way back"


@pytest.mark.parametrize("parameter", ["", "risk="])
def test_the_promise_is_the_pages(parameter: str) -> None:
    said, _, loose = spaced(told(7).told).partition("[Allow half a percent]")
    pressed = [href for href in links(7) if parameter and parameter in href]
    app, _ = following(pressed[0] if pressed else text.of_step(7, {}))
    lead = answer(app)
    (accepted,) = re.findall(r"accepts \*\*(.*?)\*\*", lead)
    (n_errors, n_accepted) = re.findall(r"\*\*([\d,]+)\*\* of these ([\d,]+)", lead)[0]
    (slipped,) = re.findall(r"\*\*([^*]+)\*\* slips through", lead)
    if parameter:
        assert f": {accepted}, {n_errors} of {n_accepted} wrong, {slipped} of garments" in loose
    else:
        assert said.startswith(f"**{accepted}**")
        assert f"On others: {n_errors} of {n_accepted} wrong" in said
        assert f"{slipped} of garments slip by" in said
    assert any("risk" not in href for href in links(7)), "no way back"


def test_a_short_link_goes_on_to_the_whole_one_from_any_page() -> None:
    for start in ("app.py", "pages/gallery.py"):
        app = opened(start, tour="4")
        assert panel(app) == {"n": 4, "goes": text.of_step(4, {})}
        assert not app.title
    assert panel(opened("app.py", tour="4", present="1"))["goes"] == text.of_step(4, {"present": "1"})


@pytest.mark.parametrize("asked", ["0", str(len(STEPS) + 1), "-1", "two", "1e3", ""])
def test_a_step_that_is_none_is_no_tour(asked: str) -> None:
    assert panel(opened("app.py", tour=asked))["n"] == 0


def test_a_missing_model_is_a_sentence_in_the_tour_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> steps.Told:
        raise UqError("Expected a model. Received: none.")

    monkeypatch.setattr(frame, "STEPS", (STEPS[0]._replace(tell=refuse), *STEPS[1:]))
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))  # of another store's models nothing is told here
    assert panel(opened("app.py", tour="1"))["told"]["told"] == "Expected a model. Received: none."


def test_every_step_has_notes() -> None:
    assert len(sections()) == 1 + len(STEPS)
    assert all(part.strip() for part in sections())


@pytest.mark.parametrize(
    ("link", "own"),
    [
        ("/digit_lab?noise=0.5", "/digit_lab?noise=0.5"),
        ("./two_moons", "/two_moons"),
        ("/?tour=1", "/?tour=1"),
        ("", "/"),
    ],
)
def test_links_of_this_server_can_stand_side_by_side(link: str, own: str) -> None:
    assert own_link(link) == own


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/",
        "//example.org/digit_lab",
        "/\\example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "../secret",
        "/a/b",
        "/?before=/&after=/",
        "/?notes=1",
        "\thttps://example.org",
        "//[",
        "http://[::1",
    ],
)
def test_other_links_do_not(link: str) -> None:
    with pytest.raises(UqError, match="Expected a link to a page here"):
        own_link(link)


def test_before_and_after_stand_side_by_side_and_a_wrong_link_is_a_sentence() -> None:
    app = opened("app.py", before="/digit_lab?noise=0.1", after="https://example.org/")
    frames = [each.proto.src for each in app.get("iframe")]
    assert frames == ["/digit_lab?noise=0.1"]
    assert len(app.warning) == 1


def test_markup_is_escaped_and_a_parameter_without_a_value_is_left_out() -> None:
    made = text.to_html("a < b, **bold** and *stressed*: [turn](rotation=90&noise=)", 2, {"present": "1"})
    assert made.startswith("a &lt; b, <strong>bold</strong> and <em>stressed</em>: ")
    (href,) = re.findall(r'href="([^"]+)"', made)
    query = parse_qs(urlsplit(unescape(href)).query)
    assert query == {
        "tour": ["2"],
        "present": ["1"],
        "source": ["Pick"],
        "images": ["Fashion-MNIST"],
        "rotation": ["90"],
    }
    away = text.to_html("[your own](/threshold_lab?predictions=Your+own)", 9, {"present": "1"})
    assert away == '<a href="threshold_lab?present=1&amp;predictions=Your+own">your own</a>'


def test_home_tells_every_claim_to_those_who_scroll_and_leads_to_its_step() -> None:
    shown = html(opened("app.py"))
    for n, step in enumerate(STEPS, start=1):
        assert f'<a href="{escape(text.of_step(n, {}))}" target="_self">{escape(step.claim)}</a>' in shown
    assert 'class="story"' not in html(opened("app.py", tour="1"))
