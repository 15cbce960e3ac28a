"""One small example file of each kind, to see what one's own should look like."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Literal

import numpy as np

from uqcore.predictions.export import write_npz
from uqcore.predictions.raw import NO_LABEL
from uqcore.predictions.record import Predictions
from uqcore.types import UqError, softmax

FileKind = Literal["npz", "csv", "parquet"]

N_KNOWN, _N_OOD, _SEED = 240, 60, 3
_CLASS_NAMES = ("cat", "dog", "bird")
_CENTRES = 1.6 * np.array([[0.0, 1.0], [-np.sqrt(0.75), -0.5], [np.sqrt(0.75), -0.5]])


def example_predictions() -> Predictions:
    """300 examples of 3 classes, the last 60 of them OOD, from a generator with nothing to tune.

    The inputs of a class are Gaussian, with unit variance, around a corner of a triangle, and ``probs`` is the exact
    posterior of the class, so it is calibrated. OOD inputs are Gaussian with three times the deviation, around the
    middle: some are doubtful and some, far out, are falsely certain.
    """
    rng = np.random.default_rng(_SEED)
    labels = rng.integers(0, len(_CENTRES), N_KNOWN)
    known = _CENTRES[labels] + rng.standard_normal((N_KNOWN, 2))
    x = np.concatenate([known, 3 * rng.standard_normal((_N_OOD, 2))])
    log_density = -0.5 * np.square(x[:, None] - _CENTRES).sum(axis=2)
    return Predictions(
        name="example",
        kind="probs",
        values=softmax(log_density).astype(np.float32)[None],
        class_names=_CLASS_NAMES,
        labels=np.concatenate([labels, np.full(_N_OOD, NO_LABEL)]),
        ood=np.arange(len(x)) >= N_KNOWN,
    )


@cache
def example_file(kind: FileKind) -> bytes:
    """`example_predictions` as a file: the same bytes each time.

    Raises:
        UqError: there is no such kind.
    """
    if kind not in ("npz", "csv", "parquet"):
        raise UqError(f"Expected npz, csv or parquet as the kind of file. Received: {kind}.")
    predictions, buffer = example_predictions(), BytesIO()
    if kind == "npz":
        write_npz(predictions, buffer)
    else:
        _write_table(predictions, kind, buffer)
    return buffer.getvalue()


def _write_table(predictions: Predictions, kind: Literal["csv", "parquet"], target: BytesIO) -> None:
    import pyarrow as pa
    from pyarrow import csv, parquet

    columns = {f"p_{k}": pa.array(predictions.values[0, :, k]) for k in range(predictions.n_classes)}
    columns["label"] = pa.array(predictions.labels, mask=predictions.ood)
    columns["ood"] = pa.array(predictions.ood)
    (csv.write_csv if kind == "csv" else parquet.write_table)(pa.table(columns), target)
