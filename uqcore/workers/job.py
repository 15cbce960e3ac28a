"""One piece of work among those of all visitors: how it stands."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol


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


class Worker(Protocol):
    """The process of a job."""

    @property
    def pid(self) -> int: ...

    def kill(self) -> None:
        """At once, and until it is gone; nothing where it is gone already."""


@dataclass(eq=False, kw_only=True)
class Job:
    """Anybody may read it; its `Queue` alone changes it.

    Attributes:
        owners: who want it.
        started, paused_since: by the clock of the queue; idle_s: the seconds of the pauses before.
        over: set when the state will not change any more.
    """

    state: State = State.QUEUED
    error: str | None = None
    owners: set[str] = field(default_factory=set)
    started: float = 0.0
    paused_since: float | None = None
    idle_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        raise NotImplementedError

    @property
    def epochs(self) -> int:
        """How many there will be."""
        raise NotImplementedError

    @property
    def worker(self) -> Worker | None:
        """What is killed if nobody wants the job any more; None before it starts."""
        raise NotImplementedError
