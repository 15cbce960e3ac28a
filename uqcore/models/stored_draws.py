"""Draws that are kept beside a model, so that pages over whole data sets open at once.

They are logits in float16, which rounds them by less than one part in a thousand; a closed form is kept in float32. An
ensemble's are its members', as its weights are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from uqcore import datasets
from uqcore.methods import method
from uqcore.methods.base import config_from_dict
from uqcore.models.sampling import draw_in_chunks, load_posterior
from uqcore.store import Store
from uqcore.types import Draws, FloatArray, ModelRecord, StoredFile, Tick, UqError, shifted


def n_kept(task: str, method_id: str) -> int | None:
    """How many samples are kept beside a model; None for an ensemble, which has those of its members."""
    most, of_method = datasets.load(task).kept_samples, method(method_id).n_kept
    return of_method if most is None or of_method is None else min(most, of_method)


def keep(store: Store, record: ModelRecord, tick: Tick = lambda done, total: None) -> ModelRecord:
    """Draws on the inputs `Dataset.kept`, stores the result and puts the row that lists it; returns that row.

    Raises:
        UqError: the store cannot be written, or a member of an ensemble has no kept draws.
    """
    dataset = datasets.load(record.task)
    if not dataset.kept:
        return record
    total, done = sum(len(dataset.part(name).x) for name in dataset.kept), 0
    kept = {}
    for name in dataset.kept:
        x = dataset.part(name).x
        kept[name] = _members_files(store, record, name) or _drawn(store, record, name, x, shifted(tick, done, total))
        done += len(x)
        tick(done, total)
    record = replace(record, draws=kept)
    store.put(record)
    return record


def load(store: Store, record: ModelRecord, name: str) -> Draws:
    """The kept draws of ``record`` on the inputs ``name``, in float32.

    Raises:
        StoreError: they were not kept, or a file is missing or damaged.
    """
    files = store.draws(record, name)
    logits = np.concatenate([arrays["logits"] for arrays in files]).astype(np.float32)
    beside: dict[str, Any] = {name: files[0][name] for name in ("mean_logits", "variance", "score") if name in files[0]}
    if "mean_field_factor" in files[0]:
        beside["mean_field_factor"] = float(files[0]["mean_field_factor"])
    return Draws(logits, **beside)


def _members_files(store: Store, record: ModelRecord, name: str) -> tuple[StoredFile, ...]:
    """The files of an ensemble's members, or none for a method that draws for itself."""
    chosen = method(record.method)
    if chosen.n_kept is not None:
        return ()
    config = config_from_dict(chosen.configs[record.task], record.config)
    parts = {(part.method_id, part.seed) for part in chosen.parts(config, record.seed)}
    by_weights = {row.files: row for row in store.records() if (row.method, row.seed) in parts}
    members = [by_weights.get((file,)) for file in record.files]
    if any(member is None or name not in member.draws for member in members):
        raise UqError(f"The members of {record.model_id} have no kept draws; make theirs first.")
    return tuple(file for member in members if member for file in member.draws[name])


def _drawn(
    store: Store, record: ModelRecord, name: str, x: FloatArray, tick: Callable[[int], None]
) -> tuple[StoredFile, ...]:
    n_samples = n_kept(record.task, record.method)
    if n_samples is None:
        raise UqError(f"Expected a method that draws for itself. Received: {record.method}.")
    drawn = draw_in_chunks(load_posterior(store, record), x, n_samples, tick)
    arrays: dict[str, FloatArray] = {"logits": drawn.logits.astype(np.float16)}
    if drawn.mean_logits is not None and drawn.variance is not None:
        arrays |= {"mean_logits": drawn.mean_logits, "variance": drawn.variance}
        arrays["mean_field_factor"] = np.array(drawn.mean_field_factor)
    if drawn.score is not None:
        arrays["score"] = drawn.score
    return (store.save_arrays(record.model_id, arrays, f"draws-{name}"),)
