"""One threshold on three linked plots: the histogram of a measure, the risk-coverage curve and the ROC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ui.components.mounting import is_number, or_none, register, sent, state_of
from uqcore.plots.threshold_bins import MeasureBins
from uqcore.selection import ThresholdTable
from uqcore.types import UqError

_mount = register("threshold", "canvas", "threshold_table", "threshold_paint", "whole")


def threshold_view(
    table: ThresholdTable,
    histogram: MeasureBins,
    *,
    threshold: float,
    revision: str,
    measure_label: str,
    key: str,
    target: float | None = None,
    title: str = "Histogram",
    part: str = "",
    scale: Literal["linear", "log"] = "linear",
    has_labels: bool = True,
) -> float:
    """Show the plots and return the threshold, which arrives when the visitor lets go of it.

    It is dragged on any of the plots, or moved by the arrow, page, Home and End keys, from row to row of the table.
    The counts that each row accepts are read out as it moves, without asking Python.

    Args:
        table: rows to move along, with counts below 2^32; the first is minus infinity and the last accepts everything.
        histogram: the same examples in bins.
        threshold: the one to show; of what lies between two rows the lower one. From then on it is the visitor's.
        revision: a new one moves the threshold on the screen to ``threshold``, whatever the visitor has chosen; under
            the same one the visitor's choice stays. Use none twice, or an earlier choice comes back.
        measure_label: name of the measure, with the unit.
        key: identity of the component.
        target: where a button leads back to; without it there is no such button.
        title: of the histogram.
        part: a line above the read-outs: which examples they count.
        scale: axis of the measure to start with; from then on, like the other axes, the visitor's.
        has_labels: whether right and wrong are known. If not, ``n_right`` counts all examples and no risk is shown.

    Returns:
        The threshold of a row, minus infinity if nothing is accepted.

    Raises:
        UqError: the threshold is NaN.
    """
    if np.isnan(threshold):
        raise UqError("`threshold` must be a number. Received: NaN.")
    chosen = chosen_of(sent(state_of(key), "choice", None, is_choice), revision, threshold)
    header = {
        "revision": revision,
        "n_rows": len(table.thresholds),
        "bins": _bins(histogram),
        "measure_label": measure_label,
        "title": title,
        "part": part,
        "scale": scale,
        "has_labels": has_labels,
    }
    result = _mount(key=key, data=pack(header, table, chosen, float("nan") if target is None else target))
    chosen = chosen_of(sent(result, "choice", None, is_choice), revision, chosen)
    row = int(np.searchsorted(table.thresholds, chosen, side="right")) - 1
    return float(table.thresholds[row])


def is_choice(value: Any) -> bool:
    """Whether it is what the script sends: a threshold, or None for one below all, and the revision it is of."""
    is_whole = isinstance(value, Mapping) and {"revision", "threshold"} <= {*value}
    return is_whole and or_none(is_number)(value["threshold"])


def chosen_of(choice: dict[str, Any] | None, revision: str, threshold: float) -> float:
    """The visitor's threshold if it was chosen under this revision, else the given one."""
    if choice is None or choice["revision"] != revision:
        return threshold
    return float("-inf") if choice["threshold"] is None else float(choice["threshold"])


def _bins(histogram: MeasureBins) -> dict[str, Any]:
    linear, log = (
        {"edges": edges.tolist(), "counts": counts.tolist()}
        for edges, counts in (
            (histogram.linear_edges, histogram.linear_counts),
            (histogram.log_edges, histogram.log_counts),
        )
    )
    return {"linear": linear | {"n_below": 0}, "log": log | {"n_below": histogram.n_below}}


def pack(header: dict[str, Any], table: ThresholdTable, threshold: float, target: float) -> bytes:
    """One payload: header length (uint32), header (JSON), threshold, target and thresholds (float64), counts (uint32).

    The thresholds are not JSON because that knows no infinity. All numbers are little-endian.
    """
    text = json.dumps(header).encode()
    thresholds = np.append([threshold, target], table.thresholds).astype("<f8")
    counts = np.stack([table.n_right, table.n_wrong, table.n_ood]).astype("<u4")
    return b"".join([len(text).to_bytes(4, "little"), text, thresholds.tobytes(), counts.tobytes()])
