"""The controls of the regression page: the data, the view, and points that are added by clicking."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import controls
from ui.components import Points
from ui.controls import BIND, put_in_url
from uqcore.datasets import sine
from uqcore.exhibits.function_table import setting_of
from uqcore.exhibits.functions import MAX_ADDED, N_LINES, Y_RANGE, Setting

_RANGES = {"y_noise": ("Noise", 0.0, 0.5), "gap_at": ("Gap, centre", -2.0, 2.0), "gap_width": ("Gap, width", 0.5, 3.0)}


class Look(NamedTuple):
    """How the functions are drawn."""

    n_samples: int
    n_members: int
    n_stds: float
    n_lines: int


def setting(row: DeltaGenerator) -> Setting:
    """The noise, the gap and the added points; a move of any of them fits every method again."""

    def slider(key: str, start: float, step: float, help: str | None = None) -> float:
        return row.slider(*_RANGES[key], start, step, key=key, bind=BIND, help=help)

    noise = slider("y_noise", sine.NOISE, 0.1, "Of y, as a deviation.")
    center, width = slider("gap_at", 0.0, 0.5), slider("gap_width", 2.0, 0.5)
    return setting_of(noise, center, width, _added())


def layout() -> tuple[bool, bool]:
    """Whether all functions are in one plot, and whether the bands are those of the noisy data."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layout = controls.choice("Show", {"apart": "Side by side", "together": "Overlaid"}, "layout", "apart")
        with_noise = st.toggle("Band with the noise", key="band_noise", bind=BIND)
    return layout == "together", with_noise


def look(row: DeltaGenerator, most_members: int) -> Look:
    n_samples = controls.samples(row)
    n_members = controls.members(most_members, row)
    n_stds = row.slider("Band, in deviations", 0.5, 3.0, 2.0, 0.5, key="stds", bind=BIND)
    n_lines = row.slider(
        "Functions drawn", 0, N_LINES, 8, key="lines", bind=BIND, help="A sample is a function: each thin line is one."
    )
    return Look(n_samples, n_members, n_stds, n_lines)


def points(setting: Setting) -> Points:
    """The training points and the added ones, to be drawn."""
    train = setting.dataset.train
    extra = np.array(setting.added, np.float64).reshape(-1, 2)
    return Points(np.append(train.x[:, 0], extra[:, 0]), np.append(train.y, extra[:, 1]), len(extra))


def add(point: tuple[float, float], setting: Setting) -> None:
    """Adds a clicked point, and runs the page again with it."""
    put_in_url("points", _text((*setting.added, (round(point[0], 2), round(point[1], 2)))))
    st.rerun()


def added(setting: Setting) -> None:
    """What clicking does, and a way back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        n = len(setting.added)
        said = "Click a plot to add a point: every method is fitted again."
        if n:
            said += f" {n} added, each counting as ten" + ("; there is room for no more." if n == MAX_ADDED else ".")
        st.caption(said)
        if n and st.button("Remove the last", key="remove_last"):
            put_in_url("points", _text(setting.added[:-1]) or None)
            st.rerun()


def left_out() -> list[str]:
    """A sentence for each number in the link that is out of range, before the controls drop it. To be asked first."""
    problems = []
    link = st.query_params.to_dict()  # once: to ask for one takes 10 µs, and for the next again
    for key, (label, low, high) in _RANGES.items():
        text = link.get(key)
        if text is not None and not _is_within(text, low, high):
            problems.append(f"{label} must be from {low:g} to {high:g}. The link says {text[:20]}: it is left out.")
    asked = [pair for pair in link.get("points", "").split(";") if pair]
    if (n := len(asked) - len(_added())) > 0:
        x, y = (f"from {low:g} to {high:g}" for low, high in (sine.EDGES, Y_RANGE))
        problems.append(
            f"Expected at most {MAX_ADDED} points in the link, each as x,y with x {x} and y {y}. "
            f"{n} of {len(asked)} {'is' if n == 1 else 'are'} left out."
        )
    return problems


def _added() -> tuple[tuple[float, float], ...]:
    """The points in the link; what is no pair of numbers in range is left out."""
    found = []
    for pair in st.query_params.get("points", "").split(";"):
        x, _, y = pair.partition(",")
        if _is_within(x, *sine.EDGES) and _is_within(y, *Y_RANGE):
            found.append((float(x), float(y)))
    return tuple(found[:MAX_ADDED])


def _is_within(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False


def _text(added: tuple[tuple[float, float], ...]) -> str:
    return ";".join(f"{x:g},{y:g}" for x, y in added)
