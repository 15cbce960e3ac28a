"""What is drawn of a curve: nothing that a screen could show is lost, and the axes hold what there is to see."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.plots.curves import MOST_POINTS, RiskScale, risk_scale, visible
from uqcore.selection import Ranking, RiskCoverageCurve, rank, risk_coverage_curve
from uqcore.types import FloatArray

RNG = np.random.default_rng(0)


def noisy(n: int) -> tuple[FloatArray, FloatArray]:
    """A curve with a steep part, a flat part and noise."""
    x = np.linspace(0, 1, n)
    return x, np.clip(x**0.02 + RNG.normal(0, 0.002, n), 0, 1)


def curve_of(coverage: list[float], risk: list[float]) -> RiskCoverageCurve:
    return RiskCoverageCurve(np.arange(float(len(risk))), np.array(coverage), np.array(risk))


@pytest.mark.parametrize("n", [1, 2, MOST_POINTS])
def test_a_short_curve_is_drawn_whole(n: int) -> None:
    x, y = noisy(n)
    np.testing.assert_array_equal(visible(x, y, None), np.arange(n))


@pytest.mark.parametrize("n", [MOST_POINTS + 1, 50_000])
def test_of_a_long_curve_no_point_is_farther_than_a_step_from_one_that_is_drawn(n: int) -> None:
    x, y = noisy(n)
    shown = visible(x, y, None)
    assert len(shown) <= MOST_POINTS
    assert (shown[0], shown[-1]) == (0, n - 1)
    assert (np.diff(shown) > 0).all()
    step = np.hypot(np.diff(x), np.diff(y)).sum() / (MOST_POINTS - 3)
    before = shown[np.searchsorted(shown, np.arange(n), side="right") - 1]
    assert np.hypot(x - x[before], y - y[before]).max() <= step * (1 + 1e-9)


def test_every_marked_point_is_drawn() -> None:
    x, y = noisy(50_000)
    for i in RNG.integers(0, len(x), 50).tolist():
        assert i in visible(x, y, (x[i], y[i]))


def test_a_curve_that_does_not_move_is_its_ends() -> None:
    np.testing.assert_array_equal(visible(np.zeros(5000), np.zeros(5000), None), [0, 4999])


def test_the_first_few_examples_do_not_set_the_height() -> None:
    n = 1000
    correct = np.arange(n) != 0  # the surest is wrong: a risk of 1, falling to 1 / n
    curve = risk_coverage_curve(rank(np.arange(n) / n, correct).table(None))
    assert np.nanmax(curve.risk) == 1
    scale = risk_scale([curve], [], log=False)
    assert scale.high == pytest.approx(1.05 / (0.05 * n))
    assert scale.start == 0
    assert risk_scale([curve], [(0.5, 0.7)], log=False).high == pytest.approx(1.05 * 0.7)


def test_the_axis_of_coverage_begins_where_risk_does() -> None:
    curve = curve_of([0.5, 0.83, 0.9, 1.0], [0.0, 1e-5, 0.01, 0.02])
    assert risk_scale([curve], [], log=False).start == pytest.approx(0.9)
    assert risk_scale([curve], [], log=True).start == pytest.approx(0.8)
    assert risk_scale([curve], [(0.37, 0.0)], log=False).start == pytest.approx(0.3)
    assert risk_scale([curve, curve_of([0.12, 1.0], [0.01, 0.01])], [], log=False).start == pytest.approx(0.1)


@pytest.mark.parametrize("curves", [[], [curve_of([0.5, 1.0], [0.0, 0.0])]])
@pytest.mark.parametrize("log", [False, True])
def test_without_any_risk_the_axes_are_whole(curves: list[RiskCoverageCurve], log: bool) -> None:
    scale = risk_scale(curves, [(1.0, 0.0)], log)
    assert scale.start == 0
    assert 0 <= scale.low < scale.high
    assert (scale.low > 0) == log


def test_fractions_of_a_linear_and_of_a_logarithmic_axis_by_hand() -> None:
    coverage, risk = np.array([0.4, 0.5, 0.75, 1.0]), np.array([0.0, 0.001, 0.01, 2.0])
    linear = RiskScale(0.5, 0.0, 0.1).fractions(coverage, risk)
    np.testing.assert_allclose(linear, [[0, 0, 0.5, 1], [0, 0.01, 0.1, 1]])
    log = RiskScale(0.0, 0.001, 0.1).fractions(coverage, risk)
    np.testing.assert_allclose(log, [[0.4, 0.5, 0.75, 1], [0, 0, 0.5, 1]], atol=1e-12)


def test_a_logarithmic_axis_is_labelled_0_below_every_risk_there_is() -> None:
    right, wrong = RNG.random(5000) ** 4, RNG.random(40)
    curve = risk_coverage_curve(Ranking(np.sort(right), np.sort(wrong), None).table(None))
    for points in ([], [(1.0, 1e-6)]):
        scale = risk_scale([curve], points, log=True)
        axis = scale.axis()
        assert scale.low < min([curve.risk[curve.risk > 0].min(), *(risk for _, risk in points)])
        assert (axis["tickvals"][0], axis["ticktext"][0]) == (scale.low, "0%")
        for value, text in zip(axis["tickvals"][1:], axis["ticktext"][1:], strict=True):
            assert float(text.removesuffix("%")) / 100 == pytest.approx(value)
        assert len(axis["tickvals"]) >= 3
        assert 10 ** axis["range"][0] < scale.low < max(axis["tickvals"]) <= scale.high
