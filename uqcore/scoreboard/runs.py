"""One run: a system of one seed on one task, asked about all its inputs, with what that took.

What stands on one plain network is measured together, for one pass over the inputs serves all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from uqcore import datasets
from uqcore.methods import EVERY_METHOD
from uqcore.methods.entropy_and_distance import entropy, odder, surprise
from uqcore.methods.on_features import OnNetwork, Seen, see
from uqcore.models.sampling import CHUNK, draw, load_posterior
from uqcore.models.training import CPU_S
from uqcore.scoreboard import controls
from uqcore.scoreboard.figures import Figures, Said, figures
from uqcore.scoreboard.inputs import DataPart, parts
from uqcore.scoreboard.results import Key
from uqcore.scoreboard.systems import ON_NETWORK, fingerprint, sources
from uqcore.store import Store
from uqcore.types import Dataset, Draws, FloatArray, ModelRecord, Posterior, UqError, Weights

N_SAMPLES = 20
"""Of methods that draw as many as one likes."""

NO_CPU_S = "Not kept: these models were trained before CPU seconds were, and none with their settings since."
_TIMES, _TIMES_ONE = 3, 20


@dataclass
class Run:
    """One system, task and seed: its figures, and the fingerprint of its model."""

    task: str
    method: str
    seed: int
    model: str
    figures: Figures
    n_examples: Mapping[str, int]


@dataclass(frozen=True)
class Models:
    """Where trained models are looked for: the committed ones first, then the seeds trained for the board alone."""

    committed: Store
    seeds: Store

    def find(self, task: str, method: str, seed: int) -> tuple[Store, ModelRecord]:
        """UqError: no store has it."""
        try:
            return self.committed, self.committed.find(task, method, seed)
        except UqError:
            return self.seeds, self.seeds.find(task, method, seed)

    def has(self, task: str, method: str, seed: int) -> bool:
        try:
            self.find(task, method, seed)
        except UqError:
            return False
        return True


class Kept(NamedTuple):
    """What ensembles need of a network: part -> logits ``(N, K)``, and part -> its density's score ``(N,)``."""

    logits: Mapping[str, FloatArray]
    density: Mapping[str, FloatArray]


def on_network(models: Models, task: str, seed: int, kept: Path, scored: bool) -> list[Run]:
    """The plain network of ``seed`` and, where ``scored``, all that stands on it; ensembles' share goes to ``kept``."""
    dataset = datasets.load(task)
    store, record = models.find(task, "deterministic", seed)
    (weights,) = store.arrays(record)
    trained = training_s(models, record)
    network = Made(load_posterior(store, record), trained, record.n_parameters, _bytes(record))
    wanted = ON_NETWORK if scored else ("feature_density",)
    made = {"deterministic": network, **fitted_on(dataset, weights, seed, network, wanted)}
    said: dict[str, dict[str, Said]] = {name: {} for name in made}
    logits, density = {}, {}
    every = list(parts(dataset))
    for part in every:
        seen = see(task, weights, part.split.x)
        logits[part.name] = seen.logits
        for name, each in made.items():
            drawn = _of_seen(each.posterior, seen)
            said[name][part.name] = Said.of(drawn)
            if name == "feature_density" and drawn.score is not None:
                density[part.name] = drawn.score
    _keep(kept, Kept(logits, density))
    x = dataset.test.x
    return [
        _run(dataset, name, seed, fingerprint([record]), each, said[name], every, x)
        for name, each in made.items()
        if scored
    ]


def sampled(models: Models, task: str, method: str, seed: int) -> list[Run]:
    """A method with a model of its own, or with many samples of a network's."""
    dataset = datasets.load(task)
    (source,) = sources(method, seed)
    store, record = models.find(task, *source)
    chosen = EVERY_METHOD[method]
    posterior = chosen.load(task, chosen.configs[task], seed, store.arrays(record))
    made = Made(posterior, training_s(models, record), record.n_parameters, _bytes(record))
    return [_asked(dataset, method, seed, fingerprint([record]), made)]


