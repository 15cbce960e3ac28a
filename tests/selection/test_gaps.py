"""Decisions depend on the probabilities alone: not on the array that holds them, nor on the processor."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import ROOT
from uqcore.metrics.uncertainty import MEASURES
from uqcore.predictions import Predictions
from uqcore.selection import ThresholdPolicy, rank
from uqcore.selection.gaps import ROUNDING, between, clearance, just_above, just_below, threshold_after, tie_ends
from uqcore.tuning import Goal, study, tune
from uqcore.types import FloatArray, IntArray

OF_PROBS = [name for name, measure in MEASURES.items() if not measure.needs & {"logits", "score"}]
OF_TWO = [name for name in OF_PROBS if "two classes" in MEASURES[name].needs]


def some_samples(n_classes: int, n: int = 120, n_samples: int = 3) -> FloatArray:
    """``(S, N, K) float32``: a third smooth, a third votes of ten trees, a third saturated."""
    rng = np.random.default_rng(n_classes)
    votes = rng.multinomial(10, rng.dirichlet(np.full(n_classes, 0.3), n), (n_samples, n)) / 10
    smooth = rng.dirichlet(np.full(n_classes, 0.5), (n_samples, n))
    certain = np.full((n_samples, n, n_classes), 1e-12)
    certain[np.arange(n_samples)[:, None], np.arange(n), rng.integers(0, n_classes, n)] = 1
    kind = rng.integers(0, 3, n)[:, None]
    return np.where(kind == 0, votes, np.where(kind == 1, smooth, certain)).astype(np.float32)


def divides(accept: NDArray[np.bool_], measure: FloatArray) -> bool:
    """Whether some are accepted and some deferred: of a measure of few steps all may have to be accepted."""
    return 0 < accept.mean() < 1 or (bool(accept.all()) and len(np.unique(measure)) < 10)


def strided(probs: FloatArray) -> FloatArray:
    """The same numbers with others between them, on every axis."""
    wide = np.full([2 * n for n in probs.shape], np.nan, probs.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in probs.shape)]
    view[...] = probs
    return view


def reversed_view(probs: FloatArray) -> FloatArray:
    turn = tuple(slice(None, None, -1) for _ in probs.shape)
    return np.ascontiguousarray(probs[turn])[turn]


LAYOUTS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "Fortran": np.asfortranarray,
    "strided": strided,
    "reversed": reversed_view,
    "float64": lambda probs: probs.astype(np.float64),
    "Fortran, float64": lambda probs: np.asfortranarray(probs.astype(np.float64)),
    "classes first": lambda probs: np.moveaxis(np.ascontiguousarray(np.moveaxis(probs, -1, 0)), 0, -1),
}


@pytest.mark.parametrize(
    ("measure_id", "n_classes"),
    [(name, n_classes) for name in OF_PROBS for n_classes in ([2] if name in OF_TWO else [2, 3, 4, 10, 100, 1000])],
)
def test_decisions_depend_on_the_probabilities_alone(measure_id: str, n_classes: int) -> None:
    samples = some_samples(n_classes)
    labels: IntArray = np.random.default_rng(1).integers(0, n_classes, samples.shape[1:2])
    names = tuple(map(str, range(n_classes)))
    predictions = Predictions("x", "probs", samples, names, labels)
    tuned = tune(study(predictions, measure_id), Goal("coverage", 0.6)).policy
    assert divides(tuned.decide(samples), predictions.measure(measure_id))
    for name, layout in LAYOUTS.items():
        same = layout(samples)
        assert (tuned.decide(same) == tuned.decide(samples)).all(), name
        again = Predictions("x", "probs", same, names, labels)
        np.testing.assert_array_equal(again.measure(measure_id), predictions.measure(measure_id), err_msg=name)
        assert again.fingerprint == predictions.fingerprint, name
    one_by_one = np.concatenate([tuned.decide(samples[:, i : i + 1]) for i in range(samples.shape[1])])
    assert (one_by_one == tuned.decide(samples)).all()
    in_batches = np.concatenate([tuned.decide(samples[:, i : i + 7]) for i in range(0, samples.shape[1], 7)])
    assert (in_batches == tuned.decide(samples)).all()
    # Another program's float64 arithmetic, in another order.
    moved = predictions.measure(measure_id)
    for sign in (-1, 1):
        decided = tuned.decide_measured(moved + sign * clearance(moved), predictions.predicted)
        assert (decided == tuned.decide(samples)).all()


@pytest.mark.parametrize("n_classes", [2, 4, 10])
def test_one_sample_of_three_axes_or_two_is_the_same(n_classes: int) -> None:
    probs = some_samples(n_classes)[0]
    policy = tune(
        study(Predictions("x", "probs", probs, tuple(map(str, range(n_classes)))), "predictive_entropy"),
        Goal("coverage", 0.5),
    ).policy
    for layout in LAYOUTS.values():
        assert (policy.decide(layout(probs)) == policy.decide(probs[None])).all()


ELSEWHERE = """
import sys
import numpy as np
from uqcore.metrics.uncertainty import MEASURES
from uqcore.predictions import Predictions
from uqcore.tuning import Goal, study, tune
given = np.load(sys.argv[1])
for key in given.files:
    if key.startswith("probs"):
        probs, labels = given[key], given["labels" + key[5:]]
        predictions = Predictions("x", "probs", probs, tuple(map(str, range(probs.shape[2]))), labels)
        for name in predictions.measures:
            tuned = tune(study(predictions, name), Goal("coverage", 0.6))
            tuned.policy.save(f"{key}-{name}.json")
            np.savez(f"{key}-{name}.npz", measure=predictions.measure(name), accept=tuned.policy.decide(probs))
