"""Trainings of one epoch on two moons, real ones but where their end alone counts (`learnt_before`)."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Tiny, noted_fits, tiny_config
from tests.conftest import train_without_tables as train
from uqcore import datasets
from uqcore.methods import METHODS, nearest_neighbours
from uqcore.methods.base import TrainingConfig, configure
from uqcore.metrics import regression
from uqcore.metrics.classification import accuracy, nll
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models import training
from uqcore.models.sampling import draw, load_posterior
from uqcore.models.training import CPU_S, model_id
from uqcore.store import Store, all_files
from uqcore.types import Dataset, Draws, FloatArray, ModelRecord, OodSet, Posterior, Progress, Split, UqError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that were fitted."""
    return noted_fits(monkeypatch)


@pytest.fixture
def copied(store: Store, tiny_store: Store, tiny: dict[str, ModelRecord]) -> Store:
    """What the tiny store holds, to be changed."""
    shutil.copytree(tiny_store.root, store.root)
    return store


def test_an_id_tells_the_default_settings_from_others() -> None:
    assert model_id("moons", "sngp", 3, METHODS["sngp"].configs["moons"]) == "moons-sngp-seed3"
    ids = {model_id("moons", "deterministic", 0, TrainingConfig(epochs=n)) for n in range(1, 20)}
    assert len(ids) == 19
    assert all(name.startswith("moons-deterministic-seed0-") for name in ids)


