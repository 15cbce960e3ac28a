"""From a task, a method and a seed to a row of the store: fit, freeze, save."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from json import dumps
from typing import NamedTuple

import numpy as np

from uqcore import datasets
from uqcore.methods import method
from uqcore.methods.base import Fit, Load, Part, TrainingConfig
from uqcore.metrics import regression
from uqcore.metrics.classification import accuracy, nll
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models import answers
from uqcore.models.sampling import draw_in_chunks, load_posterior
from uqcore.selection import threshold_at_coverage
from uqcore.store import Store, widened
from uqcore.store.manifest import default_id
from uqcore.types import Draws, ModelRecord, Progress, Report, Split, StoredFile, UqError, Weights

_VERSIONED = ("numpy", "tensorflow", "tf_keras", "tf-models-official")
_MODULES = {"tf-models-official": "official"}
_VALIDATION_SAMPLES = 50
VALIDATION_COVERAGE = 0.99
LOGITS_MOVE = 0.01
"""How far half precision may move a logit; a probability moves by half a percent of itself at most."""

CPU_S = "training_cpu_s"
"""Among a row's metrics: CPU seconds of the training, all threads together, parts not included."""

ReportModel = Callable[[str, Progress], None]
"""Called after every epoch with the id of the model that is training."""


def model_id(task: str, method_id: str, seed: int, config: TrainingConfig) -> str:
    """The default id, with a digest of the configuration added unless it is the method's default."""
    name = default_id(task, method_id, seed)
    if config == method(method_id).configs[task]:
        return name
    return f"{name}-{sha256(dumps(asdict(config), sort_keys=True).encode()).hexdigest()[:8]}"


def train(
    store: Store,
    task: str,
    method_id: str,
    seed: int,
    config: TrainingConfig | None = None,
    report: ReportModel = lambda name, progress: None,
    with_tables: bool = True,
) -> ModelRecord:
    """Trains one model and puts it into ``store``; nothing is stored before the training is complete.

    A method made of other models (`Method.parts`) trains those first; parts that are stored already, with this
    configuration, are used as they are, so an interrupted ensemble goes on where it stopped. Their files come first in
    the row, and nothing is stored twice.

    Args:
        config: the method's settings; None for its default on the task.
        report: told about every epoch.
        with_tables: whether a model of seed 0, which pages show, gets the tables that they look up.

    Raises:
        UqError: the task or the method is unknown, its score is below 0, or the store cannot be written.
    """
    chosen = method(method_id)
    if task not in chosen.configs:
        raise UqError(f"Expected one of the tasks {', '.join(chosen.configs)}. Received: {task!r}.")
    config = config or chosen.configs[task]
    name = model_id(task, method_id, seed, config)
    parts = [_part(store, task, part, report, with_tables) for part in chosen.parts(config, seed)]
    own: _Made | None = None
    if chosen.fit is not None:
        of_parts = [arrays for part in parts for arrays in store.arrays(part)]
        own = fit_and_store(store, name, chosen.fit, chosen.load, task, config, seed, partial(report, name), of_parts)
    made = _together(parts, own)
    record = ModelRecord(
        model_id=name,
        task=task,
        method=method_id,
        seed=seed,
        config=asdict(config),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **made._asdict(),
    )
    record = replace(record, metrics={**record.metrics, **_validation_metrics(store, record)})
    store.put(record)
    return answers.keep(store, record) if with_tables and seed == 0 else record


def stages(task: str, method_id: str, seed: int, config: TrainingConfig) -> dict[str, int]:
    """Model id -> epochs, in order, of all that `train` fits where nothing is stored yet.

    What is fitted to parts is one step, which `Method.fit` reports as one epoch.
    """
    chosen = method(method_id)
    parts = chosen.parts(config, seed)
    found: dict[str, int] = {}
    for part in parts:
        found |= stages(task, part.method_id, part.seed, part.config)
    if chosen.fit is not None:
        found[model_id(task, method_id, seed, config)] = 1 if parts else config.epochs
    return found


def time_before_s(
    store: Store, task: str, method_id: str, seed: int, config: TrainingConfig, fitted: Collection[str]
) -> float:
    """Seconds of training, of a model's `training_time_s`, of the parts that `train` found stored: those of which it
    reported nothing. ``fitted``: the ids that it reported."""
    times = {record.model_id: record.training_time_s for record in store.records()}
    before = 0.0
    for part in method(method_id).parts(config, seed):
        of_part = task, part.method_id, part.seed, part.config
        if stages(*of_part).keys().isdisjoint(fitted):
            before += times.get(model_id(*of_part), 0.0)
        else:
            before += time_before_s(store, *of_part, fitted)
    return before


class _Made(NamedTuple):
    """What a row says of its arrays."""

    files: tuple[StoredFile, ...]
    n_parameters: int
    n_trainable: int
    training_time_s: float
    versions: Mapping[str, str]
    metrics: Mapping[str, float]


