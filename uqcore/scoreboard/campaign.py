"""The whole board: what is missing is trained and measured, a file a run, so that it goes on wherever it was stopped.

Work is spread by joblib, alone on processes; what `joblib.parallel_config` names is used instead (docs/scoreboard.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from uqcore import datasets
from uqcore.methods import EVERY_METHOD
from uqcore.networks.parallel import one_blas_thread
from uqcore.scoreboard import regression, runs
from uqcore.scoreboard.results import Curve, Key, Result, load, save
from uqcore.scoreboard.runs import Models, Run, training_s
from uqcore.scoreboard.systems import ENSEMBLES, N_NETWORKS, ON_NETWORK, sources, stale
from uqcore.store import Store
from uqcore.types import UqError

TASKS = ("digits_0_4", "digits", "fashion", "moons", "sine")
SEEDS = tuple(range(5))
TRAINED = ("deterministic", "sngp", "svi_flipout")
_SINGLE = ("pixel_mahalanobis", "pixel_pca", "chance")
_SEEDED = ("pixel_neighbour", "untrained")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """A piece of work: what to do, and the files that it ``leaves``."""

    name: str
    function: Callable[[], list[Run]]
    leaves: tuple[Path, ...]


@dataclass(frozen=True)
class Campaign:
    """Where models are and where runs are kept, e.g. ``.scoreboard`` of a checkout.

    Attributes:
        folder: with ``seeds``, a store, ``runs`` and ``networks``; not committed.
        committed: the store whose models come first.
    """

    folder: Path
    committed: Store

    @property
    def models(self) -> Models:
        return Models(self.committed, Store(self.folder / "seeds"))

    def path(self, task: str, method: str, seed: int) -> Path:
        return self.folder / "runs" / f"{task}-{method}-seed{seed}.json"

    def network(self, task: str, seed: int) -> Path:
        """What is kept of a network for ensembles."""
        return self.folder / "networks" / f"{task}-seed{seed}.npz"

    def train(self, tasks: Sequence[str], say: Say = lambda line: None) -> None:
        """Trains the models that no store has, each in a process of its own.

        Where nobody kept the CPU seconds of those that there are, one more is trained, for its cost alone.
        """
        missing = [
            (task, method, seed)
            for method in TRAINED  # the cheap ones first
            for task in tasks
            if task in EVERY_METHOD[method].configs
            for seed in (range(N_NETWORKS) if method == "deterministic" else SEEDS)
            if not self.models.has(task, method, seed)
        ]
        missing += self._without_cost(tasks, {each[:2] for each in missing})
        say(f"{len(missing)} models to train")
        _spread([delayed(_train)(self.models.seeds.root, *each) for each in missing], say)

    def _without_cost(self, tasks: Sequence[str], soon: Container[tuple[str, str]]) -> list[tuple[str, str, int]]:
        """A further seed of what nobody knows the CPU seconds of, nor will from those that are trained ``soon``."""
        every = [(task, method) for method in TRAINED for task in tasks if task in EVERY_METHOD[method].configs]
        return [
            (task, method, N_NETWORKS)
            for task, method in every
            if (task, method) not in soon and training_s(self.models, self.models.find(task, method, 0)[1]) is None
        ]

    def measure(
        self, tasks: Sequence[str], say: Say = lambda line: None, wanted: Callable[[str], bool] = lambda name: True
    ) -> None:
        """Makes the runs that are missing, of the models that there are; a run that fails is said, the others stand.

        ``wanted``: of the pieces of work, by their names, e.g. ``digits, sngp 0``.
        """
        for path in (self.folder / "runs").glob("*.json"):
            if stale(load(path)[0], self.committed):
                path.unlink()
        for stage in (self._first, self._ensembles):
            missing = (job for task in tasks for job in stage(task) if not all(path.exists() for path in job.leaves))
            jobs = [job for job in missing if wanted(job.name)]
            say(f"{len(jobs)} pieces of work")
            _spread([delayed(_do)(self, job) for job in jobs], say)

    def collect(self) -> tuple[Result, ...]:
        """The results of all runs."""
        by_system: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
        for path in sorted((self.folder / "runs").glob("*.json")):
            (one,) = load(path)
            by_system[one.task, one.method].append(one)
        return tuple(joined(each) for each in by_system.values())

    def _first(self, task: str) -> list[Job]:
        if datasets.load(task).is_regression:
            return self._functions(task)
        models, jobs = self.models, []
        for seed in range(N_NETWORKS):
            if models.has(task, "deterministic", seed):
                scored, kept = seed in SEEDS, self.network(task, seed)
                leaves = [self.path(task, name, seed) for name in ("deterministic", *ON_NETWORK) if scored]
                function = partial(runs.on_network, models, task, seed, kept, scored)
                jobs.append(Job(f"{task}, network {seed}", function, (kept, *leaves)))
        for method in ("mc_dropout", "sngp", "svi_flipout"):
            for seed in (seed for seed in SEEDS if all(models.has(task, *each) for each in sources(method, seed))):
                function = partial(runs.sampled, models, task, method, seed)
                jobs.append(Job(f"{task}, {method} {seed}", function, (self.path(task, method, seed),)))
        is_images = datasets.load(task).test.x.ndim == 4
        for method in (*_SINGLE, *_SEEDED):
            if method.startswith("pixel") and not is_images:
                continue
            for seed in SEEDS if method in _SEEDED else (0,):
                function = partial(runs.control, task, method, seed)
                jobs.append(Job(f"{task}, {method} {seed}", function, (self.path(task, method, seed),)))
        return jobs

    def _functions(self, task: str) -> list[Job]:
        """Of a regression task, all there is: it takes seconds."""
        names = [(method, seed) for method in regression.METHODS for seed in SEEDS]
        able = [each for each in names if all(self.models.has(task, *source) for source in sources(*each))]
        made = {each: partial(regression.measured, self.models, task, *each) for each in able}
        made["chance", 0] = partial(regression.chance, task)
        return [
            Job(f"{task}, {method} {seed}", function, (self.path(task, method, seed),))
            for (method, seed), function in made.items()
        ]

    def _ensembles(self, task: str) -> list[Job]:
        if datasets.load(task).is_regression:
            return []
        kept = [self.network(task, seed) for seed in range(N_NETWORKS)]
        jobs = []
        for method in ENSEMBLES:
            for seed in SEEDS:
                if all(kept[i].exists() for _, i in sources(method, seed)):
                    function = partial(runs.ensemble, self.models, task, method, seed, kept)
                    jobs.append(Job(f"{task}, {method} {seed}", function, (self.path(task, method, seed),)))
        return jobs


def merged(known: Iterable[Result], new: Iterable[Result]) -> tuple[Result, ...]:
    """``new`` results in place of those ``known`` of the same system, but where they have fewer seeds.

    Few seeds are committed: who measures those alone does not take the others from the board.
    """
    kept = {(result.task, result.method): result for result in known}
    for result in new:
        before = kept.get((result.task, result.method))
        if before is None or len(result.seeds) >= len(before.seeds):
            kept[result.task, result.method] = result
    return tuple(kept.values())


def joined(results: Sequence[Result]) -> Result:
    """Runs of one system on one task as one result, by rising seed; a figure counts where every run has it.

    Lines are means over the runs; of reliability, weighted by the inputs of each bin.
    """
    ordered = sorted(results, key=lambda result: result.seeds)
    values: dict[Key, tuple[float, ...]] = {}
    undefined = {key: reason for result in ordered for key, reason in result.undefined.items()}
    for key in dict.fromkeys(key for result in ordered for key in result.values):
        if all(key in result.values for result in ordered):
            values[key] = tuple(result.values[key][0] for result in ordered)
        else:
            undefined.setdefault(key, "Not every seed has it.")
    return replace(
        ordered[0],
        seeds=tuple(seed for result in ordered for seed in result.seeds),
        models=tuple(model for result in ordered for model in result.models),
        values=values,
        undefined={key: reason for key, reason in undefined.items() if key not in values},
        curves={
            key: _mean_curve([result.curves[key] for result in ordered if key in result.curves])
            for key in ordered[0].curves
        },
    )


def _mean_curve(curves: Sequence[Curve]) -> Curve:
    if any(curve.n for curve in curves):
        x, y, n = (np.concatenate([curve[i] for curve in curves]) for i in range(3))
        bins = np.ceil(x * 15).astype(int)
        rows = [
            (
                np.average(x[bins == b], weights=n[bins == b]),
                np.average(y[bins == b], weights=n[bins == b]),
                n[bins == b].sum(),
            )
            for b in np.unique(bins)
        ]
        return Curve(*(tuple(float(row[i]) for row in rows) for i in range(3)))
    return Curve(curves[0].x, tuple(np.mean([curve.y for curve in curves], axis=0).tolist()))


def _spread(work: Iterable[Any], say: Say) -> None:
    for line in Parallel(n_jobs=-1, return_as="generator_unordered")(work):
        say(line)


def _train(root: Path, task: str, method: str, seed: int) -> str:
    """In a worker: one model into the store of seeds, without what pages look up."""
    from uqcore.models.training import train

    one_blas_thread()
    try:
        return f"trained {train(Store(root), task, method, seed, with_tables=False).model_id}"
    except UqError as error:
        return f"error: {task}, {method}, seed {seed}: {error}"


def _do(campaign: Campaign, job: Job) -> str:
    """In a worker: one piece of work, its runs as files."""
    one_blas_thread()
    try:
        made = job.function()
    except (UqError, OSError, ValueError, ArithmeticError) as error:
        return f"error: {job.name}: {error}"
    for run in made:
        path = campaign.path(run.task, run.method, run.seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {key: (value,) for key, value in run.figures.values.items()}
        save(
            [
                Result(
                    run.task,
                    run.method,
                    (run.seed,),
                    (run.model,),
                    values,
                    run.figures.undefined,
                    run.n_examples,
                    run.figures.curves,
                )
            ],
            path,
        )
    return job.name
