"""Parquet and Feather files, streamed: another process unpacks some thousand rows at a time, which become float32."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, BinaryIO, TypeVar

import uqcore
from uqcore.predictions.assemble import found_in
from uqcore.predictions.parquet_process import HEAD, REFUSED, damaged
from uqcore.predictions.raw import Found
from uqcore.predictions.roles import Asked, Roles, asked_json, refusal_from
from uqcore.predictions.rows import Rows
from uqcore.types import ShareTick

_T = TypeVar("_T")
# Below the server from its first instruction on: most of what it takes is to import.
PROGRAM = """import os, sys; os.nice(10)
from uqcore.predictions.parquet_process import main; sys.exit(main(*map(int, sys.argv[1:])))"""
# One thread and the system's own allocator need the least address space, which is bounded there.
_LEAN = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}


def read_parquet(file: BinaryIO, asked: Roles | Asked | None, max_bytes: int, tick: ShareTick) -> Found:
    """The rows of a Parquet or Feather file; ``tick`` gets the share of the rows read.

    The number of rows that the file states is held against ``max_bytes`` before anything is unpacked, and the rows are
    counted again as they come.

    Raises:
        Unclear: what the columns are cannot be told.
        UqError: the columns are not those of predictions or not numbers, or the file is damaged or too large.
    """
    return _unpacked(file, asked_json(asked), max_bytes, lambda stream: _found(stream, max_bytes, tick))


def first_cells(file: BinaryIO, max_bytes: int) -> dict[str, list[str]]:
    """Column's name -> its first cells as short texts. UqError: the file is damaged or too large."""
    return _unpacked(file, HEAD, max_bytes, lambda stream: json.loads(stream.read() or "null"))


def _unpacked(file: BinaryIO, wish: str, max_bytes: int, read: Callable[[IO[bytes]], _T | None]) -> _T:
    """What is read of what the other process writes."""
    with (
        _on_disk(file) as source,
        TemporaryFile() as errors,
        TemporaryFile("w+") as wishes,
        _started(source, errors, wishes, wish, max_bytes) as process,
    ):
        assert process.stdout is not None
        try:
            found = read(process.stdout)
            if found is not None:
                return found
            process.stdout.close()
            exit_code = process.wait()
        finally:
            process.kill()
        errors.seek(0)
        if exit_code != REFUSED:
            raise damaged(f"exit code {exit_code}")
        raise refusal_from(errors.read().decode().strip().splitlines()[-1])


def _started(
    source: BinaryIO | IO[bytes], errors: IO[bytes], wishes: IO[str], wish: str, max_bytes: int
) -> subprocess.Popen[bytes]:
    wishes.write(wish)
    wishes.flush()
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(max_bytes), str(wishes.fileno())],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=errors,
        pass_fds=[wishes.fileno()],
        cwd=Path(uqcore.__file__).parents[1],
        env=os.environ | _LEAN,
    )


def _found(stream: IO[bytes], max_bytes: int, tick: ShareTick) -> Found | None:
    """The rows that come from the other process; None if it ends before all have come."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(stream) as source:
            about = source.schema.metadata
            n_rows, roles = int(about[b"n_rows"]), Roles.from_json(about[b"roles"])
            rows = Rows(roles, max_bytes, n_rows)
            done = 0
            for batch in source:
                done += batch.num_rows
                share = min(done / max(n_rows, 1), 1.0)
                rows.add(batch, share)
                tick(share)
            left_out = tuple(json.loads(about[b"left_out"]))
            return found_in(rows.found(), roles, left_out, ()) if done == n_rows else None
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
