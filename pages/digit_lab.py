"""What does each method make of this one image, and would it rather not say?"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, cards, charts, controls, page, readings, shelf, sources
from ui.cache import Model
from ui.components import preview, verdict_cards
from ui.words import ACCEPT, DEFER
from ui.words import digit_lab as words
from uqcore.exhibits import one_image
from uqcore.exhibits.verdicts import judge
from uqcore.metrics.uncertainty import MEASURES
from uqcore.plots.sweep import sweep
from uqcore.types import Dataset, FloatArray

# Enough for a curve, and the curves are there at once.
SWEEP_SAMPLES = 20

# While the pen moves there is another drawing four times a second; at its release all are drawn that were asked for.
MOVING_SAMPLES = 10

THRESHOLD, OPENS_AT = "digit_threshold", 0.5  # its name in links


def lab(top: DeltaGenerator) -> None:
    with st.container(horizontal=True, gap="medium", key="folds_choices"):
        dataset = controls.task()
        models, problems = cache.models(dataset.task_id)
        models = controls.shown(models)
    with st.container(key="lab"):
        left, right = st.columns([3, 11], gap="medium")
    with left:
        with st.container(key="image_from"):
            ways = {"Draw": sources.drawing, "Pick": sources.picked, "Upload": sources.uploaded}
            key = controls.task_key("source", dataset.task_id)
            source = controls.choice("Image", {way: way for way in ways}, key, controls.default_source(dataset.task_id))
            image, is_moving = ways[source](dataset)
        page.fold("Noise, rotation and other controls")
        corrupting = st.container(key="folds_corruption")
    with right:
        with st.container(key="folds_judging"):
            seen, judging, counting = st.columns([2, 6, 4], gap="medium")
        answers = st.container(key="answers")
    with judging:
        measure_id = controls.measure()
    places = _Places(top, corrupting, seen, counting, answers)
    page.part(partial(_read, places, dataset, models, problems, image, is_moving, measure_id))


class _Places(NamedTuple):
    """Where what follows the sliders stands, and they themselves."""

    top: DeltaGenerator
    corrupting: DeltaGenerator
    seen: DeltaGenerator
    counting: DeltaGenerator
    answers: DeltaGenerator


def _read(
    places: _Places,
    dataset: Dataset,
    models: Mapping[str, Model],
    problems: Sequence[str],
    image: FloatArray | None,
    is_moving: bool,
    measure_id: str,
) -> None:
    """What the models, by their methods, say of the image as the sliders disturb it."""
    top, answers = places.top, places.answers
    with places.corrupting:
        corruption = controls.corruption()
    n_samples = controls.samples(places.counting)
    n_members = controls.members(cache.most_members(models.values()), places.counting)

    if image is None:
        page.answer(top, words.no_image(dataset.noun), problems)
        return

    if is_moving:
        n_samples = min(n_samples, MOVING_SAMPLES)
    x = corruption.apply(image)
    gauges = {method_id: model.gauge(measure_id, len(dataset.class_names)) for method_id, model in models.items()}
    counts = {method_id: model.n_draws(n_samples, n_members) for method_id, model in models.items()}
    asked, verdicts, bars = controls.linked_threshold(THRESHOLD, OPENS_AT), {}, {}
    name = one_image.key(x)
    for method_id, model in models.items():
        gauge, drawn = gauges[method_id], model.bank.take(name, x, counts[method_id])
        verdicts[model.label] = verdict = judge(drawn, gauge.measure_id, gauge.threshold(asked))[0]
        bars[model.label] = float(gauge.share_of(np.array(verdict.measure)))
    if not verdicts:
        page.answer(top, words.who_reads_what({}, dataset.class_names), problems)
        return
    measures = {model.label: MEASURES[gauges[name].measure_id].label.lower() for name, model in models.items()}
    with answers:
        threshold = verdict_cards(
            cards.cards(verdicts, dataset.class_names, bars, asked, measures),
            threshold=asked,
            thresholds=controls.THRESHOLDS,
            accept=ACCEPT,
            defer=DEFER,
            key="cards",
        )
    controls.keep_linked_threshold(THRESHOLD, OPENS_AT, threshold)
    verdicts = {label: v._replace(accepted=bars[label] <= threshold) for label, v in verdicts.items()}
    page.answer(top, words.who_reads_what(verdicts, dataset.class_names), problems)
    answers.caption(words.HOW_TO_READ_CARDS)
    with places.seen:
        preview(cards.seen(x[0]), image, corruption)
    if not is_moving:
        with answers:
            readings.show(dataset.task_id, x, verdicts, dataset.class_names)

    worse = st.expander("As the image gets worse", key="worse", on_change="rerun", bind=controls.BIND)
    if not worse.open:  # the curves take most of the time of a move: they are drawn for those who look at them
        return
    for place, name, inputs, steps, now in zip(
        worse.columns(2),
        ("noise weight", "rotation in degrees"),
        (corruption.noise_sweep(image), corruption.rotation_sweep(image)),
        (one_image.NOISE_STEPS, one_image.ROTATION_STEPS),
        (corruption.noise, corruption.rotation),
        strict=True,
    ):
        lines = {}
        for method_id, model in models.items():
            drawn = model.bank.take(one_image.key(inputs), inputs, min(counts[method_id], SWEEP_SAMPLES))
            lines[model.label] = gauges[method_id].share(drawn)
        y_title = f"{controls.MEASURE_LABELS[measure_id]} measure"
        figure = sweep(steps, lines, x_title=name, y_title=y_title, threshold=threshold, now=now, places=shelf.places())
        charts.chart(figure, name, place)
    worse.caption(
        "The dotted lines are the threshold and where the slider stands. "
        f"The curves use at most {SWEEP_SAMPLES} samples and end at 1, however large the measure gets."
    )


page.show("Digit lab", lab)
