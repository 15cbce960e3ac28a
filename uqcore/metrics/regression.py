"""Regression: what sampled functions say of a number, and how good that is.

The predictive distribution of y at x is Gaussian: its mean and variance are those of the sampled functions (the mixture
of an ensemble is matched in its first two moments, as in Lakshminarayanan et al. 2017, arXiv 1612.01474, sec. 2.4), and
the variance of the observation noise is added. The noise is one number a model, fitted on validation data: `fit_noise`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.types import Draws, FloatArray, UqError

LEVEL = 0.9
"""Of the central interval that `coverage` and `width` are of, unless told."""

SMALLEST_NOISE = 1e-4
"""`fit_noise` gives no smaller standard deviation: where the functions' spread covers all errors, none is left."""

_LEVELS = np.arange(0.05, 0.96, 0.05)


class Gaussian(NamedTuple):
    """``mean (N,)`` and standard deviation ``std (N,)``, float64."""

    mean: FloatArray
    std: FloatArray


def functions(draws: Draws) -> Gaussian:
    """Mean and standard deviation of the functions at the N examples of ``draws.logits (S, N, 1)``, without noise.

    The closed form where there is one, else over the samples (ddof 0, as `Draws.logit_variance`). One sample has std 0.

    Raises:
        UqError: there is another number of outputs than one.
    """
    if draws.logits.shape[-1] != 1:
        raise UqError(f"Expected the one output of a regression model. Received: {draws.logits.shape[-1]} outputs.")
    values = draws.logits[..., 0].astype(np.float64)
    mean, variance = values.mean(axis=0), values.var(axis=0)
    if draws.mean_logits is not None and draws.variance is not None:
        mean, variance = draws.mean_logits[:, 0].astype(np.float64), draws.variance.astype(np.float64)
    return Gaussian(mean, np.sqrt(variance))


def predictive(function: Gaussian, noise_std: float) -> Gaussian:
    """The distribution of y: that of the function, with the variance of the observation noise added."""
    return Gaussian(function.mean, np.hypot(function.std, noise_std))


def fit_noise(function: Gaussian, y: FloatArray) -> float:
    """The observation noise under which ``y (N,)`` is most likely, at least `SMALLEST_NOISE`.

    For a function without spread it is the root mean squared error.
    """
    from scipy.optimize import minimize_scalar  # which takes longer to load than a page

    mean, y = _checked(function.mean, y)
    # Noise above the largest error can only make every y less likely.
    largest = max(np.abs(y - mean).max(), 2 * SMALLEST_NOISE)
    found = minimize_scalar(
        lambda log_std: nll(predictive(function, float(np.exp(log_std))), y),
        bounds=(np.log(SMALLEST_NOISE), np.log(largest)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def rmse(mean: FloatArray, y: FloatArray) -> float:
    """Root mean squared error of ``mean (N,)`` in the unit of y; lower is better."""
    mean, y = _checked(mean, y)
    return float(np.sqrt(np.square(mean - y).mean()))


def nll(predictive: Gaussian, y: FloatArray) -> float:
    """Mean negative log density of ``y (N,)`` in nats; lower is better, and it has no lower bound."""
    z, std = _standardised(predictive, y)
    return float((0.5 * np.square(z) + np.log(std) + 0.5 * np.log(2 * np.pi)).mean())


def crps(predictive: Gaussian, y: FloatArray) -> float:
    """Mean continuous ranked probability score in the unit of y, from 0; lower is better.

    ``std * (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))`` (Gneiting & Raftery 2007, sec. 4.2). Where the standard
    deviation goes to 0 it becomes the absolute error.
    """
    from scipy.special import ndtr

    z, std = _standardised(predictive, y)
    density = np.exp(-0.5 * np.square(z)) / np.sqrt(2 * np.pi)
    return float((std * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))).mean())


def interval(predictive: Gaussian, level: float = LEVEL) -> tuple[FloatArray, FloatArray]:
    """Lower and upper end ``(N,)`` of the central interval that holds ``level`` of the distribution."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise UqError(f"The level of an interval must be between 0 and 1. Received: {level:g}.")
    half = ndtri(0.5 + level / 2) * predictive.std
    return predictive.mean - half, predictive.mean + half


def coverage(predictive: Gaussian, y: FloatArray, level: float = LEVEL) -> float:
    """Share of ``y (N,)`` inside the central interval, in 0..1; calibrated where it is ``level``."""
    low, high = interval(predictive, level)
    return float(np.mean((low <= y) & (y <= high)))


def width(predictive: Gaussian, level: float = LEVEL) -> float:
    """Mean width of the central interval in the unit of y: of two that cover alike, the narrower is better."""
    low, high = interval(predictive, level)
    return float((high - low).mean())


class QuantileCurve(NamedTuple):
    """Where y falls in its predicted distribution; calibrated where the two are equal.

    Attributes:
        levels: ``(M,)`` of the predicted quantiles, rising.
        observed: ``(M,)`` the share of y at or below them.
    """

    levels: FloatArray
    observed: FloatArray


def quantile_curve(predictive: Gaussian, y: FloatArray, levels: FloatArray = _LEVELS) -> QuantileCurve:
    """Kuleshov, Fenner & Ermon 2018 (arXiv 1807.00263), eq. 8, at the levels 0.05, 0.1, ... 0.95 unless told."""
    from scipy.special import ndtr

    z, _ = _standardised(predictive, y)
    below = np.searchsorted(np.sort(ndtr(z)), levels, side="right")
    return QuantileCurve(np.asarray(levels), below / len(z))


def quantile_calibration_error(predictive: Gaussian, y: FloatArray) -> float:
    """Root mean squared gap between ``levels`` and ``observed`` of `quantile_curve`, in 0..1; lower is better.

    The root of Kuleshov et al.'s eq. 9 with even weights. It says nothing of sharpness.
    """
    levels, observed = quantile_curve(predictive, y)
    return float(np.sqrt(np.square(levels - observed).mean()))


def scores(predictive: Gaussian, y: FloatArray) -> dict[str, float]:
    """Every metric of ``predictive`` on ``y (N,)``, by name."""
    return {
        "rmse": rmse(predictive.mean, y),
        "nll": nll(predictive, y),
        "crps": crps(predictive, y),
        "coverage": coverage(predictive, y),
        "width": width(predictive),
        "calibration_error": quantile_calibration_error(predictive, y),
    }


def std_ratios(on_data: FloatArray, ood: Mapping[str, FloatArray]) -> dict[str, float]:
    """OOD set -> mean standard deviation of the functions there, as a multiple of that on data ``(N,)``.

    Above 1 where a model knows what it has not seen. NaN for one function, which has no spread.
    """
    scale = on_data.mean()
    return {name: float(std.mean() / scale) if scale > 0 else float("nan") for name, std in ood.items()}


def _standardised(predictive: Gaussian, y: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(y - mean) / std`` and ``std``."""
    mean, y = _checked(predictive.mean, y)
    std = np.asarray(predictive.std, dtype=np.float64)
    if std.shape != mean.shape or not (std > 0).all():
        raise UqError("Expected a standard deviation above 0 for each example; add observation noise to one function.")
    return (y - mean) / std, std


def _checked(mean: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    predicted, observed = np.asarray(mean, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if predicted.ndim != 1 or predicted.shape != observed.shape or not predicted.size:
        raise UqError(
            f"Expected one prediction for each y, at least one. Received: {predicted.shape} and {observed.shape}."
        )
    if not (np.isfinite(predicted).all() and np.isfinite(observed).all()):
        raise UqError("Expected finite predictions and y. Received values that are NaN or infinite.")
    return predicted, observed
