"""The trainings of all visitors: few workers, a bounded queue, one job an owner, and the finished ones kept.

Owners who ask for the same setting share one job: a link that a whole audience opens trains once. A job whose owners
all left, or were not seen for a while, gives its place back. Any number of threads may call. No Streamlit.
"""

from __future__ import annotations

import atexit
import heapq
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from uqcore.live.estimate import cpu_seconds, pace, refuse_too_long
from uqcore.live.frames import Frame, Trained
from uqcore.live.job import Job, State, Status
from uqcore.live.messages import PAUSE, RESUME, STEP
from uqcore.live.process import Process
from uqcore.live.setting import Setting
from uqcore.types import UqError

__all__ = ["Job", "Jobs", "State", "Status"]

UNSEEN_S = 20.0
"""How long after its owner was last seen a job is given up."""

PAUSED_S = 60.0
"""How long a paused job may keep its worker while others wait."""

STUCK_S, STUCK_FACTOR = 120.0, 5.0
"""How long a job may take at least, and as a multiple of what is expected: BLAS, short of memory, turns for ever."""

MOST_WAITING = 8
MOST_BYTES = 2**25
"""Of finished trainings that are kept: two or three. The last one is kept whatever its size."""

_REAP_EVERY_S = 1.0
_MEMORY = 3  # how many finished jobs tell how fast the machine is


