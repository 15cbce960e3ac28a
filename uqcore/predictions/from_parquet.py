"""Parquet files, streamed: a process of its own unpacks some thousand rows at a time, which become float32 rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, BinaryIO

import uqcore
from uqcore.predictions.columns import Rows, find_columns
from uqcore.predictions.parquet_process import REFUSED, damaged
from uqcore.predictions.raw import Found
from uqcore.types import ShareTick, UqError

PROGRAM = "import sys; from uqcore.predictions.parquet_process import main; sys.exit(main(int(sys.argv[1])))"
# One thread and the system's own allocator need the least address space, which is bounded there.
_LEAN = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}


def read_parquet(file: BinaryIO, max_bytes: int, tick: ShareTick) -> Found:
    """The rows of a Parquet file; ``tick`` gets the share of the rows read.

    The number of rows that the file states is held against ``max_bytes`` before anything is unpacked, and the rows are
    counted again as they come.

    Raises:
        UqError: the columns are not those of predictions or not numbers, or the file is damaged or too large.
    """
    with (
        _on_disk(file) as source,
        TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(max_bytes)],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=Path(uqcore.__file__).parents[1],
            env=os.environ | _LEAN,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            found = _found(process.stdout, max_bytes, tick)
            if found is not None:
                return found
            process.stdout.close()
            exit_code = process.wait()
        finally:
            process.kill()
        errors.seek(0)
        raise UqError(errors.read().decode().strip()) if exit_code == REFUSED else damaged(f"exit code {exit_code}")


def _found(stream: IO[bytes], max_bytes: int, tick: ShareTick) -> Found | None:
    """The rows that come from the other process; None if it ends before all have come."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(stream) as source:
            n_rows = int(source.schema.metadata[b"n_rows"])
            rows = Rows(find_columns(json.loads(source.schema.metadata[b"names"])), max_bytes, n_rows)
            done = 0
            for batch in source:
                done += batch.num_rows
                share = min(done / max(n_rows, 1), 1.0)
                rows.add(batch, share)
                tick(share)
            return rows.found() if done == n_rows else None
    except pa.ArrowException:
        return None


@contextmanager
def _on_disk(file: BinaryIO) -> Iterator[BinaryIO | IO[bytes]]:
    """The file as one that another process can read: itself, or a copy without a name that is gone at the end."""
    try:
        file.fileno()
    except OSError:
        with TemporaryFile() as copy:
            file.seek(0)
            copyfileobj(file, copy)
            copy.flush()
            yield copy
    else:
        yield file
