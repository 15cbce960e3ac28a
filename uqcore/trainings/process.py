"""``python -m uqcore train`` as the server holds it: started at low priority, read line by line, killed."""

from __future__ import annotations

import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from uqcore.store import CHECKPOINTS_VARIABLE, MODELS_VARIABLE
from uqcore.trainings.progress import MOST_LINE, Said, Stored, from_line
from uqcore.trainings.visit import CHECKPOINTS
from uqcore.types import UqError
from uqcore.workers import WorkerProcess, why

LOG_LINES = 30
_COMMAND = (sys.executable, "-m", "uqcore")
_FOLDER = re.compile(r"(?:/[\w.+@~-]+)+/")


class Process(WorkerProcess):
    """One command. Whatever happens to it, ``ended`` is called once, from a thread of the process's.

    Attributes:
        log: the last lines of its stderr, and of what is no progress on stdout; without the server's folders.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        models: Path,
        n_threads: int,
        received: Callable[[Said], None],
        ended: Callable[[str | None], None],
        command: Sequence[str] = _COMMAND,
    ) -> None:
        """
        Args:
            models: the store that it trains into.
            received: told every line of progress.
            ended: told that the process is gone: a sentence, or None where it came to its end.

        Raises:
            UqError: the system starts no process.
        """
        threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(n_threads))
        # TensorFlow keeps code in temporary files, and leaves them where it is killed: they go with the visit.
        environment = threads | {MODELS_VARIABLE: str(models), "TMPDIR": str(models), "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment[CHECKPOINTS_VARIABLE] = str(models / CHECKPOINTS)
        environment["MALLOC_ARENA_MAX"] = "2"  # a server has one, for threads that share Python's lock
        super().__init__([*command, *arguments], environment)
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._received, self._ended = received, ended
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            error = self._outcome()
        except Exception as problem:  # whatever it is: a job must not wait for a thread that is gone
            error = f"What the training's process said cannot be read ({type(problem).__name__}: {problem})."
        self.kill()
        self.stdin.close()
        self._ended(error)

    def _outcome(self) -> str | None:
        """Reads to the end: None for a stored model, or a sentence."""
        stored = False
        for line in self._lines(self._popen.stdout):
            try:
                said = from_line(line)
            except UqError:  # a library printed it
                self._note(line)
                continue
            stored = stored or isinstance(said, Stored)
            self._received(said)
        code = self._popen.wait()
        self._drain.join(1)
        return None if code == 0 and stored else self._why(code)

    def _read_errors(self) -> None:
        for line in self._lines(self._popen.stderr):
            self._note(line)

    def _lines(self, stream: IO[bytes] | None) -> Iterator[bytes]:
        assert stream is not None
        with stream:
            while line := stream.readline(MOST_LINE):
                yield line

    def _note(self, line: bytes) -> None:
        if text := line.decode(errors="replace").strip():
            self.log.append(_FOLDER.sub("", text))

    def _why(self, code: int) -> str:
        """A sentence for an end without a model."""
        last = self.log[-1][:300] if self.log else ""
        if code == 2 and last.startswith("error: "):  # the command's own sentence
            return last.removeprefix("error: ")
        return why(code, last)
