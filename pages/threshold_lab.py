"""When should a model say "I don't know", and what does that promise?"""

import json

import streamlit as st

from ui import controls, page, threshold_goal, threshold_sections, threshold_source, words
from ui.components import threshold_view
from uqcore.measures import MEASURES
from uqcore.plots.threshold_bins import measure_bins
from uqcore.tuning import Goal, tune
from uqcore.types import UqError

top = page.start("Threshold lab")
left, right = st.columns([5, 22], gap="medium")
try:
    source = threshold_source.choose(left)
    study = threshold_source.measured(source, left)
except UqError as error:
    page.answer(top, words.NO_PREDICTIONS, [str(error)])
    st.stop()

with right:
    goal = threshold_goal.choose(study)
    tuned = tune(study, goal)
    ranking = study.calibration.ranking
    asked = tuned.policy.thresholds[0] if not goal.per_class else float("-inf")
    wish = json.dumps([source.source_id, study.measure_id, len(study.calibration.indices), tuned.promise])
    start, revision = controls.threshold_to_start_from(asked, wish, source.in_link)
    if goal.per_class:
        threshold_sections.per_class(study, tuned)
    else:
        table = ranking.table(also=[asked, start])
        chosen = threshold_view(
            table,
            measure_bins(ranking.right, ranking.wrong, ranking.ood),
            threshold=start,
            revision=revision,
            measure_label=MEASURES[study.measure_id].label_with_unit,
            key="threshold",
            target=asked,
            title=f"{ranking.n_examples:,} calibration examples",
            scale="log",
            has_labels=study.has_labels,
        )
        if controls.keep_threshold(table, asked, chosen, source.in_link):
            tuned = tune(study, Goal("manual", chosen))
    st.html(words.promise(tuned, study.has_labels))

page.answer(top, words.what_a_threshold_does(source.predictions.name, tuned, study.has_labels), [])
threshold_sections.show(source, study, goal, tuned)
