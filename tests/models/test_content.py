"""Right checksum, wrong content: named in a sentence before it is used, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import ROOT
from tests.wrong_content import KINDS, Arrays, npz, put_unchecked
from uqcore.cli.models import check
from uqcore.methods import METHODS
from uqcore.methods.base import config_from_dict
from uqcore.models.content import fits
from uqcore.models.sampling import load_posterior
from uqcore.store import Store, default_store
from uqcore.types import UqError

COMMITTED = Store(ROOT / "cached_models")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A copy of one model, and of nothing else."""
    store = Store(tmp_path / "models")
    store.take(COMMITTED, COMMITTED.find("sine", "deterministic"))
    return store


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_kind_are_named_before_they_are_used(store: Store, kind: str) -> None:
    (record,) = store.records()
    record = put_unchecked(store, record, KINDS[kind](dict(store.arrays(record)[0])))
    with pytest.raises(UqError, match=r"sine-deterministic.*rebuild it with `python -m uqcore train") as raised:
        load_posterior(store, record)
    assert "\n" not in str(raised.value)
    assert check(store, record)


TABLES: dict[str, Callable[[Arrays], Arrays]] = {
    "an array less": lambda arrays: {name: array for name, array in arrays.items() if name != "log_probs"},
    "no numbers of samples": lambda arrays: {name: array for name, array in arrays.items() if name != "counts"},
    "an odd name": lambda arrays: {**arrays, "elephants": arrays["log_probs"][..., 0]},
    "fewer examples": lambda arrays: {**arrays, "log_probs": arrays["log_probs"][:, :-1]},
    "another class": lambda arrays: {**arrays, "log_probs": arrays["log_probs"][..., :1]},
    "other numbers of samples": lambda arrays: {**arrays, "counts": arrays["counts"] + 1},
    "huge numbers of samples": lambda arrays: {**arrays, "counts": np.array([10**18])},
    "positive logarithms": lambda arrays: {**arrays, "log_probs": -arrays["log_probs"] + 1},
    "whole numbers": lambda arrays: {**arrays, "log_probs": arrays["log_probs"].astype(np.int32)},
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_another_kind_is_named_before_it_is_used(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path / "models")
    store.take(COMMITTED, COMMITTED.find("moons", "deterministic"))
    (record,) = store.records()
    record = put_unchecked(store, record, npz(TABLES[kind](dict(store.table(record, "plane")))), "plane")
    (problem,) = check(store, record)
    assert "is intact and no such table" in problem
    assert problem.endswith(f"rebuild it with `python -m uqcore tables --model {record.model_id}`.")


@pytest.mark.parametrize("name", ["mean", "std", "lines", "noise_std", "scores", "ratios", "levels", "observed"])
def test_a_table_of_functions_that_lacks_an_array_or_has_another_is_named(store: Store, name: str) -> None:
    (record,) = store.records()
    arrays = dict(store.table(record, "functions"))
    for odd in ({k: a for k, a in arrays.items() if k != name}, {**arrays, name: arrays[name][..., None]}):
        (problem,) = check(store, put_unchecked(store, record, npz(odd), "functions"))
        assert f"Expected {name} of the shape" in problem or "in the table of functions" in problem


def test_emptied_figures_are_named(store: Store) -> None:
    (record,) = store.records()
    store.put(replace(record, metrics={}))
    (problem,) = check(store, store.records()[0])
    assert "has no noise_std for sine-deterministic-seed0" in problem


def test_a_model_of_too_few_files_is_named(tmp_path: Path) -> None:
    ensemble = COMMITTED.find("sine", "deep_ensemble")
    with pytest.raises(UqError, match="should be one of 10 and the manifest lists 9"):
        load_posterior(COMMITTED, replace(ensemble, files=ensemble.files[:9]))


def test_the_shapes_of_every_method_are_those_of_its_models() -> None:
    store = default_store()
    for record in store.records():
        method = METHODS[record.method]
        if record.seed or method.fit is None or method.shapes is None:
            continue
        config = config_from_dict(method.configs[record.task], record.config)
        shapes, arrays = method.shapes(record.task, config), store.arrays(record)[-1]
        assert shapes.keys() == arrays.keys()
        assert all(fits(arrays[name], shape) for name, shape in shapes.items())
        assert check(store, record) == []
