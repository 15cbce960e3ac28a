"""What a file was understood as, before any number is made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ui import words
from uqcore.predictions import Predictions, ReadBack, read_back
from uqcore.text import percent

KEY = "own_table"
"""Of the sentence that opens."""

N_CLASSES = 50
_LONGEST = 200  # characters of a cell: a payload does not grow with what stands in a file


def show(predictions: Predictions, remarks: Sequence[str], correct: Callable[[], None] | None = None) -> None:
    """What they are in one sentence, which opens to the first examples and the classes, and the warnings below it.

    It is open where there are warnings. What takes two fifths of a run is made when it is opened: the tables, and what
    ``correct`` shows after them. ``remarks`` on the reading are plain text.
    """
    said = read_back(predictions)
    sentence = words.plain(f"{words.shortened(predictions.name, 80)}: {said.sentence}")
    is_odd = bool(said.warnings)
    whole = st.expander(sentence, is_odd, key=KEY, icon=":material/table_view:", on_change="rerun")
    for warning in said.warnings:
        st.warning(words.sentence(warning))
    with whole:
        for note in (*remarks, *said.notes):
            st.caption(words.plain(note))
        if not whole.open:
            return
        left, right = st.columns([3, 2])
        with left:
            _first_rows(said)
        with right:
            _classes(said)
        if correct is not None:
            correct()


def _first_rows(said: ReadBack) -> None:
    st.markdown(f"**The first {len(said.first_rows)} examples**")
    names = list(said.first_rows[0]) if said.first_rows else []
    st.dataframe(
        {f"{i}": [row[name][:_LONGEST] for row in said.first_rows] for i, name in enumerate(names)},
        column_config={
            f"{i}": st.column_config.TextColumn(words.shortened(name, 24), help=words.plain(name[:_LONGEST]))
            for i, name in enumerate(names)
        },
        hide_index=True,
        height="content",
    )


def _classes(said: ReadBack) -> None:
    n, kept = len(said.classes), said.classes[:N_CLASSES]
    st.markdown(f"**{n:,} classes**" + (f", the first {N_CLASSES} of them" if n > N_CLASSES else ""))
    shares = {"class": [one.name[:_LONGEST] for one in kept]}
    if said.accuracy is not None:
        shares["of the labels"] = ["–" if one.of_labels is None else percent(one.of_labels) for one in kept]
    shares["of the predictions"] = [percent(one.of_predictions) for one in kept]
    st.dataframe(shares, hide_index=True, height="content" if len(kept) <= 10 else 390)
