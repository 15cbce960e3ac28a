"""CSV files, streamed: a block of text at a time becomes float32 rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from uqcore.predictions.raw import listed
from uqcore.predictions.table import HEAD_ROWS, Opened, Table
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa


BLOCK = 2**20  # bytes at a time; a line may not be longer
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as spreadsheets put it first
_LINE = re.compile(rb"([^\r\n]+)(?:\r\n|\r|\n|$)")
_DELIMITERS = ",;\t"
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_COMMA = re.compile(r"\s*[-+]?\d*,?\d+([eE][-+]?\d+)?\s*")  # a number with a decimal comma, or a whole one
_ODD_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_BAD_CELL = re.compile(r"column #(\d+):(?: Row #(\d+):)? CSV conversion error to \w+: invalid value '(.*)'", re.DOTALL)


class _Dialect(NamedTuple):
    """What stands in the first line, where the rows start, what stands between cells and before decimals."""

    headers: list[str]
    start: int
    delimiter: str
    decimal: str
    found: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        if (self.delimiter, self.decimal) == (",", "."):
            return self.found
        name = "tab" if self.delimiter == "\t" else repr(self.delimiter)
        return (*self.found, f"Read with {name} between the cells and {self.decimal!r} as the decimal sign.")


def open_csv(file: BinaryIO) -> Opened:
    """A CSV file with a first line of column names.

    Comma, semicolon or tab between the cells, and the decimal comma, are told from the first lines. Reading raises

        UqError: a cell is no number, a row has more or fewer cells, or the text is not UTF-8.
    """
    n_bytes = file.seek(0, 2)
    file.seek(0)
    dialect, table = _looked_at(file.read(BLOCK))

    def batches(values: Sequence[str], others: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, float]]:
        file.seek(dialect.start)
        stream = _Counted(file)
        for batch in _batches(stream, dialect, table, values, others):
            yield batch, min(stream.n_bytes / n_bytes, 1.0)
        if stream.n_quotes % 2:
            # A cell that no mark ends takes all rows below it, and they would be missing without a word.
            raise UqError(
                "Expected quotation marks in pairs. Received an odd number of them; end each quote, or double it."
            )

    return Opened(table, batches, dialect.notes)


def _looked_at(head: bytes) -> tuple[_Dialect, Table]:
    import pyarrow as pa

    match = next((line for line in _LINE.finditer(head) if line[1].removeprefix(_MARK).strip()), None)
    if match is None:
        raise UqError("Expected column names in the first line of the CSV file. Received no text at all.")
    if match.end() == len(head) == BLOCK:
        raise UqError("Expected column names in the first line of the CSV file. Received a line of over 1 MB.")
    try:
        first = match[1].removeprefix(_MARK).decode()
    except UnicodeDecodeError:
        raise UqError(
            "Expected a CSV file in UTF-8. Received other bytes in its first line; save it as UTF-8."
        ) from None
    delimiter = max(_DELIMITERS, key=first.count)
    headers, start = _cells(first, delimiter), match.end()
    notes: tuple[str, ...] = ()
    if _are_numbers(headers):
        headers, start, notes = [""] * len(headers), match.start(1), ("The first line has numbers and no names.",)
    rows = list(_first_rows(head[start:].decode("utf-8-sig", "replace"), delimiter, len(headers)))
    if len(head) == BLOCK and len(rows) > 1:
        rows.pop()  # it may be cut
    columns = [[cell.strip() for cell in cells] for cells in zip(*rows, strict=True)] or [[] for _ in headers]
    decimal = "," if any(map(_has_decimal_comma, columns)) else "."
    if decimal == ",":
        columns = [[cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in cells] for cells in columns]
    arrays = [pa.array([cell or None for cell in cells], pa.string()) for cells in columns]
    return _Dialect(headers, start, delimiter, decimal, notes), Table.of(headers, arrays)


def _are_numbers(headers: Sequence[str]) -> bool:
    """Whether a first line is one of data: of numbers, and not of whole ones, as unnamed columns are called."""
    return all(_NUMBER.fullmatch(cell.strip()) for cell in headers) and not all(cell.isdigit() for cell in headers)


def _has_decimal_comma(cells: Sequence[str]) -> bool:
    full = [cell for cell in cells if cell]
    return any("," in cell for cell in full) and all(_COMMA.fullmatch(cell) for cell in full)


def _first_rows(text: str, delimiter: str, n_cells: int) -> Iterator[list[str]]:
    """Those of the first rows that have as many cells as there are names."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    with suppress(csv.Error):  # a cell of over 128 kB
        for _, cells in zip(range(HEAD_ROWS), reader, strict=False):
            if len(cells) == n_cells:
                yield cells


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell of over 128 kB
        return []


class _Counted:
    """A stream that knows how much of it was read, and how many quotation marks that were."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.n_bytes, self.n_quotes = file, file.tell(), 0

    def read(self, n_bytes: int) -> bytes:
        data = self._file.read(n_bytes)
        self.n_bytes += len(data)
        self.n_quotes += data.count(b'"')
        return data

    def readable(self) -> bool:
        return True


def _batches(
    stream: _Counted, dialect: _Dialect, table: Table, values: Sequence[str], others: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Batches with these columns in that order: values as numbers, unless they have a sign, others as text."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text = pa.dictionary(pa.int32(), pa.utf8())
    places = [table.names.index(name) for name in (*values, *others)]
    plain = {table.names.index(name) for name in values if not table[name].needs_parsing}
    try:
        # Named by number, as names may be there twice among the columns that do not matter.
        yield from arrow_csv.open_csv(
            stream,
            arrow_csv.ReadOptions(
                column_names=[str(i) for i in range(len(dialect.headers))], block_size=BLOCK, use_threads=False
            ),
            arrow_csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types={str(i): pa.float32() if i in plain else text for i in places},
                include_columns=[str(i) for i in places],
                decimal_point=dialect.decimal,
            ),
        )
    except pa.ArrowException as error:
        raise _explained(str(error), dialect.headers) from error


def _explained(error: str, names: list[str]) -> UqError:
    if match := _ODD_ROW.search(error):
        return UqError(
            f"Expected {match[2]} cells in every row, as in the first line. Received {match[3]} in row {match[1]} of "
            f"the data; correct that row, or quote its text."
        )
    if match := _BAD_CELL.search(error):
        where = f" in row {match[2]} of the data" if match[2] else ""
        return UqError(
            f"Expected numbers in the column {names[int(match[1])].strip()!r}. Received {listed([match[3]])}{where}; "
            f"correct it, or leave the cell out with its row."
        )
    if "UTF8" in error:
        return UqError("Expected a CSV file in UTF-8. Received other bytes; save it as UTF-8.")
    if "Empty CSV" in error:
        return UqError("Expected at least one row below the column names. Received none.")
    return UqError(f"Expected a CSV file. Received text that cannot be read as one ({' '.join(error.split())[:200]}).")
