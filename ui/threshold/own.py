"""A visitor's own file: brought, read, said what it was understood as, and read again by roles said by hand.

It is kept in the session alone, and gone with the visit.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import permutations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ui import controls, uploads
from ui.components import kept_file
from ui.threshold import brought, models, readback, roles_table
from ui.threshold.brought import MAX_UPLOAD_MB, File, Own
from uqcore.predictions import Asked, NotNormalized, Predictions, Roles, Unclear
from uqcore.types import UqError

MOST_IN_LINK = 2000
"""Characters of the roles that a link carries; browsers and mail programs cut links that are much longer."""

_HELP = (
    "CSV or TSV (also gzipped), Parquet, Feather, Excel, JSON, JSON lines, NPZ or NPY: a probability, score or "
    "logit for each class, and the true label if it is known. Which column is what is found from names and content, "
    "shown, and can be corrected. Read on this server, kept for nobody but you and gone with your visit."
)


def choose(understood: DeltaGenerator, correct: DeltaGenerator) -> Own | None:
    """The file that was brought last; None until one is. Asks for it in the container that is open.

    Args:
        understood: where it is told what it was understood as.
        correct: where roles are asked for if it was not.

    Raises:
        UqError: it cannot be read.
    """
    own = _brought()
    if own is None:
        return None
    if isinstance(own.problem, NotNormalized) or own.normalize:
        st.checkbox("Divide each row by its sum", key="own_normalize")
    if own.predictions is None:
        with correct:
            _order(own)
            _correct(own)
        raise UqError(str(own.problem or "The file cannot be read."))  # another each time: see `_without_frames`
    own = models.chosen(own)
    assert own.predictions is not None
    roles = own.predictions.roles
    said = None if roles is None or roles.is_documented or (own.models and own.asked is None) else roles.to_json()
    controls.put_in_url("roles", said if said is not None and len(said) <= MOST_IN_LINK else None)
    with understood:
        readback.show(own.predictions, own.remarks, partial(_correct, own))
    return own


def _brought() -> Own | None:
    """What is kept, brought up to what the uploaders and controls say now."""
    kept: Own | None = st.session_state.get("own")
    # A key of this session: a browser that comes back to a server started anew would go on to name a file that the
    # server does not have, above the numbers of another.
    visit = st.session_state.setdefault("own_visit", secrets.token_hex(4))
    uploaded = st.file_uploader(
        f"A file of predictions, at most {MAX_UPLOAD_MB} MB",
        key=f"own_file_{visit}",
        max_upload_size=MAX_UPLOAD_MB,
        help=_HELP,
    )
    st.caption(
        "On the server for this visit only. This tab keeps a file of up to some megabytes over a reload of the page."
    )
    place, with_it = f"own_file_{visit}", ("labels", "more")
    if uploaded is None:
        is_first = "own" not in st.session_state
        # Streamlit forgets the file when this page, or this part of it, is left; what was read stays for the visit.
        if kept is not None and (kept.predictions is None or st.button("Back to the example")):
            controls.put_in_url("roles", None)
            kept = st.session_state["own"] = None
        kept_file("file", place, "keep" if kept is not None else "restore" if is_first else "forget", with_it)
        return kept
    kept_file("file", place, "keep", with_it)
    is_new = kept is None or kept.file.file_id != uploaded.file_id
    file = _file(uploaded) if kept is None or is_new else kept.file
    before = None if is_new or kept is None else kept.labels
    labels = _labels(file, before, needed=kept is not None and not is_new and _lacks_labels(kept))
    normalize = bool(st.session_state.get("own_normalize"))
    if kept is None or is_new:
        kept = _read_first(file, labels, normalize)
    elif (kept.labels, kept.normalize) != (labels, normalize):
        kept = _read(file, labels, kept.asked, normalize)
    st.session_state["own"] = kept
    return kept


def _lacks_labels(own: Own) -> bool:
    return own.labels is not None or own.predictions is None or own.predictions.labels is None


def _labels(file: File, before: File | None, needed: bool) -> File | None:
    """The second file, if any: beside a file of arrays alone there often is one; ``before`` was there until now."""
    with st.expander("True labels in a second file", expanded=needed):
        uploaded = st.file_uploader(
            "The true labels of the same examples, in the same order",
            key=f"own_labels_{file.file_id}",
            max_upload_size=MAX_UPLOAD_MB,
            help="NPY, or a CSV, Excel or JSON file with one column of labels.",
        )
        is_there = uploaded is not None
        kept_file("labels", f"own_labels_{file.file_id}", "keep" if is_there else "restore" if not before else "forget")
    return None if uploaded is None else _file(uploaded)


def _file(uploaded: UploadedFile) -> File:
    return File(uploaded.file_id, uploaded.name, uploads.content(uploaded))


def _correct(own: Own) -> None:
    """The table of roles; what is said there reads the file again."""
    if own.cells is None:
        return
    lead = roles_table.CORRECT if own.predictions is not None else roles_table.SAY
    said = roles_table.ask(own.cells, own.roles, own.read_id, lead, is_said=own.asked is not None)
    if said is not None:
        asked = None if said == roles_table.ANEW else said
        st.session_state["own"] = _read(own.file, own.labels, asked, own.normalize)
        st.rerun()


def _order(own: Own) -> None:
    """The order of classes, where that alone is not known, as a choice."""
    problem = own.problem
    if not isinstance(problem, Unclear) or problem.role != "classes" or len(problem.choices) not in (2, 3):
        return
    orders = [", ".join(order) for order in permutations(sorted(problem.choices))]
    asked = own.asked or Asked()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.radio("The columns are, in this order,", orders, key=f"own_order_{own.read_id}", horizontal=True)
        if st.button("Read again in this order", key=f"own_ordered_{own.read_id}"):
            order = next(o for o in permutations(sorted(problem.choices)) if ", ".join(o) == chosen)
            st.session_state["own"] = _read(own.file, own.labels, replace(asked, classes=order), own.normalize)
            st.rerun()


def _read_first(file: File, labels: File | None, normalize: bool) -> Own:
    """A file that was not seen before: by the roles of the link if they fit it, else by those that are found."""
    linked = _linked()
    if linked is None:
        return _read(file, labels, None, normalize)
    own = _read(file, labels, linked, normalize)
    if own.predictions is not None or isinstance(own.problem, NotNormalized):
        return replace(own, remarks=(*own.remarks, "The roles of the columns are those of the link."))
    found = _read(file, labels, None, normalize)
    if found.predictions is None:
        return found
    why = "The roles of the link do not fit this file, so its own were found."
    return replace(found, remarks=(*found.remarks, why))


def _linked() -> Roles | None:
    """The roles in the link; one that holds something else is ignored."""
    try:
        return Roles.from_json(st.query_params["roles"]) if "roles" in st.query_params else None
    except UqError:
        return None


def _read(file: File, labels: File | None, asked: Roles | Asked | None, normalize: bool) -> Own:
    bar, read, problem = st.progress(0.0, "Reading …"), None, None
    several: Mapping[str, Predictions] = {}
    second = None if labels is None else labels.data
    try:
        several = brought.read(
            file.data, file.name, roles=asked, labels=second, normalize=normalize, tick=lambda share: _show(bar, share)
        )
        read = next(iter(several.values()))
    except UqError as error:
        read, problem, several = None, _without_frames(error), {}
    finally:
        bar.empty()
    which = () if labels is None else (f"Predictions from {file.name}, true labels from {labels.name}.",)
    others = several if len(several) > 1 else {}
    return Own(file, labels, asked, normalize, secrets.token_hex(8), read, problem, which, others)


def _without_frames(error: UqError) -> UqError:
    """An error that can be kept: with where it came from it would keep all that had been made of the file."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _show(bar: DeltaGenerator, share: float) -> None:
    bar.progress(min(share, 1.0), "Reading …")
