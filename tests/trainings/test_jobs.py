"""Who trains when, and what becomes of those who leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.garbage import collect
from tests.trainings.fakes import Fake, order
from tests.workers.clock import Clock
from uqcore.trainings import Training, Trainings, Visit
from uqcore.trainings.jobs import SILENT_S, UNSEEN_S, curves
from uqcore.trainings.order import Order
from uqcore.trainings.progress import Epoch, Share, Stored
from uqcore.trainings.visit import CHECKPOINTS
from uqcore.types import UqError
from uqcore.workers import State


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(clock: Clock) -> Iterator[Trainings]:
    jobs = Trainings(most_waiting=2, clock=clock, start=Fake)
    yield jobs
    jobs.close()


def fake(job: Training) -> Fake:
    assert isinstance(job.process, Fake)
    return job.process


def learn(job: Training, n: int, loss: float = 0.5, model_id: str | None = None) -> None:
    name = model_id or job.order.model_id
    fake(job).received(Epoch(name, n, job.order.config.epochs, {"loss": loss}))


def test_a_training_is_taken_to_its_end(jobs: Trainings, clock: Clock) -> None:
    visit, asked = Visit(), order(epochs=4)
    job = jobs.submit(visit, asked)
    assert fake(job).arguments == asked.arguments
    assert fake(job).models == visit.store.root
    assert (visit.store.root / CHECKPOINTS).is_dir(), "what a killed server leaves of it, the next goes on with"
    assert jobs.status(job).left_s == pytest.approx(asked.expected.whole_s)
    clock.now = 10
    learn(job, 1)
    status = jobs.status(job)
    assert (status.state, status.epoch, status.epochs, status.place) == (State.RUNNING, 1, 4, 0)
    fake(job).received(Stored(asked.model_id))
    fake(job).ended(None)
    assert job.state is State.DONE
    assert job.over.is_set()
    assert jobs.job(visit.owner) is job
    assert not (visit.store.root / CHECKPOINTS).exists()


def test_the_time_that_is_left_is_more_and_more_what_is_seen(jobs: Trainings, clock: Clock) -> None:
    job, expected = jobs.submit(Visit(), order(epochs=300)), order(epochs=300).expected

    def left_s(at: float) -> float:
        clock.now = at
        return jobs.status(job).left_s

    assert left_s(3) == pytest.approx(expected.whole_s - 3)
    assert left_s(60) == pytest.approx(expected.fit_s + expected.after_s), "TensorFlow is late: the rest is as long"
    learn(job, 1)
    assert left_s(60) == pytest.approx(299 / 300 * expected.fit_s + expected.after_s)
    for n in range(2, 201):
        clock.now = 60 + 10 * (n - 1)
        learn(job, n)
    seen_s = 100 * 10 + expected.after_s
    assert left_s(clock.now) == pytest.approx(seen_s, rel=0.02), "ten seconds an epoch"
    assert left_s(clock.now + 5) == pytest.approx(seen_s - 5, rel=0.02)
    clock.now += 1000
    fake(job).received(Share(job.order.model_id, 0.0))
    assert jobs.status(job).left_s == pytest.approx(expected.after_s)
    clock.now += 30
    fake(job).received(Share(job.order.model_id, 0.75))
    assert jobs.status(job).left_s == pytest.approx(0.75 * 10 + 0.25 * max(expected.after_s - 30, 0))


def test_how_long_the_last_training_took_is_expected_of_the_next(jobs: Trainings, clock: Clock) -> None:
    asked = order(epochs=11)
    said, visit = asked.expected, Visit()
    job = jobs.submit(visit, asked)
    assert jobs.expected(asked) == said
    for n in range(1, 12):
        clock.now = 100 + 2 * (n - 1) * said.fit_s / 11  # twice as long as expected
        learn(job, n)
    fake(job).received(Share(asked.model_id, 0.0))
    clock.now += 3 * said.after_s
    fake(job).received(Stored(asked.model_id))
    fake(job).ended(None)
    again, other = jobs.expected(asked), jobs.expected(order("deterministic"))
    assert again.fit_s == pytest.approx(2 * said.fit_s)
    assert again.after_s == pytest.approx(3 * said.after_s)
    assert other.fit_s == pytest.approx(1.5 * order("deterministic").expected.fit_s), "half of it, for another kind"


def test_who_looks_at_another_page_is_there(clock: Clock) -> None:
    open_tabs: set[str] = set()
    jobs, visit = Trainings(clock=clock, start=Fake, is_there=open_tabs.__contains__), Visit()
    open_tabs.add(visit.owner)
    job = jobs.submit(visit, order())
    clock.now = 10 * UNSEEN_S
    jobs.reap()
    assert not job.over.is_set()
    open_tabs.clear()
    clock.now += UNSEEN_S + 1
    jobs.reap()
    assert job.state is State.CANCELLED
    jobs.close()


def test_places_and_waits_are_told_and_the_queue_is_bounded(jobs: Trainings) -> None:
    visits = [Visit() for _ in range(4)]
    first, second, third = (jobs.submit(visit, order(seed=i)) for i, visit in enumerate(visits[:3]))
    assert [jobs.status(job).place for job in (first, second, third)] == [0, 1, 2]
    assert jobs.status(third).wait_s == pytest.approx(2 * order().expected.whole_s)
    with pytest.raises(UqError, match="Expected at most 2 trainings to wait"):
        jobs.submit(visits[3], order())
    assert jobs.submit(visits[2], order(seed=9)) is not third  # in place of their own
    jobs.cancel(visits[0].owner)
    assert (first.state, second.state) == (State.CANCELLED, State.RUNNING)
    assert fake(first).killed


def test_who_is_not_seen_for_a_minute_gives_the_place_back(jobs: Trainings, clock: Clock) -> None:
    away, there = Visit(), Visit()
    first, second = jobs.submit(away, order()), jobs.submit(there, order())
    clock.now = UNSEEN_S
    jobs.job(there.owner)
    jobs.reap()
    assert first.state is State.RUNNING
    clock.now += 1
    jobs.reap()
    assert (first.state, second.state) == (State.CANCELLED, State.RUNNING)
    assert fake(first).killed
    assert jobs.job(away.owner) is None


def test_a_process_that_says_nothing_for_long_is_stopped(jobs: Trainings, clock: Clock) -> None:
    visit = Visit()
    job = jobs.submit(visit, order())
    clock.now = SILENT_S
    learn(job, 1)
    for clock.now in (2 * SILENT_S, 2 * SILENT_S + 1):
        assert job.state is State.RUNNING
        jobs.job(visit.owner)
        jobs.reap()
    assert job.state is State.ERROR
    assert fake(job).killed


def test_a_training_that_diverges_is_stopped_and_says_so(jobs: Trainings) -> None:
    job = jobs.submit(Visit(), order())
    learn(job, 1, float("nan"))
    assert job.state is State.ERROR
    assert job.error is not None
    assert "diverged: after epoch 1" in job.error
    assert fake(job).killed


def test_an_error_harms_no_neighbour(jobs: Trainings) -> None:
    first, second = jobs.submit(Visit(), order()), jobs.submit(Visit(), order())
    fake(first).ended("It failed.")
    assert (first.error, second.state) == ("It failed.", State.RUNNING)


def test_parts_that_were_there_already_count_as_done(jobs: Trainings) -> None:
    asked = order("deep_ensemble", n_members=3, epochs=4)
    job = jobs.submit(Visit(), asked)
    assert (job.epoch, job.epochs, job.stage) == (0, 12, 1)
    learn(job, 1, model_id=list(asked.stages)[1])
    assert (job.epoch, job.stage) == (5, 2)


def test_a_process_that_cannot_be_started_is_that_jobs_error(clock: Clock) -> None:
    def refuse(*_: Any) -> Fake:
        raise UqError("No process.")

    jobs = Trainings(clock=clock, start=refuse)
    assert jobs.submit(Visit(), order()).error == "No process."
    jobs.close()


def test_the_folder_of_a_visit_goes_with_it(jobs: Trainings) -> None:
    visit = Visit()
    root = visit.store.root
    job: Training | None = jobs.submit(visit, order())
    owner = visit.owner
    del visit
    collect()
    assert root.is_dir()  # the training writes there
    jobs.cancel(owner)
    jobs.cancel(owner)  # the second one leaves
    del job
    collect()
    assert not root.exists()


def test_curves_are_of_one_model_after_the_other() -> None:
    epochs = [Epoch(name, n, 2, {"loss": n + i}) for i, name in enumerate("ab") for n in (1, 2)]
    assert curves(epochs, "loss") == [([1, 2], [1, 2]), ([1, 2], [2, 3])]
    assert curves(epochs, "val_loss") == []


def test_orders_are_values() -> None:
    assert order() == Order("moons", "sngp", 0, order().usual)
