"""Which methods know that they have never seen this part of the plane?"""

import streamlit as st

from ui import cache, charts, controls, page, words
from ui.components import Panel, PointGroup, surfaces
from uqcore.exhibits.verdicts import judge
from uqcore.models.sampling import with_mean_field
from uqcore.plots.palette import DIVERGING, SEQUENTIAL
from uqcore.plots.spread import probability_spread
from uqcore.types import Draws, FloatArray

THRESHOLD, OPENS_AT = "moons_threshold", 0.5  # its name in links

top = page.start("Two moons")
models, problems = cache.models("moons")
plane = cache.plane()
with st.container(horizontal=True, gap="medium"):
    view = controls.view()
    models = controls.shown(models)
factors = cache.mean_field_factors(models)
columns = st.columns(2 + len(factors))
n_samples = controls.samples(columns[0])
n_members = controls.members(cache.most_members(models.values()), columns[1])
for column, (method_id, factor) in zip(columns[2:], factors.items(), strict=True):
    factors[method_id] = controls.mean_field_factor(method_id, factor, column)
counts = {method_id: model.n_draws(n_samples, n_members) for method_id, model in models.items()}


def take(method_id: str, name: str, x: FloatArray) -> Draws:
    drawn = models[method_id].bank.take(name, x, counts[method_id])
    return with_mean_field(drawn, factors[method_id]) if method_id in factors else drawn


uncut = {
    model.label: cache.uncut(model, view, counts[method_id], factors.get(method_id))
    for method_id, model in models.items()
}
if not uncut:
    page.answer(top, words.who_accepts_the_unseen({}), problems)
    st.stop()

train = plane.dataset.train
picked, threshold = surfaces(
    [
        Panel(
            label,
            one.shown,
            accepts,
            one.uncertainty if view.shows_probability else None,
        )
        for label, (one, accepts) in uncut.items()
    ],
    x_range=(float(plane.grid.x[0]), float(plane.grid.x[-1])),
    y_range=(float(plane.grid.y[0]), float(plane.grid.y[-1])),
    value_range=(0, 1),
    colormap=DIVERGING if view.shows_probability else SEQUENTIAL,
    label=view.label,
    points=[
        *(PointGroup(f"training, {name}", train.x[train.y == k]) for k, name in enumerate(plane.dataset.class_names)),
        PointGroup("never seen in training", plane.dataset.ood["cluster"]),
    ],
    threshold=controls.linked_threshold(THRESHOLD, OPENS_AT),
    thresholds=controls.THRESHOLDS,
    point=controls.point(),
    key="surfaces",
)
assert threshold is not None
controls.keep_linked_threshold(THRESHOLD, OPENS_AT, threshold)
seen = {label: one.at(threshold) for label, (one, _) in uncut.items()}
page.answer(top, words.who_accepts_the_unseen(seen), problems)
picked = controls.keep_point(picked)
st.caption(
    f"{view.description} Points whose uncertainty is at most the threshold are accepted, the others deferred "
    "(hatched). Click a surface to ask every method about a point."
)

if picked is not None:
    st.subheader(f"What each method says at ({picked[0]:.2f}, {picked[1]:.2f})", anchor=False)
    answers = {
        model.label: take(method_id, f"point {picked}", plane.point(picked)) for method_id, model in models.items()
    }
    gauges = {label: surface.gauge for label, surface in seen.items()}
    verdicts = {
        label: judge(drawn, gauges[label].measure_id, gauges[label].threshold(threshold))[0]
        for label, drawn in answers.items()
    }
    left, right = st.columns([5, 6])
    spread = probability_spread(
        list(answers),
        [d.probs[:, 0, 1] for d in answers.values()],
        [v.probs[1] for v in verdicts.values()],
        "probability of the lower moon: samples (lines), prediction (diamond)",
        controls.PLACES,
    )
    charts.chart(spread, "spread", left)
    right.html(words.verdict_table(verdicts, plane.dataset.class_names))
