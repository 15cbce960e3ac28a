"""Regression models fitted again in NumPy, to points that a visitor moved or added: no TensorFlow and hardly a wait.

Each method says how (`Method.refit`); a method made of other models' arrays is made of them again. The result depends
on the record's configuration and seed and on the data, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from uqcore.methods import METHODS
from uqcore.methods.base import config_from_dict
from uqcore.models.content import checked_arrays
from uqcore.networks import NETWORKS
from uqcore.store import Store
from uqcore.types import ModelRecord, Posterior, Split, Tick, UqError, Weights


def refit(store: Store, record: ModelRecord, data: Split, tick: Tick = lambda done, total: None) -> Posterior:
    """The regression model ``record``, fitted to ``x (N, 1) float32``, ``y (N,)`` in place of its task's data.

    On one core: 0.05 s SNGP, 0.2 s a network, 1.5 s SVI, 2 s an ensemble of 10.

    Args:
        tick: told how many of how many parts of the work are done, in the calling thread.

    Raises:
        UqError: the data are not such, the method cannot be fitted again, or the model's files cannot be read.
    """
    if NETWORKS[record.task].n_classes != 1:
        raise UqError(f"Expected a regression model. Received: {record.model_id}.")
    if data.x.ndim != 2 or data.y.shape != (len(data.x),) or not len(data):
        raise UqError(f"Expected points x (N, 1) with y (N,). Received: {data.x.shape} and {data.y.shape}.")
    if not (np.isfinite(data.x).all() and np.isfinite(data.y).all()):
        raise UqError("Expected finite points. Received some that are NaN or infinite.")
    chosen = METHODS[record.method]
    config = config_from_dict(chosen.configs[record.task], record.config)
    if chosen.refit is not None:
        config, arrays = chosen.refit(
            record.task, config, record.seed, checked_arrays(store, record, chosen, config), data, tick
        )
    else:
        arrays = _parts_again(record, config, data, tick)
    for array in (array for part in arrays for array in part.values()):
        array.flags.writeable = False
    return chosen.load(record.task, config, record.seed, arrays)


def _parts_again(record: ModelRecord, config: Any, data: Split, tick: Tick) -> Sequence[Weights]:
    """The network that dropout thins, the members of an ensemble: each by the way of its own method."""
    chosen = METHODS[record.method]
    parts = chosen.parts(config, record.seed)
    arrays: list[Weights] = []
    for done, part in enumerate(parts):
        again = METHODS[part.method_id].refit
        if again is None or chosen.fit is not None:
            break
        arrays += again(record.task, part.config, part.seed, (), data, partial(_of_all, tick, done, len(parts)))[1]
    if not arrays:
        raise UqError(f"{chosen.label} cannot be fitted again to other data, so it is left out here.")
    return arrays


def _of_all(tick: Tick, before: int, n_parts: int, done: int, total: int) -> None:
    tick(before * total + done, n_parts * total)
