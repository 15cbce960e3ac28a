"""What stands below the threshold: examples, methods side by side, costs, classes, sets, what to take home."""

from __future__ import annotations

import io
from html import escape
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from ui import cache, controls, words
from ui.charts import chart
from ui.threshold.source import Source
from ui.thumbs import Thumb, thumbs
from uqcore.exhibits.one_image import IMAGE_SHAPE, encode_image
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.plots import selection as plots
from uqcore.predictions import Predictions, decisions_csv
from uqcore.reproduce import mnist_article
from uqcore.selection import (
    ClassCertificates,
    Score,
    assess_sets,
    calibrate,
    prediction_sets,
    risk_coverage_curve,
    singleton_curve,
    split_by_class,
)
from uqcore.selection.optimum import Varied
from uqcore.store import default_store
from uqcore.text import percent
from uqcore.tuning import Goal, Study, Tuned, tune
from uqcore.tuning.report import POLICY_FILE, report_of
from uqcore.types import IntArray, UqError

N_SHOWN = 12
N_NAMED = 10
MOST_FOR_CURVE = 20_000
_SCORES: dict[Score, str] = {"lac": "LAC", "aps": "APS"}
_ARTICLE = "The MNIST article"
_QUALITY = (
    "On the held-out part. AURC: the mean share of wrong predictions over all coverages, lower is better; E-AURC: "
    "what a perfect order of the examples would have saved. AUROC: the chance that an error, or an unseen input, "
    "has the higher uncertainty, higher is better. FPR95: the share deferred where 95 % of the unseen is."
)


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    """A row of buttons and the section that is chosen; the others cost nothing."""
    sections = {"examples": "Examples", "methods": "Methods", "measures": "Measures", "costs": "Costs"}
    sections |= {"classes": "Classes", "sets": "Prediction sets", "home": "Take home", "article": _ARTICLE}
    if source.method_id is None:
        del sections["methods"]
    if source.task != mnist_article.TASK:
        del sections["article"]
    if not study.has_labels:
        sections = {key: sections[key] for key in ("examples", "home")}
    section = controls.choice("Look closer", sections, f"look_{len(sections)}", next(iter(sections)))
    try:
        _SECTIONS[section](source, study, goal, tuned)
    except UqError as error:
        st.error(str(error))


def per_class(study: Study, tuned: Tuned) -> None:
    """The thresholds of a goal per class, with the evidence for each."""
    names, found = study.predictions.class_names, tuned.certificate
    head = ["predicted", "threshold"]
    rows = [[name, _threshold(t)] for name, t in zip(names, tuned.policy.thresholds, strict=True)]
    if isinstance(found, ClassCertificates):
        head += ["examples", "accepted", "wrong", "needed"]
        for row, certificate in zip(rows, found.certificates, strict=True):
            needed = "–" if certificate.n_needed is None else f"about {certificate.n_needed:,}"
            row += [f"{n:,}" for n in (certificate.n, certificate.n_accepted, certificate.n_errors)] + [needed]
        if found.uncertified:
            missing = ", ".join(names[c] for c in found.uncertified[:N_NAMED])
            missing += f" and {more:,} more" if (more := len(found.uncertified) - N_NAMED) > 0 else ""
            st.warning(f"Too few examples, or too many errors, to certify: {missing}. These classes are deferred.")
    st.html(words.table(head, rows))


