"""What the home page opens with: a garment that turns, and who takes it for a digit meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import streamlit as st

from ui import controls, shelf
from ui.budget import kept
from ui.components import Row, turning
from ui.shelf import Stored
from ui.thumbs import png_url
from ui.words import ACCEPT, DEFER
from uqcore.exhibits import front_page
from uqcore.exhibits.front_page import ANGLES, Said
from uqcore.plots.palette import series_style
from uqcore.text import percent
from uqcore.types import FloatArray, UqError


class Shown(NamedTuple):
    """What the models say, label -> answers: all of them to `inputs`, the committed ones to the garment."""

    of_inputs: dict[str, Said]
    of_garment: dict[str, Said]


@kept()
def _said(stored: Stored) -> tuple[Said, Said]:
    return front_page.said(stored.store, stored.record)


def said() -> tuple[Shown, list[str]]:
    """What the models say, and a sentence for each that is missing."""
    shown, problems = Shown({}, {}), []
    for key in shelf.labels(front_page.TASK):
        try:
            stored = shelf.find(front_page.TASK, key)
            of_inputs, of_garment = _said(stored)
        except UqError as error:
            problems.append(str(error))
            continue
        shown.of_inputs[stored.label] = of_inputs
        if not stored.own:
            shown.of_garment[stored.label] = of_garment
    return shown, list(dict.fromkeys(problems))  # a damaged manifest is one sentence, not seven


class Pictures(NamedTuple):
    """Name -> input, and the URL of one picture of the garment at every angle."""

    inputs: dict[str, FloatArray]
    sheet: str


def pictures() -> tuple[Pictures, list[str]]:
    """Those that are kept, or else drawn of the data, with a sentence on why. UqError: nor can these be read."""
    try:
        return _pictures(False), []
    except UqError as error:
        return _pictures(True), [str(error)]


@kept()
def _pictures(drawn: bool) -> Pictures:
    inputs, turned = front_page.drawn() if drawn else front_page.pictures()
    return Pictures(inputs, png_url(turned, len(ANGLES)))


def garment(sheet: str, answers: Mapping[str, Said]) -> None:
    """The garment, which turns, before the models; ``sheet`` as in `Pictures`."""
    if not answers:
        return
    data = front_page.dataset()
    rows = [
        Row(
            label,
            series_style(controls.PLACES[label]).color,
            [data.class_names[k] for k in said.labels],
            [percent(float(share)) for share in said.confidences],
            said.accepted.tolist(),
        )
        for label, said in answers.items()
    ]
    turning(sheet, ANGLES, rows, alt="A T-shirt", accept=ACCEPT, defer=DEFER, key="turning")
    fooled = int(np.count_nonzero(np.any([said.accepted for said in answers.values()], axis=0)))
    st.caption(
        f"The first T-shirt of the test images, turned once around, and what methods say of it that have learnt "
        f"{data.noun}s and nothing else. High marks: the method accepts it as a {data.noun} at this angle. "
        f"At {fooled} of {len(ANGLES)} angles at least one method does."
    )