def ensemble(models: Models, task: str, method: str, seed: int, kept: Sequence[Path]) -> list[Run]:
    """Members of the ten shared networks, drawn by ``seed``, from what was kept of each (see `on_network`)."""
    dataset = datasets.load(task)
    chosen = sources(method, seed)
    read = [_read(kept[i]) for _, i in chosen]
    every = list(parts(dataset))
    said = {part.name: Said.of(_together(method, read, part.name)) for part in every}
    records = [models.find(task, *source)[1] for source in chosen]
    costs = [training_s(models, record) for record in records]
    total = None if any(cost is None for cost in costs) else float(sum(cost or 0 for cost in costs))
    made = Made(None, total, sum(r.n_parameters for r in records), sum(map(_bytes, records)))
    return [_run(dataset, method, seed, fingerprint(records), made, said, every, dataset.test.x)]


def control(task: str, method: str, seed: int) -> list[Run]:
    """A control; see `controls`."""
    dataset = datasets.load(task)
    if method == "chance":
        return [Run(task, method, seed, "", controls.chance(dataset), {})]  # no inputs: it is in closed form
    if method == "untrained":
        made = Made(controls.untrained(dataset, seed), 0.0, None, None)
        return [_asked(dataset, method, seed, "", made)]
    score, every = (
        controls.pixel_score(method, dataset, seed),
        [part for part in parts(dataset) if part.kind != "shift"],
    )
    said = {part.name: Said(None, {"score": score(part.split.x)}) for part in every}
    return [_run(dataset, method, seed, "", Made(None, None, None, None), said, every, dataset.test.x, score)]


class Made(NamedTuple):
    """A system ready to ask, None where what it says is known already; and what it takes, None where unknown."""

    posterior: Posterior | None
    train_s: float | None
    n_parameters: int | None
    n_bytes: int | None


def fitted_on(dataset: Dataset, weights: Weights, seed: int, network: Made, wanted: Sequence[str]) -> dict[str, Made]:
    """What stands on one network, fitted in memory: it takes seconds."""
    made: dict[str, Made] = {}
    arrays: dict[str, Weights] = {}
    for method_id in wanted:
        chosen = EVERY_METHOD[method_id]
        config = chosen.configs[dataset.task_id]
        density = "feature_density" if method_id == "entropy_and_distance" else None  # its part
        below = [weights, *([arrays[density]] if density else [])]
        started, n_more, n_bytes = time.process_time(), 0, 0
        if chosen.fit is not None:
            fitted = chosen.fit(dataset.task_id, config, dataset, seed, lambda progress: None, below)
            arrays[method_id], n_more = fitted.arrays, fitted.n_parameters
            n_bytes = sum(array.nbytes for array in fitted.arrays.values())
        took = time.process_time() - started
        own = [arrays[method_id]] if method_id in arrays else []
        posterior = chosen.load(dataset.task_id, config, seed, [*below, *own])
        base = made[density] if density else network
        train_s = None if base.train_s is None else base.train_s + took
        made[method_id] = Made(posterior, train_s, (base.n_parameters or 0) + n_more, (base.n_bytes or 0) + n_bytes)
    return made


def _of_seen(posterior: Posterior | None, seen: Seen) -> Draws:
    if isinstance(posterior, OnNetwork):
        return Draws(posterior.logits_of(seen)[None], score=posterior.score_of(seen))
    return Draws(seen.logits[None])


def _together(method: str, read: Sequence[Kept], name: str) -> Draws:
    logits, score = _mean_scores(read, name)
    if method == "deep_ensemble":
        return Draws(logits)
    if method == "odder_ensemble":
        on_validation = _both_sides(*_mean_scores(read, "validation"))
        usual = [np.sort(side) for side in on_validation]
        score = odder(*map(surprise, _both_sides(logits, score), usual))
    return Draws(logits, score=score)


def _mean_scores(read: Sequence[Kept], name: str) -> tuple[FloatArray, FloatArray]:
    """Logits ``(S, N, K)`` of the networks, and the mean of their densities' scores ``(N,)``."""
    return np.stack([each.logits[name] for each in read]), np.mean([each.density[name] for each in read], axis=0)


def _both_sides(logits: FloatArray, distance: FloatArray) -> tuple[FloatArray, FloatArray]:
    return entropy(Draws(logits).predictive), distance


