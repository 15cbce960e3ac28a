"""Entropy and distance together: high where the network doubts its answer, or the input is unlike the training data.

Entropy finds a network's own errors, the density of its features (`feature_density`) what it was never taught; neither
does both. Each becomes the share of validation inputs that have more of it, and the score is the sum of minus the
logarithms of the two shares (Fisher 1925): both count alike, whatever their units. Only validation inputs take part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqcore.methods import feature_density
from uqcore.methods.base import Method, Part, Shapes
from uqcore.methods.feature_density import Density
from uqcore.methods.on_features import OnNetwork, Seen, see
from uqcore.types import Dataset, Fitted, FloatArray, Progress, Report, Weights, softmax

_TAIL = 0.05
_TINY = 1e-30


@dataclass(frozen=True)
class Config(feature_density.Config):
    """The density's settings; there are none beside them."""


CONFIGS = {task: Config(**vars(config)) for task, config in feature_density.CONFIGS.items()}


def parts(config: Config, seed: int) -> tuple[Part, ...]:
    """The density of that seed, whose arrays are the network's and its own."""
    return (Part("feature_density", seed, feature_density.Config(**vars(config))),)


def fit(task: str, config: Config, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]) -> Fitted:
    network, density = parts
    seen = see(task, network, dataset.validation.x)
    scores = np.stack([entropy(seen), Density(task, config, network, density).score_of(seen)])
    report(Progress(1, 1, {}))
    return Fitted({"calibration": np.sort(scores, axis=1).astype(np.float32)}, scores.size, 0, {})


def entropy(seen: Seen) -> NDArray[np.float64]:
    """Of the network's probabilities, ``(N,)`` in nats."""
    probs = softmax(seen.logits.astype(np.float64))
    return -(probs * np.log(np.maximum(probs, _TINY))).sum(axis=1)


def surprise(scores: FloatArray, calibration: FloatArray) -> NDArray[np.float64]:
    """Minus the logarithm of the share of ``calibration (M,)``, ascending, that is above each of ``scores (N,)``.

    Interpolated between its values. Above the one that 5 % exceed, where the shares run out, as if the excess were
    exponential with the mean that it has there: what lies far beyond all of them still differs.
    """
    m = len(calibration)
    shares = 1 - (np.arange(m) + 0.5) / m
    start = float(np.quantile(calibration, 1 - _TAIL))
    excess = max(
        float((calibration[calibration > start] - start).mean()) if (calibration > start).any() else 0.0, _TINY
    )
    body = -np.log(np.interp(np.minimum(scores, start), calibration, shares))
    return body + np.maximum(scores.astype(np.float64) - start, 0) / excess


class Both(OnNetwork):
    """The network's predictions, and the surprise of entropy and distance as their score."""

    def __init__(self, task: str, config: Config, network: Weights, density: Weights, calibration: FloatArray) -> None:
        super().__init__(task, network)
        self._density = Density(task, config, network, density)
        self._calibration = calibration

    def score_of(self, seen: Seen) -> FloatArray:
        of_entropy, of_distance = self._calibration
        doubt, oddity = surprise(entropy(seen), of_entropy), surprise(self._density.score_of(seen), of_distance)
        return (doubt + oddity).astype(np.float32)


def shapes(task: str, config: Config) -> Shapes:
    return {"calibration": (2, None)}


def load(task: str, config: Config, seed: int, arrays: Sequence[Weights]) -> Both:
    network, density, own = arrays
    return Both(task, config, network, density, own["calibration"])


METHOD = Method(
    method_id="entropy_and_distance",
    label="Entropy and distance",
    summary="The deterministic network; its entropy and the density of its features, calibrated and added.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    load=load,
    parts=parts,
    own_measure="score",
    on_pages=False,
)
