"""What all processes that work for the server have in common: how one starts, is killed, and why it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import uqcore
from uqcore.types import UqError

ROOT = Path(uqcore.__file__).parents[1]


NICE = 10
"""Above the server's own: two trainings at work made the p95 of another visitor's slider 1.13 times as long on two
cores, and 1.06 times with 19 or `SCHED_IDLE`, which get next to nothing where anything else runs on the machine."""


def _low_priority(pid: int) -> None:
    """For a process and what it starts from now on."""
    with suppress(OSError):  # it is gone already
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE))


class WorkerProcess:
    """A process in the folder above `uqcore`, with pipes for what it says."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], stdin: int) -> None:
        """
        Args:
            environment: what differs from the server's own.
            stdin: as `subprocess.Popen` has it.

        Raises:
            UqError: the system starts no process.
        """
        try:
            self._popen = subprocess.Popen(
                command,
                stdin=stdin,
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

    def kill(self) -> None:
        """At once, and until it is gone."""
        with suppress(OSError):
            self._popen.kill()
        self._popen.wait()


def why(code: int, last: str) -> str:
    """A sentence for an end without a result: the signal, or the exit code and the last line of standard error."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"The training's process was ended by the system ({name}); train again."
    return f"The training's process failed (exit code {code}: {last[:300] or 'it said nothing'})."
