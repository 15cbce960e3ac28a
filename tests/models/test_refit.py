"""Regression models fitted again: SNGP exactly, with scikit-learn as the judge, and the others well enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct

from tests.methods.test_contract import held_arrays
from uqcore.datasets import load, sine
from uqcore.methods import METHODS, deterministic, of_task, sngp, svi_flipout
from uqcore.metrics import regression
from uqcore.models.refit import refit
from uqcore.models.sampling import draw
from uqcore.networks import NETWORKS
from uqcore.store import Store
from uqcore.types import Dataset, FloatArray, Posterior, Split, UqError

N_SAMPLES = 50
NETWORK = NETWORKS["sine"]


@pytest.fixture(scope="module")
def moved() -> Dataset:
    """Another gap, more noise."""
    return sine.make(5, noise=0.2, gap=(-0.5, 2.5))


@pytest.fixture(scope="module")
def refitted(committed: Store, moved: Dataset) -> Mapping[str, Posterior]:
    return {method: refit(committed, committed.find("sine", method), moved.train) for method in of_task("sine")}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps, where it does not matter how well the models fit."""
    monkeypatch.setattr(deterministic, "REFIT_STEPS", 20)
    monkeypatch.setattr(svi_flipout, "REFIT_STEPS", 20)


def random_features(arrays: Mapping[str, FloatArray], x: FloatArray) -> FloatArray:
    process = sngp.RandomFeatures(NETWORK, arrays)
    return process.features(process.hidden(x)).astype(float)


def test_sngp_is_the_gaussian_process_of_scikit_learn(committed: Store, moved: Dataset) -> None:
    """The kernel is the random features' dot product, the noise the ridge."""
    (arrays,) = committed.arrays(committed.find("sine", "sngp"))
    ridge = 0.03
    process = sngp.GaussianProcess(
        NETWORK, sngp.condition(NETWORK, arrays, ridge, moved.train), sngp.Config(ridge=ridge), seed=0
    )
    x = np.concatenate([moved.test.x[::40], moved.ood["gap"][::20], moved.ood["beyond"][::20]])
    judge = GaussianProcessRegressor(DotProduct(0.0, "fixed"), alpha=ridge, optimizer=None)
    judge.fit(random_features(arrays, moved.train.x), moved.train.y)
    mean, std = judge.predict(random_features(arrays, x), return_std=True)
    closed = process.closed_form(x)
    np.testing.assert_allclose(closed.mean[:, 0], mean, atol=1e-5)
    np.testing.assert_allclose(np.sqrt(closed.variance), std, rtol=1e-3)


def test_conditioning_on_the_tasks_own_data_changes_nothing(committed: Store) -> None:
    record = committed.find("sine", "sngp")
    (arrays,) = committed.arrays(record)
    again = sngp.condition(NETWORK, arrays, record.config["ridge"], load("sine").train)
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_allclose(again[name], array, rtol=1e-3, atol=1e-3)


def test_the_noise_is_the_likeliest_under_the_evidence(committed: Store, moved: Dataset) -> None:
    (arrays,) = committed.arrays(committed.find("sine", "sngp"))
    phi, y = random_features(arrays, moved.train.x), moved.train.y

    def minus_log_density(ridge: float) -> float:
        covariance = phi @ phi.T + ridge * np.eye(len(phi))
        return float(y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(covariance).logabsdet)

    found = sngp.likeliest_ridge(NETWORK, arrays, moved.train)
    assert found == min(sngp.RIDGES, key=minus_log_density)
    assert np.sqrt(found) == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("method", of_task("sine"))
def test_a_refitted_model_fits_the_new_data(method: str, refitted: Mapping[str, Posterior], moved: Dataset) -> None:
    on_test = regression.functions(draw(refitted[method], moved.test.x, N_SAMPLES))
    assert regression.rmse(on_test.mean, moved.test.y) < 0.23, "0.2 is the noise, 0.7 a straight line"


@pytest.mark.parametrize("method", ["deep_ensemble", "sngp", "svi_flipout"])
def test_a_refitted_model_is_less_certain_in_the_new_gap(
    method: str, refitted: Mapping[str, Posterior], moved: Dataset
) -> None:
    std = {
        name: regression.functions(draw(refitted[method], x, N_SAMPLES)).std
        for name, x in {"data": moved.test.x, **moved.ood}.items()
    }
    ratios = regression.std_ratios(std.pop("data"), std)
    assert min(ratios.values()) > 1


