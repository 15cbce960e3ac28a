"""The trainings of all visitors: few workers, a bounded queue, one job an owner, and those that are over kept.

Owners who ask for the same setting share one job: a link that a whole audience opens trains once. A job whose owners
all left, or were not seen for a while, gives its place back. Any number of threads may call. No Streamlit.
"""

from __future__ import annotations

import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from uqcore.live.estimate import pace, refuse_too_long, wall_seconds
from uqcore.live.frames import Frame, Trained
from uqcore.live.job import Job, State, Status
from uqcore.live.messages import PAUSE, RESUME, STEP
from uqcore.live.process import Process
from uqcore.live.setting import Setting
from uqcore.live.split import MOST_PROCESSES
from uqcore.types import UqError
from uqcore.workers import MOST_WAITING, UNSEEN_S, Queue

__all__ = ["UNSEEN_S", "Job", "Jobs", "State", "Status"]

PAUSED_S = 60.0
"""How long a paused job may keep its worker while others wait."""

STUCK_S, STUCK_FACTOR = 120.0, 5.0
"""How long a job may take at least, and as a multiple of what is expected: BLAS, short of memory, turns for ever."""

MOST_BYTES = 2**26
"""Of trainings that are over and can still be looked at: about five. The last one is kept whatever its size."""

_MEMORY = 3  # how many finished jobs tell how fast the machine is


class Jobs(Queue[Job]):
    """See the module. `close` ends all; it is also called when Python ends."""

    def __init__(
        self,
        n_workers: int | None = None,
        most_waiting: int = MOST_WAITING,
        unseen_s: float = UNSEEN_S,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        cores = os.cpu_count() or 1
        super().__init__(n_workers or max(1, cores - 1), most_waiting, unseen_s, clock)
        self.n_processes = min(MOST_PROCESSES, cores) if sys.platform == "linux" else 1  # macOS' BLAS must not fork
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Job, None] = OrderedDict()
        self._wall_by_estimate, self._n_learned = 1.0, 0

    def estimate_s(self, setting: Setting) -> float:
        """Expected seconds from start to end, on this machine as the last jobs found it."""
        return self._alone_s(setting) * self._wall_by_estimate

    def _alone_s(self, setting: Setting) -> float:
        """On an idle machine."""
        return wall_seconds(setting, self.n_processes) * pace()

    def submit(self, owner: str, setting: Setting) -> Job:
        """A training for ``owner``, in place of the one that they have: a finished one if it is kept, a running one of
        the same setting, or a new one.

        Raises:
            UqError: the setting takes too long, or too many wait.
        """
        refuse_too_long(setting)
        pace()  # timed before anybody has to wait for the lock
        with self._lock:
            return self._join(owner, self._known(setting), lambda: Job(setting))

    def look(self, job: Job) -> None:
        """Somebody looks at a job that may be over: of those that are kept it is the last one to be let go."""
        with self._lock:
            if job in self._kept:
                self._kept.move_to_end(job)

    def pause(self, owner: str) -> None:
        """After the epoch that runs. UqError: others watch the same training."""
        self._tell(owner, PAUSE)

    def step(self, owner: str) -> None:
        """One epoch more, and pause. UqError as for `pause`."""
        self._tell(owner, STEP)

    def resume(self, owner: str) -> None:
        self._tell(owner, RESUME)

    def _watch(self, job: Job, now: float) -> None:
        """Ends a job that is stuck, and lets a long pause end if others wait."""
        if job.paused_since is None:
            most_s = max(STUCK_S, STUCK_FACTOR * self.estimate_s(job.setting))
            if now - job.started - job.idle_s > most_s:
                self._end(job, f"Expected the training to end in {most_s:.0f} s. It did not, and was stopped.")
        elif self._queue and now - job.paused_since > PAUSED_S:
            self._say(job, RESUME)

    def _known(self, setting: Setting) -> Job | None:
        for job in self._kept:
            if job.setting == setting and job.state is State.DONE:
                self.look(job)
                return job
        return next((job for job in (*self._running, *self._queue) if job.setting == setting), None)

    def _start(self, job: Job) -> None:
        job.process = Process(job.setting, self.n_processes, _Listener(self, job))

    def _whole_s(self, job: Job) -> float:
        return self.estimate_s(job.setting)

    def _received(self, job: Job, shown: Frame | Trained, n_bytes: int) -> None:
        with self._lock:
            if job.state is not State.RUNNING:
                return
            job.n_bytes += n_bytes
            if isinstance(shown, Frame):
                job.frames.append(shown)
            else:
                job.trained = shown

    def _succeeded(self, job: Job) -> None:
        self._learn(job)

    def _over(self, job: Job) -> None:
        if job.frames:
            self._kept[job] = None
            while len(self._kept) > 1 and sum(each.n_bytes for each in self._kept) > self._most_bytes:
                self._kept.popitem(last=False)

    def _learn(self, job: Job) -> None:
        """How long jobs take here and now, beside what was expected."""
        took = self._passed_s(job) / self._alone_s(job.setting)
        self._n_learned = min(self._n_learned + 1, _MEMORY)
        self._wall_by_estimate += (took - self._wall_by_estimate) / self._n_learned

    def _tell(self, owner: str, command: str) -> None:
        with self._lock:
            job = self._of_owner.get(owner)
            if job is None or job.state is not State.RUNNING:
                return
            if len(job.owners) > 1 and command != RESUME:
                raise UqError("Expected a training of one's own to pause. Received one that others watch too.")
            self._say(job, command)

    def _say(self, job: Job, command: str) -> None:
        now = self._clock()
        if command == RESUME and job.paused_since is not None:
            job.idle_s, job.paused_since = job.idle_s + now - job.paused_since, None
        elif command != RESUME and job.paused_since is None:
            job.paused_since = now
        if job.process is not None:
            job.process.tell(command)


class _Listener(NamedTuple):
    jobs: Jobs
    job: Job

    def received(self, shown: Frame | Trained, n_bytes: int) -> None:
        self.jobs._received(self.job, shown, n_bytes)

    def ended(self, error: str | None) -> None:
        self.jobs._end(self.job, error)