def _asked(dataset: Dataset, method: str, seed: int, model: str, made: Made) -> Run:
    """Every part of the task, some inputs at a time: nothing is kept of the samples."""
    assert made.posterior is not None
    every, said = list(parts(dataset)), {}
    for part in every:
        x = part.split.x
        starts = range(0, len(x), CHUNK)
        chunks = [Said.of(draw(made.posterior, x[i : i + CHUNK], N_SAMPLES)) for i in starts]
        said[part.name] = Said.concatenate(chunks)
    return _run(dataset, method, seed, model, made, said, every, dataset.test.x)


def _run(
    dataset: Dataset,
    method: str,
    seed: int,
    model: str,
    made: Made,
    said: Mapping[str, Said],
    every: Sequence[DataPart],
    x: FloatArray,
    ask: Callable[[FloatArray], object] | None = None,
) -> Run:
    labels, kinds = {part.name: part.split.y for part in every}, {part.name: part.kind for part in every}
    found = figures(said, labels, kinds, dataset)
    if ask is None and (posterior := made.posterior) is not None:

        def ask(some: FloatArray) -> object:
            return draw(posterior, some, N_SAMPLES)

    if "score" in said["test"].scores:
        found = found.of_score_alone()
    add_costs(found, made.train_s, made.n_parameters, made.n_bytes, x, ask)
    return Run(dataset.task_id, method, seed, model, found, {part.name: len(part.split.x) for part in every})


def add_costs(
    found: Figures,
    train_s: float | None,
    n_parameters: int | None,
    n_bytes: int | None,
    x: FloatArray,
    ask: Callable[[FloatArray], object] | None,
) -> None:
    """What a system takes, None where that is unknown or nothing; ``ask`` is timed on some of ``x``."""
    if train_s is not None:
        found.values[Key("train_s")] = train_s
    elif n_parameters is not None:
        found.undefined[Key("train_s")] = NO_CPU_S
    if n_parameters is not None:
        found.values[Key("parameters")] = n_parameters
    if n_bytes is not None:
        found.values[Key("megabytes")] = n_bytes / 1e6
    if ask is not None:
        found.values[Key("ms_per_1000")] = 1000 * _least_s(ask, x[:1000], _TIMES) * 1000 / len(x[:1000])
        found.values[Key("ms_per_1")] = 1000 * _least_s(ask, x[:1], _TIMES_ONE)


def _least_s(ask: Callable[[FloatArray], object], x: FloatArray, times: int) -> float:
    """CPU seconds of all threads, the least of some: what else the machine does counts in none."""
    took = []
    for _ in range(times):
        started = time.process_time()
        ask(x)
        took.append(time.process_time() - started)
        if sum(took) > 20:
            break
    return min(took)


def training_s(models: Models, record: ModelRecord) -> float | None:
    """CPU seconds of a model's training; where they were not kept, the mean of others with its settings.

    None where no store has such a model.
    """
    if CPU_S in record.metrics:
        return record.metrics[CPU_S]

    def alike(other: ModelRecord) -> bool:
        return (other.task, other.method, other.config) == (record.task, record.method, record.config)

    every = (*models.committed.records(), *models.seeds.records())
    known = [other.metrics[CPU_S] for other in every if alike(other) and CPU_S in other.metrics]
    return float(np.mean(known)) if known else None


def _bytes(record: ModelRecord) -> int:
    return sum(file.n_bytes for file in record.files)


def _keep(path: Path, kept: Kept) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"logits/{name}": array for name, array in kept.logits.items()}
    arrays |= {f"density/{name}": array for name, array in kept.density.items()}
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays)
    temporary.replace(path)


def _read(path: Path) -> Kept:
    with np.load(path, allow_pickle=False) as archive:
        by_kind = {kind: _of_kind(archive, archive.files, kind) for kind in ("logits", "density")}
    return Kept(**by_kind)


def _of_kind(archive: Mapping[str, FloatArray], names: Iterable[str], kind: str) -> dict[str, FloatArray]:
    return {name.removeprefix(f"{kind}/"): archive[name] for name in names if name.startswith(f"{kind}/")}
