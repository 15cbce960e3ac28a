"""The frame of every page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import fairness, glossary, history, log, memory, shelf, uploads, words
from ui.html import Html
from ui.tour import frame, views
from uqcore.networks.parallel import one_blas_thread

_CSS, _FIGURE_ONLY, _ON_TOUR, _PRESENTED = (
    (Path(__file__).parent / f"{name}.css").read_text("utf-8")
    for name in ("style", "figure_only", "on_tour", "presented")
)
# Of a file Streamlit makes the same at every opening; a Material icon would be fetched from another host.
_ICON = f"data:image/svg+xml;base64,{b64encode((Path(__file__).parent / 'icon.svg').read_bytes()).decode('ascii')}"


class Invitation(NamedTuple):
    """A tile of the home page: what to do behind a door, the link's parameters, and an icon if it is not the door's."""

    label: str
    text: str
    query: Mapping[str, str] = {}
    icon: str = ""


class Onward(NamedTuple):
    """What a page says at its end: what to see on it, what to try, and where to go on to."""

    see: str
    attempt: str
    path: str
    label: str
    query: Mapping[str, str] = {}


class Door(NamedTuple):
    """A page: its file, its name and icon in the row of links, what comes after it, its tiles on the home page, and its
    title where that is not its name."""

    path: str
    label: str
    icon: str
    onward: Onward
    invitations: tuple[Invitation, ...] = ()
    title: str = ""


# The one list of pages: links, tiles, what to look at next, and tests come from it.
# Streamlit finds pages/ by itself, which, unlike st.navigation, also serves a link into a server that has just started.
DOORS = (
    Door(
        "app.py",
        "Home",
        ":material/home:",
        Onward(
            "nobody can say “this is no digit”; look who defers it at least.",
            "turn the T-shirt by hand, to where most accept it.",
            "app.py",
            "the guided tour, from the first step",
            {"tour": "1"},
        ),
        (
            Invitation(
                "Take the guided tour",
                "Guess, then see: what networks do not know, step by step.",
                {"tour": "1"},
                ":material/explore:",
            ),
        ),
        "What does a neural network not know?",
    ),
    Door(
        "pages/two_moons.py",
        "Two moons",
        ":material/scatter_plot:",
        Onward(
            "the crosses in the corner: on whose map are they hatched?",
            "pull the threshold down until an ensemble defers them too, and watch what else it then defers.",
            "pages/digit_lab.py",
            "the same with pictures: a T-shirt shown to digit readers",
            {"source": "Pick", "images": "Fashion-MNIST"},
        ),
        (Invitation("See it on two moons", "Every method's uncertainty over one plane, side by side."),),
    ),
    Door(
        "pages/digit_lab.py",
        "Digit lab",
        ":material/draw:",
        Onward(
            "whether the cards agree on the class, and whether they agree to trust it.",
            "turn the image slowly, and watch who hesitates first.",
            "pages/threshold_lab.py",
            "how unsure is too unsure? Choose a threshold",
        ),
        (
            Invitation("Draw a digit", "Every method reads your handwriting and says how sure it is."),
            Invitation(
                "Try a garment",
                "Show the digit readers Fashion-MNIST, add noise, turn it, and watch who notices.",
                {"source": "Pick", "images": "Fashion-MNIST"},
                ":material/checkroom:",
            ),
        ),
    ),
    Door(
        "pages/threshold_lab.py",
        "Threshold lab",
        ":material/tune:",
        Onward(
            "how much of the dotted unseen lies left of the threshold: no promise covers it.",
            "ask for a smaller risk, and see what that costs in coverage.",
            "pages/gallery.py",
            "which images are these? The doubtful ones in the gallery",
        ),
        (Invitation("Choose a threshold", "Certify a risk, on our models or on your predictions."),),
    ),
    Door(
        "pages/regression.py",
        "Regression",
        ":material/show_chart:",
        Onward(
            "the bands in the grey gap: who admits that there is no data?",
            "click into the gap: a point added there pulls every band together.",
            "pages/two_moons.py",
            "see networks learn, on two moons",
            {"models": "Train now"},
        ),
        (Invitation("Fit a curve", "How wide is the band where there is no data? Click to add some."),),
    ),
    Door(
        "pages/gallery.py",
        "Gallery",
        ":material/photo_library:",
        Onward(
            "the numbers in bold: read wrong. Are they among the least sure?",
            "choose another measure of uncertainty, and see which pictures come to the front.",
            "pages/scoreboard.py",
            "which method is best, and at what?",
        ),
        (Invitation("Browse the doubtful", "The digits that a model is surest and least sure of."),),
    ),
    Door(
        "pages/train.py",
        "Train",
        ":material/model_training:",
        Onward(
            "what you trained beside ours, and where its two learning curves part: from there on it learns by heart.",
            "fewer epochs or more weight decay, beside the model that was trained before.",
            "pages/digit_lab.py",
            "draw something for the models to read",
        ),
        (Invitation("Train a model", "Any task and method, with settings of your own, beside ours."),),
    ),
    Door(
        "pages/scoreboard.py",
        "Scoreboard",
        ":material/leaderboard:",
        Onward(
            "the squares: they are rules without a trained network. Which methods are above them?",
            "what finds the model's own errors, and whether the same method finds the unseen.",
            "pages/reproductions.py",
            "do published numbers come out here?",
        ),
        (Invitation("Compare the methods", "How good are the uncertainties, over seeds, beside no network at all?"),),
    ),
    Door(
        "pages/reproductions.py",
        "Reproductions",
        ":material/fact_check:",
        Onward(
            "the small print below our numbers: what had to come out for a row to agree.",
            "read what differs between a source and us, above its table, and how far the numbers then lie apart.",
            "app.py",
            "the guided tour, from the first step",
            {"tour": "1"},
        ),
        (Invitation("Check the numbers", "Do published figures of others come out here?"),),
    ),
)


def show(label: str, body: Callable[[DeltaGenerator], None]) -> None:
    """The page called ``label`` in `DOORS`: navigation, title, what ``body`` shows, and where to go on to.

    ``body`` gets the place for the page's answer, which is known only further down. It is a fragment: when one of its
    controls moves, it alone runs again, which takes half of the time of the whole page.
    """
    (door,) = (door for door in DOORS if door.label == label)
    with fairness.turn(opens=True):
        _begin(door)
        with st.container(height=1, border=False, key="page"):  # until the style is there: nothing is seen that jumps
            _top(door)
            st.fragment(partial(_answered, body))()
            _onward(door.onward)


def _answered(body: Callable[[DeltaGenerator], None]) -> None:
    with fairness.turn():
        body(st.container(key="answer"))


def part(body: Callable[[], None]) -> None:
    """What runs again by itself when one of its own controls moves: sliders and what follows them, without the choices
    above. Every element that a run shows costs a fifth of a millisecond.

    It may show things in containers that were made before it, but at a move only in those that it showed something in
    before: what decides that is worked out before it.
    """
    st.fragment(partial(_in_turn, body))()


def _in_turn(body: Callable[[], None]) -> None:
    with fairness.turn():
        body()


def _begin(door: Door) -> None:
    """What is not seen, and the style."""
    one_blas_thread()
    memory.give_back()
    log.shorten()
    history.take_whole_link()
    uploads.guard()
    st.set_page_config(page_title=f"{_title(door)} · Uncertainty Lab", page_icon=_ICON)  # as wide as the style says
    presented, toured = frame.is_presented(), is_on_tour()
    st.html(_style(presented, toured))
    if views.taken():
        st.stop()


@cache
def _style(presented: bool, toured: bool) -> Html:
    figure_only = _FIGURE_ONLY * (presented or toured)
    return Html(f'<style class="page">{_CSS}{figure_only}{_PRESENTED * presented}{_ON_TOUR * toured}</style>')


@cache
def at(path: str) -> st.Page:
    """What a link leads to, as Streamlit knows it. Given the path, it looks for the file at every opening."""
    return st.Page(Path(__file__).parents[1] / path, default=path == DOORS[0].path)


def _title(door: Door) -> str:
    return door.title or door.label


def _top(door: Door) -> None:
    """Navigation and title."""
    if frame.is_presented() or is_on_tour():
        frame.show(door.path)
    else:
        with st.container(horizontal=True, key="doors"):
            for each in DOORS:
                st.page_link(at(each.path), label=each.label, icon=each.icon)
            frame.show(door.path)
    st.title(_title(door), anchor=False)
    glossary.show(door.label)
    shelf.tell_of_others()


def is_presented() -> bool:
    """Whether the page is shown to an audience, on one screen as far as it can be."""
    return frame.is_presented()


def is_on_tour() -> bool:
    """Whether a step of the guided tour stands above the page."""
    return frame.step() > 0


def _onward(after: Onward) -> None:
    """At the end of a page: what to see, what to try, and a link on."""
    with st.container(key="onward"):
        st.markdown(f"**See** {after.see} **Try:** {after.attempt}")
        st.page_link(
            at(after.path),
            label=f"Next: {after.label}",
            icon=":material/arrow_forward:",
            query_params=dict(after.query),
        )


def fold(label: str) -> None:
    """On a phone, what opens the containers whose keys begin with ``folds_``, so that the answer stands next to what is
    touched; one a page. Elsewhere they are open. The browser does it alone."""
    st.html(f'<details class="fold"><summary>{label}</summary></details>')


def tiles() -> None:
    """What there is to do, in rows of five, which the style makes: columns are a message each."""
    with st.container(key="tiles"):
        for door in DOORS:
            for label, text, query, icon in door.invitations:
                with st.container(border=True, height="stretch"):
                    st.page_link(at(door.path), label=f"**{label}**", icon=icon or door.icon, query_params=dict(query))
                    st.markdown(text)


def answer(place: DeltaGenerator, lead: str, problems: Sequence[str]) -> None:
    """The page's answer (Markdown), with its terms marked, and a sentence for all that could not be had: the page works
    on with the rest."""
    place.markdown(glossary.in_markdown(lead))
    for sentence in problems:
        place.warning(words.sentence(sentence), icon=":material/build:")
