"""CSV files, streamed: a block of text at a time becomes float32 rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from uqcore.predictions.columns import Columns, Rows, find_columns
from uqcore.predictions.raw import Found, listed
from uqcore.types import ShareTick, UqError

if TYPE_CHECKING:
    import pyarrow as pa


BLOCK = 2**20  # bytes at a time; a line may not be longer
_LINES_LOOKED_AT = 20  # for decimal commas
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as spreadsheets put it first
_LINE = re.compile(rb"([^\r\n]+)(?:\r\n|\r|\n|$)")
_DELIMITERS = ",;\t"
_DECIMAL_COMMA = re.compile(r"\s*-?\d*,\d+([eE][-+]?\d+)?\s*")
_ODD_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_BAD_CELL = re.compile(r"column #(\d+):(?: Row #(\d+):)? CSV conversion error to \w+: invalid value '(.*)'", re.DOTALL)


class _Dialect(NamedTuple):
    """Column names and what they mean, where the rows start, what stands between cells and before decimals."""

    names: list[str]
    columns: Columns
    start: int
    delimiter: str
    decimal: str

    @property
    def notes(self) -> tuple[str, ...]:
        if (self.delimiter, self.decimal) == (",", "."):
            return ()
        name = "tab" if self.delimiter == "\t" else repr(self.delimiter)
        return (f"Read with {name} between the cells and {self.decimal!r} as the decimal sign.",)


def read_csv(file: BinaryIO, max_bytes: int, tick: ShareTick) -> Found:
    """The rows of a CSV file with a first line of column names; ``tick`` gets the share of the bytes read.

    Comma, semicolon or tab between the cells, and the decimal comma, are told from the first lines.

    Raises:
        UqError: the columns are not those of predictions, a cell is no number, a row has more or fewer cells, the text
            is not UTF-8, or the values need more than ``max_bytes``.
    """
    n_bytes = file.seek(0, 2)
    file.seek(0)
    dialect = _dialect(file.read(BLOCK))
    rows = Rows(dialect.columns, max_bytes)
    file.seek(dialect.start)
    stream = _Counted(file)
    for batch in _batches(stream, dialect):
        share = min(stream.n_bytes / n_bytes, 1.0)
        rows.add(batch, share)
        tick(share)
    if stream.n_quotes % 2:
        # A cell that no mark ends takes all rows below it, and they would be missing without a word.
        raise UqError(
            "Expected quotation marks in pairs. Received an odd number of them; end each quote, or double it."
        )
    return rows.found(dialect.notes)


def _dialect(head: bytes) -> _Dialect:
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
    names = _cells(first, delimiter)
    columns = find_columns(names)
    next_lines = head[match.end() :].decode(errors="replace").splitlines()[:_LINES_LOOKED_AT]
    rows = [cells for line in next_lines if len(cells := _cells(line, delimiter)) == len(names)]
    has_comma = any(_DECIMAL_COMMA.fullmatch(cells[i]) for cells in rows for i in columns.values)
    return _Dialect(names, columns, match.end(), delimiter, "," if has_comma else ".")


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


def _batches(stream: _Counted, dialect: _Dialect) -> Iterator[pa.RecordBatch]:
    """Batches with the columns `Columns.wanted` in that order."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = dialect.columns
    numbers = dict.fromkeys(map(str, columns.values), pa.float32())
    texts = dict.fromkeys(map(str, columns.wanted[len(columns.values) :]), pa.dictionary(pa.int32(), pa.utf8()))
    try:
        # Named by number, as names may be there twice among the columns that do not matter.
        yield from arrow_csv.open_csv(
            stream,
            arrow_csv.ReadOptions(
                column_names=[str(i) for i in range(len(dialect.names))], block_size=BLOCK, use_threads=False
            ),
            arrow_csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types=numbers | texts,
                include_columns=[str(i) for i in columns.wanted],
                decimal_point=dialect.decimal,
            ),
        )
    except pa.ArrowException as error:
        raise _explained(str(error), dialect.names) from error


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
