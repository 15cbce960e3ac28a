"""A page of three cards, or one other, whose verdicts follow a threshold."""

import streamlit as st

from tests.ui.apps import visits
from ui.components import verdict_cards

visit = visits.begun()
SHARES = {"A": 0.2, "B": 0.5, "C": 1.0}

shown = {"C": 1.0} if st.button("Other cards") else SHARES
html = "".join(
    f'<section class="card" data-share="{share}"><h2>{name}</h2><p class="verdict"></p>'
    '<div class="gauge"><b></b><i></i></div></section>'
    for name, share in shown.items()
)
threshold = verdict_cards(
    f'<div class="cards">{html}</div>',
    threshold=float(st.query_params.get("threshold", 0.5)),
    thresholds=[i / 100 for i in range(101)],
    accept="yes",
    defer="no",
    key=f"cards{visit}",
)
st.caption(f"threshold {threshold}")
visits.ended()
