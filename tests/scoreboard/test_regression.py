"""Runs of functions: hand values, what has no spread, and the committed sine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from uqcore import datasets
from uqcore.metrics.regression import Gaussian
from uqcore.models.training import CPU_S
from uqcore.scoreboard import Key, load_results
from uqcore.scoreboard.regression import METHODS, NO_SPREAD, chance, figures
from uqcore.scoreboard.runs import Models, Run, training_s
from uqcore.store import Store
from uqcore.types import FloatArray

SINE = datasets.load("sine")


def test_the_true_function_is_calibrated_and_one_function_has_no_spread() -> None:
    found = figures(lambda x: Gaussian(np.sin(x[:, 0].astype(float)), np.zeros(len(x))), SINE)
    noise = 0.1
    assert found.values[Key("rmse")] == pytest.approx(noise, rel=0.1)
    assert found.values[Key("regression_nll")] == pytest.approx(0.5 + np.log(noise * np.sqrt(2 * np.pi)), abs=0.1)
    assert found.values[Key("coverage")] == pytest.approx(0.9, abs=5 * np.sqrt(0.09 / 1000))
    assert found.values[Key("width")] == pytest.approx(2 * 1.645 * noise, rel=0.15)
    assert found.undefined == {Key("std_ratio", "", name): NO_SPREAD for name in SINE.ood_sets}


def test_spread_is_a_multiple_of_that_on_data() -> None:
    def ask(x: FloatArray) -> Gaussian:
        """Twice as wide between the data as on it, three times beyond."""
        away = np.abs(x[:, 0])
        return Gaussian(np.sin(x[:, 0]), 0.1 * np.select([away < 1, away > 4], [2.0, 3.0], 1.0))

    found = figures(ask, SINE)
    assert found.values[Key("std_ratio", "", "gap")] == pytest.approx(2)
    assert found.values[Key("std_ratio", "", "beyond")] == pytest.approx(3)


def test_answers_that_are_not_finite_are_said() -> None:
    found = figures(lambda x: Gaussian(np.full(len(x), np.nan), np.ones(len(x))), SINE)
    assert not found.values
    assert "finite" in found.undefined[Key("regression_nll")]


def test_chance_is_worse_than_every_method() -> None:
    (run,) = chance("sine")
    nll = Key("regression_nll")
    assert isinstance(run, Run)
    by_method = {each.method: each.values[nll] for each in load_results() if each.task == "sine"}
    assert set(by_method) == {*METHODS, "chance"}
    assert all(len(values) == 5 for name, values in by_method.items() if name != "chance")
    assert max(max(values) for name, values in by_method.items() if name != "chance") < run.figures.values[nll]


def test_seconds_of_training_are_those_of_the_same_settings(committed: Store, tmp_path: Path) -> None:
    models = Models(committed, Store(tmp_path))
    first, second = (committed.find("digits_0_4", "deterministic", seed) for seed in (0, 1))
    assert training_s(models, first) == first.metrics[CPU_S]
    unknown = replace(first, metrics={name: value for name, value in first.metrics.items() if name != CPU_S})
    known = [first.metrics[CPU_S], second.metrics[CPU_S]]
    assert min(known) * 0.5 < (training_s(models, unknown) or 0) < 2 * max(known)
    assert training_s(models, replace(unknown, config={**first.config, "epochs": 77})) is None
