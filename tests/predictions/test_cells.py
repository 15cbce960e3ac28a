"""Numbers and vectors in the forms in which they stand in cells, and the row where they do not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from uqcore.predictions.cells import in_order, numbers, vectors
from uqcore.types import UqError

ROWS = [[0.25, 0.75], [1.0, 0.0]]
NAMED = [{"b": 0.25, "a": 0.75}, {"b": 1.0, "a": 0.0}]


def test_numbers_as_people_write_them() -> None:
    cells = pa.array([" 0.5", "1e-1", "*.25", "50%", "12.5 %", "", None, "NaN", "n/a", "-3", "+4."])
    values, wrong = numbers(cells)
    assert wrong is None
    np.testing.assert_array_equal(values, [0.5, 0.1, 0.25, 0.5, 0.125, *[np.nan] * 4, -3, 4])
    assert numbers(pa.array(["1", "x", "2"]))[1] == 1
    assert numbers(pa.array(["1", "0,5"]))[1] == 1
    assert numbers(pa.array([[1.0]]))[1] == 0
    np.testing.assert_array_equal(numbers(pa.array([True, None]))[0], [1, np.nan])


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (ROWS, None),
        ([json.dumps(row) for row in ROWS], None),
        ([str(np.array(row)) for row in ROWS], None),
        ([repr(np.array(row)) for row in ROWS], None),
        ([f"DenseVector({row})" for row in ROWS], None),
        ([str(tuple(row)) for row in ROWS], None),
        ([{"type": 1, "values": row} for row in ROWS], None),
        (NAMED, ("b", "a")),
        ([str(row) for row in NAMED], ("b", "a")),
        ([json.dumps(row) for row in NAMED], ("b", "a")),
    ],
)
def test_vectors_in_every_form(cells: list[Any], classes: tuple[str, ...] | None) -> None:
    found = vectors(pa.array(cells))
    np.testing.assert_array_equal(found.values, ROWS)
    assert found.classes == classes


def test_lists_of_labels_and_scores_are_put_into_one_order() -> None:
    cells = [[{"label": n, "score": row[n]} for n in names] for row, names in zip(NAMED, ("ba", "ab"), strict=True)]
    for column in (pa.array(cells), pa.array([str(cell) for cell in cells])):
        found = vectors(column)
        assert found.classes == ("a", "b")
        np.testing.assert_array_equal(found.values, np.array(ROWS)[:, ::-1])
    maps = pa.array([list(row.items()) for row in NAMED], pa.map_(pa.string(), pa.float64()))
    np.testing.assert_array_equal(vectors(maps).values, ROWS)
    assert sorted(["LABEL_10", "LABEL_2", "a"], key=in_order) == ["LABEL_2", "LABEL_10", "a"]
    # Neither is a number for `int`: one that is raised, and one of more than 4,300 digits.
    assert sorted(["b", "²", f"c{'9' * 5000}", f"c{'1' + '0' * 5000}", "c007"], key=in_order) == [
        "b", "c007", f"c{'9' * 5000}", f"c{'1' + '0' * 5000}", "²"]  # fmt: skip


def test_a_whole_number_of_hundreds_of_digits_is_infinite_as_a_fraction_is() -> None:
    cells = [f"{{'a': {number}, 'b': 0}}" for number in ("9" * 400, f"-{'9' * 400}", "1e400")]
    assert vectors(pa.array(cells)).values[:, 0].tolist() == [np.inf, -np.inf, np.inf]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["[1, 2]", "[1]"], "Expected 2 numbers in every cell, as in the first. Received 1 in row 102."),
        ([[1.0, 2.0], None], "Received 0 in row 102."),
        (["[1, 2]", ""], "a list of numbers in every cell. Received '' in row 102"),
        (["[1, 2]", "[1, 2-3]"], "a list of numbers in every cell. Received '.1, 2-3.' in row 102"),
        (["{'a': 1}", "{'z': 2}"], "for the classes 'a' in every cell. Received 'z' in row 102"),
        (["[{'label': 'a', 'score': 1}]", "[{'name': 'a'}]"], "Received none in row 102"),
        (["{'a': 1}", "{'a': 'x'}"], "numbers for every class. Received 'x' in row 102"),
        (["{'a': 1}", "{'a': "], "Received none in row"),
        ([["x"], ["y"]], "Expected a list of numbers in every cell. Received list"),
        ([1, 2], "Expected a list of numbers in every cell. Received int64"),
        *(([f"{{'a': 1, 'b': {odd}}}"], "Received none in row 101") for odd in ("{[]: 1}", "{{}}", "0x" + "f" * 5000)),
    ],
)
def test_a_cell_without_its_vector_is_named(cells: list[Any], message: str) -> None:
    with pytest.raises(UqError, match=message):
        vectors(pa.array(cells), None, 101)
