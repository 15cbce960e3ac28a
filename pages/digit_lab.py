"""What does each method make of this one image, and would it rather not say?"""

import streamlit as st

from ui import cache, cards, controls, page, sources, words
from uqcore import probe
from uqcore.plots import style
from uqcore.plots.sweep import sweep
from uqcore.verdicts import judge

CLASS_NAMES = tuple("0123456789")
# Enough for a curve, and the curves are there at once.
SWEEP_SAMPLES = 20

top = page.start("Digit lab")
models, problems = cache.models("digits")
left, right = st.columns([3, 11], gap="medium")
with left:
    source = controls.choice("Image", {name: name for name in ("Draw", "Pick", "Upload")}, "source", "Draw")
    image = {"Draw": sources.drawing, "Pick": sources.picked, "Upload": sources.uploaded}[source]()
    corruption = controls.corruption()
with right:
    seen, judging, counting = st.columns([2, 5, 5], gap="medium")
    answers = st.container()
with judging:
    measure = controls.measure()
threshold = controls.threshold(
    0.2, "Defer where the measure, as a share of the largest it can be, is above this.", "digit_threshold", judging
)
n_samples = controls.samples(counting)
n_members = controls.members(10, counting)

if image is None:
    page.answer(top, words.NO_DIGIT, problems)
    st.stop()

x = corruption.apply(image)
largest = measure.largest(len(CLASS_NAMES))
counts = {method_id: n_members if method_id == "deep_ensemble" else n_samples for method_id in models}
verdicts = {
    model.label: judge(model.bank.take(probe.key(x), x, counts[method_id]), measure.measure_id, threshold * largest)[0]
    for method_id, model in models.items()
}
page.answer(top, words.who_reads_what(verdicts, CLASS_NAMES), problems)
if not verdicts:
    st.stop()
with answers:
    st.html(cards.cards(verdicts, CLASS_NAMES, threshold, largest))
seen.html(cards.seen(x[0]))

st.subheader("As the image gets worse", anchor=False)
for place, name, inputs, steps, now in zip(
    st.columns(2),
    ("noise weight", "rotation in degrees"),
    (corruption.noise_sweep(image), corruption.rotation_sweep(image)),
    (probe.NOISE_STEPS, probe.ROTATION_STEPS),
    (corruption.noise, corruption.rotation),
    strict=True,
):
    lines = {
        model.label: measure.compute(model.bank.take(probe.key(inputs), inputs, min(counts[method_id], SWEEP_SAMPLES)))
        / largest
        for method_id, model in models.items()
    }
    figure = sweep(steps, lines, x_title=name, y_title=measure.label, threshold=threshold, now=now)
    place.plotly_chart(figure, config=style.CONFIG, key=name)
st.caption(
    f"{measure.label}, as a share of the largest it can be. The dotted lines are the threshold and where the slider "
    f"stands. The curves use at most {SWEEP_SAMPLES} samples."
)
