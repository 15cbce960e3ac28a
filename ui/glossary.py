"""Words that not everybody knows, as a museum would tell its visitors, and exactly: beside every page's title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Final, NamedTuple

import streamlit as st


class Term(NamedTuple):
    """A word, what it means in plain words, and exactly.

    Attributes:
        name: as it stands on the pages.
        pattern: a regular expression for every form of it in a page's text.
        plain: for everybody.
        exact: for those who would work it out.
    """

    name: str
    pattern: str
    plain: str
    exact: str


TERMS: Final[Mapping[str, Term]] = {
    term.name: term
    for term in (
        Term(
            "defer",
            r"\b[Dd]efer",
            "A method that is too unsure does not answer by itself: it leaves the answer to a person. Else it accepts.",
            "Deferred: what has a measure of uncertainty above the threshold. Accepted: what has one at most as high.",
        ),
        Term(
            "unseen",
            r"\b[Uu]nseen|never seen",
            "What is unlike anything that a model learnt from: a T-shirt for one that knows digits only.",
            "Out-of-distribution (OOD) inputs, from another data set. They are never trained or tuned on.",
        ),
        Term(
            "Deterministic",
            r"\bDeterministic",
            "One ordinary network. Asked twice it says the same twice, so only its percentages tell how sure it is.",
            "The softmax of one trained network: one sample, all of whose entropy counts as aleatoric.",
        ),
        Term(
            "MC Dropout",
            r"\bMC Dropout",
            "One network, asked many times with some of its cells switched off at random. If the answers vary, it is "
            "unsure.",
            "Monte Carlo dropout: the mean of softmaxes over random masks; a sample is a mask for each dropout layer.",
        ),
        Term(
            "Deep ensemble",
            r"\b[Ee]nsemble",
            "Several networks that learnt the same from different starts: a jury. If they disagree, they are unsure.",
            "The mean of the softmaxes of networks with different initial weights and orders of the data.",
        ),
        Term(
            "SNGP",
            r"\bSNGP",
            "A network that keeps far things far, and says how far a new thing is from all that it learnt.",
            "Spectral-normalized neural Gaussian process: bounded layers under a Gaussian process in random features; "
            "its own measure is the variance of the logits.",
        ),
        Term(
            "SVI (Flipout)",
            r"\bSVI|[Ff]lipout",
            "A network whose every connection has a range in place of one strength. Each answer draws them anew.",
            "Stochastic variational inference: a Gaussian over each weight, fitted by the evidence lower bound with "
            "Flipout's gradients.",
        ),
        Term(
            "Feature density",
            r"\bFeature density",
            "The one ordinary network, and how unusual a new thing looks to its inner layers.",
            "The negative log-density of its features under one Gaussian a class with a shared covariance.",
        ),
        Term(
            "Nearest neighbours",
            r"\bNearest neighbours",
            "The one ordinary network, and how far a new thing is from the most similar one that it learnt from.",
            "The distance of its features to the k-th nearest of the training data's.",
        ),
        Term(
            "sample",
            r"\b[Ss]amples?\b",
            "One of many answers that a method gives to the same question.",
            "One draw of the function: a dropout mask, a member, or weights. A sample is the same for every input.",
        ),
        Term(
            "own measure",
            r"\b[Oo]wn measure|\bOwn\b",
            "Each method's own sign of doubt, the one that its inventors use.",
            "SNGP: variance of the logits; feature density and nearest neighbours: distance from the training data; "
            "all others: entropy.",
        ),
        Term(
            "entropy",
            r"\b[Ee]ntrop(?:y|ies)",
            "Doubt in a number: 0 when one answer has it all, highest when all answers are equally likely.",
            "−Σ p ln p of the mean prediction p: at most ln K for K classes. It is the sum of both parts below.",
        ),
        Term(
            "aleatoric",
            r"\b[Aa]leatoric",
            "Doubt that is in the thing itself: a digit half 4, half 9. More training does not help.",
            "The mean entropy of the samples' predictions.",
        ),
        Term(
            "epistemic",
            r"\b[Ee]pistemic",
            "Doubt from not having learnt enough: the samples disagree. More training data would help.",
            "The mutual information of prediction and model: entropy of the mean minus mean of the entropies.",
        ),
        Term(
            "nats",
            r"\bnats\b",
            "The unit of entropy, as metres are of length.",
            "With the natural logarithm: 1 nat is 1.44 bits.",
        ),
        Term(
            "conformal",
            r"\b[Cc]onformal|\bLAC\b|\bAPS\b",
            "Name several answers, as many as it takes for the right one to be among them nearly always.",
            "Prediction sets whose score (LAC: 1 − p; APS: cumulated p) is at most a quantile of calibration data's: "
            "they cover 1 − α of inputs like those.",
        ),
        Term(
            "AUROC",
            r"\bAUROC",
            "How often the odd one of two things is found: 0.5 is a guess, 1 is always.",
            "The chance that an error (or an unseen input) has the higher uncertainty than a right (or known) one.",
        ),
    )
}

_OF_DIGITS: Final = (
    "Deterministic", "MC Dropout", "Deep ensemble", "SNGP", "SVI (Flipout)", "Feature density", "Nearest neighbours"
)  # fmt: skip
_PARTS: Final = ("entropy", "aleatoric", "epistemic", "nats")
ON_PAGE: Final[Mapping[str, Sequence[str]]] = {
    "Home": ("defer", "unseen", *_OF_DIGITS, "sample", "own measure"),
    "Two moons": ("defer", "unseen", *_OF_DIGITS, "sample", "own measure", *_PARTS),
    "Digit lab": ("defer", "unseen", *_OF_DIGITS, "sample", "own measure", *_PARTS),
    "Threshold lab": ("defer", "unseen", *_OF_DIGITS, "sample", "own measure", *_PARTS, "conformal", "AUROC"),
    "Regression": (*_OF_DIGITS[:5], "sample"),
    "Gallery": (*_OF_DIGITS, "sample", "unseen", "own measure", *_PARTS),
    "Train": _OF_DIGITS,
    "Scoreboard": ("unseen", *_OF_DIGITS, "sample", "own measure", *_PARTS, "conformal", "AUROC"),
    "Reproductions": ("defer", "unseen", *_OF_DIGITS, "sample", "entropy", "nats", "AUROC"),
}
"""The words of each page, by its name in `ui.page.DOORS`."""


def show(page: str) -> None:
    st.html(_html(tuple(ON_PAGE.get(page, ()))))


@cache
def _html(names: Sequence[str]) -> str:
    entries = "".join(
        f"<dt>{escape(term.name)}</dt><dd>{escape(term.plain)} "
        f"<details><summary>exactly</summary>{escape(term.exact)}</details></dd>"
        for term in (TERMS[name] for name in names)
    )
    return f'<details class="words"><summary>Words on this page</summary><dl>{entries}</dl></details>' if names else ""
