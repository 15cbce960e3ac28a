"""What leaves: predictions as an NPZ file, and the decisions about them as a CSV file that a spreadsheet may open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.record import Predictions
from uqcore.types import FloatArray, UqError

_HEADERS = ("example", "predicted", "label", "ood", "measure", "decision")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
ROWS = 2**16


def safe_cell(text: str) -> str:
    """``text`` for a cell of a table: an apostrophe goes before what a spreadsheet would run as a formula (OWASP)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_npz(predictions: Predictions, target: Path | BinaryIO) -> None:
    """Write what the model puts out and what is known of the examples, without name, notes, ids and groups, for
    `read_predictions` to read; equal predictions give equal bytes."""
    values = predictions.values if predictions.n_samples > 1 else predictions.values[0]
    arrays: dict[str, Any] = {predictions.kind: values, "class_names": np.array(predictions.class_names)}
    for name in ("labels", "ood", "images", "mean_logits", "variance", "mean_field_factor", "score"):
        if getattr(predictions, name) is not None:
            arrays[name] = np.asarray(getattr(predictions, name))
    np.savez_compressed(target, allow_pickle=False, **arrays)


def decisions_csv(
    predictions: Predictions, measure_values: FloatArray, accept: NDArray[np.bool_], target: BinaryIO
) -> None:
    """Write a row for each example: example, its ids, predicted, label, ood, measure, decision (accept or defer).

    ``measure_values (N,)`` and ``accept (N,)``. Classes stand there by name; ``label`` and ``ood`` only if they are
    known. Written some rows at a time, so N may be large.

    Raises:
        UqError: ``measure_values`` or ``accept`` is not one for each example.
    """
    import pyarrow as pa
    from pyarrow import csv

    n = len(predictions)
    if measure_values.shape != (n,) or accept.shape != (n,):
        raise UqError(f"Expected {n:,} measures and decisions. Received: {measure_values.shape} and {accept.shape}.")
    names = pa.array([safe_cell(name) for name in predictions.class_names])
    decisions = pa.array(["defer", "accept"])

    def rows(part: slice) -> pa.RecordBatch:
        columns = {"example": pa.array(np.arange(n)[part])}
        for name, ids in predictions.ids.items():
            columns[_id_header(name)] = pa.array([_safe_id(text) for text in ids[part].tolist()], pa.string())
        columns["predicted"] = names.take(pa.array(predictions.predicted[part]))
        if predictions.labels is not None:
            labels = predictions.labels[part]
            columns["label"] = names.take(pa.array(labels, mask=labels < 0))
        if predictions.ood is not None:
            columns["ood"] = pa.array(predictions.ood[part])
        columns["measure"] = pa.array(measure_values[part])
        columns["decision"] = decisions.take(pa.array(accept[part].astype(np.int8)))
        return pa.record_batch(columns)

    with csv.CSVWriter(target, rows(slice(0)).schema) as writer:
        for start in range(0, n, ROWS):
            writer.write_batch(rows(slice(start, start + ROWS)))


def _id_header(name: str) -> str:
    return safe_cell(f"{name} (id)" if name in _HEADERS else name)


def _safe_id(text: str) -> str:
    """An id as it stands in its file: a number below 0 is no formula."""
    return text if _NUMBER.fullmatch(text) else safe_cell(text)
