"""The models that pages show: one of each method from the server's store, and what this visitor has trained.

A page names a model by a key: the method's id, or for one of the visit `own_key`. Nobody else sees those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.controls import PLACES
from ui.words import plain, shortened
from uqcore.methods import METHODS, of_task
from uqcore.store import Store, all_files, default_store
from uqcore.trainings.visit import YOURS, Visit, visitor_of
from uqcore.types import ModelRecord, UqError

_VISIT = "r_visit"
_OTHERS = (
    "The link is about a model that was trained in another visit and went with it: {}. The usual one is shown; "
    "the page Train trains it again."
)


@dataclass(frozen=True, eq=False)
class Stored:
    """A model in a store.

    Attributes:
        label: what pages call it.
        own: whether it is of this visit, and goes with it.
    """

    store: Store
    record: ModelRecord
    label: str
    own: bool = False

    @property
    def identity(self) -> tuple[str, ...]:
        """What determines all that can be computed of it: a model that was trained anew has other files."""
        return (self.record.model_id, *(file.sha256 for file in all_files(self.record)))


def visit() -> Visit | None:
    """Of this visitor, once they have trained something."""
    found: Visit | None = st.session_state.get(_VISIT)
    return found


def begin_visit() -> Visit:
    """The visit, from now on if not before."""
    found = visit()
    if found is None:
        context = get_script_run_ctx()
        found = st.session_state[_VISIT] = Visit("" if context is None else context.session_id)
    return found


def is_there(owner: str) -> bool:
    """Whether the dashboard is open in the tab of this visit's owner, on whatever page."""
    return exists() and get_instance().is_active_session(visitor_of(owner))


def committed(task: str, method_id: str) -> Stored:
    """The model of seed 0 in the server's store. UqError: there is none."""
    store = default_store()
    return Stored(store, store.find(task, method_id), METHODS[method_id].label)


def own_key(record: ModelRecord) -> str:
    return f"own-{record.model_id}"


def own(task: str) -> dict[str, Stored]:
    """Key -> what this visitor has trained on ``task``; nothing on the tour, which tells of the committed models."""
    of = visit()
    if of is None or "tour" in st.query_params:
        return {}
    try:
        models = of.models(task)
    except UqError:  # somebody has cleared the folder of temporary files
        return {}
    return {own_key(record): Stored(of.store, record, name, own=True) for name, record in models.items()}


def labels(task: str) -> dict[str, str]:
    """Key -> label of every model that a page about ``task`` may show."""
    return {name: METHODS[name].label for name in of_task(task)} | {key: of.label for key, of in own(task).items()}


def find(task: str, key: str) -> Stored:
    """The model of a key. UqError: there is none."""
    if key in METHODS:
        return committed(task, key)
    try:
        return own(task)[key]
    except KeyError:
        raise UqError("This model was let go to make room for later ones; train it again.") from None


def places() -> Mapping[str, int]:
    """Label -> the number of its colour, whichever others are shown: a visit's own come after the methods."""
    of = visit()
    return PLACES if of is None else PLACES | {name: len(PLACES) + i for i, name in enumerate(of.names)}


def tell_of_others() -> None:
    """Takes models of other visits out of the address, and says so: the usual ones are shown."""
    of, strange = visit(), []
    known = () if of is None else of.names
    for name in list(st.query_params):
        values = st.query_params.get_all(name)
        lost = [value for value in values if YOURS in value and value not in known]
        if lost:
            strange += lost
            del st.query_params[name]
    if strange:
        names = ", ".join(plain(shortened(name, 80)) for name in dict.fromkeys(strange))
        st.info(_OTHERS.format(names), icon=":material/history:")
