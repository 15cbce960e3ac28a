"""The regression page's table: it gives back what looking gives, for the very settings that the sliders can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from uqcore.exhibits import function_table, functions
from uqcore.exhibits.function_table import NAME, SETTINGS, UNIT, FunctionTable, setting_of
from uqcore.exhibits.functions import N_GRID, N_LINES, FittedFunctions, Seen, Setting
from uqcore.methods import deterministic, of_task, svi_flipout
from uqcore.models.sampling import load_posterior, rungs
from uqcore.store import Store, StoreError
from uqcore.types import FloatArray, ModelRecord, Posterior, UqError

FEW = {setting: i for i, setting in enumerate((Setting(), setting_of(0.3, -0.5, 1.5)))}
SCORES = ("rmse", "nll", "crps", "coverage", "width", "calibration_error")
LOWEST, HIGHEST = -8.0, 8.0 - UNIT


class Waves(Posterior):
    """Functions known beforehand: sample s is ``height * sin(x + s)``."""

    def __init__(self, height: float, n_samples: int | None) -> None:
        self.height, self.n_there = height, n_samples

    @property
    def n_samples(self) -> int | None:
        return self.n_there

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        return np.stack([self.height * np.sin(x + s) for s in samples])


@pytest.fixture
def record(committed: Store) -> ModelRecord:
    return committed.find("sine", "sngp")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of two settings, and methods that are fitted again in a few steps."""
    monkeypatch.setattr(function_table, "SETTINGS", FEW)
    for method in (deterministic, svi_flipout):
        monkeypatch.setattr(method, "REFIT_STEPS", 20)


