"""What stands below the threshold, one section a file: the row of buttons, and the section that is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from ui import controls, words
from ui.threshold.sections import article, classes, costs, examples, groups, measures, methods, models, sets, take_home
from ui.threshold.source import Source
from uqcore.reproduce import mnist_article
from uqcore.tuning import Goal, Study, Tuned
from uqcore.types import UqError


class Section(NamedTuple):
    """Its name on the button, what shows it, and whether it has anything to say of what is looked at."""

    title: str
    show: Callable[[Source, Study, Goal, Tuned], None]
    fits: Callable[[Source, Study], bool]


def _labelled(source: Source, study: Study) -> bool:
    return study.has_labels


SECTIONS = {
    "examples": Section("Examples", examples.show, lambda source, study: True),
    "methods": Section(
        "Methods", methods.show, lambda source, study: study.has_labels and source.method_id is not None
    ),
    "models": Section("Models", models.show, lambda source, study: study.has_labels and len(source.models) > 1),
    "measures": Section("Measures", measures.show, _labelled),
    "costs": Section("Costs", costs.show, _labelled),
    "classes": Section("Classes", classes.show, _labelled),
    "groups": Section("Groups", groups.show, lambda source, study: study.predictions.group is not None),
    "sets": Section("Prediction sets", sets.show, _labelled),
    "home": Section("Take home", take_home.show, lambda source, study: True),
    "article": Section(article.TITLE, article.show, lambda source, study: source.task == mnist_article.TASK),
}


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    """A row of buttons and the section that is chosen; the others cost nothing."""
    titles = {key: section.title for key, section in SECTIONS.items() if section.fits(source, study)}
    chosen = controls.choice("Look closer", titles, f"look_{len(titles)}", next(iter(titles)))
    try:
        SECTIONS[chosen].show(source, study, goal, tuned)
    except UqError as error:
        st.error(words.sentence(str(error)))
