"""What all processes that work for the server have in common: how one starts, is killed, and why it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import uqcore
from uqcore.types import UqError

ROOT = Path(uqcore.__file__).parents[1]

_ENDED = 3  # the exit code when standard input has ended


NICE = 10
"""Above the server's own: two trainings at work made the p95 of another visitor's slider 1.13 times as long on two
cores, and 1.06 times with 19 or `SCHED_IDLE`, which get next to nothing where anything else runs on the machine."""


def _low_priority(pid: int) -> None:
    """For a process and what it starts from now on."""
    with suppress(OSError):  # it is gone already
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE))


class WorkerProcess:
    """A process in the folder above `uqcore`, with pipes for what it says and is told; one that ends with its standard
    input ends with the server, however that ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """
        Args:
            environment: what differs from the server's own.

        Raises:
            UqError: the system starts no process.
        """
        try:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env={**os.environ, **environment},
            )
        except OSError as error:
            raise UqError(f"The training's process cannot be started ({error.strerror or error}).") from error
        _low_priority(self._popen.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        assert self._popen.stdin is not None
        return self._popen.stdin

    def kill(self) -> None:
        """At once, and until it is gone."""
        with suppress(OSError):
            self._popen.kill()
        self._popen.wait()


def end_with_stdin() -> None:
    """From now on this process ends when its standard input does, in the middle of its work: with whoever holds the
    other end, however that ended. (By Linux's `PR_SET_PDEATHSIG` it would end with the thread that started it.)"""

    def wait() -> None:
        with suppress(OSError):
            while os.read(0, 2**12):
                pass
        os._exit(_ENDED)

    threading.Thread(target=wait, daemon=True).start()


def why(code: int, last: str) -> str:
    """A sentence for an end without a result: the signal, or the exit code and the last line of standard error."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"The training's process was ended by the system ({name}); train again."
    return f"The training's process failed (exit code {code}: {last[:300] or 'it said nothing'})."
