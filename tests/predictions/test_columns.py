"""Columns are found by name in any order; rows grow in place, whatever is said about how many will come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from uqcore.predictions.columns import Rows, find_columns
from uqcore.predictions.raw import TextColumn
from uqcore.types import UqError


def test_columns_are_found_by_name_in_any_order_and_case() -> None:
    columns = find_columns(["id", " P_1 ", "Label", "p_0", "text", "OOD", "p_02"])
    assert columns.kind == "probs"
    assert columns.values == (3, 1, 6)
    assert (columns.label, columns.ood) == (2, 5)
    assert columns.wanted == [3, 1, 6, 2, 5]
    assert columns.notes == ("Columns that mean nothing here were left out: 'id', 'text'.",)
    assert find_columns(["logit_0", "logit_1", "labels"])[:4] == ("logits", (0, 1), 2, None)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["p_0", "p_1", "p_2", "p_4"], "columns p_0 to p_4 without a gap. Received none named p_3"),
        (["p_1", "p_2"], "Received none named p_0; add it or number the columns from 0"),
        (["p_0", "p_1", "P_1"], "each column once. Received 'p_1', 'P_1'; keep one"),
        (["p_0", "p_1", "label", "labels"], "each column once. Received 'label', 'labels'"),
        (["p_0", "logit_0"], "p_0, p_1 and so on, or logit_0, logit_1 and so on. Received both"),
        (["a", "b", "c", "d", "e", "f", "g"], "Received 'a', 'b', 'c', 'd', 'e' and 2 more; name the columns in"),
        ([], "Received none; name the columns"),
        (["0.1", "0.9"], "Received '0.1', '0.9'; name the columns in the first row"),
    ],
)
def test_columns_that_cannot_be_used(names: list[str], message: str) -> None:
    with pytest.raises(UqError, match=message):
        find_columns(names)


def batch(values: np.ndarray, labels: list[str]) -> pa.RecordBatch:
    columns = [*(pa.array(column) for column in values.T), pa.array(labels)]
    return pa.record_batch(columns, names=[str(i) for i in range(len(columns))])


@pytest.mark.parametrize("n_expected", [0, 3, 1000])
@pytest.mark.parametrize("lie", [0.01, 1, 100])
def test_rows_grow_whatever_is_said_of_their_number(n_expected: int, lie: float) -> None:
    values = np.random.default_rng(0).random((100, 2)).astype(np.float32)
    rows = Rows(find_columns(["p_0", "p_1", "label"]), 10**6, n_expected)
    for i in range(0, 100, 7):
        names = [f"class {j % 5}" for j in range(i, min(i + 7, 100))]
        rows.add(batch(values[i : i + 7], names), lie * (i + 7) / 100)
    found = rows.found(["a note"])
    np.testing.assert_array_equal(found.values, values)
    assert isinstance(found.labels, TextColumn)
    assert [found.labels.texts[code] for code in found.labels.codes] == [f"class {j % 5}" for j in range(100)]
    assert found.notes == ("a note",)


def test_rows_stop_at_the_limit_whatever_was_expected() -> None:
    columns = find_columns(["p_0", "p_1", "label"])
    rows = Rows(columns, 10 * 2 * 4)
    rows.add(batch(np.ones((10, 2), np.float32), ["0"] * 10), 1)
    with pytest.raises(UqError, match=r"at most 10 rows of 2 classes.*Received 11 or more"):
        rows.add(batch(np.ones((1, 2), np.float32), ["0"]), 1)
    with pytest.raises(UqError, match="Received 10,000,000,000,000 or more"):
        Rows(columns, 10**9, 10**13)


def test_a_column_of_texts_that_are_all_different_is_no_label() -> None:
    rows = Rows(find_columns(["p_0", "p_1", "label"]), 10**7)
    names = [f"name {i}" for i in range(100_001)]
    with pytest.raises(UqError, match=r"at most 100,000 different entries in `labels`.*'name 0', 'name 1'"):
        rows.add(batch(np.ones((100_001, 2), np.float32), names), 1)


def test_missing_numbers_are_nan_and_missing_texts_empty() -> None:
    rows = Rows(find_columns(["p_0", "p_1", "label"]), 10**6)
    columns = [pa.array([None, 1.0]), pa.array([2, 3]), pa.array([None, True])]
    rows.add(pa.record_batch(columns, names=["0", "1", "2"]), 1)
    found = rows.found()
    np.testing.assert_array_equal(found.values, [[np.nan, 2], [1, 3]])
    assert isinstance(found.labels, TextColumn)
    assert [found.labels.texts[code] for code in found.labels.codes] == ["", "1"]
