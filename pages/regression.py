"""How wide should the band be where there is no data?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, charts, controls, page, regression_controls, shelf
from ui.cache import Model
from ui.components import Curves
from ui.components import functions as show
from ui.words import regression as words
from uqcore.datasets import sine
from uqcore.exhibits import functions
from uqcore.plots import functions as plots
from uqcore.text import percent
from uqcore.types import UqError

_ON_TOUR, _ELSEWHERE = 230, 300  # px: there it is on one screen with the curves


class _Places(NamedTuple):
    """Where the sliders and what follows them stand."""

    top: DeltaGenerator
    setting: DeltaGenerator
    plots: DeltaGenerator
    look: DeltaGenerator


def bands(top: DeltaGenerator) -> None:
    models, problems = cache.models("sine")
    with st.container(key="fit"):
        page.fold("Noise, gap and what is drawn")
        with st.container(key="folds_fit"):
            models = controls.shown(models)
            setting_at = st.container(horizontal=True)
    plots_at = st.container(key="plots")
    with st.container(key="folds_view"):
        look_at = st.container(horizontal=True)
        overlaid, with_noise = regression_controls.layout()
    places = _Places(top, setting_at, plots_at, look_at)
    page.part(partial(_fitted, places, models, problems, overlaid, with_noise))


def _fitted(
    places: _Places, models: Mapping[str, Model], known_problems: Sequence[str], overlaid: bool, with_noise: bool
) -> None:
    """The sliders, and the functions of the models, by their methods, on the data that they set."""
    top, plots_at = places.top, places.plots
    problems = [*known_problems, *regression_controls.left_out()]
    setting = regression_controls.setting(places.setting)
    n_samples, n_members, n_stds, n_lines = regression_controls.look(places.look, cache.most_members(models.values()))
    counts = {method_id: model.n_draws(n_samples, n_members) for method_id, model in models.items()}

    x, curves, figures, times, bare = functions.grid(), [], {}, {}, replace(setting, added=())
    colours = shelf.places()
    to_fit = [model.label for model in models.values() if cache.must_fit(model.record, setting)]
    bar = plots_at.progress(0.0) if to_fit else None
    for method_id, model in models.items():
        if bar and model.label in to_fit:  # a visitor who has moved on leaves here: the other methods are not fitted
            bar.progress(to_fit.index(model.label) / len(to_fit), f"Fitting {model.label} to these data …")
        try:
            seen = cache.seen(model.stored, setting, counts[method_id])
        except UqError as error:
            if str(error) not in problems:
                problems.append(str(error))
            if not isinstance(error, cache.BusyError) or cache.must_fit(model.record, bare):
                continue
            seen = cache.seen(model.stored, bare, counts[method_id])
        figures[model.label] = seen.figures
        if not math.isnan(seen.figures.std_ratio["gap"]):  # of one function, which lies nowhere apart
            times[model.label] = functions.times_as_far(seen.function.std, seen.figures, setting.gap)
        curves.append(Curves(colours[model.label], model.label, seen.band(with_noise), seen.samples[:n_lines]))
    if bar:
        bar.empty()
    page.answer(top, words.who_widens_in_the_gap({label: f.std_ratio["gap"] for label, f in figures.items()}), problems)
    if not curves:
        return

    with plots_at:
        clicked = show(
            x[:, 0],
            curves,
            regression_controls.points(setting),
            n_stds=n_stds,
            gap=setting.gap,
            y_range=functions.Y_RANGE,
            key="functions",
            overlaid=overlaid,
            room=len(setting.added) < functions.MAX_ADDED,
            height=430 if overlaid else 300,
        )
        if clicked is not None:
            regression_controls.add(clicked, setting)
        regression_controls.added(setting)

    left, right = st.columns([3, 2])
    left.header("How many times as far apart as on the data", anchor=False)
    height = _ON_TOUR if page.is_on_tour() else _ELSEWHERE
    spreads = plots.spreads(x[:, 0], times, gap=setting.gap, places=colours, height=height)
    charts.chart(spreads, "spreads", left)
    right.header("Are the quantiles right?", anchor=False)
    levels = {label: f.quantiles for label, f in figures.items()}
    charts.chart(plots.quantiles(levels, colours), "quantiles", right)
    st.html(words.regression_table(figures))
    st.caption(
        f"On {2 * sine.N_TEST:,} test points outside the gap. NLL, CRPS and RMSE: lower is better. The {percent(0.9)} "
        f"interval should cover {percent(0.9)}, the narrower the better. In the gap, and beyond |x| = 4: how many "
        "times as far the functions lie apart there as on the data. One training each; "
        "where the data were changed, a shorter one."
    )


page.show("Regression", bands)
