"""What numbers are: probabilities, percentages or logits, by what stands in them and what they sum to."""

from __future__ import annotations

import numpy as np

from uqcore.metrics.classification import ROW_SUM_TOLERANCE
from uqcore.predictions.raw import plain
from uqcore.predictions.roles import ValueKind
from uqcore.predictions.table import HeadColumn
from uqcore.predictions.vocabulary import LOGIT, PREDICTED_WORDS, PROB, word_of
from uqcore.types import FloatArray

_MOST_MARKS = 10  # different whole numbers that may be classes


def kind_and_sums(matrix: FloatArray, word: str) -> tuple[ValueKind, bool]:
    """What rows of numbers are, and whether their sums say so."""
    full = matrix[np.isfinite(matrix).all(axis=1)] if matrix.size else matrix
    if not full.size:
        return ("logits" if word in LOGIT else "probs"), False
    tolerance = sum_tolerance(full.shape[1])
    sums = full.sum(axis=1)
    if full.min() >= 0 and np.mean(np.abs(sums - 1) <= tolerance) >= 0.9:
        return "probs", True
    if full.min() >= 0 and np.mean(np.abs(sums - 100) <= max(1, 100 * tolerance)) >= 0.9:
        return "percent", True
    outside = full.min() < 0 or full.max() > 1
    return ("logits" if word in LOGIT or (outside and word not in PROB) else "probs"), False


def sum_tolerance(n_classes: int) -> float:
    """How far the sum of so many probabilities may be from 1, with room for two decimals."""
    return min(max(1.001 * ROW_SUM_TOLERANCE, 0.0051 * n_classes), 0.05)


def kind_of_rows(rows: FloatArray, name: str) -> ValueKind:
    """What rows ``(N, K)`` are, by their numbers and by the name of what holds them; K of 1 is of two classes."""
    if rows.shape[1] > 1:
        return kind_and_sums(rows, word_of(name))[0]
    finite = rows[np.isfinite(rows)]
    return kind_of_one(finite, word_of(name)) if finite.size else "probs"


def kind_of_one(numbers: FloatArray, word: str) -> ValueKind:
    if word in LOGIT or (word not in PROB and numbers.min() < 0):
        return "logits"
    return "percent" if numbers.min() >= 0 and 1 < numbers.max() <= 100 else "probs"


def is_prediction(column: HeadColumn) -> bool:
    """Whether it is named as a prediction and holds classes: text or whole numbers."""
    if not PREDICTED_WORDS & {*plain(column.header).split("_")} or column.vectors is not None:
        return False
    return column.numbers is None or not has_fractions(column)


def has_fractions(column: HeadColumn) -> bool:
    finite = column.parsed[np.isfinite(column.parsed)]
    return bool((finite != np.floor(finite)).any())


def are_percents(column: HeadColumn) -> bool:
    """Whether they are percentages without decimals: whole numbers up to 100, more of them than classes."""
    return len(column.entries) > _MOST_MARKS and bool(column.parsed.min() >= 0 and 50 < column.parsed.max() <= 100)
