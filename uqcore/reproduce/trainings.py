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
from typing import Any

from numpy.typing import NDArray

from uqcore.store import Store, StoreError
from uqcore.store.manifest import default_id
from uqcore.types import Fitted, ModelRecord, Report, UqError

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
        fit: ``(seed, report)`` -> what came out, as arrays, and the last epoch's figures.
    """

    name: str
    task: str
    seeds: range
    settings: Mapping[str, int | float | str]
    fit: Callable[[int, Report], Fitted]

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


def outputs(store: Store, training: Training) -> list[tuple[ModelRecord, dict[str, NDArray[Any]]]]:
    """Row and arrays of every seed.

    Raises:
        UqError: one is missing or damaged.
    """
    beside = store_beside(store)
    found = []
    for seed in training.seeds:
        try:
            record = beside.get(training.model_id(seed))
            (arrays,) = beside.arrays(record)
        except StoreError as error:
            raise UqError(
                f"The training {training.model_id(seed)} in {beside.root} is missing or damaged; get it back with "
                f"`git checkout`, or make it again with `python -m uqcore reproduce --retrain`."
            ) from error
        found.append((record, arrays))
    return found
