"""Do the numbers that the five sources publish come out here?"""

import json

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import page, reproductions
from uqcore.reproduce import SOURCES, to_csv, to_plain
from uqcore.text import percent
from uqcore.types import UqError

RULE = (
    f"A number agrees if it is as expected: in the {percent(0.95)} prediction interval for one more training like ours "
    "(Student's t over the seeds), widened by half a unit of its last digit. A count of parameters agrees if it is "
    "equal, and what a source says in words or shows in pictures if our numbers meet the condition that stands with "
    "them."
)


def numbers(top: DeltaGenerator) -> None:
    rows, problems = [], []
    for source in SOURCES:
        st.header(source.title, anchor=False)
        st.caption(f"The same: {source.same} What differs: {source.differs}")
        if source.found:
            st.markdown(source.found)
        try:
            found = reproductions.rows_of(source)
        except UqError as error:
            problems.append(f"{source.title}: {error}")
            continue
        st.html(reproductions.table(found))
        rows += found
    page.answer(top, reproductions.what_came_out(rows), problems)
    if rows:
        top.caption(RULE)
        with st.container(horizontal=True):
            text = json.dumps(to_plain(rows), indent=2, ensure_ascii=False)
            st.download_button("JSON", text, "reproductions.json", "application/json", icon=":material/download:")
            st.download_button("CSV", to_csv(rows), "reproductions.csv", "text/csv", icon=":material/download:")


page.show("Reproductions", numbers)
