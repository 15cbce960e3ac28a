"""What each kind of error costs: a table to edit, a file to bring, and the link that keeps what was changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from ui import controls, uploads, words
from ui.history import is_from_history
from uqcore.tuning.cost_file import read_costs
from uqcore.types import FloatArray, UqError

Cells = dict[tuple[int, int], float]
"""(truth, predicted) -> cost, of the cells that are not as all others."""

MOST_IN_LINK = 100
"""Cells that a link carries."""

MOST_IN_TABLE = 1000
"""Classes of which the browser is sent a table: 8 MB of costs."""

_MAX_UPLOAD_MB = 16
_PARAMETER = "costs"
_IN_LINK = re.compile(r"(\d{1,5}),(\d{1,5}),(-?\d{1,12}(?:\.\d{1,12})?(?:e[+-]?\d{1,2})?)")


def ask(class_names: Sequence[str], matrix: FloatArray, error: float) -> FloatArray:
    """``matrix (K, K)``, ``[truth, predicted]``, with what the visitor, a file or the link has changed of it.

    ``error``: what all kinds of errors cost where nobody said otherwise.
    """
    is_new = "cost_changes" not in st.session_state or is_from_history()
    kept: dict[Sequence[str], Cells] = st.session_state.setdefault("cost_changes", {})
    if is_new and (linked := from_link(st.query_params.get(_PARAMETER, ""), len(class_names))):
        kept[class_names] = linked
        _begin_anew()
    changes = kept.setdefault(class_names, {})
    with st.popover("Kinds of error", help="What each kind of error costs, in a table or from a file."):
        table = st.container()
        _from_file(class_names, matrix, changes)
        with table:
            if len(class_names) <= MOST_IN_TABLE:
                changed = _edited(class_names, matrix, changes, error)
            else:
                st.caption(f"Of more than {MOST_IN_TABLE:,} classes there is no table: costs come from a file.")
                changed = _changed(matrix, changes)
            if st.button("Make all the same again", disabled=not changes):
                _replace(changes, matrix, matrix)
                st.rerun()
        if len(changes) > MOST_IN_LINK:
            st.caption("So many costs are kept for this visit alone; the link has none of them.")
    controls.put_in_url(_PARAMETER, in_link(changes, len(class_names)) or None)
    return changed


def in_link(changes: Mapping[tuple[int, int], float], n_classes: int) -> str:
    """The changes as a link has them: K, then truth, predicted and cost of each; nothing where there are none, or too
    many."""
    if not 0 < len(changes) <= MOST_IN_LINK:
        return ""
    cells = (f"{truth},{predicted},{cost:.12g}" for (truth, predicted), cost in sorted(changes.items()))
    return "_".join([str(n_classes), *cells])


def from_link(text: str, n_classes: int) -> Cells:
    """What `in_link` wrote; nothing where it is not of so many classes, or something else."""
    found: Cells = {}
    of, *parts = text.split("_")
    if of != str(n_classes) or len(parts) > MOST_IN_LINK:
        return found
    for part in parts:
        match = _IN_LINK.fullmatch(part)
        if match is None or int(match[1]) >= n_classes or int(match[2]) >= n_classes:
            return {}
        found[int(match[1]), int(match[2])] = float(match[3])
    return found


def _from_file(class_names: Sequence[str], matrix: FloatArray, changes: Cells) -> None:
    """A file that was not read before takes the place of what was changed until then."""
    uploaded = st.file_uploader(
        "From a file",
        key=f"cost_file_{len(class_names)}",
        max_upload_size=_MAX_UPLOAD_MB,
        help="CSV: the first row names the predicted classes, the first column the true ones, in any order.",
    )
    if uploaded is None:
        return
    which = (uploaded.file_id, class_names)
    if st.session_state.get("cost_file_read", (None, ""))[0] != which:
        problem = ""
        try:
            data = uploads.content(uploaded)
            with uploads.BUDGET.turn(len(data)):
                _replace(changes, matrix, read_costs(data, class_names))
        except UqError as error:
            problem = str(error)
        st.session_state["cost_file_read"] = (which, problem)
    if problem := st.session_state["cost_file_read"][1]:
        st.warning(words.sentence(problem))


def _replace(changes: Cells, matrix: FloatArray, values: FloatArray) -> None:
    changes.clear()
    changes |= _differing(matrix, values)
    _begin_anew()


def _begin_anew() -> None:
    """The editor keeps its changes under its key, which this is a part of."""
    st.session_state["cost_resets"] = st.session_state.get("cost_resets", 0) + 1


def _differing(matrix: FloatArray, values: FloatArray) -> Cells:
    return {(int(i), int(j)): float(values[i, j]) for i, j in np.argwhere(values != matrix)}


def _changed(matrix: FloatArray, changes: Cells) -> FloatArray:
    values = matrix.copy()
    for place, cost in changes.items():
        values[place] = cost
    return values


def _edited(class_names: Sequence[str], matrix: FloatArray, changes: Cells, error: float) -> FloatArray:
    """The matrix as the visitor has changed it; an emptied cell counts as it was.

    Streamlit forgets the editor's changes when it is not on the page or is given other data, so they are kept apart,
    and the editor is given the same data for as long as it stays.
    """
    st.markdown(
        "A row a true class, a column a predicted one. A cell that you change no longer follows *Cost of an error*."
    )
    key = f"matrix_{len(class_names)}_{error}_{st.session_state.get('cost_resets', 0)}"
    start = st.session_state.get("cost_start")
    if start is None or start[0] != (key, class_names) or key not in st.session_state:
        start = st.session_state["cost_start"] = ((key, class_names), _changed(matrix, changes))
    edited = st.data_editor(
        {"truth": [words.shortened(name, 60) for name in class_names]}
        | {f"{k}": start[1][:, k].tolist() for k in range(len(class_names))},
        column_config={"truth": st.column_config.TextColumn("", pinned=True)}
        | {f"{k}": st.column_config.NumberColumn(f"as {name[:20]}", width=72) for k, name in enumerate(class_names)},
        disabled=["truth"],
        hide_index=True,
        key=key,
    )
    values = np.array([edited[f"{k}"] for k in range(len(class_names))], np.float64).T
    values = np.where(np.isfinite(values), values, matrix)
    changes.clear()
    changes |= _differing(matrix, values)
    return values
