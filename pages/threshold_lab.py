"""When should a model say "I don't know", and what does that promise?"""

import json
from contextlib import ExitStack
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import controls, page, uploads
from ui.components import threshold_view
from ui.threshold import class_thresholds, goal, sections, source
from ui.words import threshold_lab as words
from uqcore.metrics.uncertainty import MEASURES
from uqcore.tuning import Goal, Study, Tuned, tune
from uqcore.types import Dataset, UqError


def lab(top: DeltaGenerator) -> None:
    left, right = st.columns([5, 22], gap="medium")
    with left:
        whose = None if source.are_ours() else st.container()
        page.fold("Model, unseen data and measure")
        more = st.container(key="folds_source")
    if whose is None:
        try:
            with more:
                model = source.our_model()
        except UqError as error:
            page.answer(top, words.NO_PREDICTIONS, [str(error)])
        else:
            page.part(partial(_ours, top, more, right, *model))
        return
    understood = top.container(key="understood")  # what a file holds stands before any number made of it
    with ExitStack() as turn:
        try:
            with whose:
                brought = source.brought(understood, right)
            # What is computed of many predictions waits for the other visitors' turns.
            turn.enter_context(uploads.BUDGET.turn(brought.predictions.n_bytes))
            study = source.measured(brought, more)
        except UqError as error:
            page.answer(top, words.NO_PREDICTIONS, [str(error)])
            return
        _decide(top, right, brought, study)


def _ours(top: DeltaGenerator, more: DeltaGenerator, right: DeltaGenerator, dataset: Dataset, method_id: str) -> None:
    try:
        with more:
            ours = source.ours(dataset, method_id)
        study = source.measured(ours, more)
    except UqError as error:
        page.answer(top, words.NO_PREDICTIONS, [str(error)])
        return
    _decide(top, right, ours, study)


def _decide(top: DeltaGenerator, right: DeltaGenerator, chosen_source: source.Source, study: Study) -> None:
    try:
        wanted, tuned = _chosen(right, chosen_source, study)
    except UqError as error:  # a link can ask for what these predictions do not allow
        page.answer(top, words.NO_THRESHOLD, [str(error)])
        return
    page.answer(top, words.what_a_threshold_does(chosen_source.predictions.name, tuned, study.has_labels), [])
    sections.show(chosen_source, study, wanted, tuned)


def _chosen(right: DeltaGenerator, chosen_source: source.Source, study: Study) -> tuple[Goal, Tuned]:
    """The goal, and the threshold for it or the one that was moved by hand. UqError: it cannot be had."""
    with right:
        wanted = goal.choose(study, chosen_source.task, max(1, len(chosen_source.models)))
        tuned = tune(study, wanted)
        ranking = study.calibration.ranking
        per_class = len(tuned.policy.thresholds) > 1
        asked = tuned.policy.thresholds[0] if not per_class else float("-inf")
        wish = json.dumps([chosen_source.source_id, study.measure_id, len(study.calibration.indices), tuned.promise])
        start, revision = controls.threshold_to_start_from(asked, wish, chosen_source.in_link)
        if per_class:
            class_thresholds.show(study, tuned)
        else:
            table = ranking.table(also=[asked, start])
            chosen = threshold_view(
                table,
                study.calibration.bins,
                threshold=start,
                revision=revision,
                measure_label=MEASURES[study.measure_id].label_with_unit,
                key="threshold",
                target=asked,
                title=f"{ranking.n_examples:,} calibration examples",
                part=words.of_which_part(ranking.n_examples, len(study.held_out.measure)),
                scale="log",
                has_labels=study.has_labels,
            )
            if controls.keep_threshold(table, asked, chosen, chosen_source.in_link):
                tuned = tune(study, Goal("manual", chosen))
        st.html(words.promise(tuned, study.has_labels))
    return wanted, tuned


page.show("Threshold lab", lab)
