"""Accepted and wrong, group by group, and a risk certified for every group at once."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from ui.threshold.source import Source
from ui.words import table
from ui.words import threshold_lab as words
from uqcore.selection import GroupCertificates, Groups, GroupSeen, assess_groups, groups_of
from uqcore.text import percent, unbroken
from uqcore.tuning import Goal, Study, Tuned, tune
from uqcore.types import IntArray


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    assert study.predictions.group is not None
    groups = groups_of(study.predictions.group)
    part, codes = study.held_out, _codes(groups, study.held_out.indices, len(study.held_out.measure))
    accepted = tuned.policy.decide_measured(part.measure, part.predicted)
    st.html(table(_HEAD, [_row(seen) for seen in assess_groups(accepted, part.correct, codes, groups.names)]))
    st.caption(f"The threshold above on the held-out part, with {percent(0.95)} intervals, each by itself.")
    if goal.kind != "risk" or goal.value is None:
        if study.has_labels:
            st.info("Choose the target Risk to have it promised for every group at once.")
        return
    by_group = tune(study, replace(goal, per_group=True, per_class=False, weighted=False))
    found, policy = by_group.certificate, by_group.policy
    assert isinstance(found, GroupCertificates)
    st.html(f'<p class="promise">{"✓ " * policy.certified}{escape(unbroken(by_group.promise))}</p>')
    kept = policy.decide_measured(part.measure, group=part.group)
    rows = []
    for seen, certificate in zip(
        assess_groups(kept, part.correct, codes, groups.names), found.certificates, strict=True
    ):
        needed = "–" if certificate.n_needed is None else f"about {certificate.n_needed:,}"
        rows.append([*_row(seen), words.threshold(certificate.threshold), f"{certificate.n:,}", needed])
    st.html(table([*_HEAD, "threshold", "calibration examples", "needed"], rows))
    st.caption(
        f"A threshold for each group, chosen on the calibration part and judged on the other: together they accept "
        f"{percent(float(kept.mean()))} of the held-out examples, the threshold above "
        f"{percent(float(accepted.mean()))}."
    )
    st.download_button(
        "Policy by group (JSON)", policy.to_json(), "policy_by_group.json", "application/json", on_click="ignore"
    )


_HEAD = ["group", "examples", "accepted", "interval", "wrong", "of the accepted", "interval"]


def _row(seen: GroupSeen) -> list[str]:
    """A group in words; a dash for what cannot be said."""
    coverage = ["–", ""] if seen.coverage is None else [percent(seen.coverage.value), words.interval(seen.coverage)]
    risk = ["–", ""] if seen.risk is None else list(words.risk(seen.risk))
    errors = "–" if seen.n_errors is None else f"{seen.n_errors:,}"
    return [seen.name, f"{seen.n:,}", *coverage, errors, *risk]


def _codes(groups: Groups, indices: IntArray, n: int) -> IntArray:
    """Of the ``n`` in-distribution examples of a part, which come first."""
    return groups.codes[indices[:n]]
