"""One training among those of all visitors: how it stands, and what it has shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from uqcore.live.frames import Frame, Trained
from uqcore.live.process import Process
from uqcore.live.setting import Setting


class State(Enum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (State.DONE, State.ERROR, State.CANCELLED)


class Status(NamedTuple):
    """How a job stands.

    Attributes:
        place: in the queue, 1 for the next; 0 for a job that runs or is over.
        wait_s: expected seconds until it starts.
        left_s: expected seconds until it is done, if nothing pauses it.
        epoch, epochs: done, of how many.
        error: a sentence, where the state is `State.ERROR`.
    """

    state: State
    place: int
    wait_s: float
    left_s: float
    epoch: int
    epochs: int
    paused: bool
    error: str | None


@dataclass(eq=False)
class Job:
    """One training. Anybody may read it; `uqcore.live.jobs.Jobs` alone changes it.

    Attributes:
        frames: one an epoch, in order; the list grows while others read it.
        trained: the end, where the state is `State.DONE`.
        owners: who want it.
        n_bytes: of what came from the worker.
        started, paused_since: by the clock of `Jobs`; idle_s: the seconds of the pauses before.
        over: set when the state will not change any more.
    """

    setting: Setting
    state: State = State.QUEUED
    frames: list[Frame] = field(default_factory=list)
    trained: Trained | None = None
    error: str | None = None
    owners: set[str] = field(default_factory=set)
    process: Process | None = None
    n_bytes: int = 0
    started: float = 0.0
    paused_since: float | None = None
    idle_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def epoch(self) -> int:
        """The last one that is done."""
        return self.frames[-1].epoch if self.frames else 0

    @property
    def drawn(self) -> list[Frame]:
        """The frames with surfaces, for a slider through the epochs."""
        return [frame for frame in self.frames if frame.tables]
