"""One training among those of all visitors: how it stands, and what it has shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from uqcore import workers
from uqcore.live.frames import Frame, Trained
from uqcore.live.process import Process
from uqcore.live.setting import Setting
from uqcore.workers import State, Status

__all__ = ["Job", "State", "Status"]


@dataclass(eq=False)
class Job(workers.Job):
    """One training. Anybody may read it; `uqcore.live.jobs.Jobs` alone changes it.

    Attributes:
        frames: one an epoch, in order; the list grows while others read it.
        trained: the end, where the state is `State.DONE`.
        n_bytes: of what came from the worker.
    """

    setting: Setting
    frames: list[Frame] = field(default_factory=list)
    trained: Trained | None = None
    process: Process | None = None
    n_bytes: int = 0

    @property
    def epoch(self) -> int:
        """The last one that is done."""
        return self.frames[-1].epoch if self.frames else 0

    @property
    def epochs(self) -> int:
        return self.setting.epochs

    @property
    def worker(self) -> Process | None:
        return self.process

    @property
    def drawn(self) -> list[Frame]:
        """The frames with surfaces, for a slider through the epochs."""
        return [frame for frame in self.frames if frame.tables]
