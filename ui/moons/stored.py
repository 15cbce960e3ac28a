"""Which methods know that they have never seen this part of the plane? The committed models answer from tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, controls, page
from ui.cache import Model
from ui.moons import maps
from ui.moons.maps import Map
from ui.words import two_moons as words
from uqcore.exhibits.moons import View
from uqcore.models.sampling import with_mean_field
from uqcore.types import Draws, UqError

TASK = "moons"


def show(top: DeltaGenerator, bar: DeltaGenerator) -> None:
    """The page on the committed models; its first controls stand in ``bar``."""
    models, problems = cache.models(TASK)
    with bar:
        page.fold("Views, methods and samples")
        with st.container(horizontal=True, gap="medium", key="folds_views"):
            view = controls.view()
            models = controls.shown(models)
    row = st.container(horizontal=True, key="folds_counts")
    page.part(partial(_maps, top, row, models, problems, view))


def _maps(
    top: DeltaGenerator, row: DeltaGenerator, models: Mapping[str, Model], problems: Sequence[str], view: View
) -> None:
    """The sliders, in ``row``, and all that follows them."""
    factors = cache.mean_field_factors(models)
    n_samples = controls.samples(row)
    n_members = controls.members(cache.most_members(models.values()), row)
    for method_id, factor in factors.items():
        factors[method_id] = controls.mean_field_factor(method_id, models[method_id].label, factor, row)
    counts = {method_id: model.n_draws(n_samples, n_members) for method_id, model in models.items()}
    shown, damaged = of(models, view, counts, factors)
    problems = [*problems, *damaged]
    models = {method_id: model for method_id, model in models.items() if model.label in shown}
    if not models:
        page.answer(top, words.who_accepts_the_unseen({}), problems)
        return

    plane = cache.plane()
    point, threshold = maps.keep(maps.show(shown, view, plane.dataset))
    seen = {label: one.uncut.at(threshold) for label, one in shown.items()}
    page.answer(top, words.who_accepts_the_unseen(seen), problems)
    maps.explain(view)
    if point is not None:
        answers: dict[str, Draws] = {}
        for method_id, model in models.items():
            drawn = model.bank.take(f"point {point}", plane.point(point), counts[method_id])
            answers[model.label] = with_mean_field(drawn, factors[method_id]) if method_id in factors else drawn
        maps.ask(point, answers, seen, threshold, plane.dataset.class_names)


def of(
    models: Mapping[str, Model], view: View, counts: Mapping[str, int], factors: Mapping[str, float]
) -> tuple[dict[str, Map], list[str]]:
    """Label -> the map of a committed model, by so many samples; and a sentence for each whose table cannot be read."""
    found: dict[str, Map] = {}
    problems: list[str] = []
    for method_id, model in models.items():
        try:
            found[model.label] = Map(*cache.uncut(model, view, counts[method_id], factors.get(method_id)))
        except UqError as error:
            problems.append(str(error))
    return found, problems
