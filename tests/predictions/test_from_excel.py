"""Excel files open where openpyxl is; elsewhere one sentence says how to get it."""

from __future__ import annotations

import datetime
import sys
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from tests.prediction_files import LABELS, PROBS, read, refused

HEADER = ["id", "cat", "dog", "emu", "label", "date"]
DAY = datetime.datetime(2026, 1, 2)
ROWS = [[f"c{i}", *map(float, row), ("cat", "dog", "emu")[LABELS[i]], DAY] for i, row in enumerate(PROBS)]


def workbook(*sheets: list[list[Any]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book, buffer = openpyxl.Workbook(), BytesIO()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(buffer)
    return buffer.getvalue()


def test_the_first_sheet_with_a_table_is_read() -> None:
    mine = read(workbook([], [["a note"]], [HEADER, *ROWS]))
    np.testing.assert_array_equal(mine.values[0], PROBS)
    assert mine.class_names == ("cat", "dog", "emu")
    assert mine.labels is not None
    assert mine.labels.tolist() == LABELS.tolist()
    assert mine.ids["id"].tolist() == ["c0", "c1", "c2", "c3"]
    assert mine.time is not None
    assert mine.time[0] == "2026-01-02 00:00:00"
    assert mine.notes[0] == "Of several sheets, 'Sheet2' was read."


def test_bad_files_are_one_sentence() -> None:
    data = workbook([HEADER, *ROWS])
    refused(workbook([HEADER]), "a sheet with column names and rows below them. Received none")
    refused(data[: len(data) // 2], "whole Excel file|cut off")
    refused(data, "at most 0 MB of Excel when unpacked", max_bytes=10_000)
    refused(workbook([["a", "b"], ["x", "y"]]), "say which they are|Received classes")


def test_without_openpyxl_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    refused(buffer.getvalue(), "run `pip install openpyxl`, or save the sheet as CSV")


def test_a_number_of_thousands_of_digits_is_one_sentence() -> None:
    whole, changed = workbook([["cat", "dog"], [1, 0], [0, 1]]), BytesIO()
    with zipfile.ZipFile(BytesIO(whole)) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"<v>1</v>", b"<v>" + b"9" * 5000 + b"</v>"))
    refused(changed.getvalue(), r"a damaged one \(a whole number of thousands of digits\); save it again")
