"""Uncertainty Lab: `streamlit run app.py`.

Home, the answer first: what every method says about a garment that turns, then the doors, then a digit, a garment and
noise side by side.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cards, home, page
from ui.tour import story
from ui.words import home as words
from uqcore.exhibits import front_page
from uqcore.methods import METHODS, of_task
from uqcore.text import percent
from uqcore.types import UqError


def opening(top: DeltaGenerator) -> None:
    shown, problems = home.said()
    dataset = front_page.dataset()
    try:
        (inputs, sheet), damaged = home.pictures()
    except UqError as error:
        page.answer(top, "The pictures cannot be shown.", [*problems, str(error)])
        return
    page.answer(top, words.who_is_fooled(shown.of_inputs, list(inputs), dataset.noun), [*problems, *damaged])
    if not page.is_on_tour():  # whose first step is about what comes below
        home.garment(sheet, shown.of_garment)
        page.tiles()
        st.header("The story in nine sentences", anchor=False)
        st.html(story.html())
        st.header("A digit, a garment, noise", anchor=False)
    st.html(cards.verdict_grid(inputs, shown.of_inputs, dataset.class_names))
    st.caption(
        f"All of them learnt the ten {dataset.noun}s and nothing else. ✓ accepts the answer, ? defers it to a person: "
        f"the method's own measure of uncertainty is above the value that {percent(0.99)} of validation images stay "
        f"below. {front_page.N_SAMPLES} samples, or all members of an ensemble."
    )
    with st.expander("What are these methods?"):
        methods = [METHODS[method_id] for method_id in of_task(dataset.task_id)]
        st.markdown("\n".join(f"- **{method.label}.** {method.summary}" for method in methods))


page.show("Home", opening)
