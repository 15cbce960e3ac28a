"""Who trains when: places, neighbours, and that whatever happens to one job happens to no other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests import PATIENCE_S, ROOT
from tests.live.settings import LONG, TINY, until
from tests.workers.clock import Clock
from tests.workers.processes import alive
from uqcore.live import Frame, Setting, process
from uqcore.live.job import Job, State
from uqcore.live.jobs import PAUSED_S, STUCK_S, UNSEEN_S, Jobs
from uqcore.types import UqError

Make = Callable[..., Jobs]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Iterator[Make]:
    """Jobs that are closed at the end, with all their processes gone."""
    made: list[Jobs] = []

    def make(n_workers: int = 1, **options: int) -> Jobs:
        made.append(Jobs(n_workers, clock=clock, **options))
        return made[-1]

    yield make
    for jobs in made:
        pids = jobs.pids
        jobs.close()
        assert not any(map(alive, pids))


def long(seed: int) -> Setting:
    return replace(LONG, seed=seed)


def paused(jobs: Jobs, owner: str, setting: Setting) -> Job:
    """A job that has shown something and takes no more of the machine."""
    job = jobs.submit(owner, setting)
    jobs.pause(owner)
    until(lambda: job.frames)
    return job


def done(job: Job) -> Job:
    assert job.over.wait(PATIENCE_S)
    return job


def test_a_job_is_trained_to_its_end(make: Make) -> None:
    jobs = make()
    job = done(jobs.submit("a", TINY))
    assert job.state is State.DONE
    assert [frame.epoch for frame in job.frames] == [1, 2]
    assert job.drawn == [frame for frame in job.frames if frame.tables]
    assert job.trained is not None
    assert job.trained.outcomes.keys() == {"deterministic"}
    assert jobs.job("a") is job
    assert jobs.status(job) == (State.DONE, 0, 0, 0, 2, 2, False, None)
    assert jobs.pids == []


@pytest.mark.usefixtures("forked")
def test_the_same_setting_again_is_there_at_once_for_anybody(make: Make) -> None:
    jobs = make()
    job = done(jobs.submit("a", TINY))
    assert jobs.submit("b", Setting.from_json(TINY.to_json())) is job
    jobs.cancel("b")
    assert jobs.job("b") is None
    assert job.state is State.DONE


def test_an_audience_that_opens_one_link_shares_one_job(make: Make) -> None:
    jobs = make(most_waiting=1)
    job = jobs.submit("presenter", long(0))
    assert all(jobs.submit(f"seat {i}", long(0)) is job for i in range(20))
    with pytest.raises(UqError, match="one that others watch too"):
        jobs.pause("presenter")
    jobs.cancel("presenter")
    assert jobs.job("presenter") is None
    assert jobs.status(job).state is State.RUNNING
    for i in range(20):
        jobs.cancel(f"seat {i}")
    assert job.state is State.CANCELLED


@pytest.mark.usefixtures("forked")
def test_who_joins_a_paused_job_can_let_it_go_on(make: Make) -> None:
    jobs = make()
    job = paused(jobs, "presenter", replace(TINY, epochs=50))
    assert jobs.submit("guest", job.setting) is job
    jobs.resume("guest")
    assert done(job).state is State.DONE


@pytest.mark.usefixtures("forked")
def test_places_and_waits_are_told_and_the_queue_is_bounded(make: Make, clock: Clock) -> None:
    jobs = make(most_waiting=2)
    first = paused(jobs, "a", long(0))
    second, third = jobs.submit("b", long(1)), jobs.submit("c", long(2))
    assert [jobs.status(job).place for job in (first, second, third)] == [0, 1, 2]
    assert [jobs.status(job).state for job in (first, second, third)] == [State.RUNNING, State.QUEUED, State.QUEUED]
    waits = [jobs.status(job).wait_s for job in (first, second, third)]
    whole = jobs.estimate_s(long(2))
    assert waits[0] == 0
    assert waits[2] - waits[1] == pytest.approx(whole)
    assert jobs.status(third).left_s == pytest.approx(waits[2] + whole)
    with pytest.raises(UqError, match=r"Expected at most 2 trainings to wait.*try again in about \d+ s\."):
        jobs.submit("d", long(3))
    assert jobs.job("d") is None
    # Somebody who waits may ask for something else in place of it, at the end of the queue.
    assert jobs.status(jobs.submit("b", long(4))).place == 2
    assert jobs.status(third).place == 1
    assert second.state is State.CANCELLED


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> list[process.Listener]:
    """In place of workers: to each listener the test says what it likes."""
    found: list[process.Listener] = []

    class Worker:
        pid = 0

        def __init__(self, setting: Setting, n_processes: int, listener: process.Listener) -> None:
            found.append(listener)

        def tell(self, line: str) -> None: ...

        def kill(self) -> None: ...

    monkeypatch.setattr("uqcore.live.jobs.Process", Worker)
    return found


def test_the_time_that_is_left_follows_the_epochs(make: Make, clock: Clock, listeners: list[process.Listener]) -> None:
    jobs, setting = make(), replace(TINY, epochs=3)
    job = jobs.submit("a", setting)
    assert jobs.status(job).left_s == jobs.estimate_s(setting)
    clock.now += 30  # far longer than was expected
    assert jobs.status(job).left_s == jobs.estimate_s(setting), "it is late: it has not begun, and is not about to end"
    for epoch, expected in ((1, 90), (2, 30), (3, 10)):
        listeners[0].received(Frame(setting, {}, {}, {}, epoch), 0)
        assert jobs.status(job).left_s == pytest.approx(expected)
    jobs.pause("a")
    clock.now += 1000
    assert jobs.status(job).left_s == pytest.approx(10)
    jobs.resume("a")
    assert jobs.status(job).left_s == pytest.approx(10)
    # What a job took makes the next estimate.
    assert jobs.estimate_s(setting) < 30
    listeners[0].ended(None)
    assert job.state is State.DONE
    assert jobs.estimate_s(setting) == pytest.approx(30)


def test_a_new_training_of_the_same_owner_takes_the_place_of_the_old(make: Make) -> None:
    jobs = make()
    first = paused(jobs, "a", long(0))
    (pid,) = jobs.pids
    second = jobs.submit("a", TINY)
    assert first.state is State.CANCELLED
    until(lambda: not alive(pid))
    assert done(second).state is State.DONE
    assert jobs.job("a") is second


@pytest.mark.usefixtures("forked")
def test_a_cancelled_job_gives_its_worker_to_the_next_and_keeps_its_frames(make: Make) -> None:
    jobs = make()
    first = paused(jobs, "a", long(0))
    waiting, second = jobs.submit("b", long(1)), jobs.submit("c", TINY)
    jobs.cancel("b")
    assert waiting.state is State.CANCELLED
    assert second.state is State.QUEUED
    jobs.cancel("a")
    assert first.state is State.CANCELLED
    assert done(second).state is State.DONE
    assert jobs.job("a") is first
    assert first.frames[0].tables


def test_a_worker_that_is_killed_is_an_error_and_its_neighbour_goes_on(make: Make) -> None:
    jobs = make(n_workers=2)
    victim = paused(jobs, "a", long(0))
    (pid,) = jobs.pids
    neighbour = paused(jobs, "b", replace(TINY, epochs=5))
    os.kill(pid, signal.SIGKILL)
    assert done(victim).state is State.ERROR
    assert victim.error == "The training's process was ended by the system (SIGKILL); train again."
    jobs.resume("b")
    assert done(neighbour).state is State.DONE
    # And what failed is not kept: it can be trained again.
    assert jobs.submit("a", long(0)) is not victim


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("raise RuntimeError('no network')", r"failed \(exit code 1: RuntimeError: no network\)"),
        ("import sys; print('e' * 10**6, file=sys.stderr); sys.exit(7)", r"failed \(exit code 7: eee"),
        ("pass", "its output ended early|exit code 0: it said nothing"),
        ("print('hello' * 100)", "Expected a message of the training's process"),
        ("import os; os.write(1, bytes(5))", "Expected a message of the training's process. Received half a length"),
    ],
)
def test_a_worker_that_fails_says_why(make: Make, monkeypatch: pytest.MonkeyPatch, program: str, problem: str) -> None:
    monkeypatch.setattr(process, "COMMAND", ("-c", program))
    job = done(make().submit("a", TINY))
    assert job.state is State.ERROR
    assert job.error is not None
    assert re.search(problem, job.error)
    assert "\n" not in job.error


def test_a_system_without_room_for_a_process_is_an_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    job = make().submit("a", TINY)
    assert job.state is State.ERROR
    assert job.error == "The training's process cannot be started (Resource temporarily unavailable)."


def test_owners_who_are_gone_give_their_places_back(make: Make, clock: Clock) -> None:
    jobs = make()
    first = paused(jobs, "gone", long(0))
    (pid,) = jobs.pids
    second = jobs.submit("here", TINY)
    clock.now += UNSEEN_S - 1
    jobs.reap()
    assert jobs.status(first).state is State.RUNNING
    assert jobs.job("here") is second  # has been seen
    clock.now += 2
    jobs.reap()
    assert first.state is State.CANCELLED
    assert jobs.job("gone") is None
    until(lambda: not alive(pid))
    assert done(second).state is State.DONE


@pytest.mark.usefixtures("forked")
def test_the_reaper_comes_by_itself(make: Make, clock: Clock) -> None:
    jobs = make()
    job = paused(jobs, "gone", long(0))
    clock.now += UNSEEN_S + 1
    assert done(job).state is State.CANCELLED


@pytest.mark.usefixtures("forked")
def test_a_long_pause_ends_if_others_wait(make: Make, clock: Clock) -> None:
    jobs = make()
    first = paused(jobs, "a", replace(TINY, epochs=5))
    clock.now += PAUSED_S + 1
    jobs.job("a")
    jobs.reap()
    assert jobs.status(first).paused
    second = jobs.submit("b", TINY)
    jobs.job("a")
    jobs.reap()
    assert done(first).state is State.DONE
    assert done(second).state is State.DONE


def test_a_job_that_is_stuck_gives_its_place_back_and_a_paused_one_is_not_stuck(
    make: Make, clock: Clock, listeners: list[process.Listener]
) -> None:
    jobs = make()
    stuck, second = jobs.submit("a", TINY), jobs.submit("b", replace(TINY, seed=1))
    clock.now += STUCK_S + 1
    for owner in "ab":
        jobs.job(owner)
    jobs.reap()
    assert stuck.error == "Expected the training to end in 120 s. It did not, and was stopped."
    jobs.pause("b")
    clock.now += STUCK_S + 1
    jobs.job("b")
    jobs.reap()
    assert second.state is State.RUNNING
    listeners[0].ended(None)  # what comes late changes nothing
    assert stuck.state is State.ERROR


@pytest.mark.usefixtures("forked")
def test_a_step_is_one_epoch(make: Make) -> None:
    jobs = make()
    job = paused(jobs, "a", replace(TINY, epochs=50))
    n_shown = len(job.frames)
    jobs.step("a")
    until(lambda: len(job.frames) > n_shown)
    assert jobs.status(job).paused
    jobs.resume("a")
    assert not jobs.status(job).paused
    assert done(job).state is State.DONE


@pytest.mark.usefixtures("forked")
def test_finished_jobs_are_forgotten_by_their_size(make: Make) -> None:
    jobs = make(most_bytes=1)
    first = done(jobs.submit("a", TINY))
    other = done(jobs.submit("a", replace(TINY, seed=1)))
    assert jobs.submit("b", replace(TINY, seed=1)) is other
    assert jobs.submit("c", TINY) is not first


@pytest.mark.usefixtures("forked")
def test_the_one_that_somebody_looks_at_is_kept_longest(make: Make) -> None:
    n_bytes = done(make().submit("a", TINY)).n_bytes
    jobs = make(most_bytes=round(2.5 * n_bytes))
    settings = [replace(TINY, seed=seed) for seed in range(3)]
    first, second = (done(jobs.submit("a", setting)) for setting in settings[:2])
    jobs.look(first)
    done(jobs.submit("a", settings[2]))
    assert jobs.submit("b", settings[0]) is first
    assert jobs.submit("c", settings[1]) is not second


@pytest.mark.usefixtures("forked")
def test_what_was_stopped_is_trained_anew(make: Make) -> None:
    jobs = make()
    stopped = paused(jobs, "a", LONG)
    jobs.cancel("a")
    assert jobs.submit("a", LONG) is not stopped


@pytest.mark.usefixtures("forked")
def test_what_cannot_be_trained_is_refused_and_changes_nothing(make: Make) -> None:
    jobs = make()
    job = done(jobs.submit("a", TINY))
    with pytest.raises(UqError, match="at most 120 CPU seconds"):
        jobs.submit("a", Setting(n_points=2000, width=256, epochs=300))
    assert jobs.job("a") is job


def test_requests_without_end_are_refused_in_one_sentence(make: Make, listeners: list[process.Listener]) -> None:
    jobs, refused = make(n_workers=2, most_waiting=8), []
    for i in range(1000):
        try:
            jobs.submit(f"somebody {i}", replace(TINY, seed=i))
        except UqError as error:
            refused.append(str(error))
    assert len(refused) == 990
    assert all(
        re.fullmatch(r"Expected at most 8 trainings to wait\. .*; try again in about \d+ s\.", s) for s in refused
    )
    assert sum(jobs.job(f"somebody {i}") is not None for i in range(1000)) == 10
    assert len(listeners) == len(jobs.pids) == 2


def test_somebody_who_asks_without_end_has_one_job(make: Make, listeners: list[process.Listener]) -> None:
    jobs = make(n_workers=2)
    other = jobs.submit("neighbour", TINY)
    asked = [jobs.submit("somebody", replace(TINY, seed=i)) for i in range(1, 1000)]
    assert {job.state for job in asked[:-1]} == {State.CANCELLED}
    assert jobs.job("somebody") is asked[-1]
    assert len(jobs.pids) == 2
    listeners[0].ended(None)
    assert other.state is State.DONE


def test_commands_of_nobody_are_nothing(make: Make) -> None:
    jobs = make()
    for command in (jobs.cancel, jobs.pause, jobs.step, jobs.resume):
        command("nobody")
    assert jobs.job("nobody") is None


SERVER = """
import sys
from tests.live.settings import LONG, until
from uqcore.live.jobs import Jobs
jobs = Jobs(1)
job = jobs.submit("a", LONG)
until(lambda: job.frames)
print(*jobs.pids, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_no_worker_outlives_its_server(how: signal.Signals | None) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert server.stdout is not None
    assert server.stdin is not None
    with server:
        pid = int(server.stdout.readline())
        assert alive(pid)
        if how is None:
            server.stdin.close()
        else:
            server.send_signal(how)
        server.wait(PATIENCE_S)
    until(lambda: not alive(pid))


@pytest.mark.usefixtures("forked")
def test_many_jobs_of_many_owners_end_as_they_should(make: Make) -> None:
    """Some cancelled, some killed: none is lost but those, and no process is left."""
    jobs = make(n_workers=2, most_waiting=12)
    all_jobs = [jobs.submit(f"owner {i}", replace(TINY, seed=i, epochs=3)) for i in range(12)]
    cancelled = all_jobs[5::4]
    for i, job in enumerate(all_jobs):
        if job in cancelled:
            jobs.cancel(f"owner {i}")
    for i, job in enumerate(all_jobs):
        if job not in cancelled:
            assert done(job).state is State.DONE, i
        assert done(job).state.is_over
    assert jobs.pids == []
