"""A map a method over the plane, with the data on it, and what every method says of the point that is picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from ui import charts, controls, shelf
from ui.components import Chosen, Frames, Panel, PointGroup, surfaces
from ui.words import two_moons as words
from uqcore.exhibits.moons import Surface, Uncut, View
from uqcore.exhibits.verdicts import OWN, judge
from uqcore.plots.palette import DIVERGING, SEQUENTIAL
from uqcore.plots.spread import probability_spread
from uqcore.types import Dataset, Draws, UqError

THRESHOLD, OPENS_AT = "moons_threshold", 0.5  # its name in links
_OF_SCALE = {OWN: "Doubt, by each method's own measure"}


class Map(NamedTuple):
    """A method's view, and what stands below its name: at each of `ui.controls.THRESHOLDS`, or always the same."""

    uncut: Uncut
    subtitles: Sequence[str]


def show(
    maps: Mapping[str, Map], view: View, dataset: Dataset, *, key: str = "surfaces",
    frames: Frames | None = None, reveal: str = "",
) -> Chosen:  # fmt: skip
    """The maps, by their labels, over the grid of ``dataset``, whose points are drawn; ``reveal``: see `surfaces`."""
    grid, train, names = dataset.grid, dataset.train, dataset.class_names
    if grid is None:
        raise UqError(f"Expected a task with a grid. Received: {dataset.task_id}.")
    classes = [PointGroup(f"training, {name}", train.x[train.y == k]) for k, name in enumerate(names)]
    groups = [*classes[:2], PointGroup("never seen in training", dataset.ood["cluster"]), *classes[2:]]
    return surfaces(
        [
            Panel(label, one.uncut.shown, one.subtitles, one.uncut.uncertainty if view.shows_probability else None)
            for label, one in maps.items()
        ],
        x_range=(float(grid.x[0]), float(grid.x[-1])),
        y_range=(float(grid.y[0]), float(grid.y[-1])),
        value_range=(0, 1),
        colormap=DIVERGING if view.shows_probability else SEQUENTIAL,
        label=_OF_SCALE.get(view.view_id, view.label),
        points=groups,
        threshold=controls.linked_threshold(THRESHOLD, OPENS_AT),
        thresholds=controls.THRESHOLDS,
        point=controls.point(),
        frames=frames,
        reveal=reveal,
        key=key,
    )


def keep(chosen: Chosen) -> tuple[tuple[float, float] | None, float]:
    """Puts point and threshold into the link, and gives them back."""
    threshold = OPENS_AT if chosen.threshold is None else chosen.threshold
    controls.keep_linked_threshold(THRESHOLD, OPENS_AT, threshold)
    return controls.keep_point(chosen.point), threshold


def explain(view: View) -> None:
    st.caption(
        f"{view.description} Points whose uncertainty is at most the threshold are accepted, the others deferred "
        "(hatched). Click a surface to ask every method about a point."
    )


def ask(
    point: tuple[float, float],
    answers: Mapping[str, Draws],
    seen: Mapping[str, Surface],
    threshold: float,
    class_names: Sequence[str],
) -> None:
    """What each method, by its label, says at a point: the samples' probabilities, and its verdict."""
    st.header(f"What each method says at ({point[0]:.2f}, {point[1]:.2f})", anchor=False)
    gauges = {label: seen[label].gauge for label in answers}
    verdicts = {
        label: judge(drawn, gauges[label].measure_id, gauges[label].threshold(threshold))[0]
        for label, drawn in answers.items()
    }
    left, right = st.columns([5, 6])
    spread = probability_spread(
        list(answers),
        [d.probs[:, 0, 1] for d in answers.values()],
        [v.probs[1] for v in verdicts.values()],
        f"probability of the {class_names[1]}: samples (lines), prediction (diamond)",
        shelf.places(),
    )
    charts.chart(spread, "spread", left)
    right.html(words.verdict_table(verdicts, class_names))
