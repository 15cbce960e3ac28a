"""A function with a gap: y = sin x on [-4, -1] and [1, 4], nothing between, as in the article on variational inference.

By default y is noisy. Of points without noise the likeliest model is the one without any uncertainty, whatever the
method, so that neither a setting nor a metric could be judged by them; `make` draws those too.
"""

from __future__ import annotations

import numpy as np

from uqcore.types import Dataset, FloatArray, OodSet, Split, UqError

N_TRAIN, N_VALIDATION, N_TEST = 100, 100, 500  # points on either side of the gap
RANGE = (-4.0, 4.0)
GAP = (-1.0, 1.0)
EDGES = (-6.0, 6.0)  # how far the OOD inputs reach
NOISE = 0.1  # standard deviation, on y
_STEP = 0.02


def load(seed: int) -> Dataset:
    """The task: `make` with its default noise and gap."""
    return make(seed)


def make(seed: int, noise: float = NOISE, gap: tuple[float, float] = GAP) -> Dataset:
    """Training, validation and test points ``x (N, 1)``, ``y (N,)`` on both sides of the gap, each from its own stream.

    The same seed draws the same uniform and normal numbers: with ``noise`` and ``gap`` the points move smoothly.

    Args:
        noise: standard deviation of the Gaussian noise on y, at least 0.
        gap: where no point lies, as (low, high). OOD are evenly spaced points in it, ``gap``, and between `RANGE` and
            `EDGES`, ``beyond``.

    Raises:
        UqError: the noise is negative or not finite, or the gap is empty or not inside `RANGE`.
    """
    low, high = gap
    if not 0 <= noise < np.inf:
        raise UqError(f"The noise must be a finite number, 0 or more. Received: {noise:g}.")
    if not RANGE[0] < low < high < RANGE[1]:
        raise UqError(
            f"The gap must lie between {RANGE[0]:g} and {RANGE[1]:g}, its lower end first. "
            f"Received: from {low:g} to {high:g}."
        )
    train, validation, test = np.random.SeedSequence(seed).spawn(3)
    return Dataset(
        "sine",
        title="sine",
        noun="point",
        train=lambda: _draw(N_TRAIN, noise, gap, np.random.default_rng(train)),
        validation=lambda: _draw(N_VALIDATION, noise, gap, np.random.default_rng(validation)),
        test=lambda: _draw(N_TEST, noise, gap, np.random.default_rng(test)),
        ood={
            "gap": OodSet("gap", "point", lambda: _unlabelled(_between(low, high))),
            "beyond": OodSet("beyond the data", "point", lambda: _unlabelled(_beyond())),
        },
        class_names=(),
    )


def _beyond() -> FloatArray:
    return np.concatenate([_between(EDGES[0], RANGE[0]), _between(RANGE[1], EDGES[1])])


def _unlabelled(x: FloatArray) -> Split:
    return Split(x, np.empty(0))


def _draw(n: int, noise: float, gap: tuple[float, float], rng: np.random.Generator) -> Split:
    """``n`` points on the left of the gap, then ``n`` on its right."""
    unit = rng.random((2, n))
    left = RANGE[0] + (gap[0] - RANGE[0]) * unit[0]
    right = gap[1] + (RANGE[1] - gap[1]) * unit[1]
    x = np.concatenate([left, right]).astype(np.float32)
    y = np.sin(x, dtype=np.float64) + noise * rng.standard_normal(2 * n)
    return Split(x[:, None], y)


def _between(low: float, high: float) -> FloatArray:
    """The middles of about 0.02 wide cells from ``low`` to ``high``, ``(N, 1)``: neither end is among them."""
    n = max(1, round((high - low) / _STEP))
    return (low + (high - low) * (np.arange(n) + 0.5) / n).astype(np.float32)[:, None]
