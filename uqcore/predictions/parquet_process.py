"""The process in which a Parquet file is unpacked: its standard input, as an Arrow stream on its standard output.

Arrow ends the whole process on some damaged files, and believes what a page says of its own size. So that neither an
accident nor a bomb takes the server with it, this happens apart, in a bounded amount of memory.
A refusal is one sentence on standard error.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from uqcore.predictions.columns import Columns, find_columns
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

REFUSED = 2
"""The exit code after a sentence."""

_MEMORY = 2**31  # of address space, of which the libraries take about a third
_BATCH_ROWS = 2**16
_BUFFER = 2**20  # bytes of a column read at a time
_ENTRY_BYTES = 1000  # of a label, on average


def main(max_bytes: int) -> int:
    """Unpack standard input to standard output; the exit code."""
    with suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    import pyarrow as pa

    try:
        stream(max_bytes)
    except (UqError, pa.ArrowException, OSError, ValueError, MemoryError) as error:
        print(error if isinstance(error, UqError) else damaged(error), file=sys.stderr)
        return REFUSED
    return 0


def damaged(reason: object) -> UqError:
    """The sentence for a file that Arrow could not read."""
    return UqError(
        "Expected a whole Parquet file that is not encrypted and unpacks to a reasonable size. Received one that "
        f"cannot be read ({' '.join(str(reason).split())[:200]}); save it again."
    )


def stream(max_bytes: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    # Without pre-buffering, a column is read and unpacked page by page and not a whole row group at once.
    source = parquet.ParquetFile(sys.stdin.buffer, buffer_size=_BUFFER, pre_buffer=False)
    names = source.schema_arrow.names
    columns = find_columns(names)
    _check(source, columns, max_bytes)
    wanted = [names[i] for i in columns.wanted]
    n_classes = len(columns.values)
    types = [*[pa.float32()] * n_classes, *(source.schema_arrow.field(name).type for name in wanted[n_classes:])]
    schema = pa.schema(
        list(zip(wanted, types, strict=True)),
        metadata={"names": json.dumps(names), "n_rows": str(source.metadata.num_rows)},
    )
    with pa.ipc.new_stream(sys.stdout.buffer, schema) as target:
        for batch in source.iter_batches(_BATCH_ROWS, columns=wanted, use_threads=False):
            _check_texts(batch.select(wanted[n_classes:]))
            target.write_batch(batch.select(wanted).cast(schema, safe=False))


def _check_texts(others: pa.RecordBatch) -> None:
    """UqError where a label is a book: one page may hold gigabytes of the same letter."""
    for name, column in zip(others.schema.names, others.columns, strict=True):
        if column.nbytes > _ENTRY_BYTES * (len(column) + 64):
            raise UqError(
                f"Expected short entries in the column {name!r}. Received texts of over {_ENTRY_BYTES} bytes."
            )


def _check(source: parquet.ParquetFile, columns: Columns, max_bytes: int) -> None:
    """UqError unless the values are numbers, the others plain, and no group of rows unpacks to too much."""
    import pyarrow as pa

    schema = source.schema_arrow
    for i in columns.values:
        if not _is_number(schema.field(i).type):
            raise UqError(
                f"Expected numbers in the column {schema.names[i]!r}. Received {schema.field(i).type}; convert it."
            )
    for i in columns.wanted[len(columns.values) :]:
        if pa.types.is_nested(schema.field(i).type):
            raise UqError(
                f"Expected one entry a row in the column {schema.names[i]!r}. Received {schema.field(i).type}."
            )
    # Of a whole group: asking for a column's size is one of the ways in which Arrow ends the process.
    sizes = [source.metadata.row_group(i).total_byte_size for i in range(source.metadata.num_row_groups)]
    if max(sizes, default=0) > max_bytes:
        raise UqError(
            f"Expected groups of rows of at most {max_bytes / 1e6:,.0f} MB. Received {max(sizes) / 1e6:,.0f} MB when "
            f"unpacked; save fewer examples."
        )


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
