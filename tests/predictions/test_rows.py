"""Rows of the columns that matter grow in place, whatever is said about how many will come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from uqcore.predictions.raw import TextColumn
from uqcore.predictions.roles import Roles
from uqcore.predictions.rows import Rows
from uqcore.predictions.table import unique_names
from uqcore.types import UqError

ROLES = Roles("probs", ("p_0", "p_1"), label="label")


def texts(column: Any) -> list[str]:
    assert isinstance(column, TextColumn)
    return [column.texts[code] for code in column.codes]


def test_every_column_has_a_name_of_its_own() -> None:
    assert unique_names(["a", "", " b ", "a", "", "a"]) == ["a", "column 2", "b", "a (2)", "column 5", "a (3)"]


def batch(values: np.ndarray, labels: list[str]) -> pa.RecordBatch:
    columns = [*(pa.array(column) for column in values.T), pa.array(labels)]
    return pa.record_batch(columns, names=[str(i) for i in range(len(columns))])


@pytest.mark.parametrize("n_expected", [0, 3, 1000])
@pytest.mark.parametrize("lie", [0.01, 1, 100])
def test_rows_grow_whatever_is_said_of_their_number(n_expected: int, lie: float) -> None:
    values = np.random.default_rng(0).random((100, 2)).astype(np.float32)
    rows = Rows(ROLES, 10**6, n_expected)
    for i in range(0, 100, 7):
        names = [f"class {j % 5}" for j in range(i, min(i + 7, 100))]
        rows.add(batch(values[i : i + 7], names), lie * (i + 7) / 100)
    found = rows.found()
    np.testing.assert_array_equal(found.values, values)
    assert texts(found.others["label"]) == [f"class {j % 5}" for j in range(100)]


def test_rows_stop_at_the_limit_whatever_was_expected() -> None:
    rows = Rows(ROLES, 10 * 2 * 4)
    rows.add(batch(np.ones((10, 2), np.float32), ["0"] * 10), 1)
    with pytest.raises(UqError, match=r"at most 10 rows of 2 classes.*Received 11 or more"):
        rows.add(batch(np.ones((1, 2), np.float32), ["0"]), 1)
    with pytest.raises(UqError, match="Received 10,000,000,000,000 or more"):
        Rows(ROLES, 10**9, 10**13)


def test_a_column_of_texts_that_are_all_different_is_no_label() -> None:
    rows = Rows(ROLES, 10**7)
    names = [f"name {i}" for i in range(100_001)]
    with pytest.raises(UqError, match=r"at most 100,000 different entries in 'label'.*'name 0', 'name 1'"):
        rows.add(batch(np.ones((100_001, 2), np.float32), names), 1)


def test_missing_numbers_are_nan_and_missing_texts_empty() -> None:
    rows = Rows(ROLES, 10**6)
    columns = [pa.array([None, 1.0]), pa.array([2, 3]), pa.array([None, True])]
    rows.add(pa.record_batch(columns, names=["0", "1", "2"]), 1)
    found = rows.found()
    np.testing.assert_array_equal(found.values, [[np.nan, 2], [1, 3]])
    assert texts(found.others["label"]) == ["", "true"]
