"""Excel files (.xlsx): the first sheet that has a table, its first row the names of the columns."""

from __future__ import annotations

import zipfile
from itertools import zip_longest
from typing import Any, BinaryIO

from uqcore.predictions.archives import check_directory
from uqcore.predictions.beginning import N_LINES, beginning
from uqcore.predictions.table import Opened, in_memory
from uqcore.text import reason
from uqcore.types import UqError

_TIMES_LARGER = 10  # that Python's objects are than the XML that they are read from
_FREE_CELLS = 1_000_000


def open_excel(file: BinaryIO, max_bytes: int, max_unpacked: int) -> Opened:
    """The first sheet of an Excel file that is not empty, whole.

    Args:
        max_bytes: of memory, once it is read.
        max_unpacked: as most packed files unpack to; the XML of numbers is packed twice as well.

    Raises:
        UqError: openpyxl is not installed, or the file is damaged, empty or too large to be read as a whole.
    """
    try:
        import openpyxl
    except ImportError:
        raise UqError(
            "Expected openpyxl, which reads Excel files. Received an Excel file where it is not installed; "
            "run `pip install openpyxl`, or save the sheet as CSV."
        ) from None
    most = min(max_bytes // _TIMES_LARGER, 2 * max_unpacked)
    try:
        file.seek(0)
        check_directory(file, "an Excel file of a few sheets")
        with zipfile.ZipFile(file) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
            names = archive.namelist()
        if "xl/workbook.xml" not in names:
            raise UqError("Expected an Excel file. Received another Office file; save the table as .xlsx or CSV.")
        if n_bytes > most:
            raise UqError(
                f"Expected at most {most / 1e6:,.0f} MB of Excel when unpacked. Received {n_bytes / 1e6:,.0f} MB; "
                f"save the sheet as CSV or Parquet."
            )
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = [(sheet.title, _rows(sheet)) for sheet in workbook.worksheets]
    except UqError:
        raise
    except Exception as error:  # openpyxl meets a damaged file with many kinds of exception
        raise UqError(
            f"Expected a whole Excel file. Received a damaged one ({reason(error)}); save it again."
        ) from error
    title, rows = max(sheets, key=lambda sheet: _n_numbers(sheet[1]), default=("", []))
    if len(rows) < 2:
        raise UqError("Expected a sheet with column names and rows below them. Received none; save the table into one.")
    _check_cells(rows, n_bytes)
    columns = list(zip_longest(*rows))
    first = zip(*(map(_as_text, column[:N_LINES]) for column in columns), strict=True)
    table = beginning([list(row) for row in first])
    more = sum(len(rows) > 0 for _, rows in sheets) > 1
    note = (f"Of several sheets, {title[:40]!r} was read.",) if more else ()
    return in_memory(table.headers, [column[table.n_rows :] for column in columns], (*note, *table.notes))


def _as_text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _n_numbers(rows: list[tuple[Any, ...]]) -> tuple[int, bool]:
    """How many numbers a sheet has, and whether it has rows at all: of two alike the first is taken."""
    return sum(isinstance(cell, int | float) for row in rows for cell in row), len(rows) > 1


def _check_cells(rows: list[tuple[Any, ...]], n_bytes: int) -> None:
    """UqError where a few long rows, or one long text that many cells name, make much more of the sheet than it is."""
    n_cells = len(rows) * max(map(len, rows))
    n_characters = sum(len(cell) for row in rows for cell in row if isinstance(cell, str))
    if max(n_cells, n_characters) > _FREE_CELLS + n_bytes:
        raise UqError(
            "Expected rows of about the same length with short texts in an Excel file. Received a few that are far "
            "longer; save the sheet as CSV."
        )


def _rows(sheet: Any) -> list[tuple[Any, ...]]:
    """The rows that hold something, without the empty cells at their ends."""
    sheet.reset_dimensions()  # what the file says of them may be wrong, and each row is filled up to them
    found = []
    for row in sheet.iter_rows(values_only=True):
        length = next((i for i in range(len(row), 0, -1) if row[i - 1] is not None), 0)
        if length:
            found.append(tuple(row[:length]))
    return found
