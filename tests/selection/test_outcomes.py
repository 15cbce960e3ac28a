from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from uqcore.selection.outcomes import count_outcomes
from uqcore.types import UqError

MEASURE = np.array([0.1, 0.2, 0.2, 0.4, 0.9])
PREDICTED = np.array([0, 1, 1, 0, 2])
LABELS = np.array([0, 1, 2, 0, 1])
OOD = np.array([0.2, 0.5, 0.9, 1.0])
OOD_PREDICTED = np.array([0, 1, 2, 2])


def test_counts_by_hand() -> None:
    counts = count_outcomes(0.2, MEASURE, PREDICTED, LABELS, 3, OOD)
    assert counts.accepted.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert (counts.n_examples, counts.n_deferred, counts.n_ood_accepted, counts.n_ood_deferred) == (5, 2, 1, 3)
    assert counts.coverage == pytest.approx(3 / 5)
    assert counts.risk == pytest.approx(1 / 3)
    assert counts.ood_accepted == pytest.approx(1 / 4)


def test_a_threshold_per_class_is_that_of_the_predicted_class() -> None:
    counts = count_outcomes([0.1, -np.inf, np.inf], MEASURE, PREDICTED, LABELS, 3, OOD, OOD_PREDICTED)
    assert counts.accepted.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert (counts.n_deferred, counts.n_ood_accepted, counts.n_ood_deferred) == (3, 2, 2)


def test_shares_are_nan_where_there_is_nothing_to_take_them_of() -> None:
    counts = count_outcomes(-np.inf, MEASURE, PREDICTED, LABELS, 3)
    assert (counts.coverage, counts.n_deferred, counts.n_ood) == (0, 5, 0)
    assert np.isnan([counts.risk, counts.ood_accepted]).all()


def test_small_integers_do_not_overflow() -> None:
    predicted = np.full(5, 199, np.uint8)
    assert count_outcomes(1, MEASURE, predicted, predicted, 200).accepted[199, 199] == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.nan, MEASURE, PREDICTED, LABELS, 3), "`threshold` must be one number, or one for each of 3 classes"),
        (([0.1, 0.2], MEASURE, PREDICTED, LABELS, 3), r"Received: \[0.1 0.2\]"),
        ((0.1, np.empty(0), PREDICTED, LABELS, 3), "`measure` must hold one number for each example"),
        (
            (0.1, MEASURE, PREDICTED[:4], LABELS, 3),
            "`predicted` must hold 5 classes, one for each example. Received: 4",
        ),
        ((0.1, MEASURE, PREDICTED, LABELS[:4], 3), "`labels` must hold 5 classes"),
        ((0.1, MEASURE, PREDICTED, LABELS, 2), "`predicted` must be from 0 to 1. Received: 0 to 2"),
        ((0.1, MEASURE, PREDICTED, LABELS - 1, 3), "`labels` must be from 0 to 2. Received: -1 to 1"),
        ((0.1, MEASURE, PREDICTED * 1.0, LABELS, 3), "`predicted` must hold one integer for each example"),
        ((0.1, MEASURE, PREDICTED, LABELS, 3, [np.inf]), "`ood_measure` must be finite"),
        (([0.1] * 3, MEASURE, PREDICTED, LABELS, 3, OOD), "Thresholds per class need `ood_predicted`"),
        (([0.1] * 3, MEASURE, PREDICTED, LABELS, 3, OOD, [1]), "`ood_predicted` must hold 4 classes"),
    ],
)
def test_input_that_cannot_be_counted_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UqError, match=message):
        count_outcomes(*arguments)
