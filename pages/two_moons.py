"""Which methods know that they have never seen this part of the plane?"""

import streamlit as st

from ui import controls, page
from ui.moons import stored, training

SHOWN = {"stored": "Trained before", "live": "Train now"}

top = page.start("Two moons")
bar = st.container(horizontal=True, gap="medium")
with bar:
    which = controls.choice("Models", SHOWN, "models", "stored")
(stored if which == "stored" else training).show(top, bar)
page.onward("Two moons")