class Jobs:
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
        self._n_workers = n_workers or max(1, cores - 1)
        self._n_threads = max(1, cores // self._n_workers)
        self._most_waiting, self._unseen_s, self._most_bytes, self._clock = most_waiting, unseen_s, most_bytes, clock
        self._lock = threading.RLock()
        self._queue: list[Job] = []
        self._running: list[Job] = []
        self._of_owner: dict[str, Job] = {}
        self._seen: dict[str, float] = {}
        self._finished: OrderedDict[Setting, Job] = OrderedDict()
        # Two threads on an idle machine: a guess until the first job is done.
        self._wall_by_estimate, self._n_learned = (1.0 if self._n_threads == 1 else 0.75), 0
        self._closed = threading.Event()
        self._reaper: threading.Thread | None = None
        atexit.register(self.close)

    def estimate_s(self, setting: Setting) -> float:
        """Expected seconds from start to end, on this machine as the last jobs found it."""
        return cpu_seconds(setting) * pace() * self._wall_by_estimate

    def submit(self, owner: str, setting: Setting) -> Job:
        """A training for ``owner``, in place of the one that they have: a finished one if it is kept, a running one of
        the same setting, or a new one.

        Raises:
            UqError: the setting takes too long, or too many wait.
        """
        refuse_too_long(setting)
        pace()  # timed before anybody has to wait for the lock
        with self._lock:
            known = self._known(setting)
            if known is None and len(self._queue) >= self._most_waiting and not self._replaces_waiting(owner):
                raise UqError(
                    f"Expected at most {self._most_waiting} trainings to wait. Received one more; try again in about "
                    f"{self._wait_s(len(self._queue)):.0f} s."
                )
            job = known or Job(setting)
            if self._of_owner.get(owner) is not job:
                self._leave(owner)
            self._of_owner[owner], self._seen[owner] = job, self._clock()
            job.owners.add(owner)
            if known is None:
                self._queue.append(job)
                self._start_next()
            if self._reaper is None:
                self._reaper = threading.Thread(target=self._reap_for_ever, daemon=True)
                self._reaper.start()
            return job

    def job(self, owner: str) -> Job | None:
        """The owner's job, if there is one. Whoever asks has been seen."""
        with self._lock:
            if owner in self._seen:
                self._seen[owner] = self._clock()
            return self._of_owner.get(owner)

    def status(self, job: Job) -> Status:
        with self._lock:
            place = self._queue.index(job) + 1 if job in self._queue else 0
            wait_s = self._wait_s(place - 1) if place else 0.0
            left_s = 0.0 if job.state.is_over else wait_s + self._left_s(job)
            paused = job.paused_since is not None
            return Status(job.state, place, wait_s, left_s, job.epoch, job.setting.epochs, paused, job.error)

    def cancel(self, owner: str) -> None:
        """Ends the owner's job, of which the frames so far can still be read; one that others watch is only left."""
        with self._lock:
            job = self._of_owner.get(owner)
            if job is not None and job.owners == {owner} and not job.state.is_over:
                self._stop(job)
            else:
                self._leave(owner)

    def pause(self, owner: str) -> None:
        """After the epoch that runs. UqError: others watch the same training."""
        self._tell(owner, PAUSE)

    def step(self, owner: str) -> None:
        """One epoch more, and pause. UqError as for `pause`."""
        self._tell(owner, STEP)

    def resume(self, owner: str) -> None:
        self._tell(owner, RESUME)

    def reap(self) -> None:
        """Gives up owners that were not seen and jobs that are stuck, and lets a long pause end if others wait.

        Called every second.
        """
        with self._lock:
            now = self._clock()
            unseen = [owner for owner, seen in self._seen.items() if now - seen > self._unseen_s]
            for owner in unseen:
                self._leave(owner)
            for job in list(self._running):
                if job.paused_since is None:
                    most_s = max(STUCK_S, STUCK_FACTOR * self.estimate_s(job.setting))
                    if now - job.started - job.idle_s > most_s:
                        self._end(job, f"Expected the training to end in {most_s:.0f} s. It did not, and was stopped.")
                elif self._queue and now - job.paused_since > PAUSED_S:
                    self._say(job, RESUME)

    def close(self) -> None:
        """Kills every worker; no further job is taken to an end."""
        self._closed.set()
        atexit.unregister(self.close)
        with self._lock:
            for job in [*self._queue, *self._running]:
                self._stop(job)

    @property
    def pids(self) -> list[int]:
        """The processes of the jobs that run."""
        with self._lock:
            return [job.process.pid for job in self._running if job.process is not None]

    def _known(self, setting: Setting) -> Job | None:
        finished = self._finished.get(setting)
        if finished is not None:
            self._finished.move_to_end(setting)
            return finished
        return next((job for job in (*self._running, *self._queue) if job.setting == setting), None)

    def _replaces_waiting(self, owner: str) -> bool:
        job = self._of_owner.get(owner)
        return job in self._queue and job is not None and job.owners == {owner}

    def _leave(self, owner: str) -> None:
        self._seen.pop(owner, None)
        job = self._of_owner.pop(owner, None)
        if job is None:
            return
        job.owners.discard(owner)
        if not job.owners and not job.state.is_over:
            self._stop(job)

    def _stop(self, job: Job) -> None:
        """Cancelled: the worker is killed, and the next one starts."""
        job.state = State.CANCELLED
        if job in self._queue:
            self._queue.remove(job)
        if job in self._running:
            self._running.remove(job)
            if job.process is not None:
                job.process.kill()
        job.over.set()
        self._start_next()

    def _start_next(self) -> None:
        while self._queue and len(self._running) < self._n_workers and not self._closed.is_set():
            job = self._queue.pop(0)
            job.state, job.started = State.RUNNING, self._clock()
            self._running.append(job)
            try:
                job.process = Process(job.setting, self._n_threads, _Listener(self, job))
            except UqError as error:
                self._end(job, str(error))

    def _received(self, job: Job, shown: Frame | Trained, n_bytes: int) -> None:
        with self._lock:
            if job.state is not State.RUNNING:
                return
            job.n_bytes += n_bytes
            if isinstance(shown, Frame):
                job.frames.append(shown)
            else:
                job.trained = shown

    def _end(self, job: Job, error: str | None) -> None:
        with self._lock:
            if job.state is not State.RUNNING:
                return
            self._running.remove(job)
            job.state, job.error = (State.DONE, None) if error is None else (State.ERROR, error)
            if job.process is not None:
                job.process.kill()
            if error is None:
                self._keep(job)
                self._learn(job)
            job.over.set()
            self._start_next()

    def _keep(self, job: Job) -> None:
        self._finished[job.setting] = job
        while len(self._finished) > 1 and sum(each.n_bytes for each in self._finished.values()) > self._most_bytes:
            self._finished.popitem(last=False)

    def _learn(self, job: Job) -> None:
        """How long jobs take here and now, beside what was expected."""
        took = (self._clock() - job.started - job.idle_s) / (cpu_seconds(job.setting) * pace())
        self._n_learned = min(self._n_learned + 1, _MEMORY)
        self._wall_by_estimate += (took - self._wall_by_estimate) / self._n_learned

    def _left_s(self, job: Job) -> float:
        """Until a running job ends, from its epochs as soon as some are done; a whole one otherwise."""
        whole = self.estimate_s(job.setting)
        if job.state is not State.RUNNING:
            return whole
        now = self._clock() if job.paused_since is None else job.paused_since
        passed = now - job.started - job.idle_s
        share = job.epoch / (job.setting.epochs + 1)  # the last surfaces are as good as an epoch
        by_clock = max(whole - passed, 0.0)
        by_epochs = passed * (1 - share) / share if share else by_clock
        return (1 - share) * by_clock + share * by_epochs

    def _wait_s(self, n_before: int) -> float:
        """Until the first worker is free for a job behind ``n_before`` waiting ones."""
        free = [self._left_s(job) for job in self._running]
        free += [0.0] * (self._n_workers - len(free))
        heapq.heapify(free)
        for job in self._queue[:n_before]:
            heapq.heapreplace(free, free[0] + self.estimate_s(job.setting))
        return free[0]

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

    def _reap_for_ever(self) -> None:
        while not self._closed.wait(_REAP_EVERY_S):
            self.reap()


class _Listener(NamedTuple):
    jobs: Jobs
    job: Job

    def received(self, shown: Frame | Trained, n_bytes: int) -> None:
        self.jobs._received(self.job, shown, n_bytes)

    def ended(self, error: str | None) -> None:
        self.jobs._end(self.job, error)
