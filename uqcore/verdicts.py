"""What a method says about one input, in the numbers that a page shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from uqcore.measures import MEASURES, decompose
from uqcore.types import Draws, FloatArray

SPREAD = (5.0, 95.0)
"""Percentiles of the samples' probabilities between which a verdict's ``low`` and ``high`` lie."""


class Verdict(NamedTuple):
    """One method's answer.

    Attributes:
        probs: ``(K,)`` predictive probabilities.
        low, high: ``(K,)`` the samples' probabilities at the percentiles `SPREAD`; equal where there is one sample.
        label: index of the predicted class.
        total, aleatoric, epistemic: the entropy of the samples' mean and its parts, in nats.
        measure: the value of the measure asked for.
        accepted: whether that value is at or below the threshold.
    """

    probs: FloatArray
    low: FloatArray
    high: FloatArray
    label: int
    total: float
    aleatoric: float
    epistemic: float
    measure: float
    accepted: bool


def judge(draws: Draws, measure_id: str, threshold: float) -> list[Verdict]:
    """A verdict for each of the N examples of ``draws``, deferring where ``measure_id`` exceeds ``threshold``."""
    low, high = np.percentile(draws.probs, SPREAD, axis=0)
    parts, measure = decompose(draws), MEASURES[measure_id].compute(draws)
    return [
        Verdict(
            probs=draws.predictive[i],
            low=low[i],
            high=high[i],
            label=int(draws.predictive[i].argmax()),
            total=float(parts.total[i]),
            aleatoric=float(parts.aleatoric[i]),
            epistemic=float(parts.epistemic[i]),
            measure=float(measure[i]),
            accepted=bool(measure[i] <= threshold),
        )
        for i in range(len(measure))
    ]
