"""What is kept beside the committed digit models against what the models draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from uqcore.datasets import load
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models import stored_draws
from uqcore.models.sampling import draw
from uqcore.store import Store, StoreError
from uqcore.types import Dataset, ModelRecord, OodSet, Posterior, Split, UqError

N_CHECKED = 40


@pytest.mark.parametrize("name", load("digits").kept)
@pytest.mark.parametrize("method", METHODS)
def test_kept_draws_are_the_models_own(
    committed: Store, posterior_of: Callable[[str, str], Posterior], method: str, name: str
) -> None:
    kept = stored_draws.load(committed, committed.find("digits", method), name)
    x = load("digits").part(name).x
    assert kept.logits.shape == (stored_draws.n_kept("digits", method) or 10, len(x), 10)
    drawn = draw(posterior_of("digits", method), x[:N_CHECKED], len(kept.logits))
    # float16 has 11 significant bits.
    np.testing.assert_allclose(kept.logits[:, :N_CHECKED], drawn.logits, rtol=2**-11, atol=1e-4)
    for measure in (METHODS[method].own_measure, "predictive_entropy", "mutual_information"):
        ours = MEASURES[measure].compute(dataclasses.replace(drawn))
        np.testing.assert_allclose(MEASURES[measure].compute(kept)[:N_CHECKED], ours, rtol=5e-3, atol=5e-3)
    np.testing.assert_allclose(kept.predictive[:N_CHECKED], drawn.predictive, atol=2e-3)
    assert kept.mean_field_factor == drawn.mean_field_factor


def test_an_ensembles_draws_are_its_members_files(committed: Store) -> None:
    ensemble = committed.find("digits", "deep_ensemble")
    members = [committed.find("digits", "deterministic", seed) for seed in range(10)]
    for name in load("digits").kept:
        assert ensemble.draws[name] == tuple(file for member in members for file in member.draws[name])


def test_nothing_is_kept_for_a_task_that_is_drawn_in_no_time(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    assert stored_draws.keep(tiny_store, tiny["sngp"]) == tiny["sngp"]
    with pytest.raises(StoreError, match=r"No draws of moons-sngp-\S+ on 'test' are kept; make them with"):
        stored_draws.load(tiny_store, tiny["sngp"], "test")


def test_drawing_again_gives_the_same_files(tmp_path: Path, committed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def zeros(n: int) -> Callable[[], Split]:
        return lambda: Split(np.zeros((n, 28, 28, 1), np.float32), np.zeros(n, np.int64))

    small = Dataset(
        "digits",
        title="few",
        noun="digit",
        train=zeros(1),
        validation=zeros(1),
        test=zeros(3),
        ood={"fashion": OodSet("few", "garment", zeros(4))},
        class_names=tuple("0123456789"),
        kept=("test", "fashion"),
    )
    monkeypatch.setattr("uqcore.datasets.load", lambda task: small)
    store = Store(tmp_path)
    committed_record = committed.find("digits", "deterministic")
    file = store.save_arrays(committed_record.model_id, committed.arrays(committed_record)[0])
    record = dataclasses.replace(committed_record, files=(file,), draws={})
    store.put(record)
    ticks: list[tuple[int, int]] = []
    first = stored_draws.keep(store, record, lambda done, total: ticks.append((done, total)))
    assert ticks[-1] == (7, 7)
    assert store.get(record.model_id) == first == stored_draws.keep(store, first)
    assert [len(stored_draws.load(store, first, name).logits[0]) for name in small.kept] == [3, 4]


def test_a_damaged_file_names_the_command_and_leaves_the_model_working(tmp_path: Path) -> None:
    store = Store(tmp_path)
    template = ModelRecord("digits-sngp-seed0", "digits", "sngp", 0, {}, (), 1, 1, 0.0, {}, "2026-11-28")
    weights = store.save_arrays("digits-sngp-seed0", {"kernel": np.ones(2)})
    drawn = store.save_arrays("digits-sngp-seed0", {"logits": np.ones((1, 2, 3), np.float16)}, "draws-test")
    record = dataclasses.replace(template, files=(weights,), draws={"test": (drawn,)})
    store.put(record)
    (tmp_path / drawn.path).write_bytes(b"damaged")
    with pytest.raises(
        StoreError, match=r"draws-test.npz .* is damaged .* `python -m uqcore draws --model digits-sngp"
    ):
        stored_draws.load(store, record, "test")
    assert store.arrays(record)[0]["kernel"].tolist() == [1, 1]
    assert [check.problem is None for check in store.verify()] == [True, False]


def test_an_ensemble_without_its_members_draws_is_one_sentence(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    lonely = dataclasses.replace(tiny["deep_ensemble"], task="digits")
    with pytest.raises(UqError, match=r"members of moons-deep_ensemble-\S+ have no kept draws"):
        stored_draws.keep(tiny_store, lonely)


@pytest.mark.parametrize("method", of_task("fashion"))
def test_a_task_may_keep_fewer_samples(committed: Store, method: str) -> None:
    most = load("fashion").kept_samples
    assert most is not None
    kept = stored_draws.load(committed, committed.find("fashion", method), "test")
    of_method = METHODS[method].n_kept
    assert len(kept.logits) == (10 if of_method is None else min(of_method, most))
