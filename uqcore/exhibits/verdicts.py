"""What a method says about one input, in the numbers that a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES, decompose
from uqcore.store import rebuild_command
from uqcore.types import Draws, FloatArray, ModelRecord, UqError

OWN = "own"
"""Stands for the measure that each method's authors use."""

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


class Gauge(NamedTuple):
    """A measure and the value at which its bar ends, so that thresholds in 0..1 mean the same for every method."""

    measure_id: str
    largest: float

    def share(self, draws: Draws) -> FloatArray:
        """The measure of each example as a share of the bar, ``(N,)`` in 0..1: what would go beyond it ends there."""
        return self.share_of(MEASURES[self.measure_id].compute(draws))

    def share_of(self, measure: FloatArray) -> FloatArray:
        """`share` where the measure is known."""
        return np.minimum(measure / self.largest, 1)

    def threshold(self, share: float) -> float:
        """The measure's value at ``share`` of the bar. The bar's end accepts all, as nothing is longer."""
        return share * self.largest if share < 1 else inf


def gauge(record: ModelRecord, measure_id: str, n_classes: int) -> Gauge:
    """The bar of a measure: it ends at the measure's largest value, and half way up at `own_threshold` for `OWN`.

    Raises:
        UqError: the measure has no largest value, or the row lacks the method's own threshold.
    """
    if measure_id == OWN:
        return Gauge(METHODS[record.method].own_measure, 2 * own_threshold(record))
    return Gauge(measure_id, MEASURES[measure_id].largest(n_classes))


def own_threshold(record: ModelRecord) -> float:
    """The value of the method's own measure that 99 % of the validation examples stay below (`uqcore.models.training`).

    Raises:
        UqError: the row of the manifest does not have it.
    """
    try:
        return record.metrics[f"threshold_{METHODS[record.method].own_measure}"]
    except KeyError:
        raise UqError(
            f"The manifest has no threshold for {record.model_id}; rebuild it with `{rebuild_command(record)}`."
        ) from None


def _percentiles(samples: FloatArray, percents: Sequence[float]) -> list[FloatArray]:
    """As `numpy.percentile` along the first axis, which takes ten times as long for few numbers."""
    rising, found = np.sort(samples, axis=0), []
    for percent in percents:
        place = percent / 100 * (len(samples) - 1)
        below = int(place)
        above = min(below + 1, len(samples) - 1)
        found.append(rising[below] + (rising[above] - rising[below]) * samples.dtype.type(place - below))
    return found


def judge(draws: Draws, measure_id: str, threshold: float) -> list[Verdict]:
    """A verdict for each of the N examples of ``draws``, deferring where ``measure_id`` exceeds ``threshold``."""
    low, high = _percentiles(draws.probs, SPREAD)
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
