"""Words that not everybody knows, as a museum would tell its visitors, and exactly: beside every page's title."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from typing import Final, NamedTuple

import streamlit as st

from ui.html import Html
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.text import percent


class Term(NamedTuple):
    """A word, what it means in plain words, and exactly.

    Attributes:
        name: as it stands on the pages.
        pattern: a regular expression for every form of it in a page's text.
        plain: for everybody.
        exact: for those who would work it out; empty where ``plain`` says it all.
    """

    name: str
    pattern: str
    plain: str
    exact: str

    @property
    def href(self) -> str:
        """The place of its entry in the page's list. A link there opens the entry where the word stands (stage.js)."""
        return f"#word-{re.sub('[^a-z]+', '-', self.name.lower()).strip('-')}"


def _own_measures() -> str:
    """Which methods have another measure of their own than entropy, as one sentence."""
    others: dict[str, list[str]] = {}
    for method in METHODS.values():
        if method.own_measure != "predictive_entropy":
            others.setdefault(MEASURES[method.own_measure].label.lower(), []).append(method.label)
    return "; ".join(
        [f"{', '.join(labels)}: {measure}" for measure, labels in others.items()] + ["all others: entropy."]
    )


_WRITTEN: Final[Mapping[str, Term]] = {
    term.name: term
    for term in (
        Term(
            "defer",
            r"\b[Dd]efer",
            "A method that is too unsure does not answer by itself: it leaves the answer to a person. Else it accepts.",
            "Deferred: what has a measure of uncertainty above the threshold. Accepted: what has one at most as high.",
        ),
        Term(
            "threshold",
            r"\b[Tt]hreshold(?! lab)",
            "How much doubt is still all right: up to it a method answers by itself.",
            "A bound on a measure of uncertainty: accepted is what has at most that.",
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
            r"\b(?:[Dd]eep )?[Ee]nsemble",
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
            r"\bSVI(?: \(Flipout\))?|[Ff]lipout",
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
            _own_measures(),
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
            "certified",
            r"\b[Cc]ertif|\b[Gg]uarantee",
            "Promised, with evidence: of a hundred thresholds that are chosen like this, about five at most break the "
            "promise. It holds for things like those it was tested on, and for nothing else.",
            "With probability 1 − δ over the calibration examples the risk is at most the target, by exact binomial "
            "tests in a fixed sequence (Learn then Test), whatever the distribution.",
        ),
        Term(
            "calibration",
            r"\b[Cc]alibrat",
            "Setting a model right on examples whose answers are known and that it has not learnt from: a threshold is "
            "chosen on them. A model is well calibrated if it is right as often as it says.",
            "Calibration examples are held out from training, and what is reported is counted on yet others. "
            "Calibrated: P(right | confidence p) = p.",
        ),
        Term(
            "coverage",
            r"\b[Cc]overage|\bcovers?\b",
            "How much is answered without a person. Of a band: how often the truth lies in it.",
            "The share of examples that are accepted; of an interval or a set, the share of true values in it.",
        ),
        Term(
            "risk",
            r"\b[Rr]isk",
            "How many of the answers that were accepted are wrong.",
            "Selective risk: the share of wrong predictions among what is accepted.",
        ),
        Term(
            "AUROC",
            r"\bAUROC|\bROC\b",
            "How well doubt sorts: of an odd thing and an ordinary one, how often is the odd one more doubtful? 0.5 is "
            "a guess, 1 is always.",
            "The area under the ROC curve, of odd ones found against ordinary ones flagged: the chance that an error "
            "(or an unseen input) has the higher uncertainty than a right (or known) one.",
        ),
        Term(
            "AURC",
            r"\bE?-?AURC|\bFPR95",
            "How few errors are accepted, over all thresholds: lower is better.",
            "The mean risk over all coverages; E-AURC: less that of a perfect order. FPR95: the share of known inputs "
            f"that is flagged where {percent(0.95)} of the unseen are.",
        ),
        Term(
            "NLL",
            r"\bNLL|[Cc]ross-entropy|\b[Ll]oss(?:es)?\b",
            "How surprised a model is by the right answers: lower is better, and sure and wrong costs most.",
            "Negative log-likelihood, or cross-entropy: the mean of −ln p of the true class, or of the density at y, "
            "in nats. A loss is what training lowers: this, and a price for large weights.",
        ),
        Term(
            "Brier",
            r"\bBrier",
            "How far a model's percentages are from what turned out true: 0 is perfect.",
            "The squared differences of p and the one-hot label, summed over classes; in 0..2.",
        ),
        Term(
            "ECE",
            r"\bECE|\b[Qq]uantile error",
            "By how much a model's percentages are off. Of what it is 8 in 10 sure of, 8 in 10 should be right.",
            "Expected calibration error: mean |accuracy − confidence| of 15 bins of equal width. Quantile error: for "
            "curves, the root mean square of (share of y below a quantile − its level).",
        ),
        Term(
            "CRPS",
            r"\bCRPS|\bRMSE",
            "How far a predicted curve is from the truth: lower is better. CRPS also counts how wide its band is.",
            "RMSE: root mean square error of the mean. CRPS: continuous ranked probability score, the integral of "
            "(F(z) − 1[y ≤ z])² over z, in y's unit.",
        ),
    )
}

