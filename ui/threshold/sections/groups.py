"""Accepted and wrong, group by group, and a risk certified for every group at once."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from ui import words
from ui.threshold.source import Source
from uqcore.selection import GroupCertificates, Groups, GroupSeen, assess_groups, certify_per_group, groups_of
from uqcore.text import exact_percent, percent
from uqcore.tuning import Goal, Study, Tuned
from uqcore.types import IntArray

_N_NAMED = 5


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    assert study.predictions.group is not None
    groups = groups_of(study.predictions.group)
    part, codes = study.held_out, _codes(groups, study.held_out.indices, len(study.held_out.measure))
    accepted = tuned.policy.decide_measured(part.measure, part.predicted)
    st.html(words.table(_HEAD, [_row(seen) for seen in assess_groups(accepted, part.correct, codes, groups.names)]))
    st.caption("The threshold above on the held-out part, with 95 % intervals, each by itself.")
    if goal.kind != "risk" or goal.value is None:
        if study.has_labels:
            st.info("Choose the target Risk to have it promised for every group at once.")
        return
    found = _certified(study, groups, goal)
    st.html(f'<p class="promise">{escape(_promise(found, goal))}</p>')
    kept = part.measure.astype(np.float64) <= found.thresholds[codes]
    rows = []
    for seen, certificate in zip(
        assess_groups(kept, part.correct, codes, groups.names), found.certificates, strict=True
    ):
        needed = "–" if certificate.n_needed is None else f"about {certificate.n_needed:,}"
        rows.append([*_row(seen), words.threshold(certificate.threshold), f"{certificate.n:,}", needed])
    st.html(words.table([*_HEAD, "threshold", "calibration examples", "needed"], rows))
    st.caption(
        f"A threshold for each group, chosen on the calibration part and judged on the other: together they accept "
        f"{percent(float(kept.mean()))} of the held-out examples, the threshold above "
        f"{percent(float(accepted.mean()))}."
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


def _certified(study: Study, groups: Groups, goal: Goal) -> GroupCertificates:
    part = study.calibration
    assert part.correct is not None
    assert goal.value is not None
    codes = _codes(groups, part.indices, len(part.measure))
    level = goal.delta / goal.n_tried
    return certify_per_group(part.measure, part.correct, codes, groups.names, goal.value, level, goal.procedure)


def _promise(found: GroupCertificates, goal: Goal) -> str:
    """What holds for which groups, and which are deferred and why."""
    assert goal.value is not None
    n_certified = len(found.names) - len(found.uncertified)
    risk, confidence = exact_percent(goal.value), exact_percent(1 - goal.delta)
    said = f"At most {risk} of what is accepted wrong, with {confidence} confidence"
    start = (
        f"✓ {said}, in each of {n_certified} groups, all at once, with a threshold for each."
        if n_certified
        else f"In no group can a threshold promise this: {said[0].lower()}{said[1:]}, in all at once."
    )
    missing = [
        f"{words.shortened(found.names[g])!r} ({found.certificates[g].n:,} calibration examples)"
        for g in found.uncertified[:_N_NAMED]
    ]
    more = f" and {len(found.uncertified) - _N_NAMED:,} more" if len(found.uncertified) > _N_NAMED else ""
    return start + (f" Deferred altogether: {', '.join(missing)}{more}." if missing else "")
