"""What a file of predictions holds before anything of it is checked, and how the sentences about it count and list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.roles import Roles, ValueKind
from uqcore.types import FloatArray

Kind = Literal["probs", "logits"]

NO_LABEL = -1
"""The label of an OOD example: it has none of the K classes."""


class TextColumn(NamedTuple):
    """A column of text with few distinct entries: example i has ``texts[codes[i]]``; ``codes (N,) int32``."""

    codes: NDArray[np.int32]
    texts: tuple[str, ...]


Column = NDArray[Any] | TextColumn


@dataclass(frozen=True, eq=False)
class Found:
    """The parts of a file as they came, but for ``values``, which is float32 already.

    Attributes:
        kind: what ``values`` are.
        values: ``(N, K)`` or ``(S, N, K)``, or with other axes where somebody mixed them up; ``(N,)`` or ``(N, 1)``
            of the second of two classes alone.
        order: the axes of ``values``, e.g. ``"NK"``, where the file says them by its form; None for a bare array.
        labels, ood, images, class_names: one entry for each example; ``class_names`` one for each class.
        mean_logits, variance, mean_field_factor: the closed form, as `Predictions` has it; ``score`` likewise.
        ids, group, weight, time: of each example, as `Predictions` has them.
        model: whose prediction each row is, where that stands there.
        roles: what each column was read as; ``left_out``: what was not read.
        notes: a sentence for everything that was guessed or left out.
    """

    kind: ValueKind
    values: FloatArray
    order: str | None = None
    labels: Column | None = None
    ood: Column | None = None
    images: NDArray[Any] | None = None
    class_names: NDArray[Any] | None = None
    mean_logits: FloatArray | None = None
    variance: FloatArray | None = None
    mean_field_factor: FloatArray | None = None
    score: FloatArray | None = None
    ids: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    group: Column | None = None
    weight: FloatArray | None = None
    time: NDArray[Any] | None = None
    model: TextColumn | None = None
    roles: Roles | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def listed(names: Sequence[object], limit: int = 5) -> str:
    """``'a', 'b' and 3 more``: what a person needs to recognise them, each cut to 40 characters."""
    shown = ", ".join(repr(str(name)[:40]) for name in names[:limit]) or "none"
    return f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown


def plain(name: str) -> str:
    """A name for comparing: lower case, one underscore for whatever stands between words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", spaced.lower()).strip("_")


def counted(examples: NDArray[np.bool_]) -> str:
    """``12 examples (the first is number 17, counted from 0)`` for a mask ``(N,)`` with at least one of them."""
    n = int(examples.sum())
    where = f"number {int(examples.argmax()):,}, counted from 0"
    return f"1 example ({where})" if n == 1 else f"{n:,} examples (the first is {where})"