"""


def test_a_processor_without_vector_instructions_decides_the_same(tmp_path: Path) -> None:
    umath: Any = import_module("numpy._core._multiarray_umath")

    arrays: dict[str, Any] = {}
    for n_classes in (2, 4, 10, 1000):
        arrays[f"probs{n_classes}"] = some_samples(n_classes, 400)
        arrays[f"labels{n_classes}"] = arrays[f"probs{n_classes}"].mean(axis=0).argmax(axis=1)
    np.savez(tmp_path / "given.npz", **arrays)
    there = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(there), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", ELSEWHERE, "given.npz"], cwd=tmp_path, env=environment, check=True)
    policies = sorted(tmp_path.glob("*.json"))
    assert len(policies) == 4 * (len(OF_PROBS) - len(OF_TWO)) + len(OF_TWO)
    for path in policies:
        key, _, measure_id = path.stem.partition("-")
        with np.load(path.with_suffix(".npz")) as made:
            measure, accept = made["measure"], made["accept"]
        predictions = Predictions("x", "probs", arrays[key], tuple(map(str, range(arrays[key].shape[2]))))
        assert (np.abs(predictions.measure(measure_id) - measure) <= clearance(measure) / 20).all(), path.stem
        assert (ThresholdPolicy.load(path).decide(arrays[key]) == accept).all(), path.stem
        assert divides(accept, measure)


def test_votes_that_tie_are_not_split_by_the_array_that_holds_them() -> None:
    """60 % are sure and right, 40 % are votes of which 30 % are wrong: at most 5 % wrong is the first group."""
    rng = np.random.default_rng(0)
    sure = rng.random(4000) < 0.6
    probs = np.where(sure[:, None], [1.0, 0, 0, 0], [0.3, 0.3, 0.3, 0.1])
    labels = np.where(sure | (rng.random(4000) < 0.7), 0, 3)
    predictions = Predictions("votes", "probs", probs, ("a", "b", "c", "d"), labels)
    for measure_id in ("predictive_entropy", "normalized_entropy", "least_confidence", "margin"):
        policy = tune(study(predictions, measure_id), Goal("risk", 0.05)).policy
        assert policy.certified
        assert (policy.decide(probs) == sure).all()
        for layout in LAYOUTS.values():
            assert (policy.decide(layout(probs)) == sure).all()


def test_a_threshold_in_a_gap_is_clear_of_both_ends() -> None:
    low, high = np.array([0.0, 1.0, -5.0, 1e-13, 1e6]), np.array([1.0, 1.5, -4.0, 2e-13, 1e6 + 1e-9])
    found = between(low, high)
    assert np.isnan(found).tolist() == [False, False, False, True, True]
    wide = ~np.isnan(found)
    assert (found[wide] - low[wide] > clearance(low[wide])).all()
    assert (high[wide] - found[wide] > clearance(high[wide])).all()
    values = np.array([-7, 0, 1e-30, 3, 1e9])
    assert (just_above(values) - values > clearance(values)).all()
    assert (values - just_below(values) > clearance(values)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_are_the_values_that_steps_too_short_for_a_threshold_join(dtype: type) -> None:
    step = 3 * ROUNDING
    values: FloatArray = np.array([0, step, 2 * step, 0.5, 0.5, 0.5 + 5 * ROUNDING, 2], dtype)
    ends = tie_ends(values)
    assert ends.tolist() == ([2, 4, 5, 6] if dtype is np.float64 else [2, 5, 6])
    thresholds = np.array([threshold_after(values, end) for end in ends])
    assert (thresholds > values[ends] + clearance(values[ends])).all()
    assert (thresholds[:-1] < values[ends[:-1] + 1] - clearance(values[ends[:-1] + 1])).all()
    assert tie_ends(np.empty(0)).tolist() == []


def test_half_way_between_two_votes_there_may_be_a_third() -> None:
    votes = np.arange(0, 1.01, 0.2)
    thresholds = np.array([threshold_after(votes, end) for end in tie_ends(votes)])
    grid = np.arange(0, 1.2, 0.05)
    assert (np.abs(thresholds[:-1, None] - grid) > 0.01).all()
    assert 0 < thresholds[-1] - 1 < 1e-9


def test_every_row_of_a_table_is_clear_of_every_value() -> None:
    rng = np.random.default_rng(5)
    measure = np.concatenate([rng.random(300), rng.integers(0, 10, 200) / 10, 1 + 2.0**-52 * np.arange(20)])
    ood = np.concatenate([rng.random(50) + 0.5, rng.integers(0, 20, 50) / 20])
    table = rank(measure, rng.random(520) < 0.8, ood).table(None)
    values = np.concatenate([measure, ood])
    distance = np.abs(table.thresholds[1:, None] - values)
    assert (distance > clearance(values)).all()
    assert table.n_right[-1] + table.n_wrong[-1] == 520
    assert (np.diff(table.n_right + table.n_wrong + table.n_ood) > 0).all()
