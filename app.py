"""Uncertainty Lab: `streamlit run app.py`.

Home, the answer first: what every method says about a garment that turns, then the doors, then a digit, a garment and
noise side by side.
"""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, cards, home, page, words
from uqcore.datasets import load
from uqcore.exhibits import one_image
from uqcore.exhibits.verdicts import OWN, judge, own_threshold
from uqcore.methods import METHODS, of_task

N_SAMPLES = 50


def opening(top: DeltaGenerator) -> None:
    # The first test image of each set and the first noise image: not picked for effect.
    dataset = load("digits")
    nouns = {dataset.ood_sets[name].noun if name in dataset.ood_sets else dataset.noun: name for name in dataset.kept}
    inputs = {f"a {noun}": cache.images(dataset.task_id, name).some(slice(1))[0] for noun, name in nouns.items()}
    inputs["noise"] = one_image.noise_image(0)
    models, problems = cache.models(dataset.task_id)
    x = np.stack(list(inputs.values()))
    verdicts = {
        model.label: judge(
            model.bank.take("home", x, N_SAMPLES),
            model.gauge(OWN, len(dataset.class_names)).measure_id,
            own_threshold(model.record),
        )
        for model in models.values()
    }

    page.answer(top, words.who_is_fooled(verdicts, list(inputs), dataset.noun), problems)
    if not page.is_on_tour():  # whose first step is about what comes below
        home.show(models, dataset, N_SAMPLES)
        page.tiles()
        st.header("A digit, a garment, noise", anchor=False)
    st.html(cards.verdict_grid(inputs, verdicts, dataset.class_names))
    st.caption(
        f"All of them learnt the ten {dataset.noun}s and nothing else. ✓ accepts the answer, ? defers it to a person: "
        "the method's own measure of uncertainty is above the value that 99 % of validation images stay below. "
        f"{N_SAMPLES} samples, or all members of an ensemble."
    )
    with st.expander("What are these methods?"):
        methods = [METHODS[method_id] for method_id in of_task(dataset.task_id)]
        st.markdown("\n".join(f"- **{method.label}.** {method.summary}" for method in methods))


page.show("Home", opening)
