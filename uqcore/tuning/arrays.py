"""From arrays to a threshold, as a notebook wants it: probabilities and labels in; policy, decisions and report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore import tuning
from uqcore.metrics.classification import checked_probs
from uqcore.metrics.uncertainty import MEASURES
from uqcore.predictions import NO_LABEL, Predictions
from uqcore.selection import Assessment, Costs, Procedure, ThresholdPolicy
from uqcore.selection.checks import checked_class_of_each
from uqcore.types import FloatArray, IntArray, UqError


@dataclass(frozen=True, eq=False)
class TunedPolicy:
    """A threshold with its evidence. Made by `tune`.

    Attributes:
        policy: the rule: ``policy.save("policy.json")``, ``policy.decide(probs)``.
        promise: one sentence: what holds, and on what evidence.
        assessment: what the held-out part of the examples shows: coverage, risk, OOD accepted, with exact intervals.
        study: the examples, measured and split.
    """

    policy: ThresholdPolicy
    promise: str
    assessment: Assessment
    study: tuning.Study

    def decide(self, probs: ArrayLike) -> NDArray[np.bool_]:
        """`ThresholdPolicy.decide`: whether to accept each example, ``(N,)``."""
        return self.policy.decide(probs)

    def report(self, path: str | Path | None = None) -> str:
        """The report as a page of HTML that needs no network, written to ``path`` if there is one."""
        from uqcore.tuning.report import report_of  # which loads Plotly

        page = report_of(self.study, self.policy, self.promise, self.assessment)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page


def tune(
    probs: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    target_risk: float | None = None,
    coverage: float | None = None,
    costs: Costs | None = None,
    delta: float = 0.05,
    procedure: Procedure = "ltt",
    per_class: bool = False,
    measure: str = "predictive_entropy",
    ood_probs: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    calibration_share: float = 0.5,
    seed: int = 0,
    name: str = "predictions",
) -> TunedPolicy:
    """Choose a threshold on a random part of the examples, and judge it on the others.

    Args:
        probs: predictive probabilities ``(N, K)``, or those of the samples ``(S, N, K)``, of examples that the model
            was not trained on.
        labels: ``(N,)`` integers in 0..K-1; a ``coverage`` can be asked for without them.
        target_risk, coverage, costs: what is asked for; exactly one of them. A risk is certified: with probability
            1 - ``delta`` at most that share of what is accepted is wrong (`uqcore.selection.certify`).
        delta, procedure, per_class: of a risk; ``per_class`` also of costs: a threshold for each predicted class.
        measure: what is compared with the threshold, an id in `uqcore.MEASURES`.
        ood_probs: the same of inputs that belong to no class, to see how many are let through.
        class_names: K names; the numbers from 0 if there are none.
        calibration_share, seed: of the split.
        name: what the report calls the examples.

    Raises:
        UqError: an array does not fit, nothing or more than one thing is asked for, or a value is out of range.
    """
    values = checked_probs(probs)
    n_classes = values.shape[-1]
    known = None if labels is None else checked_class_of_each(labels, values.shape[-2], n_classes, "labels")
    predictions = _with_ood(values, known, ood_probs, tuple(class_names or map(str, range(n_classes))), name)
    if measure not in MEASURES:
        raise UqError(f"`measure` must be one of {', '.join(MEASURES)}. Received: {measure!r}.")
    of_examples = tuning.study(predictions, measure, calibration_share, seed)
    tuned = tuning.tune(of_examples, _goal(target_risk, coverage, costs, delta, procedure, per_class))
    return TunedPolicy(tuned.policy, tuned.promise, tuned.assessment, of_examples)


def _goal(
    target_risk: float | None,
    coverage: float | None,
    costs: Costs | None,
    delta: float,
    procedure: Procedure,
    per_class: bool,
) -> tuning.Goal:
    asked = {"target_risk": target_risk, "coverage": coverage, "costs": costs}
    given = [argument for argument, value in asked.items() if value is not None]
    if len(given) != 1:
        raise UqError(f"Give exactly one of {', '.join(asked)}. Received: {', '.join(given) or 'none of them'}.")
    if costs is not None:
        return tuning.Goal("cost", costs=costs, per_class=per_class)
    if coverage is not None:
        return tuning.Goal("coverage", coverage, per_class=per_class)
    return tuning.Goal("risk", target_risk, delta, procedure, per_class=per_class)


def _with_ood(
    values: FloatArray, labels: IntArray | None, ood_probs: ArrayLike | None, names: tuple[str, ...], name: str
) -> Predictions:
    """In-distribution examples first, then OOD."""
    if ood_probs is None:
        return Predictions(name, "probs", values, names, labels)
    ood = checked_probs(ood_probs, len(names))
    if ood.ndim != values.ndim or ood.shape[:-2] != values.shape[:-2]:
        raise UqError(
            f"`ood_probs` must have as many samples as `probs`. Received shapes: {ood.shape} and {values.shape}."
        )
    n, n_ood = values.shape[-2], ood.shape[-2]
    return Predictions(
        name,
        "probs",
        np.concatenate([values, ood], axis=-2),
        names,
        None if labels is None else np.append(labels, np.full(n_ood, NO_LABEL)),
        np.arange(n + n_ood) >= n,
    )
