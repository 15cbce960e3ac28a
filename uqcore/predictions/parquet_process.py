"""The process in which a Parquet or Feather file is unpacked: its standard input, as an Arrow stream on its standard
output.

Arrow ends the whole process on some damaged files, and believes what a page says of its own size. So that neither an
accident nor a bomb takes the server with it, this happens apart, in a bounded amount of memory.
A refusal is one sentence on standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from uqcore.predictions.arrow import leave_out_pandas
from uqcore.predictions.cells import is_nested, is_number
from uqcore.predictions.finding import left_out, settled
from uqcore.predictions.roles import Asked, NotOpened, Roles, asked_from, refusal_json
from uqcore.predictions.table import HEAD_ROWS, Table
from uqcore.text import reason
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa

HEAD = "head"
"""In place of what is asked for: the first cells of every column, as JSON."""

REFUSED = 2
"""The exit code after a sentence."""

_MEMORY = 2**31  # of address space, of which the libraries take about a third
_BATCH_ROWS = 2**16
_BUFFER = 2**20  # bytes of a column read at a time
_ENTRY_BYTES = 1000  # of a label, on average
_FREE_ROWS = 2**21  # which may be all the same


def main(max_bytes: int, asked: int | None = None) -> int:
    """Unpack standard input to standard output; the exit code. ``asked``: descriptor of a file of what is asked for."""
    with suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    leave_out_pandas()
    failures = _failures()
    try:
        if asked is None:
            stream(max_bytes, None)
            return 0
        with os.fdopen(asked) as file:
            file.seek(0)
            wish = file.read()
        if wish == HEAD:
            print(json.dumps(_opened(max_bytes)[1].first_cells))
        else:
            stream(max_bytes, asked_from(wish))
    except failures as error:
        print(refusal_json(_refusal(error)), file=sys.stderr)
        return REFUSED
    return 0


def _failures() -> tuple[type[Exception], ...]:
    """What reading a file may end in."""
    import pyarrow as pa

    return UqError, pa.ArrowException, OSError, ValueError, MemoryError


def _refusal(error: Exception) -> UqError:
    return error if isinstance(error, UqError) else damaged(error)


def damaged(why: object) -> UqError:
    """The sentence for a file that Arrow could not read."""
    return UqError(
        "Expected a whole Parquet or Feather file that is not encrypted and unpacks to a reasonable size. Received one "
        f"that cannot be read ({reason(why)}); save it again."
    )


class _Source(NamedTuple):
    """A file as its footer describes it.

    Attributes:
        names, types: of its columns.
        n_rows: how many it says it has.
        groups: bytes that each of its groups of rows unpacks to.
        batches: the cells of the columns at some places, so many rows at a time or, of Feather, as they are stored.
    """

    names: list[str]
    types: list[Any]
    n_rows: int
    groups: list[int]
    batches: Callable[[list[int], int], Iterator[list[pa.Array]]]


def stream(max_bytes: int, asked: Roles | Asked | None) -> None:
    import pyarrow as pa

    source, table = _opened(max_bytes)
    roles = settled(table, asked)
    places = table.places(roles.columns)
    n_values = len(roles.values)
    _check_types(source, places, n_values, roles)
    types = [source.types[i] for i in places]
    types = [pa.float32() if k < n_values and is_number(kind) else kind for k, kind in enumerate(types)]
    about = {"roles": roles.to_json(), "left_out": json.dumps(left_out(table, roles)), "n_rows": str(source.n_rows)}
    schema = pa.schema(list(zip(roles.columns, types, strict=True)), metadata=about)
    with pa.ipc.new_stream(sys.stdout.buffer, schema) as target:
        for cells in source.batches(places, _BATCH_ROWS):
            batch = pa.record_batch(cells, names=roles.columns)
            _check_texts(batch.select(roles.columns[n_values:]))
            target.write_batch(batch.cast(schema, safe=False))


def _opened(max_bytes: int) -> tuple[_Source, Table]:
    """NotOpened: it cannot be read, or is too large."""
    failures = _failures()
    try:
        source = _source(max_bytes)
        return source, _table(source)
    except failures as error:
        raise NotOpened(str(_refusal(error))) from error


def _source(max_bytes: int) -> _Source:
    sys.stdin.buffer.seek(0)
    is_feather = sys.stdin.buffer.read(6) == b"ARROW1"
    sys.stdin.buffer.seek(0)
    source = _feather() if is_feather else _parquet()
    if max(source.groups, default=0) > max_bytes:
        raise UqError(
            f"Expected groups of rows of at most {max_bytes / 1e6:,.0f} MB. Received {max(source.groups) / 1e6:,.0f} "
            f"MB when unpacked; save fewer examples."
        )
    _check_rows(source, os.fstat(sys.stdin.fileno()).st_size)
    return source


def _check_rows(source: _Source, n_bytes: int) -> None:
    """UqError for a bomb: rows that differ take more than a bit each, however well they are packed."""
    if source.n_rows > _FREE_ROWS + 8 * n_bytes:
        n_columns = len(source.names)
        unpacked = 4 * n_columns * source.n_rows  # of float32, as they are kept
        raise UqError(
            f"Expected rows that differ. Received {source.n_rows:,} rows of {n_columns} columns, "
            f"{unpacked / 1e6:,.0f} MB when unpacked, in a file of {n_bytes / 1e6:.1f} MB: less than a bit a row, so "
            f"nearly all of them repeat others; save each example once."
        )


def _parquet() -> _Source:
    from pyarrow import parquet

    # Without pre-buffering, a column is read and unpacked page by page and not a whole row group at once.
    source = parquet.ParquetFile(sys.stdin.buffer, buffer_size=_BUFFER, pre_buffer=False)
    schema, metadata = source.schema_arrow, source.metadata
    names = schema.names  # made anew each time that a schema is asked for it

    def batches(places: list[int], n_rows: int) -> Iterator[list[pa.Array]]:
        wanted = [names[i] for i in places]
        for batch in source.iter_batches(n_rows, columns=wanted, use_threads=False):
            found = batch.schema.names
            first = {found[k]: k for k in reversed(range(len(found)))}
            yield [batch.column(first[name]) for name in wanted]

    # Of a whole group: asking for a column's size is one of the ways in which Arrow ends the process.
    groups = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    return _Source(names, list(schema.types), metadata.num_rows, groups, batches)


def _feather() -> _Source:
    import pyarrow as pa

    source = pa.ipc.open_file(pa.PythonFile(sys.stdin.buffer, "r"))

    def batches(places: list[int], n_rows: int) -> Iterator[list[pa.Array]]:
        for i in range(source.num_record_batches):
            batch = source.get_batch(i)
            yield [batch.column(place) for place in places]

    n_rows = sum(source.get_batch(i).num_rows for i in range(source.num_record_batches))
    return _Source(source.schema.names, list(source.schema.types), n_rows, [], batches)


def _table(source: _Source) -> Table:
    """The first cells of each column; nothing of those that can have no role, such as pictures."""
    import pyarrow as pa

    shown = [i for i, kind in enumerate(source.types) if _can_matter(kind)]
    first = next(source.batches(shown, HEAD_ROWS), None) if shown else None
    cells = dict(zip(shown, first or (), strict=bool(first)))
    n_rows = min(HEAD_ROWS, len(first[0])) if first else 0
    none = [pa.nulls(n_rows, kind) for kind in source.types]
    return Table.of(source.names, [cells.get(i, none[i])[:n_rows] for i in range(len(none))])


def _can_matter(kind: Any) -> bool:
    import pyarrow as pa

    if not is_nested(kind):
        return not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    if {kind.field(i).name for i in range(kind.num_fields)} == {"type", "size", "indices", "values"}:
        return True  # Spark's vectors
    return all(_can_matter(part) and (not is_nested(part) or pa.types.is_list(kind)) for part in inner)


def _check_types(source: _Source, places: list[int], n_values: int, roles: Roles) -> None:
    """UqError unless the columns beside the values are plain, but for labels, which may be one-hot."""
    for name, i in zip(roles.columns[n_values:], places[n_values:], strict=True):
        if is_nested(source.types[i]) and name != roles.label:
            raise UqError(f"Expected one entry a row in the column {source.names[i]!r}. Received {source.types[i]}.")


def _check_texts(others: pa.RecordBatch) -> None:
    """UqError where a label is a book: one page may hold gigabytes of the same letter."""
    for name, column in zip(others.schema.names, others.columns, strict=True):
        if column.nbytes > _ENTRY_BYTES * (len(column) + 64):
            raise UqError(
                f"Expected short entries in the column {name!r}. Received texts of over {_ENTRY_BYTES} bytes."
            )