def _examples(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    part, predictions = study.held_out, study.predictions
    measure = predictions.measure(study.measure_id)
    accepted = tuned.policy.decide_measured(measure, predictions.predicted)
    order = part.indices[np.argsort(measure[part.indices], kind="stable")]
    yes, no = order[accepted[order]], order[~accepted[order]]
    groups = {
        "The last that are accepted": yes[-N_SHOWN:][::-1],
        "The first that are deferred": no[:N_SHOWN],
    }
    if predictions.correct is not None:
        wrong = yes[~predictions.correct[yes] & predictions.in_distribution[yes]]
        groups["Wrong and accepted, the surest first"] = wrong[:N_SHOWN]
    if study.has_ood:
        groups["Unseen and accepted, the surest first"] = yes[~predictions.in_distribution[yes]][:N_SHOWN]
    for title, indices in groups.items():
        st.markdown(f"**{title}**" + ("" if len(indices) else ": none"))
        if len(indices):
            st.html(_thumbnails(source, measure, indices))
    st.caption("Of the held-out part. A picture opens in the digit lab." if _links(predictions) else "")


def _thumbnails(source: Source, measure: np.ndarray, indices: IntArray) -> str:
    predictions, task = source.predictions, source.task
    images = None if predictions.images is None else predictions.images[indices]
    items = []
    for place, i in enumerate(indices.tolist()):
        name = predictions.class_names[int(predictions.predicted[i])]
        truth = "unseen" if not predictions.in_distribution[i] else None
        if truth is None and predictions.labels is not None:
            truth = predictions.class_names[int(predictions.labels[i])]
        said = f"{escape(name)}" + ("" if truth is None else f" <small>is {escape(truth)}</small>")
        link = None
        if images is not None and _links(predictions):
            picture = encode_image((images[place] / np.float32(255))[..., None])
            asked = {"source": "Upload"}
            if task is not None:
                asked = controls.task_in_link(task) | {controls.task_key("source", task): "Upload"}
            link = f"digit_lab?{urlencode(asked | {'picture': picture})}"
        caption = f"<span>{said}</span><small>{measure[i]:.3g} · #{i}</small>"
        items.append(Thumb(f"example {i}", caption, link, new_tab=task is None))
    return thumbs(items, images)


def _links(predictions: Predictions) -> bool:
    return predictions.images is not None and predictions.images.shape[1:] == IMAGE_SHAPE


def _methods(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    assert source.unseen is not None
    assert source.task is not None
    rows, curves, points, qualities, sentence = [], {}, {}, {}, ""
    n_samples = source.n_samples or 50
    for method_id in of_task(source.task):
        method = METHODS[method_id]
        try:
            source_id, predictions = cache.our_predictions(source.task, method_id, source.unseen, n_samples)
            measure_id = study.measure_id if study.measure_id in predictions.measures else "predictive_entropy"
            share = len(study.calibration.indices) / len(study.predictions)
            other = cache.our_study(source_id, measure_id, round(share, 2), predictions)
            reached = tune(other, goal)
        except UqError as error:
            st.warning(str(error))
            continue
        seen, sentence = reached.assessment, reached.policy.target.sentence
        rows.append(
            [
                method.label,
                MEASURES[measure_id].label,
                _threshold(reached.policy.thresholds[0]) if len(reached.policy.thresholds) == 1 else "per class",
                f"{percent(seen.coverage.value)} {words.interval(seen.coverage)}",
                " ".join(words.risk(seen.risk)),
                percent(seen.ood_accepted.value),
                f"{predictions.n_samples}",
                f"{cache.seconds_per_1000(source.task, method_id, predictions.n_samples):.2g} s",
            ]
        )
        by_own = other if measure_id == method.own_measure else other.with_measure(method.own_measure)
        qualities[method.label] = (MEASURES[method.own_measure].label, by_own.held_out.quality())
        curves[method.label] = risk_coverage_curve(other.held_out.ranking.table(1000))
        points[method.label] = (seen.coverage.value, seen.risk.value)
    head = [
        "",
        "measure",
        "threshold",
        "accepted",
        "wrong among accepted",
        "unseen let through",
        "samples",
        "per 1,000",
    ]
    st.html(words.table(head, rows))
    figure = plots.risk_coverage(curves, points=points)
    chart(figure, "methods_figure")
    st.caption(
        f"The target is that of the buttons above, for every method on the same split: {sentence}. "
        "Each threshold is chosen on the calibration part and judged on the other. Seconds: this server, now."
    )
    st.markdown(f"**By each method's own measure.** {words.what_finds_what(qualities)}")
    st.html(words.qualities_table(qualities))
    st.caption(_QUALITY)


def _measures(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    rows = []
    for measure_id in study.predictions.measures:
        seen = study.with_measure(measure_id).held_out.quality()
        row = [words.small(value) for value in (seen.aurc, seen.excess_aurc)]
        row += [f"{value:.4f}".replace("nan", "–") for value in (seen.misclassification_auroc, *(seen.ood or ()))]
        rows.append([MEASURES[measure_id].label, *row])
    head = ["", "AURC", "E-AURC", "AUROC of errors"]
    st.html(words.table(head + (["AUROC of unseen", "AUPR", "FPR95"] if study.has_ood else []), rows))
    st.caption(_QUALITY)


def _costs(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    if goal.costs is None:
        st.info("Choose the target Cost: its costs are what is shown here.")
        return
    outcomes, costs = study.calibration.outcomes, goal.costs
    best = outcomes.cheapest(costs)
    by_class = f", the best for each class **{tuned.optimum.cost:.4g}**" if goal.per_class and tuned.optimum else ""
    st.markdown(
        f"Accepting all would cost **{best.accept_all_cost:.4g}** per 1,000 examples, deferring all "
        f"**{best.defer_all_cost:.4g}**, the best threshold for all **{best.cost:.4g}**{by_class}, on the calibration "
        "part."
    )
    varied: dict[Varied, tuple[str, float]] = {
        "deferral": ("a deferral", costs.deferral),
        "error": ("all errors, times as much", 1.0),
    }
    if study.has_ood:
        varied["ood_accepted"] = ("an unseen accepted", costs.ood_accepted)
        varied["ood_share"] = ("share of unseen", costs.ood_share)
    what = controls.choice(
        "How it moves with the cost of", {k: name for k, (name, _) in varied.items()}, "vary", "deferral"
    )
    name, now = varied[what]
    highest = max(0.5, now) if what == "ood_share" else 4 * (now or 1.0)
    moved = outcomes.sweep(costs, what, np.linspace(0, highest, 61))
    figure = plots.cost_sweep(moved, x_title=name, now=now, is_share=what == "ood_share")
    chart(figure, "cost_figure")
    st.caption(
        "The cheapest threshold for all classes at each cost; the dotted line is the cost above. An interval by the "
        "bootstrap knows nothing of errors that did not happen: with few of them it is short."
    )


def _classes(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    part, names = study.held_out, study.predictions.class_names
    assert part.labels is not None
    assert part.correct is not None
    accepted = tuned.policy.decide_measured(part.measure, part.predicted)
    by_label = split_by_class(accepted, part.correct, part.labels, part.n_classes)
    by_prediction = split_by_class(accepted, part.correct, part.predicted, part.n_classes)
    rows = [
        [
            name,
            *(f"{n:,}" for n in (by_label.n_accepted[k], by_label.n_deferred[k])),
            percent(by_label.accuracy[k]),
            percent(by_label.deferred_accuracy[k]),
            f"{by_prediction.n_accepted[k]:,}",
            percent(by_prediction.accuracy[k]),
        ]
        for k, name in enumerate(names)
    ]
    head = ["class", "accepted", "deferred", "right, accepted", "right, deferred", "predicted and accepted", "right"]
    st.html(words.table(head, rows))
    st.caption("Held-out examples: the first columns by their true class, the last two by the predicted one.")


def _sets(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    left, right = st.columns([2, 5])
    with left:
        coverage = st.slider(
            "Sets hold the true class in", 80.0, 99.9, 99.0, 0.1, format="%.1f %%", key="sets_in", bind="query-params"
        )
        score = controls.choice(
            "Score",
            _SCORES,
            "score",
            "lac",
            "LAC: the smallest sets. APS: adaptive sets, never empty.",
        )
    probs, labels = study.predictions.predictive, study.predictions.labels
    assert labels is not None
    known = [part.indices[: len(part.measure)] for part in (study.calibration, study.held_out)]
    unseen = study.held_out.indices[len(study.held_out.measure) :]
    calibration = calibrate(probs[known[0]], labels[known[0]], round(1 - coverage / 100, 6), score)
    sets = prediction_sets(calibration, probs[known[1]])
    ood_sets = prediction_sets(calibration, probs[unseen]) if len(unseen) else None
    seen = assess_sets(sets, labels[known[1]], ood_sets)
    unseen_words = "" if ood_sets is None else f", and {percent(seen.ood_accepted)} of the unseen"
    with left:
        st.markdown(
            f"**{percent(seen.label_coverage)}** of {len(sets):,} held-out sets hold the true class "
            f"({percent(seen.label_coverage_low)} to {percent(seen.label_coverage_high)}), with "
            f"{seen.mean_size:.2f} classes on average.\n\nSets of one class accept **{percent(seen.coverage)}** "
            f"of the examples, {percent(seen.accuracy)} of them right{unseen_words}. The threshold above accepts "
            f"{percent(tuned.assessment.coverage.value)}."
        )
    counts = {"held out": seen.size_counts}
    if ood_sets is not None:
        counts["unseen"] = np.bincount(ood_sets.sum(axis=1), minlength=len(seen.size_counts))
    chart(plots.set_sizes(counts), "sets_figure", right)
    with right:
        of_threshold = risk_coverage_curve(study.held_out.ranking.table(1000))
        some = [indices[:MOST_FOR_CURVE] for indices in known]  # the split is random, so these are any
        of_sets = singleton_curve(probs[some[0]], labels[some[0]], probs[some[1]], labels[some[1]], score)
        points = {"threshold": (tuned.assessment.coverage.value, tuned.assessment.risk.value)}
        points["sets of one class"] = (seen.coverage, 1 - seen.accuracy)
        figure = plots.risk_coverage({"threshold": of_threshold, "sets of one class": of_sets}, points=points)
        chart(figure, "sets_curve")


def _take_home(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    policy, predictions = tuned.policy, study.predictions
    measure = predictions.measure(study.measure_id)

    def decisions() -> bytes:
        target = io.BytesIO()
        decisions_csv(predictions, measure, policy.decide_measured(measure, predictions.predicted), target)
        return target.getvalue()

    def report() -> str:
        return report_of(study, policy, tuned.promise, tuned.assessment)

    with st.container(horizontal=True):
        st.download_button("Policy (JSON)", policy.to_json(), POLICY_FILE, "application/json", on_click="ignore")
        st.download_button("Decisions (CSV)", decisions, "decisions.csv", "text/csv", on_click="ignore")
        st.download_button("Report (HTML)", report, "report.html", "text/html", on_click="ignore")
    st.markdown(
        "These lines apply it. They need NumPy and this repository's folder `uqcore` on the path, nothing else:"
    )
    st.code(policy.snippet(POLICY_FILE), language="python")
    st.code(policy.to_json(), language="json")


def _article(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    assert source.method_id is not None
    store = default_store()
    tables = cache.article_tables(store.find(mnist_article.TASK, source.method_id).model_id, source.n_samples or 50)
    rows = [
        [
            name,
            *(f"{n:,}" for n in (t.n_deferred, t.n_accepted)),
            percent(t.deferred_accuracy),
            percent(t.accuracy),
        ]
        for name, t in tables.items()
    ]
    st.html(
        words.table(
            [
                f"{METHODS[source.method_id].label}, 10,000 test images",
                "deferred",
                "accepted",
                "right, deferred",
                "right, accepted",
            ],
            rows,
        )
    )
    st.caption(mnist_article.EXPLANATION)
    query = {"method": METHODS[source.method_id].label, "by": MEASURES["normalized_entropy"].label}
    query |= {"t": f"{mnist_article.THRESHOLD:.6g}", "look_8": _ARTICLE}
    st.html(f'<a href="threshold_lab?{escape(urlencode(query))}" target="_self">Set the threshold above to it</a>')


def _threshold(value: float) -> str:
    return "defers all" if value == -np.inf else "accepts all" if value == np.inf else f"{value:.4g}"


_SECTIONS = {
    "examples": _examples,
    "methods": _methods,
    "measures": _measures,
    "costs": _costs,
    "classes": _classes,
    "sets": _sets,
    "home": _take_home,
    "article": _article,
}
