"""Which methods know that they have never seen this part of the plane?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import controls, page
from ui.moons import stored, training

SHOWN = {"stored": "Trained before", "live": "Train now"}


def maps(top: DeltaGenerator) -> None:
    bar = st.container(horizontal=True, gap="medium")
    with bar:
        which = controls.choice("Models", SHOWN, "models", "stored")
    (stored if which == "stored" else training).show(top, bar)


page.show("Two moons", maps)
