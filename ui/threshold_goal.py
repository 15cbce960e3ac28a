"""What the visitor wants of the threshold: one click, its numbers beside it, all in the URL."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui import controls
from ui.controls import BIND
from uqcore.selection import Procedure
from uqcore.selection.cost import Costs
from uqcore.tuning import Goal, Kind, Study

_LABELS: dict[Kind, str] = {
    "risk": "Risk",
    "cost": "Cost",
    "coverage": "Coverage",
    "ood_accepted": "Unseen",
}
_ENOUGH = 3000
_HELP = (
    "Risk: at most so many of the accepted wrong, with a guarantee. Cost: the least expected cost. Coverage: accept "
    "the surest share of the examples. Unseen: let through at most a share of what the model never learnt. "
    "Or drag the threshold: that promises nothing."
)


def choose(study: Study) -> Goal:
    """The goal, among those that the predictions allow."""
    kinds = [kind for kind in _LABELS if study.has_labels or kind not in ("risk", "cost")]
    kinds = [kind for kind in kinds if study.has_ood or kind != "ood_accepted"]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        # A certificate needs examples: with few of them it would open by saying that nothing can be promised.
        start: Kind = "risk" if "risk" in kinds and len(study.calibration.measure) >= _ENOUGH else "coverage"
        key = f"target_{len(kinds)}{'' if start == 'risk' else '_few'}"
        kind = controls.choice("Target", {k: _LABELS[k] for k in kinds}, key, start, _HELP)
        return _GOALS[kind](study)


def _risk(study: Study) -> Goal:
    risk = _number("Risk at most (%)", 0.01, 50.0, 0.1, "risk", 0.1)
    confidence = _number("Confidence (%)", 50.0, 99.9, 95.0, "confidence", 1.0)
    procedures: dict[str, Procedure] = {"Learn then Test": "ltt", "SGR": "sgr"}
    name = st.selectbox(
        "Procedure",
        list(procedures),
        key="procedure",
        bind=BIND,
        width=160,
        help="Learn then Test (Angelopoulos et al. 2021) tests thresholds from the strictest up. SGR: selection with "
        "guaranteed risk (Geifman & El-Yaniv 2017), which starts in many places and so needs more examples.",
    )
    return Goal("risk", risk / 100, round(1 - confidence / 100, 6), procedures[name], per_class=_per_class())


def _cost(study: Study) -> Goal:
    n_classes = study.predictions.n_classes
    error = _number("Cost of an error", 0.0, 1e6, 1.0, "cost_error", 1.0)
    deferral = _number("of a deferral", 0.0, 1e6, 0.05, "cost_deferral", 0.01)
    ood, share = 0.0, 0.0
    if study.has_ood:
        ood = _number("of an unseen", 0.0, 1e6, 1.0, "cost_unseen", 1.0)
        share = _number("Unseen (%)", 0.0, 100.0, 5.0, "unseen_share", 1.0) / 100
    costs = Costs.uniform(n_classes, deferral=deferral, error=error, ood_accepted=ood, ood_share=share)
    matrix = st.session_state.get(_matrix_key(study, error))
    return Goal("cost", costs=costs if matrix is None else Costs(matrix, deferral, ood, share), per_class=_per_class())


def _coverage(study: Study) -> Goal:
    return Goal("coverage", _number("Accept (%)", 1.0, 100.0, 95.0, "accept", 1.0) / 100)


def _ood(study: Study) -> Goal:
    return Goal("ood_accepted", _number("Let through at most (%)", 0.0, 100.0, 5.0, "let_through", 1.0) / 100)


_GOALS = {"risk": _risk, "cost": _cost, "coverage": _coverage, "ood_accepted": _ood}


def edit_matrix(study: Study, goal: Goal) -> None:
    """A table of the cost of each kind of error, which starts from the uniform one. It lasts as long as the visit."""
    assert goal.costs is not None
    error = float(st.session_state.get("cost_error", 1.0))
    names, key = list(study.predictions.class_names), _matrix_key(study, error)
    st.markdown("**The cost of each kind of error**: a row a true class, a column a predicted one.")
    edited = st.data_editor(
        {"truth": names} | {name: [float(v) for v in goal.costs.matrix[:, k]] for k, name in enumerate(names)},
        disabled=["truth"],
        hide_index=True,
        key=f"editor_{key}",
    )
    matrix = np.array([edited[name] for name in names], np.float64).T
    if not np.array_equal(matrix, goal.costs.matrix) and np.isfinite(matrix).all():
        st.session_state[key] = matrix
        st.rerun()


def _matrix_key(study: Study, error: float) -> str:
    return f"matrix {study.predictions.class_names} {error}"


def _per_class() -> bool:
    return st.toggle(
        "Per class", key="per_class", bind=BIND, help="A threshold for each predicted class; the promise is shared."
    )


def _number(label: str, low: float, high: float, start: float, key: str, step: float) -> float:
    value = st.number_input(label, low, high, start, step, key=key, bind=BIND, format="%g", width=130)
    return float(start if value is None else value)
