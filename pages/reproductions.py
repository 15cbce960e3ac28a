"""Do the numbers that the five sources publish come out here?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import page, reproductions
from ui.html import Html
from uqcore.reproduce import SOURCES, Row
from uqcore.text import percent
from uqcore.types import UqError

RULE = (
    f"A number agrees if it is as expected: in the {percent(0.95)} prediction interval for one more training like ours "
    "(Student's t over the seeds), widened by half a unit of its last digit. A count of parameters agrees if it is "
    "equal, and what a source says in words or shows in pictures if our numbers meet the condition that stands with "
    "them."
)


def numbers(top: DeltaGenerator) -> None:
    rows: list[Row] = []
    read, problems = [], []
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
        st.html(Html(reproductions.table(found)))
        rows += found
        read.append(source)
    page.answer(top, reproductions.what_came_out(rows), problems)
    if rows:
        top.caption(RULE)
        with st.container(horizontal=True):
            as_json, as_csv = reproductions.files(read)
            st.download_button("JSON", as_json, "reproductions.json", "application/json", icon=":material/download:")
            st.download_button("CSV", as_csv, "reproductions.csv", "text/csv", icon=":material/download:")


page.show("Reproductions", numbers)