_METHODS: Final = tuple(method.label for method in METHODS.values())
TERMS: Final[Mapping[str, Term]] = {
    # A method of which nothing is written here is explained by its summary.
    **{each.label: Term(each.label, rf"\b{re.escape(each.label)}", each.summary, "") for each in METHODS.values()},
    **_WRITTEN,
}
_PARTS: Final = ("entropy", "aleatoric", "epistemic", "nats")
_TRUST: Final = ("calibration", "coverage", "risk", "AUROC")
_SCORES: Final = ("NLL", "Brier", "ECE")
ON_PAGE: Final[Mapping[str, Sequence[str]]] = {
    "Home": ("defer", "threshold", "unseen", *_METHODS, "sample", "own measure", "certified", "risk"),
    "Two moons": ("defer", "threshold", "unseen", *_METHODS, "sample", "own measure", *_PARTS, "AUROC", "NLL"),
    "Digit lab": ("defer", "threshold", "certified", "unseen", *_METHODS, "sample", "own measure", *_PARTS),
    "Threshold lab": (
        "defer",
        "threshold",
        "certified",
        *_TRUST,
        "AURC",
        "unseen",
        *_METHODS,
        "sample",
        "own measure",
        *_PARTS,
        "conformal",
    ),
    "Regression": (
        *(METHODS[each].label for each in of_task("sine")),
        "sample",
        "coverage",
        "calibration",
        "NLL",
        "ECE",
        "CRPS",
    ),
    "Gallery": (*_METHODS, "sample", "unseen", "own measure", *_PARTS),
    "Train": (*_METHODS, "NLL", "Brier", "ECE", "AUROC", "CRPS", "coverage", "sample"),
    "Scoreboard": (
        "threshold",
        "unseen",
        *_METHODS,
        "sample",
        "own measure",
        *_PARTS,
        "conformal",
        "certified",
        *_TRUST,
        "AURC",
        *_SCORES,
        "CRPS",
    ),
    "Reproductions": ("defer", "threshold", "unseen", *_METHODS, "sample", "entropy", "nats", "AUROC", "NLL"),
}
"""The words of each page, by its name in `ui.page.DOORS`."""


_EACH = "|".join(f"(?P<t{i}>{term.pattern})" for i, term in enumerate(TERMS.values()))
_ANY = re.compile(rf"\b(?:{_EACH})\w*")  # looks at where words begin alone: in a fifth of the time
_NOT_IN_MARKDOWN = re.compile(r"(\[[^\]]*\]\([^)]*\)|`[^`]*`)")
_NOT_IN_HTML = re.compile(r"(<a\b.*?</a>|<[^>]*>)")


def in_markdown(text: str) -> str:
    """``text`` with a link to its explanation where each term first stands."""
    return _marked(text, _NOT_IN_MARKDOWN, lambda term, words: f"[{words}]({term.href})", set())


@lru_cache(maxsize=64)
def in_html(*texts: str) -> tuple[str, ...]:
    """As `in_markdown`, of parts of one text in HTML, which the dashboard itself has: they are kept."""
    found: set[str] = set()

    def link(term: Term, words: str) -> str:
        return f'<a class="word" href="{term.href}" aria-haspopup="dialog">{words}</a>'

    return tuple(_marked(text, _NOT_IN_HTML, link, found) for text in texts)


def _marked(text: str, kept: re.Pattern[str], link: Callable[[Term, str], str], found: set[str]) -> str:
    """``text`` with links, but for its parts that match ``kept`` (one group); ``found``: the terms that have one."""
    terms = list(TERMS.values())

    def mark(match: re.Match[str]) -> str:
        term = terms[int((match.lastgroup or "")[1:])]
        if term.name in found:
            return match[0]
        found.add(term.name)
        return link(term, match[0])

    parts = kept.split(text)
    return "".join(part if i % 2 else _ANY.sub(mark, part) for i, part in enumerate(parts))


def show(page: str) -> None:
    if names := ON_PAGE.get(page):
        st.html(_html(tuple(names)))


@cache
def _html(names: Sequence[str]) -> Html:
    entries = "".join(
        f'<dt id="{term.href[1:]}">{escape(term.name)}</dt><dd>{escape(term.plain)}{_exactly(term)}</dd>'
        for term in (TERMS[name] for name in names)
    )
    head = '<details class="words"><summary>Words on this page</summary>'
    return Html(f"{head}<dl>{entries}</dl></details>")


def _exactly(term: Term) -> str:
    return f" <details><summary>exactly</summary>{escape(term.exact)}</details>" if term.exact else ""