def built_of(
    waves: Waves, store: Store, record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> tuple[FunctionTable, FittedFunctions]:
    fitted = FittedFunctions(waves, 0.125)
    monkeypatch.setattr(functions, "fit", lambda *asked: fitted)
    return FunctionTable(function_table.build(store, record), waves.n_there), fitted


def assert_same(found: Seen, looked: Seen) -> None:
    """To half a unit in the curves, between their limits, and to float32 in the figures."""
    pairs = [(found.samples, looked.samples), *zip(found.function, looked.function, strict=True)]
    for curve, expected in pairs:
        np.testing.assert_allclose(curve, np.clip(expected, LOWEST, HIGHEST), rtol=0, atol=UNIT / 2 + 1e-9)
    assert found.noise_std == looked.noise_std
    for name in SCORES:
        assert getattr(found.figures, name) == pytest.approx(getattr(looked.figures, name), rel=1e-6)
    assert found.figures.std_ratio == pytest.approx(looked.figures.std_ratio, rel=1e-6, nan_ok=True)
    np.testing.assert_array_equal(found.figures.quantiles.levels, looked.figures.quantiles.levels)
    np.testing.assert_allclose(found.figures.quantiles.observed, looked.figures.quantiles.observed, rtol=1e-6)


# Curves in 16 bits


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("n_samples", [None, 1, 7])
@pytest.mark.parametrize("height", [0.01, 1.0, 7.99, 100.0])
def test_curves_come_back_to_half_a_unit_and_end_at_eight(
    height: float, n_samples: int | None, committed: Store, record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, fitted = built_of(Waves(height, n_samples), committed, record, monkeypatch)
    for setting in FEW:
        looked = functions.look(fitted, setting, table.counts)
        for n, expected in zip(table.counts, looked, strict=True):
            assert_same(table.at(setting, n), expected)
    lines = table.at(Setting(), table.counts[-1]).samples
    assert lines.shape == (0 if n_samples == 1 else min(n_samples or N_LINES, N_LINES), N_GRID)
    if height == 100 and len(lines):
        assert [lines.min(), lines.max()] == [LOWEST, HIGHEST]


@pytest.mark.usefixtures("few")
def test_a_jump_from_one_limit_to_the_other_fits_into_a_step(
    committed: Store, record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cliff(Waves):
        def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
            return np.stack([np.where(np.arange(len(x)) % 2, 8.0, -8.0)[:, None] for _ in samples])

    table, fitted = built_of(Cliff(0, 2), committed, record, monkeypatch)
    (looked,) = functions.look(fitted, Setting(), [2])
    assert_same(table.at(Setting(), 2), looked)
    assert set(table.at(Setting(), 2).samples.ravel()) == {LOWEST, HIGHEST}


@pytest.mark.usefixtures("few")
def test_a_curve_takes_two_bytes_a_point(
    committed: Store, record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "fit", lambda *asked: FittedFunctions(Waves(1.0, None), 0.125))
    made = function_table.build(committed, record)
    assert {name: made[name].shape for name in ("mean", "std", "lines")} == {
        "mean": (2, len(rungs(None)), N_GRID),
        "std": (2, len(rungs(None)), N_GRID),
        "lines": (2, N_LINES, N_GRID),
    }
    assert {made[name].dtype for name in ("mean", "std", "lines")} == {np.dtype(np.int16)}
    assert all(np.isfinite(array).all() for array in made.values()), "the store keeps no NaN"


# What is looked up is what looking gives


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("method", ["deterministic", "sngp"])
def test_looking_up_gives_what_looking_gives(method: str, committed: Store) -> None:
    record = committed.find("sine", method)
    told: list[tuple[int, int]] = []
    arrays = function_table.build(committed, record, lambda done, total: told.append((done, total)))
    table = FunctionTable(arrays, load_posterior(committed, record).n_samples)
    assert told == [(1, 2), (2, 2)]
    for setting in FEW:
        fitted = functions.fit(committed, record, setting)
        for n, looked in zip(table.counts, functions.look(fitted, setting, table.counts), strict=True):
            assert_same(table.at(setting, n), looked)
            assert_same(table.at(setting, n), functions.look(fitted, setting, [n])[0])


def test_a_look_with_all_numbers_at_once_is_the_looks_one_by_one(committed: Store) -> None:
    for method in ("mc_dropout", "sngp"):
        fitted = functions.fit(committed, committed.find("sine", method), Setting())
        for n, seen in zip((1, 2, 20), functions.look(fitted, Setting(), (1, 2, 20), 5), strict=True):
            (alone,) = functions.look(fitted, Setting(), [n], 5)
            np.testing.assert_allclose(seen.function, alone.function, atol=1e-6)
            np.testing.assert_allclose(seen.samples, alone.samples, atol=1e-6)
            assert seen.figures[:6] == pytest.approx(alone.figures[:6], rel=1e-5)
            assert len(seen.samples) == (0 if n == 1 else min(n, 5))


def test_the_band_of_y_is_as_much_wider_as_the_noise_is(committed: Store) -> None:
    fitted = functions.fit(committed, committed.find("sine", "sngp"), Setting())
    (seen,) = functions.look(fitted, Setting(), [20])
    assert seen.band(False) is seen.function
    np.testing.assert_array_equal(seen.band(True).mean, seen.function.mean)
    np.testing.assert_allclose(seen.band(True).std ** 2, seen.function.std**2 + fitted.noise_std**2, rtol=1e-12)


@pytest.mark.parametrize("method", of_task("sine"))
def test_every_stored_model_has_its_table_which_gives_what_the_model_says(method: str, committed: Store) -> None:
    record = committed.find("sine", method)
    table = FunctionTable(committed.table(record, NAME), load_posterior(committed, record).n_samples)
    looked = functions.look(functions.fit(committed, record, Setting()), Setting(), table.counts)
    for n, expected in zip(table.counts, looked, strict=True):
        found = table.at(Setting(), n)
        # Another machine may round the last bits of a function otherwise, and so its unit.
        for curve, other in [(found.samples, expected.samples), *zip(found.function, expected.function, strict=True)]:
            np.testing.assert_allclose(curve, other, rtol=0, atol=UNIT)
        assert found.noise_std == pytest.approx(expected.noise_std, rel=1e-4)
        assert found.figures[:6] == pytest.approx(expected.figures[:6], rel=1e-3)
        assert found.figures.std_ratio == pytest.approx(expected.figures.std_ratio, rel=1e-3, nan_ok=True)


@pytest.mark.parametrize("setting", [setting_of(0.5, -2.0, 3.0), setting_of(0.0, 2.0, 0.5)])
def test_another_setting_in_the_stored_table_is_a_fit_to_its_data(setting: Setting, committed: Store) -> None:
    """By the one method whose fit is a closed form, and so the same everywhere."""
    record = committed.find("sine", "sngp")
    table = FunctionTable(committed.table(record, NAME), None)
    looked = functions.look(functions.fit(committed, record, setting), setting, table.counts)
    for n, expected in zip(table.counts, looked, strict=True):
        found = table.at(setting, n)
        np.testing.assert_allclose(found.function, expected.function, rtol=0, atol=1e-3)
        assert found.figures[:6] == pytest.approx(expected.figures[:6], rel=1e-2)


def test_the_rows_of_a_stored_table_differ_as_their_data_do(committed: Store) -> None:
    for method in of_task("sine"):
        means = committed.table(committed.find("sine", method), NAME)["mean"]
        assert len(np.unique(means[:, -1], axis=0)) == len(SETTINGS)


# The grid of settings, and what fits it


def test_a_row_of_every_combination_and_the_models_own_among_them() -> None:
    values = product(function_table.NOISES, function_table.CENTERS, function_table.WIDTHS)
    assert list(SETTINGS) == [setting_of(*each) for each in values]
    assert list(SETTINGS.values()) == list(range(len(SETTINGS)))
    assert Setting() in SETTINGS
    assert replace(Setting(), added=((0.0, 1.0),)) not in SETTINGS
    for setting in SETTINGS:
        low, high = setting.gap
        assert len(setting.dataset.train) == 200
        assert setting_of(setting.noise, (low + high) / 2, high - low) == setting


@pytest.mark.parametrize("change", [lambda a: a[1:], lambda a: a[:, 1:], lambda a: a[..., 1:]])
def test_a_table_of_other_settings_or_samples_is_refused(change: Any, committed: Store, record: ModelRecord) -> None:
    arrays = committed.table(record, NAME)
    with pytest.raises(UqError, match=r"Expected mean of the shape \(324, 7, 241\).*Received: "):
        FunctionTable({**arrays, "mean": change(arrays["mean"])}, None)
    with pytest.raises(UqError, match=r"Expected mean of the shape \(324, 3, 241\)"):
        FunctionTable(arrays, 5)


def test_a_model_of_another_task_gets_no_table(committed: Store) -> None:
    record = committed.find("moons", "sngp")
    assert function_table.keep(committed, record) is record


@pytest.mark.usefixtures("few")
def test_what_is_kept_is_listed_and_found_again(committed: Store, tmp_path: Path, record: ModelRecord) -> None:
    store = Store(tmp_path)
    for file in record.files:
        (store.root / file.path).parent.mkdir(parents=True, exist_ok=True)
        (store.root / file.path).write_bytes((committed.root / file.path).read_bytes())
    with pytest.raises(StoreError, match=r"has no table 'functions'.*python -m uqcore tables --model"):
        store.table(replace(record, tables={}), NAME)
    other = store.save_arrays(record.model_id, {"a": np.zeros(1)}, "other")
    kept = function_table.keep(store, replace(record, tables={"other": other}))
    assert list(kept.tables) == ["other", NAME]
    assert Store(tmp_path).find("sine", "sngp") == kept
    table = FunctionTable(store.table(kept, NAME), None)
    assert_same(table.at(Setting(), 20), functions.look(functions.fit(store, record, Setting()), Setting(), [20])[0])
