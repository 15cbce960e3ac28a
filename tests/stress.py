"""`make stress`: a hundred trainings of twenty owners who cancel, vanish, and whose workers are killed or run out of
memory, then a thousand requests at once. One line of JSON, whose ``failed`` says in a sentence each what was not
reached; exit code 1 where that is anything.

Told places and waits are compared with what came of them since the last time that a job was cut short: nobody can
foresee that.
"""

from __future__ import annotations

import argparse
import ctypes
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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tests.garbage import collect
from tests.load import megabytes, quantile
from uqcore.live import Setting, Trained, train
from uqcore.live.jobs import Job, Jobs, State
from uqcore.networks.parallel import one_blas_thread
from uqcore.types import UqError

FATES = {"cancelled": 30, "killed": 10, "out of memory": 5, "vanished": 10}
N_JOBS, N_OWNERS = 100, 20
N_REQUESTS = 1000
RIGHT, ROUNDED_S = 0.25, 0.5
"""A wait is right that is off by a quarter of what it was at most, or by what whole seconds leave out."""

_POLL_S = 0.1
_LEAST_S = 1.0  # waits of less are not judged: they are shorter than what nobody notices
_PATIENCE_S = 900.0
_MOST_GROWN_MB, _BACK_S = 50.0, 60.0
_M_ARENA_MAX = -8  # of glibc: as `ui.malloc` has it, or each of a hundred jobs' threads keeps free memory of its own
_PR_SET_CHILD_SUBREAPER = 36
_MOST_WRONG = 0.1  # of the waits: other processes may have the machine for a while


def setting(seed: int, hungry: bool = False) -> Setting:
    """About a second of one core; ``hungry`` for memory in its last moments."""
    of_all = Setting(depth=2, width=32, n_points=200, n_random_features=64, n_members=2, epochs=20, seed=seed)
    return replace(of_all, n_random_features=2048) if hungry else of_all


class Told(NamedTuple):
    """What a waiting job was told, and when."""

    at: float
    place: int
    wait_s: float


@dataclass
class Case:
    """One job and what is to become of it; ``cut``: it was told to end, ``over``: that was seen."""

    seed: int
    fate: str
    owner: str
    job: Job | None = None
    told: list[Told] = field(default_factory=list)
    asked: float = 0.0
    started: float | None = None
    cut: bool = False
    over: float | None = None

    @property
    def end(self) -> str:
        return "nothing" if self.job is None else self.job.state.value

    @property
    def cut_short_at(self) -> float | None:
        short = self.job is not None and self.job.state in (State.CANCELLED, State.ERROR)
        return self.over if short else None


class Judged(NamedTuple):
    """A wait that nothing cut short."""

    told_s: float
    waited_s: float
    place_right: bool

    @property
    def off(self) -> float:
        """As a share of what it was; positive where it was shorter than told."""
        return (self.told_s - self.waited_s) / self.waited_s

    @property
    def right(self) -> bool:
        return abs(self.told_s - self.waited_s) <= max(RIGHT * self.waited_s, ROUNDED_S)


