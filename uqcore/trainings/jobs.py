"""The trainings of all visitors: one worker at a time, for TensorFlow takes what cores it is given."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from uqcore.models.evaluation import Evaluated
from uqcore.trainings.estimate import Expected
from uqcore.trainings.order import Order, diverged
from uqcore.trainings.process import Process
from uqcore.trainings.progress import Epoch, Found, Said, Share
from uqcore.trainings.visit import Visit
from uqcore.workers import MOST_WAITING, Job, Queue, State

UNSEEN_S = 60.0
"""How long after its visitor was last seen a training is given up."""

SILENT_S = 1800.0
"""How long a process may say nothing: an epoch, or the tables that pages look up, on a busy machine."""

_LEAST_LEARNT, _LEAST_S = 2, 1.0  # epochs, and seconds of a part, that tell how fast the machine is
_LEARNT_AFTER = 3  # epochs, when those that were measured count as much as what was expected

Start = Callable[..., Process]


@dataclass(eq=False)
class Training(Job):
    """One visitor's training. Anybody may read it; `Trainings` alone changes it.

    Attributes:
        visit: whose it is; its folder stays as long as this job.
        epochs_done: in order; the list grows while others read it.
        share: how much is done of what follows the epochs, None before that.
        figures: of what was trained, and of the committed model beside it, as soon as they are known.
        heard: when the process said something last, by the clock of `Trainings`.
        first, last, after: when the first epoch and the last one were heard, and when the epochs were over; by the
            same clock, None before that.
    """

    visit: Visit
    order: Order
    epochs_done: list[Epoch] = field(default_factory=list)
    share: float | None = None
    figures: Evaluated | None = None
    beside: Evaluated | None = None
    process: Process | None = None
    heard: float = 0.0
    first: float | None = None
    last: float = 0.0
    after: float = 0.0
    n_at_first: int = 0

    @property
    def epoch(self) -> int:
        """Of all that is fitted; a part that was there already counts as done."""
        if not self.epochs_done:
            return 0
        last, done = self.epochs_done[-1], 0
        for model_id, epochs in self.order.stages.items():
            if model_id == last.model_id:
                break
            done += epochs
        return min(done + last.epoch, self.epochs)

    @property
    def epochs(self) -> int:
        return sum(self.order.stages.values())

    @property
    def stage(self) -> int:
        """Which of ``order.stages`` is being fitted, from 1."""
        names = list(self.order.stages)
        last = self.epochs_done[-1].model_id if self.epochs_done else names[0]
        return names.index(last) + 1 if last in names else len(names)

    @property
    def worker(self) -> Process | None:
        return self.process

    @property
    def log(self) -> list[str]:
        """The last lines that the command line shows."""
        return [] if self.process is None else list(self.process.log)


class Trainings(Queue[Training]):
    """See the module. A visitor has one training; another one takes its place."""

    def __init__(
        self,
        most_waiting: int = MOST_WAITING,
        unseen_s: float = UNSEEN_S,
        clock: Callable[[], float] = time.monotonic,
        start: Start = Process,
        is_there: Callable[[str], bool] = lambda owner: False,
    ) -> None:
        """``start`` makes a process, see `Process`; ``is_there`` says which owners count as seen whatever they do."""
        super().__init__(1, most_waiting, unseen_s, clock)
        self._make, self._is_there = start, is_there
        # Seconds of the three parts beside what was expected: as the last training found it, of any, or of this kind.
        self._pace_of: dict[tuple[str, str], Expected] = {}
        self._pace = Expected(1.0, 1.0, 1.0)
        self._n_threads = max(1, (os.cpu_count() or 1) - 1)

    def expected(self, order: Order) -> Expected:
        """How long it takes, as the last trainings on this server went."""
        pace = self._pace_of.get((order.task, order.method_id), self._pace)
        return Expected(*(said * factor for said, factor in zip(order.expected, pace, strict=True)))

    def submit(self, visit: Visit, order: Order) -> Training:
        """A training for the visitor, in place of the one that they have. UqError: too many wait.

        It goes on from where the same one stood when it was stopped, or when a server before this one was.
        """
        visit.go_on(order.stages)
        return self._join(visit.owner, None, lambda: Training(visit, order))

    def close(self) -> None:
        with self._lock:
            for job in self._running:
                job.visit.leave()
        super().close()

    def reap(self) -> None:
        with self._lock:
            self._seen |= {owner: self._clock() for owner in self._seen if self._is_there(owner)}
        super().reap()

    def _start(self, job: Training) -> None:
        job.heard = self._clock()
        job.visit.begin()
        job.process = self._make(
            job.order.arguments,
            job.visit.store.root,
            self._n_threads,
            partial(self._received, job),
            partial(self._end, job),
        )

    def _whole_s(self, job: Training) -> float:
        return self.expected(job.order).whole_s

    def _left_s(self, job: Training) -> float:
        """As expected beforehand, and more and more as it goes."""
        expected, now = self.expected(job.order), self._clock()
        if job.state is not State.RUNNING:
            return expected.whole_s
        if job.share is not None:
            passed = now - job.after
            by_clock = max(expected.after_s - passed, 0.0)
            return _blend(by_clock, passed * (1 - job.share) / job.share if job.share else by_clock, job.share)
        if job.first is None:
            return max(expected.start_s - (now - job.started), 0.0) + expected.fit_s + expected.after_s
        per_epoch, n = expected.fit_s / job.epochs, job.epoch - job.n_at_first
        if n:
            per_epoch = _blend(per_epoch, (job.last - job.first) / n, n / (n + _LEARNT_AFTER))
        return max((job.epochs - job.epoch) * per_epoch - (now - job.last), 0.0) + expected.after_s

    def _watch(self, job: Training, now: float) -> None:
        if now - job.heard > SILENT_S:
            self._end(job, f"Expected a line of progress within {SILENT_S:.0f} s. None came; the training was stopped.")

    def _succeeded(self, job: Training) -> None:
        job.visit.keep(job.order.model_id, job.order.name, job.figures, job.beside)
        self._learn_pace(job)

    def _learn_pace(self, job: Training) -> None:
        said, n = job.order.expected, job.epochs - job.n_at_first
        if job.first is None or job.share is None or n < _LEAST_LEARNT:
            return
        first_s = said.start_s + said.fit_s / job.epochs
        found = Expected(
            (job.first - job.started) / first_s,
            (job.last - job.first) / (said.fit_s * n / job.epochs),
            (self._clock() - job.after) / max(said.after_s, _LEAST_S),
        )
        kind = job.order.task, job.order.method_id
        self._pace_of[kind] = found
        # Of another kind it is known how busy the machine is, less so how well the committed times tell its network's.
        self._pace = found._replace(fit_s=(found.fit_s + self._pace.fit_s) / 2)

    def _received(self, job: Training, said: Said) -> None:
        with self._lock:
            job.heard = self._clock()
            if isinstance(said, Epoch):
                self._learnt(job, said)
            elif isinstance(said, Share):
                job.after = job.heard if job.share is None else job.after
                job.share = said.share
            elif isinstance(said, Found):
                job.figures, job.beside = (
                    (job.figures, said.evaluation) if said.beside else (said.evaluation, job.beside)
                )

    def _learnt(self, job: Training, said: Epoch) -> None:
        job.epochs_done.append(said)
        job.last = job.heard
        if job.first is None:
            job.first, job.n_at_first = job.heard, job.epoch
        if diverged(said.metrics):
            where = f"after epoch {said.epoch} a figure is not finite"
            self._end(job, f"The training diverged: {where}. Ask for a lower learning rate.")


def _blend(expected: float, measured: float, trust: float) -> float:
    return (1 - trust) * expected + trust * measured


def curves(epochs: Sequence[Epoch], name: str) -> list[tuple[list[int], list[float]]]:
    """One metric of each model that was fitted, in order: its epochs and the figures."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for epoch in epochs:
        if name in epoch.metrics:
            x, y = found.setdefault(epoch.model_id, ([], []))
            x.append(epoch.epoch)
            y.append(epoch.metrics[name])
    return list(found.values())
