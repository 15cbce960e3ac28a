"""Which axis of an array is samples, examples and classes: as documented, or guessed where that cannot be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from uqcore.metrics.classification import ROW_SUM_TOLERANCE
from uqcore.predictions.raw import Kind
from uqcore.types import FloatArray, UqError

# An order is a string with a letter for each axis; the documented one comes first.
_ORDERS = {2: ("NK", "KN"), 3: ("SNK", "NSK", "SKN", "NKS", "KSN", "KNS")}
_AXES = {"S": "samples", "N": "examples", "K": "classes"}
_LOOKED_AT = 2**12


class Clues(NamedTuple):
    """What the rest of a file tells of the axes: numbers of examples and classes, the largest label; None if nothing.

    A file may have labels of examples that are no class at all, so the largest label decides between orders that are
    possible and rules none out.
    """

    n_examples: int | None = None
    n_classes: int | None = None
    largest_label: int | None = None


def in_order(kind: Kind, values: FloatArray, clues: Clues) -> tuple[FloatArray, str | None]:
    """``values`` as ``(S, N, K)``, and a note where the order of the axes was guessed or could not be checked.

    The documented order, ``(N, K)`` or ``(S, N, K)``, holds wherever it can: if N agrees with the clues and, for
    probabilities, the rows sum to 1. Else the only order that can hold is taken.

    Raises:
        UqError: there are not 2 or 3 axes, no order can hold, or several can.
    """
    if values.ndim not in _ORDERS:
        raise UqError(
            f"Expected `{kind}` of shape (examples, classes) or (samples, examples, classes). Received: "
            f"{values.shape}; save it so."
        )
    order = _find(kind, values, clues)
    return reordered(values, order), _note(kind, values.shape, order, clues)


def reordered(values: FloatArray, order: str) -> FloatArray:
    """``values`` with the axes ``order``, such as ``"NK"``, as ``(S, N, K)``, contiguous."""
    whole, letters = (values, order) if "S" in order else (values[None], "S" + order)
    return np.ascontiguousarray(whole.transpose([letters.index(axis) for axis in "SNK"]))


def _find(kind: Kind, values: FloatArray, clues: Clues) -> str:
    orders = _ORDERS[values.ndim]
    documented = orders[0]
    possible = [order for order in orders if _agrees(values.shape, order, clues)]
    if kind == "probs":
        normalized = [order for order in possible if _sums_to_one(values, order.index("K"))]
        # Rows that sum to something else may be normalised, but tell nothing about the axes.
        possible = normalized or [order for order in possible if order == documented]
    if not possible:
        raise UqError(
            f"Expected `{kind}` of shape {_named(documented)}{_wanted(clues)}. Received: {values.shape}; "
            f"check that all arrays are about the same examples."
        )
    if documented in possible:
        return documented
    if len(possible) > 1 and clues.largest_label is not None:
        exact = [order for order in possible if values.shape[order.index("K")] == clues.largest_label + 1]
        possible = exact if len(exact) == 1 else possible
    if len(possible) > 1:
        raise UqError(
            f"Expected `{kind}` of shape {_named(documented)}{_wanted(clues)}. Received: {values.shape}, which can be "
            f"{' or '.join(_named(order) for order in possible)}; transpose it to {_named(documented)}."
        )
    return possible[0]


def _agrees(shape: tuple[int, ...], order: str, clues: Clues) -> bool:
    wanted = {"N": clues.n_examples, "K": clues.n_classes}
    return all(wanted.get(axis) in (None, size) for axis, size in zip(order, shape, strict=True))


def _sums_to_one(values: FloatArray, axis: int) -> bool:
    """Whether most rows along ``axis`` sum to 1, going by some thousands of them."""
    kept = round(_LOOKED_AT ** (1 / (values.ndim - 1)))  # of every other axis
    steps = [1 if i == axis else -(-size // kept) for i, size in enumerate(values.shape)]
    with np.errstate(invalid="ignore", over="ignore"):
        sums = values[tuple(slice(None, None, step) for step in steps)].sum(axis=axis)
        return bool(np.mean(np.abs(sums - 1) <= ROW_SUM_TOLERANCE) > 0.5)


def _named(order: str) -> str:
    return f"({', '.join(_AXES[axis] for axis in order)})"


def _wanted(clues: Clues) -> str:
    parts = [f"{n:,} {_AXES[axis]}" for axis, n in (("N", clues.n_examples), ("K", clues.n_classes)) if n is not None]
    return f" with {' and '.join(parts)}" if parts else ""


def _note(kind: Kind, shape: tuple[int, ...], order: str, clues: Clues) -> str | None:
    documented = _ORDERS[len(shape)][0]
    if order != documented:
        return f"`{kind}` of shape {shape} was read as {_named(order)}, the only order that fits; check the result."
    if clues.n_examples is None and (kind == "logits" or len(shape) == 3):
        return f"`{kind}` of shape {shape} was read as {_named(order)}; without labels that could not be checked."
    return None
