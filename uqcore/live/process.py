"""A worker (`uqcore.live.worker`) as the server holds it: started, told, read, killed."""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextlib import suppress
from typing import Protocol

from uqcore.live import wire
from uqcore.live.frames import Frame, Trained
from uqcore.live.messages import from_message
from uqcore.live.setting import Setting
from uqcore.types import UqError
from uqcore.workers import WorkerProcess, why

# Before NumPy loads: two threads for products as small as these take nineteen times as long as one. Every arena of the
# allocator takes address space, which is bounded there.
LEAN = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {"MALLOC_ARENA_MAX": "4"}
COMMAND = ("-m", "uqcore.live.worker")
_LAST_LINES = 20
_MOST_LINE = 2**12


class Listener(Protocol):
    """Told what a worker says, in a thread of the worker's."""

    def received(self, shown: Frame | Trained, n_bytes: int) -> None:
        """A frame or the trained models came."""

    def ended(self, error: str | None) -> None:
        """The process is gone: ``error`` is a sentence, or None if all came."""


class Process(WorkerProcess):
    """One training in a process. Whatever happens to it, `Listener.ended` is called once, and nobody else is harmed."""

    def __init__(self, setting: Setting, n_processes: int, listener: Listener) -> None:
        """UqError: the system starts no process."""
        self._setting, self._listener = setting, listener
        super().__init__([sys.executable, *COMMAND, str(n_processes)], LEAN)
        self._errors: deque[str] = deque(maxlen=_LAST_LINES)
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()
        threading.Thread(target=self._read, daemon=True).start()
        self.tell(setting.to_json())

    def tell(self, line: str) -> None:
        """A command; one that comes too late is lost."""
        with suppress(OSError, ValueError):
            self.stdin.write(line.encode() + b"\n")
            self.stdin.flush()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        error: str | None = "its output ended early"
        try:
            while (message := wire.read(self._popen.stdout)) is not None:
                shown = from_message(self._setting, message)
                self._listener.received(shown, sum(array.nbytes for array in message.arrays.values()))
                if isinstance(shown, Trained):
                    error = None
        except UqError as problem:
            error = str(problem)
        except Exception as problem:  # whatever it is: a job must not wait for a thread that is gone
            error = f"What the training's process sent cannot be read ({type(problem).__name__}: {problem})."
        else:
            error = error and self._why()
        finally:
            self.kill()
            self._drain.join(1)
            for stream in (self.stdin, self._popen.stdout):
                with suppress(OSError):
                    stream.close()
        self._listener.ended(error)

    def _why(self) -> str:
        code = self._popen.wait()
        self._drain.join(1)
        return why(code, next((line.strip() for line in reversed(self._errors) if line.strip()), ""))

    def _read_errors(self) -> None:
        """Drained, or a talkative process would wait for ever."""
        stream = self._popen.stderr
        assert stream is not None
        with stream:
            while line := stream.readline(_MOST_LINE):
                self._errors.append(line.decode(errors="replace"))