def _together(parts: Sequence[ModelRecord], own: _Made | None) -> _Made:
    """The parts, and what the method itself has fitted to them."""
    every: list[ModelRecord | _Made] = [*parts, *([] if own is None else [own])]
    return _Made(
        files=tuple(file for each in every for file in each.files),
        n_parameters=sum(each.n_parameters for each in every),
        n_trainable=sum(each.n_trainable for each in every),
        training_time_s=round(sum(each.training_time_s for each in every), 2),
        versions=every[-1].versions,
        metrics={} if own is None else own.metrics,
    )


def _halved_where_nothing_changes(
    arrays: Weights, task: str, load: Load, config: TrainingConfig, seed: int, parts: Sequence[Weights]
) -> Weights:
    """``arrays`` in half precision if the model then names the same class for every validation example, and no logit of
    any sample moves by more than `LOGITS_MOVE`."""
    x = datasets.load(task).validation.x
    half = {name: array.astype(np.float16) if array.dtype == np.float32 else array for name, array in arrays.items()}
    full, halved = (
        draw_in_chunks(load(task, config, seed, [*parts, stored]), x, _VALIDATION_SAMPLES)
        for stored in (arrays, widened(half))
    )
    moved = float(np.abs(full.logits - halved.logits).max())
    same = np.array_equal(full.predictive.argmax(axis=1), halved.predictive.argmax(axis=1))
    return half if same and moved <= LOGITS_MOVE else arrays


def fit_and_store(
    store: Store,
    name: str,
    fit: Fit,
    load: Load,
    task: str,
    config: TrainingConfig,
    seed: int,
    report: Report,
    parts: Sequence[Weights],
) -> _Made:
    """One model on its own; its files stand in the store, not yet in the manifest."""
    started, cpu_started = time.perf_counter(), time.process_time()
    fitted = fit(task, config, datasets.load(task), seed, report, parts)
    duration_s, cpu_s = round(time.perf_counter() - started, 2), round(time.process_time() - cpu_started, 1)
    arrays = fitted.arrays
    if datasets.load(task).half_precision:
        arrays = _halved_where_nothing_changes(fitted.arrays, task, load, config, seed, parts)
    return _Made(
        files=(store.save_arrays(name, arrays),),
        n_parameters=fitted.n_parameters,
        n_trainable=fitted.n_trainable,
        training_time_s=duration_s,
        versions={package: version(package) for package in _VERSIONED if find_spec(_MODULES.get(package, package))},
        metrics={**fitted.metrics, CPU_S: cpu_s},
    )


def _part(store: Store, task: str, part: Part, report: ReportModel, with_tables: bool) -> ModelRecord:
    """The stored part, if it is there and intact, or a newly trained one."""
    name = model_id(task, part.method_id, part.seed, part.config)
    for record in store.records():
        if record.model_id == name and all(check.problem is None for check in store.verify([record])):
            return record
    return train(store, task, part.method_id, part.seed, part.config, report, with_tables)


def _validation_metrics(store: Store, record: ModelRecord) -> dict[str, float]:
    """The served model on the validation split; test and OOD data take no part."""
    dataset = datasets.load(record.task)
    drawn = draw_in_chunks(load_posterior(store, record), dataset.validation.x, _VALIDATION_SAMPLES)
    if dataset.is_regression:
        return _regression_metrics(drawn, dataset.validation)
    return _classification_metrics(record, drawn, dataset.validation)


def _regression_metrics(drawn: Draws, validation: Split) -> dict[str, float]:
    """``noise_std`` is the observation noise of `regression.predictive`; the figures are those with it."""
    function = regression.functions(drawn)
    noise_std = regression.fit_noise(function, validation.y)
    predictive = regression.predictive(function, noise_std)
    return {
        "noise_std": noise_std,
        "validation_rmse": regression.rmse(predictive.mean, validation.y),
        "validation_nll": regression.nll(predictive, validation.y),
        "validation_crps": regression.crps(predictive, validation.y),
    }


def _classification_metrics(record: ModelRecord, drawn: Draws, validation: Split) -> dict[str, float]:
    """Accuracy, NLL, and the thresholds that pages start from: ``threshold_<measure>`` accepts 99 % of the examples."""
    chosen = method(record.method)
    if drawn.score is not None and not (drawn.score.min() >= 0 and np.isfinite(drawn.score).all()):
        raise UqError(
            f"The score of {chosen.label} must be 0 or more and finite, for pages show it as a share of its threshold. "
            f"Received: {drawn.score.min():.4g} to {drawn.score.max():.4g}. Softplus keeps the order of any number."
        )
    measures = dict.fromkeys(("predictive_entropy", chosen.own_measure))
    return {
        "validation_accuracy": accuracy(drawn.predictive, validation.y),
        "validation_nll": nll(drawn.predictive, validation.y),
        **{
            f"threshold_{name}": threshold_at_coverage(MEASURES[name].compute(drawn), VALIDATION_COVERAGE)
            for name in measures
        },
    }