class Stress:
    def __init__(self, jobs: Jobs, rng: random.Random, n_jobs: int = N_JOBS) -> None:
        fates = [fate for fate, n in FATES.items() for _ in range(n * n_jobs // N_JOBS)]
        fates += ["done"] * (n_jobs - len(fates))
        rng.shuffle(fates)
        self.jobs = jobs
        self.cases = [Case(i, fate, f"owner {i % N_OWNERS}") for i, fate in enumerate(fates)]
        self._rngs = [random.Random(i) for i in range(N_OWNERS)]

    def run(self) -> None:
        """Until every job is over."""
        owners = [threading.Thread(target=self._owner, args=(i,)) for i in range(N_OWNERS)]
        for owner in owners:
            owner.start()
        deadline = time.monotonic() + _PATIENCE_S
        while any(case.over is None for case in self.cases) and time.monotonic() < deadline:
            for case in self.cases:
                if case.over is None and case.job is not None and case.job.over.is_set():
                    case.over = time.monotonic()
            time.sleep(_POLL_S / 4)
        for owner in owners:
            owner.join()

    def _owner(self, number: int) -> None:
        """One job after the other; who has vanished comes back as somebody else."""
        name = f"owner {number}"
        for i, case in enumerate(self.cases[number::N_OWNERS]):
            case.owner = name
            asked = setting(case.seed, case.fate == "out of memory")
            case.job, case.asked = self.jobs.submit(name, asked), time.monotonic()
            self._live(case, case.job, self._rngs[number])
            print(f"{case.owner}: {case.fate} after {time.monotonic() - case.asked:.1f} s", file=sys.stderr, flush=True)
            if case.fate == "vanished":
                name = f"owner {number}, come back {i}"

    def _live(self, case: Case, job: Job, rng: random.Random) -> None:
        """Watches the job as a page does, until it is over or its fate comes."""
        cancels_at = time.monotonic() + rng.uniform(0, 20)
        while not job.state.is_over and time.monotonic() - case.asked < _PATIENCE_S:
            self._look(case, job)
            runs = case.started is not None and job.epoch >= 1
            if case.fate == "vanished":
                return
            if case.fate == "cancelled" and (runs or time.monotonic() > cancels_at):
                self.jobs.cancel(case.owner)
                return
            if runs and not case.cut and job.process is not None:
                if case.fate == "killed":
                    case.cut = _cut(job.process.pid, lambda pid: os.kill(pid, signal.SIGKILL))
                if case.fate == "out of memory":
                    case.cut = _cut(job.process.pid, _no_more_memory)
            time.sleep(_POLL_S)

    def _look(self, case: Case, job: Job) -> None:
        self.jobs.job(case.owner)
        status = self.jobs.status(job)
        if status.place:
            case.told.append(Told(time.monotonic(), status.place, status.wait_s))
        elif case.started is None and job.started:
            case.started = job.started

    def lost(self) -> list[str]:
        """Jobs that came to another end than theirs."""
        left = {"cancelled", "done"}  # the last moment may be too late
        ends = {"done": {"done"}, "cancelled": left, "vanished": left}
        return [
            f"Job {case.seed} was to be {case.fate} and is {case.end} ({case.job and case.job.error})."
            for case in self.cases
            if case.end not in ends.get(case.fate, {"error"})
        ]

    def waits(self) -> list[Judged]:
        """Of jobs that started, by the first that they were told after the last cut before that."""
        starts = sorted(case.started for case in self.cases if case.started is not None)
        cuts = [case.cut_short_at for case in self.cases if case.cut_short_at is not None]
        found = []
        for case in self.cases:
            if case.started is None:
                continue
            last_cut = max((cut for cut in cuts if cut < case.started + _POLL_S), default=0.0)
            told = next((told for told in case.told if told.at > last_cut), None)
            if told is not None:
                waited = case.started - told.at
                n_before = sum(told.at < start < case.started for start in starts)
                found.append(Judged(told.wait_s, waited, told.place == n_before + 1))
        return found


def _cut(pid: int, how: Callable[[int], None]) -> bool:
    with suppress(ProcessLookupError):
        how(pid)
    return True


def _no_more_memory(pid: int) -> None:
    size = int(megabytes(pid, "VmSize") * 2**20)
    resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


def requests_without_end(n: int = N_REQUESTS) -> tuple[dict[str, object], list[str]]:
    """What came of so many requests for different trainings, each by somebody else, at a queue as a server has it;
    and what should not have."""
    jobs, refused, slowest, most = Jobs(), set[str](), 0.0, 0
    n_refused = 0
    for i in range(n):
        asked = time.perf_counter()
        try:
            jobs.submit(f"somebody {i}", setting(10**5 + i))
        except UqError as error:
            n_refused += 1
            refused.add(str(error).partition("about")[0])
        slowest = max(slowest, time.perf_counter() - asked)
        most = max(most, len(_children()))
    n_workers = max(1, (os.cpu_count() or 1) - 1)
    jobs.close()
    failed = [f"{most} processes ran for {n_workers} workers."] if most > n_workers else []
    failed += [f"{len(refused)} sentences refused requests: {refused}."] if len(refused) != 1 else []
    return {"requests": n, "refused": n_refused, "processes": most, "slowest_ms": round(1000 * slowest, 1)}, failed


def _settled_mb() -> float:
    collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return megabytes(os.getpid(), "VmRSS")


def _memory_back(before_mb: float) -> tuple[float, float]:
    """Megabytes more than before, and after how many seconds: at the latest after `_BACK_S`."""
    started = time.monotonic()
    while True:
        grown, passed = _settled_mb() - before_mb, time.monotonic() - started
        if grown <= _MOST_GROWN_MB or passed > _BACK_S:
            return round(grown, 1), round(passed, 1)
        time.sleep(1)


def _children() -> list[int]:
    """Processes of ours that are not gone, those included whose parents are: `main` makes us the heir of them."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for path in tasks for pid in path.read_text().split() if not _is_gone(int(pid))]


def _is_gone(pid: int) -> bool:
    """Also where nobody has asked yet how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _neighbour(stress: Stress) -> tuple[Setting, Trained] | None:
    """The last job that was taken to its end."""
    ended = (case.job.trained for case in reversed(stress.cases) if case.job is not None)
    last = next((trained for trained in ended if trained is not None), None)
    return None if last is None else (last.setting, last)


def _as_if_alone(learnt: tuple[Setting, Trained] | None) -> bool:
    """Whether it learned what it learns alone, to the bit."""
    if learnt is None:
        return False
    *_, alone = train(learnt[0], lambda epoch: False)
    return isinstance(alone, Trained) and alone.figures == learnt[1].figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=N_JOBS, help="fewer, with as large a share of each fate")
    parser.add_argument("--unseen-s", type=float, default=5.0, help="when an owner has vanished; 20 on the server")
    arguments = parser.parse_args()
    one_blas_thread()  # as on a server, both
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 1)
        ctypes.CDLL("libc.so.6").prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # Trainings that are over are kept on purpose, up to a limit, which is left out of what memory may grow by.
    jobs = Jobs(most_waiting=N_OWNERS + FATES["vanished"], unseen_s=arguments.unseen_s, most_bytes=2**20)
    for i in range(3):  # how long jobs take here is learned from the first ones, as on a server
        warm = jobs.submit("first", setting(1000 + i))
        while not warm.over.wait(_POLL_S):
            jobs.job("first")
    before, started = _settled_mb(), time.monotonic()
    stress = Stress(jobs, random.Random(arguments.seed), arguments.jobs)
    stress.run()
    took_s = time.monotonic() - started
    lost, judged = stress.lost(), stress.waits()
    ends, learnt = Counter(f"{case.fate}: {case.end}" for case in stress.cases), _neighbour(stress)
    del stress, warm
    grown, after_s = _memory_back(before)  # what vanished owners had, too: the queue is still open
    requests, failed = requests_without_end()
    jobs.close()
    orphans, same = _children(), _as_if_alone(learnt)
    waits = [each for each in judged if each.waited_s >= _LEAST_S]
    offs = [100 * abs(each.off) for each in waits]
    n_places, n_right = sum(each.place_right for each in judged), sum(each.right for each in waits)
    found = {
        "jobs": arguments.jobs,
        "seconds": round(took_s, 1),
        "ends": dict(sorted(ends.items())),
        "places_right": f"{n_places} of {len(judged)}",
        "waits_right": f"{n_right} of {len(waits)}",
        "waits_within_a_quarter": f"{sum(off <= 100 * RIGHT for off in offs)} of {len(waits)}",
        "wait_off_p50": quantile(offs, 0.5),
        "wait_off_p90": quantile(offs, 0.9),
        "wait_off_signed_p50": quantile([100 * each.off for each in waits], 0.5),
        "as_if_alone": same,
        "orphans": orphans,
        "grown_mb": grown,
        "memory_back_s": after_s,
        **requests,
    }
    failed += lost
    failed += [] if same else ["The last job did not learn what it learns alone."]
    failed += [f"Processes were left: {orphans}."] if orphans else []
    failed += [f"Memory grew by {grown} MB, more than {_MOST_GROWN_MB:g}."] if grown > _MOST_GROWN_MB else []
    failed += [f"{len(judged) - n_places} places were wrong."] if n_places < len(judged) else []
    if len(waits) - n_right > _MOST_WRONG * len(waits):
        wrong = ", ".join(f"{each.told_s:.1f} for {each.waited_s:.1f} s" for each in waits if not each.right)
        failed.append(f"{len(waits) - n_right} of {len(waits)} waits were told wrong: {wrong}.")
    print(json.dumps({**found, "failed": failed}))
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
