"""CSV files, streamed: a block of text at a time becomes float32 rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from uqcore.predictions.beginning import N_LINES, beginning
from uqcore.predictions.raw import listed
from uqcore.predictions.table import HEAD_ROWS, Opened, Table
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa


BLOCK = 2**20  # bytes at a time; a line may not be longer
_MARK = b"\xef\xbb\xbf"  # of UTF-8, as spreadsheets put it first
_LINE = re.compile(rb"([^\r\n]+)(?:\r\n|\r|\n|$)")
_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r'(?i)"?sep=(.)"?')
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
# A number with a decimal comma, or a whole one.
_COMMA = re.compile(r"\s*[-+]?\d*,?\d+([eE][-+]?\d+)?(\s*%)?\s*")
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
        name = {"\t": "tab", " ": "a blank"}.get(self.delimiter, repr(self.delimiter))
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
            yield _with_points(batch, dialect, table, values), min(stream.n_bytes / n_bytes, 1.0)
        if stream.n_quotes % 2:
            # A cell that no mark ends takes all rows below it, and they would be missing without a word.
            raise UqError(
                "Expected quotation marks in pairs. Received an odd number of them; end each quote, or double it."
            )

    return Opened(table, batches, dialect.notes)


def _looked_at(head: bytes) -> tuple[_Dialect, Table]:
    import pyarrow as pa

    lines = [line for line in _LINE.finditer(head) if line[1].removeprefix(_MARK).strip()][: N_LINES + 1]
    if not lines:
        raise UqError(
            "Expected column names in the first line of the CSV file. Received no text at all; save the table again."
        )
    if lines[0].end() == len(head) == BLOCK:
        raise UqError("Expected column names in the first line of the CSV file. Received a line of over 1 MB; end it.")
    if len(head) == BLOCK:
        lines.pop()  # it may be cut
    try:
        lines[0][1].removeprefix(_MARK).decode()
    except UnicodeDecodeError:
        raise UqError(
            "Expected a CSV file in UTF-8. Received other bytes in its first line; save it as UTF-8."
        ) from None
    texts = [line[1].removeprefix(_MARK).decode("utf-8", "replace") for line in lines]
    texts, n_left_out, delimiter, notes = _without_comments(texts)
    table = beginning([_cells(text, delimiter) for text in texts])
    n_before = n_left_out + table.n_rows
    start = lines[n_before - 1].end() if n_before else lines[0].start(1)
    headers = table.headers
    rows = list(_first_rows(head[start:].decode("utf-8-sig", "replace"), delimiter, len(headers)))
    if len(head) == BLOCK and len(rows) > 1:
        rows.pop()  # it may be cut
    columns = [[cell.strip() for cell in cells] for cells in zip(*rows, strict=True)] or [[] for _ in headers]
    decimal = "," if any(map(_has_decimal_comma, columns)) and not any(map(_has_decimal_point, columns)) else "."
    if decimal == ",":
        columns = [[cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in cells] for cells in columns]
    arrays = [pa.array([cell or None for cell in cells], pa.string()) for cells in columns]
    return _Dialect(headers, start, delimiter, decimal, (*notes, *table.notes)), Table.of(headers, arrays)


def _without_comments(lines: list[str]) -> tuple[list[str], int, str, tuple[str, ...]]:
    """The lines of the table, how many stand above it, what stands between cells, and what was left out.

    Excel reads ``sep=;`` in a first line; NumPy writes the names of columns behind a ``#``.
    """
    said = _SEPARATOR.fullmatch(lines[0].strip())
    if said is not None and len(lines) > 1:
        return lines[1:], 1, said[1], ()
    n = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    delimiter = _delimiter(lines[n:])
    if not n:
        return lines, 0, delimiter, ()
    n_cells = len(_cells(lines[n], delimiter))
    for names in (lines[n - 1], lines[n - 1].lstrip("# ")):
        if len(_cells(names, delimiter)) == n_cells and not names.startswith("# "):
            return [names, *lines[n:]], n - 1, delimiter, ()
    return lines[n:], n, delimiter, (f"Above the table stands {lines[0][:60]!r}.",)


def _delimiter(lines: Sequence[str]) -> str:
    """What stands between the cells: in the first line, or below it where that has one cell."""
    for line in lines[:3]:
        if ";" in line and all("," not in cell or _COMMA.fullmatch(cell) for cell in line.split(";")):
            return ";"
        found = max(_DELIMITERS, key=line.count)
        if found in line and len(_cells(line, found)) > 1:
            return found
    for rare in "| ":  # R and NumPy write blanks
        if len(lines) > 1 and 1 < len(_cells(lines[0], rare)) <= len(_cells(lines[1], rare)):
            return rare
    return _DELIMITERS[0]


def _has_decimal_comma(cells: Sequence[str]) -> bool:
    full = [cell for cell in cells if cell]
    return any("," in cell for cell in full) and all(_COMMA.fullmatch(cell) for cell in full)


def _has_decimal_point(cells: Sequence[str]) -> bool:
    """Whether they are numbers with a point, so that a comma elsewhere is one between thousands."""
    full = [cell for cell in cells if cell]
    return any("." in cell for cell in full) and all(_NUMBER.fullmatch(cell) for cell in full)


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


def _with_points(batch: pa.RecordBatch, dialect: _Dialect, table: Table, values: Sequence[str]) -> pa.RecordBatch:
    """Decimal points for commas in numbers that have a sign around them, such as ``12,5 %``."""
    import pyarrow as pa
    from pyarrow import compute

    if dialect.decimal == ".":
        return batch
    for k, name in enumerate(values):
        if table[name].needs_parsing and table[name].vectors is None:
            points = compute.replace_substring(batch.column(k).cast(pa.string()), ",", ".")
            batch = batch.set_column(k, batch.schema.names[k], points)
    return batch


def _batches(
    stream: _Counted, dialect: _Dialect, table: Table, values: Sequence[str], others: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Batches with these columns in that order: values as numbers, unless they have a sign, others as text."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text = pa.dictionary(pa.int32(), pa.utf8())
    places = table.places([*values, *others])
    plain = {*table.places([name for name in values if not table[name].needs_parsing])}
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
        return UqError("Expected at least one row below the column names. Received none; save the rows too.")
    return UqError(
        f"Expected a CSV file. Received text that cannot be read as one ({' '.join(error.split())[:200]}); save "
        f"it again."
    )
