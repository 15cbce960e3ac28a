"""Whether what a stored file holds is what a model of its method has: names, shapes, types and sizes of the arrays.

A checksum says that a file is what was written; it does not say that this was a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.methods import METHODS
from uqcore.methods.base import Method, Shapes, TrainingConfig
from uqcore.metrics.uncertainty import MEASURES
from uqcore.store import Store, rebuild_command
from uqcore.types import ModelRecord, UqError, Weights

_LEAST_LOG = 100  # the logarithm of the smallest float32 is -87.3
_LARGEST = 1e9
"""Of a stored number: the largest of all models is 2e4. Far larger ones overflow in the products of a few layers."""


def checked_arrays(store: Store, record: ModelRecord, method: Method, config: TrainingConfig) -> tuple[Weights, ...]:
    """The arrays of a model's files, held against the shapes of its method and of its parts' methods.

    Raises:
        UqError: a file is missing or damaged, or holds others.
    """
    expected = _expected(record.task, method, config, record.seed)
    if len(record.files) != len(expected):
        raise store.damage(
            record, record.files[0], f"should be one of {len(expected)} and the manifest lists {len(record.files)}"
        )
    arrays = store.arrays(record)
    for file, found, shapes in zip(record.files, arrays, expected, strict=True):
        problem = None if shapes is None else problem_with(found, shapes)
        if problem is not None:
            raise store.damage(record, file, f"is intact and does not hold this model: {problem}")
    return arrays


def _expected(task: str, method: Method, config: TrainingConfig, seed: int) -> list[Shapes | None]:
    """The shapes of each file: of the parts, which may have parts too, then of what the method itself has fitted."""
    found: list[Shapes | None] = []
    for part in method.parts(config, seed):
        found += _expected(task, METHODS[part.method_id], part.config, part.seed)
    own = None if method.shapes is None else method.shapes(task, config)
    return [*found, own] if method.fit is not None else found


def problem_with(arrays: Mapping[str, NDArray[Any]], shapes: Shapes) -> str | None:
    """What is wrong with weights that should have these shapes, in words."""
    if (problem := _names(arrays, shapes)) is not None:
        return problem
    for name, shape in shapes.items():
        array = arrays[name]
        if not fits(array, shape):
            return f"{name!r} has the shape {array.shape} in place of {_in_words(shape)}"
        if array.dtype.kind != "f":
            return f"{name!r} has the type {array.dtype} in place of floating-point numbers"
        if array.size and np.abs(array).max() > _LARGEST:
            return f"{name!r} has numbers of up to {np.abs(array).max():.1e}, which no trained network has"
    return None


def fits(array: NDArray[Any], shape: tuple[int | None, ...]) -> bool:
    """Whether an array has this shape, and is not empty where the length is the data's."""
    return array.ndim == len(shape) and all(
        found > 0 if length is None else found == length for found, length in zip(array.shape, shape, strict=True)
    )


def _names(arrays: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    if lacks := sorted({*expected} - {*arrays}):
        return f"it lacks {', '.join(map(repr, lacks[:5]))}"
    if more := sorted({*arrays} - {*expected}):
        return f"it has {', '.join(repr(name[:40]) for name in more[:5])}, which belong to no such model"
    return None


def _in_words(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if length is None else str(length) for length in shape)})"


def stored_noise(record: ModelRecord) -> float:
    """The deviation of the observation noise that a regression model was stored with. UqError: it has none."""
    noise = record.metrics.get("noise_std", 0.0)
    if noise <= 0:
        raise UqError(
            f"The manifest has no noise_std for {record.model_id}; rebuild it with `{rebuild_command(record)}`."
        )
    return noise


def problem_with_answers(
    arrays: Mapping[str, NDArray[Any]],
    counts: tuple[int, ...],
    n_examples: int,
    n_classes: int,
    values: tuple[int, ...],
) -> str | None:
    """What is wrong with a table of answers (`uqcore.models.answers.answer`), in words.

    Args:
        counts: the numbers of samples that there should be.
        values: the shape of the axes in front: none, or the number of disturbances.
    """
    n_rows = len(counts)
    lasting = {name: array for name, array in arrays.items() if name != "mean_field_factor"}
    for name in ("counts", "has_variance", "log_probs"):
        if name not in lasting:
            return f"it lacks {name!r}"
    of_counts = lasting.pop("counts")
    if of_counts.shape != (*values, n_rows) or (of_counts != counts).any():
        return f"'counts' are not {', '.join(map(str, counts))}"
    if (variance := lasting.pop("has_variance")).shape != (*values, 1) or variance.dtype != np.bool_:
        return "'has_variance' is not one truth value"
    for name, array in lasting.items():
        if name != "log_probs" and name not in MEASURES:
            return f"it has {name[:40]!r}, which is no measure"
        tail = (n_examples, n_classes) if name == "log_probs" else (n_examples,)
        if array.shape not in ((*values, n_rows, *tail), (*values, 1, *tail)) or array.dtype.kind != "f":
            return f"{name!r} has the shape {array.shape}, or no floating-point numbers"
    if not -_LEAST_LOG <= float(lasting["log_probs"].min(initial=0)) <= float(lasting["log_probs"].max(initial=0)) <= 0:
        return "'log_probs' are no logarithms of probabilities"
    if (factor := arrays.get("mean_field_factor")) is not None and (factor.shape != (1,) or factor[0] < 0):
        return "'mean_field_factor' is not one number of at least 0"
    return None
