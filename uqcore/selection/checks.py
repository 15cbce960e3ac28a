"""Checks of what the selection functions are given, that the metrics do not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.selection.ranking import checked_classes
from uqcore.types import UqError


def checked_class_of_each(classes: ArrayLike, n_examples: int, n_classes: int, name: str) -> NDArray[np.int64]:
    """`checked_classes`, one for each of ``n_examples``."""
    checked = checked_classes(classes, n_classes, name)
    if len(checked) != n_examples:
        raise UqError(f"`{name}` must hold {n_examples} classes, one for each example. Received: {len(checked)}.")
    return checked
