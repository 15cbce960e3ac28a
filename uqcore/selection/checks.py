"""Checks of what the selection functions are given, that the metrics do not have."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics import ROW_SUM_TOLERANCE
from uqcore.selection.ranking import checked_classes
from uqcore.types import FloatArray, UqError


def checked_probs(probs: ArrayLike, n_classes: int | None = None) -> FloatArray:
    """Probabilities ``(N, K)`` or ``(S, N, K)``, float32 if they are, otherwise float64; N may be 0.

    Raises:
        UqError: there are other axes or another K than ``n_classes``, a number is NaN or negative, or a row does not
            sum to 1.
    """
    values = np.asarray(probs)
    if values.dtype != np.float32:
        values = values.astype(np.float64, copy=False)
    if values.ndim not in (2, 3) or 0 in (values.shape[-1], values.shape[0] if values.ndim == 3 else 1):
        raise UqError(
            f"`probs` must have shape (examples, classes) or (samples, examples, classes). Received: {values.shape}."
        )
    if n_classes is not None and values.shape[-1] != n_classes:
        raise UqError(f"`probs` must have {n_classes} classes on its last axis. Received shape: {values.shape}.")
    if values.size:
        worst = float(np.abs(values.sum(axis=-1) - 1).max())
        if not (values.min() >= 0 and worst <= ROW_SUM_TOLERANCE):  # which NaN does not pass
            raise UqError(
                "Each row of `probs` must be probabilities that sum to 1. Received rows with NaN, negative numbers or "
                f"another sum (up to {worst:.3g} off); apply softmax to logits."
            )
    return values


def checked_class_of_each(classes: ArrayLike, n_examples: int, n_classes: int, name: str) -> NDArray[np.int64]:
    """`checked_classes`, one for each of ``n_examples``."""
    checked = checked_classes(classes, n_classes, name)
    if len(checked) != n_examples:
        raise UqError(f"`{name}` must hold {n_examples} classes, one for each example. Received: {len(checked)}.")
    return checked
