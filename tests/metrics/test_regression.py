"""The metrics against SciPy, integrals, samples and hand values."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from uqcore.metrics import regression
from uqcore.metrics.regression import Gaussian
from uqcore.types import Draws, FloatArray, UqError


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


@pytest.fixture
def some(rng: np.random.Generator) -> tuple[Gaussian, FloatArray]:
    """Predictions of every size of error."""
    n = 40
    return Gaussian(rng.normal(size=n), rng.uniform(0.05, 2, n)), rng.normal(scale=2, size=n)


def test_functions_by_hand() -> None:
    """Samples 1, 3 and 0, 0: means 2 and 0, variances (ddof 0) 1 and 0."""
    found = regression.functions(Draws(np.array([[[1.0], [0.0]], [[3.0], [0.0]]], np.float32)))
    np.testing.assert_array_equal(found.mean, [2, 0])
    np.testing.assert_array_equal(found.std, [1, 0])
    assert found.mean.dtype == found.std.dtype == np.float64


def test_functions_take_the_closed_form_where_there_is_one(rng: np.random.Generator) -> None:
    draws = Draws(rng.normal(size=(5, 2, 1)), np.array([[0.5], [-1.0]]), np.array([4.0, 0.25]))
    found = regression.functions(draws)
    np.testing.assert_array_equal(found.mean, [0.5, -1])
    np.testing.assert_array_equal(found.std, [2, 0.5])


def test_functions_refuse_a_classifier() -> None:
    with pytest.raises(UqError, match=r"one output of a regression model\. Received: 3 outputs"):
        regression.functions(Draws(np.zeros((2, 4, 3))))


def test_noise_adds_to_the_variance() -> None:
    predictive = regression.predictive(Gaussian(np.array([1.0, 2.0]), np.array([3.0, 0.0])), 4.0)
    np.testing.assert_allclose(predictive.std, [5, 4])
    np.testing.assert_array_equal(predictive.mean, [1, 2])


def test_rmse_by_hand() -> None:
    assert regression.rmse(np.array([0.0, 2.0]), np.array([3.0, -2.0])) == pytest.approx(np.sqrt(25 / 2))


def test_nll_equals_scipy(some: tuple[Gaussian, FloatArray]) -> None:
    predictive, y = some
    expected = -scipy.stats.norm.logpdf(y, predictive.mean, predictive.std).mean()
    assert regression.nll(predictive, y) == pytest.approx(expected, rel=1e-12)


def test_crps_equals_the_integral_that_defines_it(some: tuple[Gaussian, FloatArray]) -> None:
    """The integral of (F(t) - [t >= y])^2, split at y where the integrand jumps."""
    predictive, y = some
    total = 0.0
    for mean, std, observed in zip(predictive.mean, predictive.std, y, strict=True):
        cdf = scipy.stats.norm(mean, std).cdf
        low, high = min(mean, observed) - 12 * std, max(mean, observed) + 12 * std
        total += scipy.integrate.quad(lambda t, cdf=cdf: cdf(t) ** 2, low, observed, limit=200)[0]
        total += scipy.integrate.quad(lambda t, cdf=cdf: (1 - cdf(t)) ** 2, observed, high, limit=200)[0]
    assert regression.crps(predictive, y) == pytest.approx(total / len(y), rel=1e-6)


def test_crps_equals_the_estimate_from_samples(some: tuple[Gaussian, FloatArray], rng: np.random.Generator) -> None:
    """E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, eq. 21)."""
    predictive, y = some
    x, other = rng.normal(predictive.mean, predictive.std, size=(2, 40_000, len(y)))
    estimate = (np.abs(x - y) - 0.5 * np.abs(x - other)).mean()
    assert regression.crps(predictive, y) == pytest.approx(estimate, abs=5e-3)


def test_crps_of_a_narrow_distribution_is_the_absolute_error() -> None:
    y = np.array([1.0, -3.0])
    narrow = Gaussian(np.zeros(2), np.full(2, 1e-9))
    assert regression.crps(narrow, y) == pytest.approx(2.0)


def test_scores_of_the_truth_are_the_known_constants(rng: np.random.Generator) -> None:
    """For y ~ N(m, s^2): NLL ln s + ln(2 pi e) / 2, CRPS s / sqrt(pi)."""
    n, std = 200_000, 0.3
    truth = Gaussian(rng.normal(size=n), np.full(n, std))
    y = rng.normal(truth.mean, std)
    assert regression.nll(truth, y) == pytest.approx(np.log(std) + 0.5 * np.log(2 * np.pi * np.e), abs=0.01)
    assert regression.crps(truth, y) == pytest.approx(std / np.sqrt(np.pi), rel=0.01)
    assert regression.coverage(truth, y) == pytest.approx(0.9, abs=5e-3)
    assert regression.quantile_calibration_error(truth, y) < 5e-3


def test_both_scores_are_best_at_the_truth(rng: np.random.Generator) -> None:
    """They are proper: a shifted, wider or narrower prediction scores worse."""
    n = 50_000
    y = rng.normal(size=n)
    for score in (regression.nll, regression.crps):
        best = score(Gaussian(np.zeros(n), np.ones(n)), y)
        for mean, std in ((0.3, 1.0), (0.0, 1.4), (0.0, 0.7)):
            assert score(Gaussian(np.full(n, mean), np.full(n, std)), y) > best


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_intervals_equal_scipy(some: tuple[Gaussian, FloatArray], level: float) -> None:
    predictive, y = some
    low, high = scipy.stats.norm.interval(level, predictive.mean, predictive.std)
    np.testing.assert_allclose(regression.interval(predictive, level), (low, high), rtol=1e-9)
    assert regression.width(predictive, level) == pytest.approx((high - low).mean())
    assert regression.coverage(predictive, y, level) == np.mean((low <= y) & (y <= high))


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0, float("nan")])
def test_a_level_that_is_none_is_refused(some: tuple[Gaussian, FloatArray], level: float) -> None:
    with pytest.raises(UqError, match=r"level of an interval must be between 0 and 1. Received"):
        regression.interval(some[0], level)


def test_quantile_curve_by_hand() -> None:
    """y at the predicted quantiles 0.1, 0.3, 0.3 and 0.8, of distributions that differ."""
    mean, std = np.array([0.0, 5.0, -2.0, 1.0]), np.array([1.0, 0.1, 3.0, 2.0])
    y = scipy.stats.norm.ppf([0.1, 0.3, 0.3, 0.8], mean, std)
    curve = regression.quantile_curve(Gaussian(mean, std), y, np.array([0.05, 0.2, 0.5, 0.9]))
    np.testing.assert_array_equal(curve.observed, [0, 0.25, 0.75, 1])
    np.testing.assert_array_equal(curve.levels, [0.05, 0.2, 0.5, 0.9])


def test_quantile_error_of_perfect_and_of_hopeless_predictions() -> None:
    n = 2000
    even = Gaussian(np.zeros(n), np.ones(n))
    y = scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)
    assert regression.quantile_calibration_error(even, y) < 1 / n
    levels = np.arange(0.05, 0.96, 0.05)  # none of y is below any quantile, so the gaps are the levels
    assert regression.quantile_calibration_error(even, y + 100) == pytest.approx(np.sqrt(np.square(levels).mean()))


def test_the_noise_of_one_function_is_its_root_mean_squared_error(rng: np.random.Generator) -> None:
    y = rng.normal(scale=0.2, size=300)
    line = Gaussian(np.full(300, 0.05), np.zeros(300))
    assert regression.fit_noise(line, y) == pytest.approx(regression.rmse(line.mean, y), rel=1e-5)


def test_the_noise_is_the_likeliest(rng: np.random.Generator) -> None:
    function = Gaussian(np.zeros(500), rng.uniform(0, 0.3, 500))
    y = rng.normal(scale=np.hypot(function.std, 0.2))
    grid = np.geomspace(1e-3, 1, 4000)
    slowly = grid[np.argmin([regression.nll(regression.predictive(function, noise), y) for noise in grid])]
    assert regression.fit_noise(function, y) == pytest.approx(slowly, rel=2e-3)
    assert regression.fit_noise(function, y) == pytest.approx(0.2, abs=0.03)


def test_no_noise_is_left_where_the_spread_covers_all_errors() -> None:
    wide = Gaussian(np.zeros(20), np.ones(20))
    assert regression.fit_noise(wide, np.full(20, 0.1)) == pytest.approx(regression.SMALLEST_NOISE, rel=1e-2)
    assert regression.fit_noise(Gaussian(np.zeros(3), np.zeros(3)), np.zeros(3)) < 3 * regression.SMALLEST_NOISE


def test_std_ratios_by_hand() -> None:
    ratios = regression.std_ratios(np.array([1.0, 3.0]), {"gap": np.array([4.0, 6.0]), "beyond": np.array([1.0])})
    assert ratios == {"gap": 2.5, "beyond": 0.5}
    assert np.isnan(regression.std_ratios(np.zeros(2), {"gap": np.zeros(2)})["gap"])


@pytest.mark.parametrize(
    ("mean", "std", "y", "words"),
    [
        ([0.0], [1.0], [0.0, 1.0], r"one prediction for each y.*Received: \(1,\) and \(2,\)"),
        ([], [], [], "at least one"),
        ([[0.0]], [[1.0]], [[0.0]], r"Received: \(1, 1\)"),
        ([np.nan], [1.0], [0.0], "NaN or infinite"),
        ([0.0], [1.0], [np.inf], "NaN or infinite"),
        ([0.0], [0.0], [0.0], "standard deviation above 0"),
        ([0.0], [np.nan], [0.0], "standard deviation above 0"),
    ],
)
def test_what_cannot_be_scored_is_refused(mean: object, std: object, y: object, words: str) -> None:
    predictive, observed = Gaussian(np.array(mean, float), np.array(std, float)), np.array(y, float)
    for score in (regression.nll, regression.crps, regression.quantile_calibration_error):
        with pytest.raises(UqError, match=words):
            score(predictive, observed)
