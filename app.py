"""Uncertainty Lab: `streamlit run app.py`.

Home, the answer first: what five methods say about a digit, a garment and noise. Then the doors.
"""

import numpy as np
import streamlit as st

from ui import cache, cards, page, words
from uqcore import probe
from uqcore.methods import METHODS
from uqcore.verdicts import OWN, judge, own_threshold

top = page.start("What does a neural network not know?")
CLASS_NAMES = tuple("0123456789")
N_SAMPLES = 50

# The first test image of either set and the first noise image: not picked for effect.
inputs = {
    "a digit": cache.test_images("mnist").images[0],
    "a garment": cache.test_images("fashion").images[0],
    "noise": probe.noise_image(0),
}
models, problems = cache.models("digits")
x = np.stack(list(inputs.values()))
verdicts = {
    model.label: judge(
        model.bank.take("home", x, N_SAMPLES),
        model.gauge(OWN, len(CLASS_NAMES)).measure_id,
        own_threshold(model.record),
    )
    for model in models.values()
}

page.answer(top, words.who_is_fooled(verdicts, list(inputs)), problems)
st.html(cards.verdict_grid(inputs, verdicts, CLASS_NAMES))
st.caption(
    "All five learnt the ten digits and nothing else. ✓ accepts the answer, ? defers it to a person: the method's own "
    "measure of uncertainty is above the value that 99 % of validation digits stay below. "
    f"{N_SAMPLES} samples, 10 ensemble members."
)
with st.expander("What are the five methods?"):
    st.markdown("\n".join(f"- **{METHODS[method_id].label}.** {METHODS[method_id].summary}" for method_id in models))
for column, (target, label, text, query) in zip(
    (*st.columns(3), *st.columns(3)),
    (
        ("pages/two_moons.py", "See it on two moons", "Every method's uncertainty over one plane, side by side.", {}),
        ("pages/digit_lab.py", "Draw a digit", "Five methods read your handwriting and say how sure they are.", {}),
        (
            "pages/digit_lab.py",
            "Try a garment",
            "Show the digit readers Fashion-MNIST, add noise, turn it, and watch who notices.",
            {"source": "Pick", "images": "Fashion-MNIST"},
        ),
        ("pages/threshold_lab.py", "Choose a threshold", "Certify a risk, on our models or on your predictions.", {}),
        ("pages/regression.py", "Fit a curve", "How wide is the band where there is no data? Click to add some.", {}),
        ("pages/gallery.py", "Browse the doubtful", "The digits that a model is surest and least sure of.", {}),
    ),
    strict=True,
):
    with column.container(border=True):
        st.page_link(target, label=f"**{label}**", icon=":material/arrow_forward:", query_params=query)
        st.write(text)
