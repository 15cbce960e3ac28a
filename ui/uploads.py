"""Memory for what visitors bring: one budget for all of them together, given back when a visit ends.

Counted are the files that Streamlit keeps for its sessions, whichever page they were sent to, and what was read of them
(`Budget.hold`). A file that finds no room is dropped as it arrives, and its page says so.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import streamlit as st
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartParser
from streamlit.runtime import exists, get_instance
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileManager, UploadedFileRec

from ui import fairness
from uqcore.types import UqError

VARIABLE: Final = "UQCORE_UPLOADS_MB"
"""The environment variable with the budget, in megabytes."""

USUAL_MB: Final = 1000
BYTES_A_SECOND: Final = 24e6
"""Of the uploads of all visitors together: a megabyte takes 3 ms of the server's core, beside what is read of the files
that have come. At 64 MB a second the moves of others took five times as long as without, at 24 twice, at 16 no less."""

_BURST_S = 0.02  # shorter waits are not worth one
_DROPPED = secrets.token_bytes(32)  # in place of the bytes of a file that found no room
_TIMES_READ = 2  # what is read of a file takes about as much as the file, and half of it twice
_LARGE = 2**20  # bytes of what was read, above which it is worked on by one visitor at a time


class Budget:
    """So many bytes for all visitors. Any number of threads may ask."""

    def __init__(self, most: int, in_files: Callable[[], int] = lambda: _in_files()) -> None:
        """``in_files``: bytes of the files that are kept as they came."""
        self.most, self._in_files = most, in_files
        self._held = 0
        self._lock = threading.RLock()  # a finalizer may run while it is held
        self._turn = threading.RLock()

    @property
    def used(self) -> int:
        """Bytes that are taken: by Streamlit's files and by what is held."""
        return self._held + self._in_files()

    @property
    def room(self) -> int:
        return max(0, self.most - self.used)

    def spent(self) -> UqError:
        return UqError(
            f"The {self.most / 1e6:,.0f} MB that this server has for the files of all its visitors are in use. Try "
            f"again in a minute, with a smaller file, or run the program on your own machine."
        )

    def hold(self, kept: object, n_bytes: int) -> None:
        """Counts ``n_bytes`` as long as ``kept`` lives. UqError: there is no room for them."""
        with self._lock:
            if n_bytes > self.room:
                raise self.spent()
            self._held += n_bytes
        weakref.finalize(kept, self._release, n_bytes)

    def _release(self, n_bytes: int) -> None:
        with self._lock:
            self._held -= n_bytes

    def turn(self, n_bytes: int | None = None) -> AbstractContextManager[object]:
        """What costs much is done for one visitor at a time, however many ask: else they would all take turns with
        those who brought nothing, and hold all that is needed on the way at once. Who has it may ask for it again.

        ``n_bytes``: of what is worked on; None where that is not known. A little of it waits for nobody.
        """
        if n_bytes is not None and n_bytes <= _LARGE:
            return nullcontext()
        fairness.much_follows()
        return self._turn

    @contextmanager
    def reading(self, n_bytes: int) -> Iterator[int]:
        """How many bytes the arrays of a file of ``n_bytes`` may take; one visitor's file is read at a time.

        Raises:
            UqError: there is no room for a file of that size.
        """
        with self.turn():
            if _TIMES_READ * n_bytes > self.room:
                raise self.spent()
            yield self.room // _TIMES_READ


def budget_of_environment() -> Budget:
    """What `VARIABLE` says. UqError: it is no size."""
    text = os.environ.get(VARIABLE, "")
    try:
        megabytes = float(text or USUAL_MB)
    except ValueError:
        megabytes = -1.0
    if not 0 < megabytes < 1e9:
        raise UqError(f"{VARIABLE} must be a number of megabytes above 0. Received: {text[:40]!r}.")
    return Budget(int(megabytes * 1e6))


BUDGET: Final = budget_of_environment()


def content(file: UploadedFile) -> bytes:
    """What a visitor brought. UqError: it found no room."""
    data = file.getvalue()
    if data == _DROPPED:
        raise BUDGET.spent()
    return data


class Pace:
    """So many bytes a second for all who send. One event loop may ask."""

    def __init__(self, rate: float = BYTES_A_SECOND, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._now = rate, now
        self._free_at = 0.0

    def wait_s(self, n_bytes: int) -> float:
        """Seconds until more is taken, after so many bytes were."""
        now = self._now()
        self._free_at = max(self._free_at, now) + n_bytes / self._rate
        return self._free_at - now


@st.cache_resource(show_spinner=False)
def guard() -> None:
    """Makes this server drop files that find no room, whether a page asked for them or not, and read no faster than
    others can bear."""
    if exists():
        keep_within(BUDGET, get_instance().uploaded_file_mgr)
        keep_pace(Pace())
        keep_once()


def keep_pace(pace: Pace) -> None:
    """Bodies of uploads are read at this pace by this process: who sends faster waits, as the network has it.

    Streamlit has no setting for it, and its server reads and takes apart what is sent in the one thread through which
    every visitor's answers go.
    """
    parse = MultiPartParser.parse

    async def parse_in_time(parser: MultiPartParser) -> FormData:
        parser.stream = _in_time(parser.stream, pace)
        return await parse(parser)

    setattr(MultiPartParser, "parse", parse_in_time)  # noqa: B010


async def _in_time(stream: AsyncGenerator[bytes, None], pace: Pace) -> AsyncGenerator[bytes, None]:
    async for chunk in stream:
        yield chunk
        if (wait_s := pace.wait_s(len(chunk))) > _BURST_S:
            await asyncio.sleep(wait_s)


def keep_once() -> None:
    """What Streamlit hands to a script of a file, at every run a copy, is of the same bytes as what it keeps, and what
    a page keeps of it too. It would be all of the file again, for every visitor who has one."""

    def copied(file: UploadedFile, memo: object) -> UploadedFile:
        record = UploadedFileRec(file.file_id, file.name, file.type, file.getvalue())
        return UploadedFile(record, getattr(file, "_file_urls"))  # noqa: B009

    setattr(UploadedFile, "__deepcopy__", copied)  # noqa: B010


def keep_within(budget: Budget, manager: UploadedFileManager) -> None:
    """Files that find no room in ``budget`` are added to ``manager`` without their content.

    Streamlit has no setting for the files of all sessions, and anybody with a session may send as many as they like.
    """
    add, lock = getattr(manager, "add_file"), threading.Lock()  # noqa: B009  # the in-memory manager's alone

    def add_file(session_id: str, file: UploadedFileRec) -> None:
        with lock:
            add(session_id, file if len(file.data) <= budget.room else file._replace(data=_DROPPED))

    setattr(manager, "add_file", add_file)  # noqa: B010


def _in_files() -> int:
    if not exists():
        return 0
    families = get_instance().uploaded_file_mgr.get_stats()
    return sum(stat.byte_length for stats in families.values() for stat in stats if hasattr(stat, "byte_length"))
