"""``python -m uqcore.live.worker [PROCESSES]``: one training in a process of its own, so that it can be killed.

Standard input: a setting as one line of JSON, then a command a line (`PAUSE`, `STEP`, `RESUME`). When it ends, so does
this process: no server that dies leaves one behind. Standard output: messages (`uqcore.live.messages`) and nothing
else; what anybody prints goes to standard error.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from uqcore.live import messages, wire
from uqcore.live.estimate import cpu_seconds, refuse_too_long
from uqcore.live.frames import Frame
from uqcore.live.messages import PAUSE, RESUME, STEP
from uqcore.live.setting import Setting
from uqcore.live.split import DRAWING_SHARE, frame_gap
from uqcore.live.team import Team
from uqcore.live.training import train
from uqcore.networks.parallel import one_blas_thread
from uqcore.types import UqError

MOST_BYTES = 2**31
"""Of address space, of which Python and its libraries take about a third."""
CPU_S, CPU_FACTOR = 60, 4
"""What a training may take, and as a multiple of what is expected: whatever turns for ever in it comes to an end."""

_MOST_LINE = 2**20
_ENDED = 3  # the exit code when standard input has ended


def main(n_processes: int = 1) -> int:
    """The exit code: 0 when the training has ended, well or with a sentence."""
    one_blas_thread()
    _limit(resource.RLIMIT_AS, MOST_BYTES)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline(_MOST_LINE)
    if not line.endswith(b"\n"):
        return _ENDED
    with suppress(BrokenPipeError):
        run(line, n_processes, Gate(sys.stdin.buffer), out)
    return 0


def _limit(kind: int, most: int) -> None:
    with suppress(ValueError, OSError):  # macOS knows no limit of address space
        resource.setrlimit(kind, (most, most))


def run(line: bytes, n_processes: int, gate: Gate, out: BinaryIO) -> None:
    """The training of ``line``, a setting in JSON; its messages go to ``out``, the last one a sentence if it fails."""
    try:
        setting = Setting.from_json(line)
        refuse_too_long(setting)
        _limit(resource.RLIMIT_CPU, CPU_S + round(CPU_FACTOR * cpu_seconds(setting)))
        with Team(setting, n_processes) as team:
            gate.listen()  # no thread before: a process that forks has none that holds a lock
            for shown in train(setting, gate.wanted(setting), team):
                out.write(messages.to_bytes(shown))
                out.flush()
                if isinstance(shown, Frame):  # behind the last one nothing is left to pause
                    gate.passed()
        return
    except UqError as error:
        sentence = str(error)
    except MemoryError:
        sentence = "Expected a training that fits into memory. Received one that does not; make it smaller."
    out.write(wire.encode(messages.ERROR, {"sentence": sentence}, {}))
    out.flush()


class Gate:
    """Where the training waits between epochs, and decides which surfaces to draw: as many as the clock allows."""

    def __init__(self, commands: BinaryIO | None = None) -> None:
        self._commands, self._changed = commands, threading.Condition()
        self._open, self._steps = True, 0
        self._started, self._drawing_s = time.monotonic(), 0.0
        self._drawn_from: float | None = None

    def listen(self) -> None:
        """Obeys from now on, in a thread of its own. When the commands end, so does the process."""
        if self._commands is not None:
            threading.Thread(target=self._obey, args=(self._commands,), daemon=True).start()

    def _obey(self, commands: BinaryIO) -> None:
        for line in commands:
            command = line.decode(errors="replace").strip()
            with self._changed:
                self._open = {PAUSE: False, STEP: False, RESUME: True}.get(command, self._open)
                self._steps = self._steps + (command == STEP) if not self._open else 0
                self._changed.notify_all()
        os._exit(_ENDED)

    def wanted(self, setting: Setting) -> Callable[[int], bool]:
        """See `uqcore.live.training.Wanted`: the first epoch, the last, each that was asked for by itself."""
        gap = frame_gap(setting)

        def wanted(epoch: int) -> bool:
            now = time.monotonic()
            in_time = self._drawing_s <= DRAWING_SHARE * (now - self._started) and epoch % gap == 0
            drawn = epoch in (1, setting.epochs) or not self._open or in_time
            self._drawn_from = now if drawn else None
            return drawn

        return wanted

    def passed(self) -> None:
        """After an epoch: waits while paused."""
        now = time.monotonic()
        if self._drawn_from is not None:
            self._drawing_s += now - self._drawn_from
        with self._changed:
            self._changed.wait_for(lambda: self._open or self._steps)
            self._steps = max(0, self._steps - 1)
        self._started += time.monotonic() - now


if __name__ == "__main__":
    # At once: the thread that reads commands still waits for one, and Python's own end would wait for it.
    os._exit(main(*map(int, sys.argv[1:2])))
