"""The two-moons views over draws made by hand: scales, shapes and counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uqcore import datasets
from uqcore.datasets.moons import GRID
from uqcore.exhibits.moons import VIEWS, Plane
from uqcore.exhibits.verdicts import Gauge
from uqcore.types import Draws, FloatArray, UqError

N_GRID, N_TEST = 10_000, 1_000


@pytest.fixture(scope="module")
def plane() -> Plane:
    return Plane(datasets.load("moons"))


@pytest.fixture(scope="module")
def draws(plane: Plane) -> Draws:
    """Four models that are straight lines through the plane, at angles of their own."""
    normals = np.array([[0.5, 2.0], [-0.5, 2.0], [0.2, 3.0], [0.0, 1.0]])
    lower = -(plane.points @ normals.T - [0.5, 0.2, 0.3, 0.25]).T
    return Draws(np.stack([np.zeros_like(lower), lower], axis=-1))


def test_the_points_are_the_grid_then_test_then_ood(plane: Plane) -> None:
    assert plane.points.shape == (N_GRID + N_TEST + 500, 2)
    np.testing.assert_array_equal(plane.points[[0, 99, N_GRID - 1], 0], GRID.x[[0, -1, -1]])
    np.testing.assert_array_equal(plane.points[[0, 99, N_GRID - 1], 1], GRID.y[[0, 0, -1]])
    np.testing.assert_array_equal(plane.points[N_GRID : N_GRID + N_TEST], plane.dataset.test.x)
    np.testing.assert_array_equal(plane.points[N_GRID + N_TEST :], plane.dataset.ood["cluster"])


def test_one_point_is_a_batch_of_the_models_type() -> None:
    point = Plane.point((0.5, -1.25))
    assert point.dtype == np.float32
    np.testing.assert_array_equal(point, [[0.5, -1.25]])


@pytest.mark.parametrize("view_id", sorted(VIEWS))
def test_every_view_is_a_grid_of_shares(plane: Plane, draws: Draws, view_id: str) -> None:
    view = VIEWS[view_id]
    surface = plane.surface(view, draws, 0.5, Gauge("predictive_entropy", 0.4))
    assert surface.shown.shape == surface.uncertainty.shape == (100, 100)
    for values in (surface.shown, surface.uncertainty):
        assert values.min() >= 0
        assert values.max() <= 1 + 1e-6
    if view.relative:
        assert surface.uncertainty.max() == 1
    if not view.shows_probability:
        np.testing.assert_array_equal(surface.shown, surface.uncertainty)


def test_scales(plane: Plane, draws: Draws) -> None:
    lower = draws.probs.mean(axis=0)[:, 1]
    variance = (lower * (1 - lower))[:N_GRID]
    assert plane.surface(VIEWS["uncertainty"], draws, 0.5).gauge.largest == pytest.approx(variance.max())
    assert plane.surface(VIEWS["probability"], draws, 0.5).gauge.largest == 0.25
    for view_id in ("entropy", "aleatoric", "epistemic"):
        assert plane.surface(VIEWS[view_id], draws, 0.5).gauge.largest == pytest.approx(np.log(2))
    logit_variance = draws.logits[:, :N_GRID].var(axis=0).mean(axis=-1)
    assert plane.surface(VIEWS["variance"], draws, 0.5).gauge.largest == pytest.approx(logit_variance.max())


def test_the_own_measure_is_cut_at_its_gauge(plane: Plane, draws: Draws) -> None:
    score: FloatArray = np.linspace(0, 3, len(plane.points)).astype(np.float32)
    surface = plane.surface(VIEWS["own"], replace(draws, score=score), 0.5, Gauge("score", 2.0))
    np.testing.assert_allclose(surface.shown.ravel(), np.minimum(score[:N_GRID] / 2, 1))
    assert surface.acceptance.coverage == np.mean(score[N_GRID : N_GRID + N_TEST] <= 1)
    everything = plane.surface(VIEWS["own"], replace(draws, score=score), 1.0, Gauge("score", 2.0))
    assert everything.acceptance.coverage == everything.acceptance.ood_accepted == 1
    with pytest.raises(UqError, match="needs its gauge"):
        plane.surface(VIEWS["own"], draws, 0.5)


def test_entropy_is_aleatoric_and_epistemic(plane: Plane, draws: Draws) -> None:
    entropy, aleatoric, epistemic = (
        plane.surface(VIEWS[view_id], draws, 0.5).shown for view_id in ("entropy", "aleatoric", "epistemic")
    )
    np.testing.assert_allclose(entropy, aleatoric + epistemic, atol=1e-12)
    assert epistemic.max() > 0.1


def test_the_probability_of_the_lower_moon_has_a_row_per_y_from_below(plane: Plane, draws: Draws) -> None:
    surface = plane.surface(VIEWS["probability"], draws, 0.5)
    row, column = 20, 70
    x, y = float(GRID.x[column]), float(GRID.y[row])
    logits = [-(a * x + b * y - c) for a, b, c in [(0.5, 2, 0.5), (-0.5, 2, 0.2), (0.2, 3, 0.3), (0, 1, 0.25)]]
    expected = np.mean([1 / (1 + np.exp(-z)) for z in logits])
    assert surface.shown[row, column] == pytest.approx(expected, rel=1e-6)
    assert surface.uncertainty[row, column] == pytest.approx(4 * expected * (1 - expected), rel=1e-6)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5, 1.0])
def test_acceptance_is_numpys_count(plane: Plane, draws: Draws, threshold: float) -> None:
    lower = draws.probs.mean(axis=0)[:, 1]
    uncertainty = 4 * lower * (1 - lower)
    test, ood = uncertainty[N_GRID : N_GRID + N_TEST], uncertainty[N_GRID + N_TEST :]
    right = (lower[N_GRID : N_GRID + N_TEST] > 0.5) == (plane.dataset.test.y == 1)
    accepted = plane.surface(VIEWS["probability"], draws, threshold).acceptance
    assert accepted.n_accepted == np.sum(test <= threshold)
    assert accepted.coverage == np.mean(test <= threshold)
    assert accepted.ood_accepted == np.mean(ood <= threshold)
    np.testing.assert_equal(
        accepted.accuracy, np.mean(right[test <= threshold]) if accepted.n_accepted else float("nan")
    )


@pytest.mark.parametrize("view_id", ["variance", "epistemic"])
def test_without_samples_there_is_no_variance_and_no_nan(plane: Plane, draws: Draws, view_id: str) -> None:
    surface = plane.surface(VIEWS[view_id], Draws(draws.logits[:1]), 0.5)
    np.testing.assert_array_equal(surface.shown, np.zeros((100, 100)))
    assert surface.acceptance.coverage == surface.acceptance.ood_accepted == 1


def test_a_closed_form_gives_the_variance(plane: Plane, draws: Draws) -> None:
    variance: FloatArray = np.linspace(0.5, 2.0, len(plane.points))
    closed = Draws(draws.logits, draws.logits.mean(axis=0), variance)
    surface = plane.surface(VIEWS["variance"], closed, 0.5)
    assert surface.gauge.largest == variance[N_GRID - 1]
    np.testing.assert_allclose(surface.shown.ravel(), variance[:N_GRID] / variance[N_GRID - 1])
