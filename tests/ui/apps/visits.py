"""What the apps of one component share: a tab that shows one is the next visitor's without loading it anew."""

from urllib.parse import parse_qsl

import streamlit as st

ASKED, HAD = "visit", "visit_had"


def begun() -> str:
    """Call it first. What must be new for a new visitor has this in its key; of the last one nothing is left.

    `Tabs.visit` writes ``number?query`` into the field of `ended`, in place of loading the app at this query.
    """
    asked: str = st.session_state.get(ASKED, "")
    if asked != st.session_state.get(HAD, ""):
        for key in [key for key in st.session_state if key != ASKED]:
            del st.session_state[key]
        st.session_state[HAD] = asked
        st.query_params.from_dict(dict(parse_qsl(asked.partition("?")[2])))
    return asked.partition("?")[0]


def ended() -> None:
    """Call it last: the field in which the next visitor is asked for, and who has been shown all that is above."""
    st.text_input("Next visit", key=ASKED)
    st.markdown(f"Visit {st.session_state.get(HAD, '').partition('?')[0]}")
