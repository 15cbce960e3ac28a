"""The trainings of all visitors: one worker at a time, for TensorFlow takes what cores it is given."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from uqcore.trainings.order import Order, diverged
from uqcore.trainings.process import Process
from uqcore.trainings.progress import Epoch, Stored
from uqcore.trainings.visit import Visit
from uqcore.workers import MOST_WAITING, Job, Queue

UNSEEN_S = 60.0
"""How long after its visitor was last seen a training is given up."""

SILENT_S = 1800.0
"""How long a process may say nothing: an epoch, or the tables that pages look up, on a busy machine."""

Start = Callable[..., Process]


@dataclass(eq=False)
class Training(Job):
    """One visitor's training. Anybody may read it; `Trainings` alone changes it.

    Attributes:
        visit: whose it is; its folder stays as long as this job.
        epochs_done: in order; the list grows while others read it.
        heard: when the process said something last, by the clock of `Trainings`.
    """

    visit: Visit
    order: Order
    epochs_done: list[Epoch] = field(default_factory=list)
    process: Process | None = None
    heard: float = 0.0

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
    ) -> None:
        """``start`` makes a process, see `Process`."""
        super().__init__(1, most_waiting, unseen_s, clock)
        self._make = start
        self._n_threads = max(1, (os.cpu_count() or 1) - 1)

    def submit(self, visit: Visit, order: Order) -> Training:
        """A training for the visitor, in place of the one that they have. UqError: too many wait."""
        return self._join(visit.owner, None, lambda: Training(visit, order))

    def _start(self, job: Training) -> None:
        job.heard = self._clock()
        job.process = self._make(
            job.order.arguments,
            job.visit.store.root,
            self._n_threads,
            partial(self._received, job),
            partial(self._end, job),
        )

    def _whole_s(self, job: Training) -> float:
        return job.order.whole_s

    def _watch(self, job: Training, now: float) -> None:
        if now - job.heard > SILENT_S:
            self._end(job, f"Expected a line of progress within {SILENT_S:.0f} s. None came; the training was stopped.")

    def _succeeded(self, job: Training) -> None:
        job.visit.keep(job.order.model_id, job.order.name)

    def _received(self, job: Training, said: Epoch | Stored) -> None:
        with self._lock:
            job.heard = self._clock()
            if isinstance(said, Stored):
                return
            job.epochs_done.append(said)
            if diverged(said.metrics):
                self._end(
                    job,
                    f"The training diverged: after epoch {said.epoch} a figure is not finite. Ask for a lower "
                    "learning rate.",
                )


def curves(epochs: Sequence[Epoch], name: str) -> list[tuple[list[int], list[float]]]:
    """One metric of each model that was fitted, in order: its epochs and the figures."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for epoch in epochs:
        if name in epoch.metrics:
            x, y = found.setdefault(epoch.model_id, ([], []))
            x.append(epoch.epoch)
            y.append(epoch.metrics[name])
    return list(found.values())
