"""Several models of a visitor's own: those of one file, those of more files, and which of them is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import streamlit as st

from ui import controls, uploads, words
from ui.components import kept_file
from ui.threshold import brought
from ui.threshold.brought import MAX_UPLOAD_MB, Own
from uqcore.predictions import Predictions, same_examples
from uqcore.tuning.comparison import MOST_MODELS
from uqcore.types import UqError


def chosen(own: Own) -> Own:
    """The file with the predictions of the model that is looked at; asks which where there are several.

    Models of further files come to those of the first, if they are of the same examples.
    """
    models = dict(own.models) or {own.file.name: own.predictions} if own.predictions is not None else {}
    more = _more(own)
    if more:
        try:
            models = same_examples(_together(models, more))
        except UqError as error:
            st.warning(words.sentence(str(error)))
    if len(models) < 2:
        return own
    if len(models) > MOST_MODELS:
        st.warning(f"Of {len(models):,} models the first {MOST_MODELS} are kept.")
        models = dict(list(models.items())[:MOST_MODELS])
    name = controls.one_of(
        f"Model, one of {len(models)}",
        list(models),
        lambda name: words.shortened(name, 60),
        key=f"own_model_{len(models)}",
        help="Whose threshold is chosen here. The section Models compares all of them at the same goal.",
    )
    further = sorted(other for other, _ in more)
    return replace(own, predictions=models[name], models=models, read_id=f"{own.read_id} {further} {name}")


def _together(first: Mapping[str, Predictions], more: Sequence[tuple[str, Predictions]]) -> dict[str, Predictions]:
    """All of them; those whose name is taken, as files of several folders have it, with a number behind."""
    models = dict(first)
    for name, one in more:
        numbered = (f"{name} ({n})" for n in count(2))
        models[name if name not in models else next(other for other in numbered if other not in models)] = one
    return models


def _more(own: Own) -> list[tuple[str, Predictions]]:
    """The models of further files by name, read once each; two files may call theirs the same."""
    with st.expander("More models"):
        uploaded = st.file_uploader(
            "Files with other models' predictions",
            accept_multiple_files=True,
            key=f"own_more_{own.file.file_id}",
            max_upload_size=MAX_UPLOAD_MB,
            help="Of the same examples: matched by a column of ids if all files have one, else by their order, where "
            "the true labels must be the same.",
        )
        kept: dict[tuple[str, bool], Mapping[str, Predictions]] = st.session_state.setdefault("own_more", {})
        kept_file("more", f"own_more_{own.file.file_id}", "keep" if uploaded else "forget" if kept else "restore")
        wanted = {(one.file_id, own.normalize): one for one in uploaded}
        for key in [key for key in kept if key not in wanted]:
            del kept[key]
        found: list[tuple[str, Predictions]] = []
        for key, one in wanted.items():
            try:
                if key not in kept:
                    kept[key] = brought.read(uploads.content(one), one.name, normalize=own.normalize)
                found += kept[key].items()
            except UqError as error:
                st.error(words.plain(f"{words.shortened(one.name, 80)}: {error}"))
        return found