def test_a_record_says_how_the_model_came_to_be(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    for method, record in tiny.items():
        assert tiny_store.get(record.model_id) == record
        assert (record.task, record.method, record.seed) == ("moons", method, 0)
        assert record.config == dataclasses.asdict(tiny_config(method))
        assert record.training_time_s > 0
        assert {"numpy", "tensorflow", "tf_keras", "tf-models-official"} == set(record.versions)
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(tiny["sngp"].metrics)
    assert all(check.problem is None for check in tiny_store.verify())


def test_what_is_made_of_other_models_stores_nothing_twice(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    assert tiny["mc_dropout"].files == tiny["deterministic"].files
    first, second = tiny["deep_ensemble"].files
    assert (first,) == tiny["deterministic"].files
    assert second != first
    folders = {file.path.split("/")[0] for record in tiny_store.records() for file in all_files(record)}
    assert {path.name for path in tiny_store.root.iterdir() if path.is_dir()} == folders
    weights = {file.path.split("/")[0] for record in tiny_store.records() for file in record.files}
    fitted = [method for method in METHODS.values() if method.fit is not None]
    assert len(weights) == len(fitted) + 1, "a folder for each that fits something, and the second member"
    assert tiny["deep_ensemble"].n_parameters == 2 * tiny["deterministic"].n_parameters


def test_parts_that_are_stored_are_not_trained_again(tiny_training: Tiny, copied: Store, fits: list[str]) -> None:
    networks = [name for name in tiny_training.fitted if name.startswith("moons-deterministic")]
    assert networks == [model_id("moons", "deterministic", seed, tiny_config("deterministic")) for seed in (0, 1)]
    train(copied, "moons", "mc_dropout", 0, tiny_config("mc_dropout"))
    assert fits == []


def test_a_model_that_pages_show_gets_its_tables(copied: Store, tiny: dict[str, ModelRecord]) -> None:
    assert not tiny["nearest_neighbours"].tables
    record = training.train(copied, "moons", "nearest_neighbours", 0, tiny_config("nearest_neighbours"))
    assert list(record.tables) == ["plane"]
    assert copied.table(record, "plane")


@pytest.mark.parametrize("low", [-1.0, np.nan, np.inf])
def test_a_score_that_pages_cannot_show_is_refused_before_anything_is_stored(
    low: float, copied: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(self: nearest_neighbours.Neighbours, features: FloatArray) -> FloatArray:
        return np.where(np.arange(len(features)) % 2, 1, np.float32(low))

    before = list(copied.records())
    monkeypatch.setattr(nearest_neighbours.Neighbours, "distance", score)
    config = dataclasses.replace(tiny_config("nearest_neighbours"), k=2)  # type: ignore[call-arg]
    with pytest.raises(UqError, match=r"score of Nearest neighbours must be 0 or more and finite.*Received: "):
        train(copied, "moons", "nearest_neighbours", 0, config)
    assert list(copied.records()) == before


@pytest.mark.usefixtures("learnt_before")
def test_an_interrupted_ensemble_goes_on_where_it_stopped(copied: Store, fits: list[str]) -> None:
    config = dataclasses.replace(tiny_config("deep_ensemble"), n_members=4)  # type: ignore[call-arg]
    members = [model_id("moons", "deterministic", seed, tiny_config("deterministic")) for seed in range(4)]
    before = {record.model_id for record in copied.records()}
    assert [name in before for name in members] == [True, True, False, False]

    def stop(name: str, progress: Progress) -> None:
        if name == members[3]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(copied, "moons", "deep_ensemble", 0, config, stop)
    assert {record.model_id for record in copied.records()} - before == {members[2]}
    fits.clear()
    record = train(copied, "moons", "deep_ensemble", 0, config)
    assert fits == members[3:]
    assert len(record.files) == 4


@pytest.mark.usefixtures("learnt_before")
def test_a_damaged_part_is_trained_again(copied: Store, tiny: dict[str, ModelRecord], fits: list[str]) -> None:
    record = tiny["deterministic"]
    path = copied.root / record.files[0].path
    path.write_bytes(b"damaged")
    train(copied, "moons", "mc_dropout", 0, tiny_config("mc_dropout"))
    assert fits == [record.model_id]
    assert all(check.problem is None for check in copied.verify())


@pytest.mark.usefixtures("shallow")
def test_progress_comes_once_an_epoch(store: Store) -> None:
    seen: list[tuple[str, int, int]] = []
    config = TrainingConfig(epochs=2, batch_size=500)
    record = train(store, "moons", "deterministic", 0, config, lambda name, p: seen.append((name, p.done, p.total)))
    assert seen == [(record.model_id, 1, 2), (record.model_id, 2, 2)]


def test_a_seed_gives_the_same_model_again_and_another_seed_another(
    store: Store, tiny_store: Store, tiny: dict[str, ModelRecord]
) -> None:
    (first,) = tiny_store.arrays(tiny["deterministic"])
    (again,) = store.arrays(train(store, "moons", "deterministic", 0, tiny_config("deterministic")))
    _, other = tiny_store.arrays(tiny["deep_ensemble"])  # its second member has seed 1
    for name, array in first.items():
        np.testing.assert_allclose(again[name], array, atol=1e-5)
    assert not np.allclose(other["head/kernel"], first["head/kernel"], atol=1e-2)


def test_training_moves_all_but_the_frozen_layer(store: Store, tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    config = dataclasses.replace(tiny_config("deterministic"), learning_rate=1e-2)
    (fast,) = store.arrays(train(store, "moons", "deterministic", 0, config))
    (slow,) = tiny_store.arrays(tiny["deterministic"])
    moved = {name.split("/")[0] for name in fast if not np.allclose(fast[name], slow[name], atol=1e-6)}
    assert moved == {name.split("/")[0] for name in fast} - {"input"}


def test_thresholds_and_figures_are_those_of_the_validation_split(
    tiny_store: Store, tiny: dict[str, ModelRecord]
) -> None:
    validation = datasets.load("moons").validation
    for method, record in tiny.items():
        drawn = draw(load_posterior(tiny_store, record), validation.x, 50)
        assert record.metrics["validation_accuracy"] == accuracy(drawn.predictive, validation.y)
        assert record.metrics["validation_nll"] == pytest.approx(nll(drawn.predictive, validation.y), rel=1e-6)
        names = {"predictive_entropy", METHODS[method].own_measure}
        assert {f"threshold_{name}" for name in names} == {n for n in record.metrics if n.startswith("threshold_")}
        for name in names:
            accepted = MEASURES[name].compute(drawn) <= record.metrics[f"threshold_{name}"] + 1e-6
            assert accepted.sum() in (495, 496), "99 % of the 500, a tie of rounding aside"


@pytest.mark.parametrize("method", ["deterministic", "sngp", "svi_flipout"])
def test_a_regression_model_has_the_figures_of_its_kind(store: Store, method: str) -> None:
    validation = datasets.load("sine").validation
    config = configure(METHODS[method].configs["sine"], {"epochs": "2"})
    record = train(store, "sine", method, 0, config)
    assert {"loss", "rmse", "val_loss", "val_rmse"} <= set(record.metrics)
    assert not [name for name in record.metrics if "accuracy" in name or "threshold" in name]
    posterior = load_posterior(store, record)
    function = regression.functions(draw(posterior, validation.x, 50))
    assert record.metrics["noise_std"] == pytest.approx(regression.fit_noise(function, validation.y), rel=1e-4)
    predictive = regression.predictive(function, record.metrics["noise_std"])
    for name in ("nll", "crps"):
        expected = getattr(regression, name)(predictive, validation.y)
        assert record.metrics[f"validation_{name}"] == pytest.approx(expected, rel=1e-4)
    assert record.metrics["validation_rmse"] == pytest.approx(regression.rmse(function.mean, validation.y), rel=1e-5)
    if method == "deterministic":
        # The loss is the mean squared error: the served network's own, on what Keras saw after the last step.
        error = np.square(posterior.draw(validation.x, [0])[0, :, 0] - validation.y).mean()
        assert record.metrics["val_loss"] == pytest.approx(error, rel=1e-4)
        assert record.metrics["val_rmse"] == pytest.approx(np.sqrt(error), rel=1e-4)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test and OOD data that would spoil every figure which looked at them."""
    real = datasets.load("moons")

    def spoiled(part: str) -> Split:
        return dataclasses.replace(real.part(part), x=np.full_like(real.part(part).x, np.nan))

    bad = Dataset(
        real.task_id,
        title=real.title,
        noun=real.noun,
        train=lambda: real.train,
        validation=lambda: real.validation,
        test=lambda: spoiled("test"),
        ood={"cluster": OodSet("cluster", "point", lambda: spoiled("cluster"))},
        class_names=real.class_names,
    )
    monkeypatch.setattr("uqcore.datasets.load", lambda task: bad)


@pytest.mark.usefixtures("poisoned")
def test_neither_test_nor_ood_data_take_part(store: Store, tiny: dict[str, ModelRecord]) -> None:
    for method in ("deterministic", "sngp"):
        record = train(store, "moons", method, 0, tiny_config(method))
        first, again = ({**each.metrics, CPU_S: 0} for each in (tiny[method], record))  # seconds are no result
        assert again == pytest.approx(first, rel=1e-3, abs=1e-5)


def test_an_unknown_task_is_one_sentence(tmp_path: Path) -> None:
    known = ", ".join(METHODS["deterministic"].configs)
    with pytest.raises(UqError, match=f"Expected one of the tasks {known}. Received: 'letters'"):
        train(Store(tmp_path), "letters", "deterministic", 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("learnt_before")
@pytest.mark.parametrize("changes", ["", "class", "logit"])
def test_half_precision_only_where_nothing_changes(changes: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored small is the model that is served: its figures are of the rounded weights."""
    real = datasets.load("moons")
    halved = Dataset(
        "moons",
        title=real.title,
        noun=real.noun,
        train=lambda: real.train,
        validation=lambda: real.validation,
        test=lambda: real.test,
        ood=real.ood_sets,
        class_names=real.class_names,
        half_precision=True,
    )
    monkeypatch.setattr("uqcore.datasets.load", lambda task: halved)
    if changes:
        # As if rounded weights named another class, or moved all logits too far; then the figures are drawn.
        factors = iter([1, -1, 1] if changes == "class" else [1, 1, 1])
        shifts = iter([0, 0.02, 0] if changes == "logit" else [0, 0, 0])

        def drawn_otherwise(posterior: Posterior, x: FloatArray, n_samples: int) -> Draws:
            return Draws(next(factors) * draw(posterior, x, n_samples).logits + np.float32(next(shifts)))

        monkeypatch.setattr("uqcore.models.training.draw_in_chunks", drawn_otherwise)
    record = train(store, "moons", "deterministic", 0, tiny_config("deterministic"))
    with np.load(store.root / record.files[0].path) as stored:
        assert {stored[name].dtype for name in stored} == {np.dtype(np.float32 if changes else np.float16)}
    assert {array.dtype for array in store.arrays(record)[0].values()} == {np.dtype(np.float32)}
    drawn = draw(load_posterior(store, record), real.validation.x, 1)
    assert record.metrics["validation_nll"] == pytest.approx(nll(drawn.predictive, real.validation.y))
