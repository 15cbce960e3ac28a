"""The controls of a training: data, methods, network. All of them are in the link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ui import controls, uploads
from ui.components import points_pad
from ui.controls import put_in_url
from ui.words import sentence
from ui.words import two_moons as words
from uqcore.datasets.moons import GRID
from uqcore.live import LIVE_METHODS, PRESETS, RANGES, Setting
from uqcore.live.data import dataset
from uqcore.live.estimate import refuse_too_long
from uqcore.live.own_points import COLUMNS, read_csv
from uqcore.live.setting import MOST_CLASSES, OWN_POINTS, Point
from uqcore.live.shapes import SHAPES
from uqcore.methods import METHODS
from uqcore.types import UqError

_PRESETS = {"quick": "Quick", "tutorial": "As in the tutorial"}
_IN_ROW = 3
_STEPS = {"noise": 0.05, "n_points": 50, "cluster_x": 0.25, "cluster_y": 0.25, "width": 8, "dropout": 0.05,
          "bound": 0.05, "n_random_features": 16, "learning_rate": 0.0001, "epochs": 10}  # fmt: skip
_OF_DATA = ("n_points", "noise", "cluster_x", "cluster_y", "seed")
_OF_NETWORK = ("depth", "width", "dropout", "bound", "n_random_features", "n_members", "learning_rate", "epochs",
               "svi_epochs")  # fmt: skip
_POINTS, _PAD = "t_points", "t_pad_of"
_SEEN = 300  # of the training points, on the small plane
_LABELS = {"noise": "Noise (deviation)", "svi_epochs": "SVI, epochs for each"}


def choose(row: DeltaGenerator, more: DeltaGenerator) -> tuple[Setting | None, DeltaGenerator, list[str]]:
    """What is asked for, the place of the button that trains, which is in ``row`` beside presets and data, and a
    sentence where it cannot be trained; nothing asked and no sentence while points are still to be painted. Points are
    painted in ``row`` too; all else that needs room is in ``more``.
    """
    with row.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        preset = controls.choice("Settings", _PRESETS, "preset", "quick")
        kinds = {kind: shape.label.capitalize() for kind, shape in SHAPES.items()} | {OWN_POINTS: "Your own points"}
        kind = controls.choice("Data", kinds, "t_kind", "moons")
        n_classes = 2
        if kind != OWN_POINTS and SHAPES[kind].most_classes > 2:
            n_classes = int(controls.choice("Classes", {"2": "Two", "3": "Three"}, "t_classes", "2"))
        button = st.container(horizontal=True, gap="small", vertical_alignment="center", width="content")
    values: dict[str, Any] = {"kind": kind, "n_classes": n_classes}
    usual = PRESETS[preset]
    with more.expander("Methods, data, network and training", key="t_more"):
        known = {method_id: METHODS[method_id] for method_id in LIVE_METHODS}
        values["methods"] = tuple(controls.shown(known, "t_methods"))
        left, right = st.columns([2, 3], gap="medium")
        _take_dragged(preset)
        with right:
            for names in (_OF_DATA, _OF_NETWORK):
                drawn = [name for name in names if kind != OWN_POINTS or name not in ("n_points", "noise")]
                for column, name in controls.in_rows(drawn, _IN_ROW):
                    values[name] = _number(name, getattr(usual, name), preset, column)
    cluster = values["cluster_x"], values["cluster_y"]
    try:
        if kind == OWN_POINTS:
            with row:
                values["points"] = _points(cluster)
            if not values["points"]:
                return None, button, []
            values["n_points"] = len(values["points"])
        asked = Setting(**values)
    except UqError as error:
        return None, button, [str(error)]
    if kind != OWN_POINTS:
        with left:
            train = dataset(asked).train
            seen = [(x, y, k) for (x, y), k in zip(train.x[:_SEEN].tolist(), train.y[:_SEEN].tolist(), strict=True)]
            _pad(seen, cluster, paints=False, key=_PAD)
    try:
        refuse_too_long(asked)
    except UqError as error:
        return None, button, [str(error)]
    return asked, button, []


def _pad(points: Sequence[Point], cluster: tuple[float, float], *, paints: bool, key: str) -> tuple[Point, ...]:
    painted = points_pad(
        points,
        cluster,
        paints=paints,
        n_classes=MOST_CLASSES,
        x_range=(float(GRID.x[0]), float(GRID.x[-1])),
        y_range=(float(GRID.y[0]), float(GRID.y[-1])),
        most=int(RANGES["n_points"].most),
        key=key,
    )
    if painted.cluster is not None and painted.cluster != st.session_state.get("t_dragged"):
        st.session_state["t_dragged"] = st.session_state["t_drag"] = painted.cluster
        st.rerun()  # the numbers stand before the pad
    return painted.points


def _take_dragged(preset: str) -> None:
    """Puts the numbers to where the cluster was dragged since the last run."""
    dragged = st.session_state.pop("t_drag", None)
    if dragged is not None:
        for name, value in zip(("cluster_x", "cluster_y"), dragged, strict=True):
            st.session_state[_key(name, preset)] = value


def _key(name: str, preset: str) -> str:
    return f"t_{name}" if preset == "quick" else f"t_{name}_{preset}"


def _number(name: str, usual: float, preset: str, place: DeltaGenerator) -> float:
    """A number in its range; each preset has its own, so that one starts from where it says."""
    least, most, label = RANGES[name]
    whole = isinstance(usual, int)
    made = int if whole else float
    return controls.number(
        _LABELS.get(name, label[0].upper() + label[1:]),
        made(least),
        made(most),
        usual,
        _key(name, preset),
        made(_STEPS.get(name, 1)),
        place,
        format="%d" if whole else "%g",
        help=f"{RANGES[name]}".capitalize() + ".",
    )


def _brought(file: UploadedFile, before: tuple[Point, ...]) -> tuple[Point, ...]:
    """The points of a file, once: what is painted afterwards is added to them. What was understood stays beside it."""
    if st.session_state.get("t_read") != file.file_id:
        st.session_state["t_read"] = file.file_id
        try:
            read = read_csv(uploads.content(file))
        except UqError as error:
            st.session_state["t_said"] = False, sentence(str(error))
        else:
            st.session_state["t_said"] = True, words.brought(read.class_names, read.scaled)
            st.session_state["t_pad"] = st.session_state.get("t_pad", 0) + 1  # another pad, which starts from these
            before = read.points
    read_well, said = st.session_state["t_said"]
    (st.info if read_well else st.error)(said)
    return before


def _points(cluster: tuple[float, float]) -> tuple[Point, ...]:
    """The points that the visitor has painted or brought, which are in the link; none while they are of one class."""
    linked: tuple[Point, ...] = ()
    try:
        if kept := st.query_params.get(_POINTS, st.session_state.get(_POINTS, "")):
            linked = Setting.from_params({"kind": OWN_POINTS, "points": kept}).points
    except UqError as error:
        st.warning(sentence(str(error)))
    left, right = st.columns(2, gap="medium")
    with right:
        file = st.file_uploader(
            f"Or a CSV file with the columns {', '.join(COLUMNS)}", type=["csv"], key="t_file", max_upload_size=1
        )
        if file is not None:
            linked = _brought(file, linked)
    with left:
        points = _pad(linked, cluster, paints=True, key=f"{_PAD}_{st.session_state.get('t_pad', 0)}")
    used = {label for _, _, label in points}
    if len(used) < 2 or used != set(range(len(used))):
        put_in_url(_POINTS, None)
        return ()
    text = Setting(kind=OWN_POINTS, points=points).to_params()["points"]
    st.session_state[_POINTS] = text
    put_in_url(_POINTS, text)
    return points
