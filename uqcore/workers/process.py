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
