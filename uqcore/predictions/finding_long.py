"""Tables with a row for every example and class: an id, the class, and the probability of that class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from uqcore.predictions.labels import in_class_order
from uqcore.predictions.raw import plain
from uqcore.predictions.table import HeadColumn
from uqcore.predictions.vocabulary import strength

_VALUE_NAMES = ("value", "values", "val", "share")
_MOST_SCORES = 3  # a table of columns by class has more
_TOLERANCE = 0.02  # of an example's sum: K numbers of two decimals


class Long(NamedTuple):
    """Columns of such a table: which example a row is of, of which class, and how probable that class is."""

    example: HeadColumn
    of_class: HeadColumn
    score: HeadColumn

    @property
    def classes(self) -> tuple[str, ...]:
        return in_class_order(self.of_class.entries)


def found_long(columns: Sequence[HeadColumn]) -> Long | None:
    """The three columns, if the first rows show a few examples whole: each class once, summing to 1 or nearly."""
    scores = [c for c in columns if c.numbers is not None and not c.is_bool and _is_called_score(c.header)]
    scores = [c for c in scores if np.isfinite(c.parsed).all() and c.parsed.min() >= 0 and c.parsed.max() <= 1]
    scores = [c for c in scores if (c.parsed != np.floor(c.parsed)).any()]
    if len(scores) > _MOST_SCORES:
        return None
    named = [c for c in columns if 1 < len(c.entries) < len(c.texts) and c not in scores]
    for score in scores:
        for of_class in named:
            for example in named:
                if example is not of_class and _are_whole(example, of_class, score):
                    return Long(example, of_class, score)
    return None


def _is_called_score(header: str) -> bool:
    return strength(header) > 0 or plain(header) in _VALUE_NAMES


def _are_whole(example: HeadColumn, of_class: HeadColumn, score: HeadColumn) -> bool:
    if len(example.entries) <= len(of_class.entries) and len(example.entries) < 3:
        return False
    pairs = list(zip(example.texts, of_class.texts, strict=True))
    if len(set(pairs)) < len(pairs) or any({*c.texts} != {*c.entries} for c in (example, of_class)):
        return False
    places = {text: i for i, text in enumerate(example.entries)}
    which = np.array([places[text] for text in example.texts])
    counts, sums = np.bincount(which), np.bincount(which, weights=score.parsed)
    whole = counts == len(of_class.entries)
    return bool(whole.sum() > 1 and (np.abs(sums[whole] - 1) <= _TOLERANCE).mean() >= 0.9 and (~whole).sum() <= 1)