@pytest.mark.parametrize("method", of_task("sine"))
def test_a_refitted_model_keeps_the_contract(method: str, refitted: Mapping[str, Posterior], moved: Dataset) -> None:
    posterior, x = refitted[method], moved.test.x[:9]
    n_samples = 3 if posterior.n_samples is None else min(3, posterior.n_samples)
    together = posterior.draw(x, range(n_samples))
    assert together.shape == (n_samples, 9, 1)
    assert together.dtype == np.float32
    for sample in range(n_samples):
        np.testing.assert_array_equal(posterior.draw(x, [sample])[0], together[sample])
    arrays = held_arrays(posterior)
    assert arrays
    assert not any(array.flags.writeable for array in arrays)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("method", of_task("sine"))
def test_it_depends_on_the_data_and_the_seed_alone(method: str, committed: Store, moved: Dataset) -> None:
    record, x = committed.find("sine", method), moved.ood["gap"]
    first, again, other_data, other_seed = (
        refit(committed, replace(record, seed=seed), data).draw(x, [0])
        for seed, data in ((0, moved.train), (0, moved.train), (0, moved.validation), (1, moved.train))
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other_data).max() > 1e-3
    assert np.abs(first - other_seed).max() > 1e-3


@pytest.mark.usefixtures("hasty")
def test_parts_are_the_networks_of_their_seeds(committed: Store, moved: Dataset) -> None:
    ensemble, single = (committed.find("sine", method) for method in ("deep_ensemble", "deterministic"))
    members = refit(committed, ensemble, moved.train).draw(moved.test.x, range(10))
    for seed in (0, 7):
        alone = refit(committed, replace(single, seed=seed), moved.train).draw(moved.test.x, [0])
        np.testing.assert_allclose(alone[0], members[seed], atol=1e-5)


@pytest.mark.usefixtures("hasty")
def test_progress_counts_members_and_steps(committed: Store, moved: Dataset) -> None:
    def seen(method: str) -> list[tuple[int, int]]:
        ticks: list[tuple[int, int]] = []
        refit(committed, committed.find("sine", method), moved.train, lambda done, total: ticks.append((done, total)))
        return ticks

    assert seen("deterministic") == [(20, 20)]
    assert seen("deep_ensemble") == [(20 * i, 200) for i in range(1, 11)]
    assert seen("svi_flipout") == [(20, 20)]


def test_a_method_that_cannot_is_named(committed: Store, moved: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fits something to its parts and does not say how to do that again."""
    post_hoc = replace(METHODS["mc_dropout"], fit=deterministic.fit)
    monkeypatch.setitem(METHODS, "mc_dropout", post_hoc)
    with pytest.raises(UqError, match="MC Dropout cannot be fitted again to other data"):
        refit(committed, committed.find("sine", "mc_dropout"), moved.train)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: Split(s.x[:, 0], s.y), r"points x \(N, 1\) with y \(N,\). Received: \(200,\) and \(200,\)"),
        (lambda s: Split(s.x, s.y[:-1]), r"Received: \(200, 1\) and \(199,\)"),
        (lambda s: Split(s.x[:0], s.y[:0]), r"Received: \(0, 1\) and \(0,\)"),
        (lambda s: Split(s.x, np.where(s.x[:, 0] > 0, np.nan, s.y)), "NaN or infinite"),
    ],
)
def test_points_that_are_none_are_refused(
    change: Callable[[Split], Split], words: str, committed: Store, moved: Dataset
) -> None:
    with pytest.raises(UqError, match=words):
        refit(committed, committed.find("sine", "sngp"), change(moved.train))


def test_a_classifier_is_refused(committed: Store, moved: Dataset) -> None:
    with pytest.raises(UqError, match=r"Expected a regression model. Received: moons-sngp-seed0"):
        refit(committed, committed.find("moons", "sngp"), moved.train)


def test_a_single_point_is_enough(committed: Store) -> None:
    """The process goes near the point, and is certain nowhere else."""
    point = Split(np.array([[2.0]], np.float32), np.array([0.7]))
    function = regression.functions(
        draw(refit(committed, committed.find("sine", "sngp"), point), np.array([[2.0], [-5.0]], np.float32), 1)
    )
    assert function.mean[0] == pytest.approx(0.7, abs=0.4)
    assert function.std[0] < function.std[1]
