"""The thresholds of a goal per class, with the evidence for each."""

from __future__ import annotations

import streamlit as st

from ui.words import plain, shortened, table
from ui.words import threshold_lab as words
from uqcore.selection import ClassCertificates
from uqcore.tuning import Study, Tuned

N_NAMED = 10


def show(study: Study, tuned: Tuned) -> None:
    """The thresholds of a goal per class, with the evidence for each."""
    names, found = study.predictions.class_names, tuned.certificate
    head = ["predicted", "threshold"]
    rows = [[name, words.threshold(t)] for name, t in zip(names, tuned.policy.thresholds, strict=True)]
    if isinstance(found, ClassCertificates):
        head += ["examples", "accepted", "wrong", "needed"]
        for row, certificate in zip(rows, found.certificates, strict=True):
            needed = "–" if certificate.n_needed is None else f"about {certificate.n_needed:,}"
            row += [f"{n:,}" for n in (certificate.n, certificate.n_accepted, certificate.n_errors)] + [needed]
        if found.uncertified:
            missing = ", ".join(plain(shortened(names[c])) for c in found.uncertified[:N_NAMED])
            missing += f" and {more:,} more" if (more := len(found.uncertified) - N_NAMED) > 0 else ""
            st.warning(f"Too few examples, or too many errors, to certify: {missing}. These classes are deferred.")
    st.html(table(head, rows))
