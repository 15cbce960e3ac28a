"""What the visitor wants of the threshold: one click, its numbers beside it, all in the URL."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import streamlit as st

from ui import controls, words
from ui.controls import BIND
from ui.threshold import cost_matrix
from uqcore.datasets import load
from uqcore.selection import Costs, Procedure
from uqcore.tuning import ROUND_RISKS, Goal, Study, round_risk

_Choice = Literal["risk", "smallest", "cost", "coverage", "ood_accepted"]
_LABELS: dict[_Choice, str] = {
    "risk": "Risk",
    "smallest": "Smallest risk",
    "cost": "Cost",
    "coverage": "Coverage",
    "ood_accepted": "Unseen",
}
_NEED_LABELS = ("risk", "smallest", "cost")
_RISK = "Risk at most (%)"
_DELTA = 0.05
_MOST_OFFERED = 50  # classes
_ELSE = 0.05  # where no round risk can be certified
_HELP = (
    "Risk: at most so many of the accepted wrong, with a guarantee. Smallest risk: the smallest round figure that can "
    "be guaranteed on these examples. Cost: the least expected cost. Coverage: accept "
    "the surest share of the examples. Unseen: let through at most a share of what the model never learnt. "
    "Or drag the threshold: that promises nothing."
)


def choose(study: Study, task: str | None, n_models: int = 1) -> Goal:
    """The goal, among those that the predictions allow; ``task`` of one of our models, None for a visitor's own, of
    which there may be several, ``n_models``."""
    kinds = [kind for kind in _LABELS if study.has_labels or kind not in _NEED_LABELS]
    kinds = [kind for kind in kinds if study.has_ood or kind != "ood_accepted"]
    n_others = len([kind for kind in kinds if kind != "smallest"])  # in the key, as in older links
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        # It opens with a risk where one can be promised, not by saying that nothing can be.
        possible = task is not None or _round_risk(study, _DELTA / n_models, "ltt") is not None
        start: _Choice = "risk" if "risk" in kinds and possible else "coverage"
        key = f"target_{n_others}{'' if start == 'risk' else '_few'}"
        kind = controls.choice("Target", {k: _LABELS[k] for k in kinds}, key, start, _HELP)
        if kind == "risk":
            wanted = _risk(study, task, n_models)
        elif kind == "smallest":
            wanted = _smallest(study, n_models)
        else:
            wanted = _GOALS[kind](study)
    return replace(wanted, n_models=n_models)


def _risk(study: Study, task: str | None, n_models: int) -> Goal:
    if task is not None:
        risk = _number(_RISK, 0.01, 50.0, 100 * load(task).usual_risk, controls.task_key("risk", task), 0.1) / 100
        return _for_all_or_some(study, Goal("risk", risk, *_assurance()))
    place = st.container(width=130)  # its start depends on what stands after it
    delta, procedure = _assurance()
    with place:
        risk, n_tried = _risk_of_own(study, delta / n_models, procedure)
    positive = _positive(study)
    if positive is not None:
        return Goal("precision", 1 - risk, delta, procedure, n_tried=n_tried, positive=positive)
    return _for_all_or_some(study, Goal("risk", risk, delta, procedure, n_tried=n_tried))


def _smallest(study: Study, n_models: int) -> Goal:
    """The smallest round risk that can be certified; where none can, the largest of them, which says so."""
    delta, procedure = _assurance()
    found = _round_risk(study, delta / n_models, procedure)
    risk = ROUND_RISKS[-1] if found is None else found
    return _for_all_or_some(study, Goal("risk", risk, delta, procedure, n_tried=len(ROUND_RISKS)))


def _for_all_or_some(study: Study, goal: Goal) -> Goal:
    """The goal of a risk by weight, if there are weights and the visitor wants it, or for each class, or as it is."""
    by_weight = study.predictions.weight is not None and st.toggle(
        "By weight",
        key="by_weight",
        bind=BIND,
        help="The share of the weight of what is accepted that is wrong, certified by betting (Waudby-Smith & Ramdas "
        "2024), whatever the procedure; one threshold for all.",
    )
    return replace(goal, weighted=True) if by_weight else replace(goal, per_class=_per_class())


def _assurance() -> tuple[float, Procedure]:
    """With what probability the promise may fail, and by which procedure it is made."""
    confidence = _number("Confidence (%)", 50.0, 99.9, 100 * (1 - _DELTA), "confidence", 1.0)
    procedures: dict[str, Procedure] = {"Learn then Test": "ltt", "SGR": "sgr"}
    name = controls.one_of(
        "Procedure",
        list(procedures),
        key="procedure",
        bind=BIND,
        width=160,
        help="Learn then Test (Angelopoulos et al. 2021) tests thresholds upwards from one start. SGR: selection with "
        "guaranteed risk (Geifman & El-Yaniv 2017), which starts in many places and so needs more examples.",
    )
    return round(1 - confidence / 100, 6), procedures[name]


def _positive(study: Study) -> int | None:
    """The class whose predictions alone are to be accepted; None for those of all."""
    names = study.predictions.class_names
    if len(names) > _MOST_OFFERED:
        return None
    chosen = st.selectbox(
        "Accept",
        range(-1, len(names)),
        format_func=lambda k: "every class" if k < 0 else f"only {words.shortened(names[k])!r}",
        key=f"accept_only_{len(names)}",
        width=170,
        help="Only one class: its precision is certified, the share of what is accepted as it that is it, and its "
        "recall is measured. Predictions of other classes are deferred.",
    )
    return chosen if chosen is not None and chosen >= 0 else None


def _risk_of_own(study: Study, delta: float, procedure: Procedure) -> tuple[float, int]:
    """The risk, and among how many figures it was chosen on these data: as long as the visitor sets none, the smallest
    round one that can be certified. One that was set is in the link and stays with the next file."""
    found = _round_risk(study, delta, procedure)
    opens = 100 * (_ELSE if found is None else found)
    try:
        linked = float(st.query_params.get("risk", opens))
    except ValueError:
        linked = opens
    start = linked if 0.01 <= linked <= 50 else opens
    # A key for each figure that it opens with: Streamlit would keep the last file's.
    value = st.number_input(_RISK, 0.01, 50.0, start, 0.1, key=f"risk_from_{opens:g}", format="%g", width=130)
    risk = opens if value is None else float(value)
    controls.put_in_url("risk", None if risk == opens else f"{risk:g}")
    return risk / 100, len(ROUND_RISKS) if risk == opens and found is not None else 1


def _round_risk(study: Study, delta: float, procedure: Procedure) -> float | None:
    """`round_risk`, kept for the visit as long as nothing that it depends on changes."""
    kept = st.session_state.setdefault("round_risks", {})
    if kept.get("study") is not study:
        kept.clear()
        kept["study"] = study
    if (delta, procedure) not in kept:
        kept[delta, procedure] = round_risk(study, delta, procedure)
    found: float | None = kept[delta, procedure]
    return found


def _cost(study: Study) -> Goal:
    n_classes = study.predictions.n_classes
    error = _number("Cost of an error", 0.0, 1e6, 1.0, "cost_error", 1.0)
    deferral = _number("of a deferral", 0.0, 1e6, 0.05, "cost_deferral", 0.01)
    ood, share = 0.0, 0.0
    if study.has_ood:
        ood = _number("of an unseen", 0.0, 1e6, 1.0, "cost_unseen", 1.0)
        share = _number("Unseen (%)", 0.0, 100.0, 5.0, "unseen_share", 1.0) / 100
    costs = Costs.uniform(n_classes, deferral=deferral, error=error, ood_accepted=ood, ood_share=share)
    costs = replace(costs, matrix=cost_matrix.ask(study.predictions.class_names, costs.matrix, error))
    return Goal("cost", costs=costs, per_class=_per_class())


def _coverage(study: Study) -> Goal:
    if st.toggle("As a budget", key="budget", bind=BIND, help="How many of a day's examples people can look at."):
        most = _number("Defer at most", 0.0, 1e6, 200.0, "budget_most", 10.0)
        per = _number("of so many", 1.0, 1e6, 5000.0, "budget_per", 100.0)
        return Goal("budget", min(most / per, 1.0), per=int(per))
    return Goal("coverage", _number("Accept (%)", 1.0, 100.0, 95.0, "accept", 1.0) / 100)


def _ood(study: Study) -> Goal:
    return Goal("ood_accepted", _number("Let through at most (%)", 0.0, 100.0, 5.0, "let_through", 1.0) / 100)


_GOALS = {"cost": _cost, "coverage": _coverage, "ood_accepted": _ood}


def _per_class() -> bool:
    return st.toggle(
        "Per class", key="per_class", bind=BIND, help="A threshold for each predicted class; the promise is shared."
    )


def _number(label: str, low: float, high: float, start: float, key: str, step: float) -> float:
    return controls.number(label, low, high, start, key, step, format="%g", width=130)
