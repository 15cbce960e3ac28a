"""A bounded queue for few workers. An owner has one job at a time; owners may share one, if the kind of work lets them.

A job whose owners all left, or were not seen for a while, gives its place back. Any number of threads may call.
"""

from __future__ import annotations

import atexit
import heapq
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from uqcore.types import UqError
from uqcore.workers.job import Job, State, Status

UNSEEN_S = 20.0
"""How long after its owner was last seen a job is given up."""

MOST_WAITING = 8

_REAP_EVERY_S = 1.0

J = TypeVar("J", bound=Job)


class Queue(ABC, Generic[J]):
    """See the module. `close` ends all; it is also called when Python ends. A kind of work says how its jobs start."""

    def __init__(self, n_workers: int, most_waiting: int, unseen_s: float, clock: Callable[[], float]) -> None:
        self._n_workers, self._most_waiting, self._unseen_s, self._clock = n_workers, most_waiting, unseen_s, clock
        self._lock = threading.RLock()
        self._queue: list[J] = []
        self._running: list[J] = []
        self._of_owner: dict[str, J] = {}
        self._seen: dict[str, float] = {}
        self._closed = threading.Event()
        self._reaper: threading.Thread | None = None
        atexit.register(self.close)

    @abstractmethod
    def _start(self, job: J) -> None:
        """Gives the job its worker, which calls `_end`. UqError: the system starts none."""

    @abstractmethod
    def _whole_s(self, job: J) -> float:
        """Expected seconds from start to end."""

    def _share(self, job: J) -> float:
        """How much of a running job is done, below 1."""
        return job.epoch / (job.epochs + 1)  # what comes after the last epoch is as good as one

    @abstractmethod
    def _watch(self, job: J, now: float) -> None:
        """Looks at a running job every second, and ends it where it is stuck."""

    def _succeeded(self, job: J) -> None:
        """Called when a job is done, before anybody can see that."""

    def _over(self, job: J) -> None:
        """Called when a job is over, however it ended, before anybody can see that."""

    def job(self, owner: str) -> J | None:
        """The owner's job, if there is one. Whoever asks has been seen."""
        with self._lock:
            if owner in self._seen:
                self._seen[owner] = self._clock()
            return self._of_owner.get(owner)

    def status(self, job: J) -> Status:
        with self._lock:
            place = self._queue.index(job) + 1 if job in self._queue else 0
            wait_s = self._wait_s(place - 1) if place else 0.0
            left_s = 0.0 if job.state.is_over else wait_s + self._left_s(job)
            paused = job.paused_since is not None
            return Status(job.state, place, wait_s, left_s, job.epoch, job.epochs, paused, job.error)

    def cancel(self, owner: str) -> None:
        """Ends the owner's job, of which what came so far can still be read; one that others watch is only left."""
        with self._lock:
            job = self._of_owner.get(owner)
            if job is not None and job.owners == {owner} and not job.state.is_over:
                self._stop(job)
            else:
                self._leave(owner)

    def leave(self, owner: str) -> None:
        """As `cancel`, and the owner has no job any more."""
        with self._lock:
            self._leave(owner)

    def reap(self) -> None:
        """Gives up owners that were not seen and jobs that are stuck. Called every second."""
        with self._lock:
            now = self._clock()
            unseen = [owner for owner, seen in self._seen.items() if now - seen > self._unseen_s]
            for owner in unseen:
                self._leave(owner)
            for job in list(self._running):
                self._watch(job, now)

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
            return [job.worker.pid for job in self._running if job.worker is not None]

    def _join(self, owner: str, known: J | None, make: Callable[[], J]) -> J:
        """``owner`` gets the job ``known``, or a new one, in place of theirs. UqError: too many wait for a new one."""
        with self._lock:
            if known is None and len(self._queue) >= self._most_waiting and not self._replaces_waiting(owner):
                raise UqError(
                    f"Expected at most {self._most_waiting} trainings to wait. Received one more; try again in about "
                    f"{self._wait_s(len(self._queue)):.0f} s."
                )
            job = known or make()
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

    def _stop(self, job: J) -> None:
        """Cancelled: the worker is killed, and the next one starts."""
        job.state = State.CANCELLED
        if job in self._queue:
            self._queue.remove(job)
        if job in self._running:
            self._running.remove(job)
            if job.worker is not None:
                job.worker.kill()
        self._over(job)
        job.over.set()
        self._start_next()

    def _start_next(self) -> None:
        while self._queue and len(self._running) < self._n_workers and not self._closed.is_set():
            job = self._queue.pop(0)
            job.state, job.started = State.RUNNING, self._clock()
            self._running.append(job)
            try:
                self._start(job)
            except UqError as error:
                self._end(job, str(error))

    def _end(self, job: J, error: str | None) -> None:
        with self._lock:
            if job.state is not State.RUNNING:
                return
            self._running.remove(job)
            job.state, job.error = (State.DONE, None) if error is None else (State.ERROR, error)
            if job.worker is not None:
                job.worker.kill()
            if error is None:
                self._succeeded(job)
            self._over(job)
            job.over.set()
            self._start_next()

    def _passed_s(self, job: J) -> float:
        """How long a job has run, pauses apart."""
        now = self._clock() if job.paused_since is None else job.paused_since
        return now - job.started - job.idle_s

    def _left_s(self, job: J) -> float:
        """Until a running job ends: more and more by its epochs, the more of them are done and the more of the expected
        time has passed; one that is late is not about to end. A whole one where it does not run."""
        whole = self._whole_s(job)
        if job.state is not State.RUNNING:
            return whole
        passed, share = self._passed_s(job), self._share(job)
        by_epochs = passed * (1 - share) / share if share else whole
        trust = max(share, min(1.0, passed / whole))
        return (1 - trust) * max(whole - passed, 0.0) + trust * by_epochs

    def _wait_s(self, n_before: int) -> float:
        """Until the first worker is free for a job behind ``n_before`` waiting ones."""
        free = [self._left_s(job) for job in self._running]
        free += [0.0] * (self._n_workers - len(free))
        heapq.heapify(free)
        for job in self._queue[:n_before]:
            heapq.heapreplace(free, free[0] + self._whole_s(job))
        return free[0]

    def _reap_for_ever(self) -> None:
        while not self._closed.wait(_REAP_EVERY_S):
            self.reap()
