"""How benchmarks are run, on ways that take as long as they say. Nothing here looks at a real clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from uqcore.bench import selection, serving, training
from uqcore.bench.contest import N_RUNS, Contest
from uqcore.bench.serving import Result, compare, run_all
from uqcore.models.evaluation import RegressionEvaluation, evaluate
from uqcore.store import MODELS_VARIABLE, Store
from uqcore.types import UqError


@dataclass
class Clock:
    """A clock that only the ways move, and what they did."""

    now: float = 0.0
    log: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def way(self, name: str, *durations: float) -> Callable[[int], None]:
        """A way that takes ``durations[i]`` seconds in run i."""

        def way(i: int) -> None:
            self.log.append((name, i))
            self.now += durations[i]

        return way


def test_medians_leave_out_the_warm_up() -> None:
    clock = Clock()
    contest = Contest(clock.way("ours", 100, 1, 9, 2), clock.way("naive", 100, 30, 10, 20), "")
    assert compare(contest, 3, clock) == (2, 20)


def test_both_ways_take_turns_and_know_the_run() -> None:
    clock = Clock()
    compare(Contest(clock.way("ours", 1, 1, 1), clock.way("naive", 1, 1, 1), ""), 2, clock)
    assert clock.log == [("ours", 0), ("naive", 0), ("ours", 1), ("naive", 1), ("ours", 2), ("naive", 2)]


def test_without_a_naive_way_only_ours_is_timed() -> None:
    clock = Clock()
    assert compare(Contest(clock.way("ours", 1, 3), None, ""), 1, clock) == (3, None)


@pytest.mark.parametrize(("naive_s", "ratio"), [(3.0, 6.0), (0.25, 0.5), (None, None)])
def test_the_ratio_is_how_many_times_as_long_the_naive_way_takes(naive_s: float | None, ratio: float | None) -> None:
    assert Result("work", 0.5, naive_s, 7, "").ratio == ratio


def test_a_contest_that_cannot_be_prepared_or_run_is_announced_and_the_rest_is_timed() -> None:
    def missing() -> Contest:
        raise UqError("No such model.")

    def fails(i: int) -> None:
        raise UqError("It broke.")

    clock, said = Clock(), list[str]()
    n_runs = N_RUNS
    whole = Contest(clock.way("ours", *[0.0] * (n_runs + 1)), clock.way("naive", *[0.0] * (n_runs + 1)), "how")
    benchmarks = {
        "absent": missing,
        "broken": lambda: Contest(fails, None, "how"),
        "whole": lambda: whole,
        "alone": lambda: whole._replace(naive=None),
    }
    results = list(run_all(benchmarks, said.append))
    assert [(r.name, r.n_runs, r.note) for r in results] == [
        ("whole", n_runs, "how"),
        ("alone", n_runs, "no naive way: its library is not installed"),
    ]
    assert said == [
        "timing absent ...",
        "skipped absent: No such model.",
        "timing broken ...",
        "skipped broken: It broke.",
        "timing whole ...",
        "timing alone ...",
    ]


def test_medians_are_of_five_runs_or_more() -> None:
    assert N_RUNS >= 5


def test_the_machine_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "BENCHMARKS", {})
    said: list[str] = []
    assert list(serving.run(said.append)) == []
    assert len(said) == 1
    assert f"{os.cpu_count()} cores" in said[0]


@pytest.fixture
def empty_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))


@pytest.mark.usefixtures("empty_store")
def test_without_models_every_benchmark_of_a_model_is_skipped_with_the_command_that_trains_it() -> None:
    said: list[str] = []
    others = {serving.FIRST_PAGE, *selection.CONTESTS, *training.CONTESTS}
    of_models = {name: prepare for name, prepare in serving.BENCHMARKS.items() if name not in others}
    assert list(run_all(of_models, said.append)) == []
    assert len(said) == 2 * len(of_models)
    assert all("train it with `python -m uqcore train --task" in line for line in said[1::2])


def test_the_first_page_imports_no_tensorflow() -> None:
    serving.BENCHMARKS[serving.FIRST_PAGE]().ours(0)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [("import tensorflow", "it imports TensorFlow"), ("import no_such_module", "No module named 'no_such_module'")],
)
def test_a_first_page_that_imports_too_much_or_fails_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, statement: str, problem: str
) -> None:
    monkeypatch.setattr(serving, "ROOT", tmp_path)
    (tmp_path / "app.py").write_text(statement)
    (tmp_path / "tensorflow.py").write_text("")
    with pytest.raises(UqError, match=problem):
        serving.BENCHMARKS[serving.FIRST_PAGE]().ours(0)


def test_the_ratios_of_the_regression_are_reported(committed: Store) -> None:
    note = serving.BENCHMARKS["sine: five methods, 50 functions"]().note
    figures = evaluate(committed, committed.find("sine", "svi_flipout"), 50)
    assert isinstance(figures, RegressionEvaluation)
    assert f"SVI (Flipout) {figures.std_ratio['gap']:.2f} / {figures.std_ratio['beyond']:.2f}" in note
    assert "Deterministic" not in note
