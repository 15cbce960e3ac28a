"""Trainings that only the reproductions need, as the sources describe them, in a store of their own.

They are of no method of the dashboard, so they stand apart from its models, and a row holds what came out of a training
(probabilities, losses), not weights: the rows need no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from uqcore.methods.base import Shapes
from uqcore.models.content import problem_with
from uqcore.store import Store, StoreError
from uqcore.store.manifest import default_id
from uqcore.types import Fitted, ModelRecord, Report, UqError, Weights

FOLDER = "reproductions"
_VERSIONED = ("numpy", "tensorflow", "tf_keras", "tf-models-official")


@dataclass(frozen=True)
class Training:
    """One kind of training, which is run once a seed.

    Attributes:
        name: stands in the rows' ids, in the place of a method's.
        task: whose data it learns.
        seeds: one training each.
        settings: kept with the row.
        fit: ``(seed, report)`` -> what came out, as arrays of floating-point numbers, and the last epoch's figures.
        shapes: of these arrays, by name.
    """

    name: str
    task: str
    seeds: range
    settings: Mapping[str, int | float | str]
    fit: Callable[[int, Report], Fitted]
    shapes: Shapes

    def model_id(self, seed: int) -> str:
        """The id of the row of one seed."""
        return default_id(self.task, self.name, seed)


def store_beside(store: Store) -> Store:
    """The store of these trainings: a folder in the models' own."""
    return Store(store.root / FOLDER)


def run(store: Store, training: Training, seed: int, report: Report) -> ModelRecord:
    """Trains once and puts the row into the store beside ``store``."""
    beside, name = store_beside(store), training.model_id(seed)
    started = time.perf_counter()
    fitted = training.fit(seed, report)
    duration_s = round(time.perf_counter() - started, 2)
    record = ModelRecord(
        model_id=name,
        task=training.task,
        method=training.name,
        seed=seed,
        config=training.settings,
        files=(beside.save_arrays(name, fitted.arrays, "outputs"),),
        n_parameters=fitted.n_parameters,
        n_trainable=fitted.n_trainable,
        training_time_s=duration_s,
        versions={package: version(package) for package in _VERSIONED},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics=fitted.metrics,
    )
    beside.put(record)
    return record


def outputs(store: Store, training: Training) -> list[tuple[ModelRecord, Weights]]:
    """Row and arrays of every seed.

    Raises:
        UqError: one is missing or damaged, or holds other arrays.
    """
    return [output(store, training, seed) for seed in training.seeds]


def output(store: Store, training: Training, seed: int) -> tuple[ModelRecord, Weights]:
    """`outputs` of one seed."""
    beside = store_beside(store)
    try:
        record = beside.get(training.model_id(seed))
        arrays = beside.arrays(record)
    except StoreError as error:
        raise _lost(beside, training.model_id(seed), "is missing or damaged") from error
    if len(arrays) != 1:
        raise _lost(beside, record.model_id, f"has {len(arrays)} files in place of one")
    if (problem := problem_with(arrays[0], training.shapes)) is not None:
        raise _lost(beside, record.model_id, f"is intact and holds something else: {problem}")
    return record, arrays[0]


def _lost(beside: Store, model_id: str, how: str) -> UqError:
    return UqError(
        f"The training {model_id} in {beside.root} {how}; get it back with `git checkout`, or make it again with "
        f"`python -m uqcore reproduce --retrain`."
    )
