"""`make stress`: a hundred trainings of twenty owners who cancel, vanish, and whose workers are killed or run out of
memory; one line of JSON, and exit code 1 where any other job was harmed or anything was left behind.

Told places and waits are compared with what came of them since the last time that any job was cut short: nobody can
foresee that.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.load import megabytes, quantile
from uqcore.live import Setting, Trained, train
from uqcore.live.jobs import Job, Jobs, State

FATES = {"cancelled": 30, "killed": 10, "out of memory": 5, "vanished": 10}
N_JOBS, N_OWNERS = 100, 20
RIGHT = 0.25
"""A wait is right that is so much off at most, as a share of what it was."""

_POLL_S = 0.1
_LEAST_S = 1.0  # waits of less are not judged: they are shorter than what nobody notices
_PATIENCE_S = 900.0
_MOST_GROWN_MB = 50.0


def setting(seed: int) -> Setting:
    """About a second of one core."""
    return Setting(depth=2, width=32, n_points=200, n_random_features=64, n_members=2, epochs=20, seed=seed)


@dataclass
class Told:
    """What a waiting job was told, and when."""

    at: float
    place: int
    wait_s: float


@dataclass
class Case:
    """One job and what is to become of it."""

    seed: int
    fate: str
    owner: str
    job: Job | None = None
    told: list[Told] = field(default_factory=list)
    asked: float = 0.0
    started: float | None = None
    cut: float | None = None


class Stress:
    def __init__(self, jobs: Jobs, rng: random.Random, n_jobs: int = N_JOBS) -> None:
        fates = [fate for fate, n in FATES.items() for _ in range(n * n_jobs // N_JOBS)]
        fates += ["done"] * (n_jobs - len(fates))
        rng.shuffle(fates)
        self.jobs = jobs
        self.cases = [Case(i, fate, f"owner {i % N_OWNERS}") for i, fate in enumerate(fates)]
        self.pids: set[int] = set()
        self._rngs = [random.Random(i) for i in range(N_OWNERS)]

    def run(self) -> None:
        owners = [threading.Thread(target=self._owner, args=(i,)) for i in range(N_OWNERS)]
        for owner in owners:
            owner.start()
        for owner in owners:
            owner.join()

    def _owner(self, number: int) -> None:
        """One job after the other; who has vanished comes back as somebody else."""
        name = f"owner {number}"
        for i, case in enumerate(self.cases[number::N_OWNERS]):
            case.owner = name
            case.job, case.asked = self.jobs.submit(name, setting(case.seed)), time.monotonic()
            self._live(case, self._rngs[number])
            print(f"{case.owner}: {case.fate} after {time.monotonic() - case.asked:.1f} s", file=sys.stderr, flush=True)
            if case.fate == "vanished":
                name = f"owner {number}, come back {i}"

    def _live(self, case: Case, rng: random.Random) -> None:
        """Watches the job as a page does, until it is over or its fate comes."""
        assert case.job is not None
        cancels_at = time.monotonic() + rng.uniform(0, 20)
        while not case.job.state.is_over and time.monotonic() - case.asked < _PATIENCE_S:
            self._look(case, case.job)
            runs = case.started is not None and case.job.epoch >= 1
            if case.fate == "vanished":
                return
            if case.fate == "cancelled" and (runs or time.monotonic() > cancels_at):
                case.cut = time.monotonic()
                self.jobs.cancel(case.owner)
                return
            if runs and case.cut is None and case.job.process is not None:
                if case.fate == "killed":
                    case.cut = self._cut(case.job.process.pid, lambda pid: os.kill(pid, signal.SIGKILL))
                if case.fate == "out of memory":
                    case.cut = self._cut(case.job.process.pid, _no_more_memory)
            time.sleep(_POLL_S)

    def _look(self, case: Case, job: Job) -> None:
        self.jobs.job(case.owner)
        status = self.jobs.status(job)
        if status.place:
            case.told.append(Told(time.monotonic(), status.place, status.wait_s))
        elif case.started is None:
            case.started = job.started
            if job.process is not None:
                self.pids.add(job.process.pid)

    def _cut(self, pid: int, how: Callable[[int], None]) -> float:
        with suppress(ProcessLookupError):
            how(pid)
        return time.monotonic()

    def lost(self) -> list[str]:
        """Jobs that came to another end than theirs."""
        left = {State.CANCELLED, State.DONE}  # the last moment may be too late
        ends = {"done": {State.DONE}, "cancelled": left, "vanished": left, "out of memory": {State.ERROR, State.DONE}}
        found = []
        for case in self.cases:
            assert case.job is not None
            if case.job.state not in ends.get(case.fate, {State.ERROR}):
                found.append(f"{case.seed}, to be {case.fate}: {case.job.state.value} ({case.job.error})")
        return found

    def waits(self) -> tuple[list[float], list[bool]]:
        """Of jobs that started: how far off the wait was, as a share, and whether the place was right."""
        off, right = [], []
        starts = sorted(case.started for case in self.cases if case.started is not None)
        cuts = sorted(case.cut for case in self.cases if case.cut is not None)
        for case in self.cases:
            if case.started is None:
                continue
            last_cut = max((cut for cut in cuts if cut < case.started), default=0.0)
            undisturbed = [told for told in case.told if told.at > last_cut + _POLL_S]
            if not undisturbed:
                continue
            told = undisturbed[0]
            waited = case.started - told.at
            n_before = sum(told.at < start < case.started for start in starts)
            right.append(told.place == n_before + 1)
            if waited >= _LEAST_S:
                off.append(abs(told.wait_s - waited) / waited)
        return off, right


def _no_more_memory(pid: int) -> None:
    size = int(megabytes(pid, "VmSize") * 2**20)
    resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


def _settled_mb() -> float:
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return megabytes(os.getpid(), "VmRSS")


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for path in tasks for pid in path.read_text().split()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=N_JOBS, help="fewer, with as large a share of each fate")
    parser.add_argument("--unseen-s", type=float, default=5.0, help="when an owner has vanished; 20 on the server")
    arguments = parser.parse_args()
    jobs = Jobs(most_waiting=N_OWNERS + FATES["vanished"], unseen_s=arguments.unseen_s)
    for i in range(3):  # how long jobs take here is learned from the first ones, as on a server
        warm = jobs.submit("first", setting(1000 + i))
        while not warm.over.wait(_POLL_S):
            jobs.job("first")
    before, started = _settled_mb(), time.monotonic()
    stress = Stress(jobs, random.Random(arguments.seed), arguments.jobs)
    stress.run()
    took_s = time.monotonic() - started
    for case in stress.cases:
        assert case.job is not None
        case.job.over.wait(_PATIENCE_S)
    lost, (off, right) = stress.lost(), stress.waits()
    ends = Counter(f"{case.fate}: {case.job.state.value}" for case in stress.cases if case.job is not None)
    same = _neighbours_are_unharmed(stress)
    jobs.cancel("first")
    jobs.close()
    orphans = _children()
    del stress
    grown = _settled_mb() - before
    found = {
        "jobs": arguments.jobs,
        "seconds": round(took_s, 1),
        "ends": dict(sorted(ends.items())),
        "lost": lost,
        "places_right": f"{sum(right)} of {len(right)}",
        "waits_within_a_quarter": f"{sum(each <= RIGHT for each in off)} of {len(off)}",
        "wait_off_p50": quantile([100 * each for each in off], 0.5),
        "wait_off_p90": quantile([100 * each for each in off], 0.9),
        "as_if_alone": same,
        "orphans": orphans,
        "grown_mb": round(grown, 1),
    }
    print(json.dumps(found))
    return int(bool(lost or orphans or not same or grown > _MOST_GROWN_MB))


def _neighbours_are_unharmed(stress: Stress) -> bool:
    """Whether the last job that was taken to its end learned what it learns alone, to the bit."""
    case = next(case for case in reversed(stress.cases) if case.job is not None and case.job.trained is not None)
    assert case.job is not None
    assert case.job.trained is not None
    *_, alone = train(setting(case.seed), lambda epoch: False)
    assert isinstance(alone, Trained)
    return all(alone.figures[name] == figures for name, figures in case.job.trained.figures.items())


if __name__ == "__main__":
    raise SystemExit(main())
