"""Entropy and distance together: high where the network doubts its answer, or the input is unlike the training data.

Entropy finds a network's own errors, the density of its features (`feature_density`) what it was never taught; neither
does both. Each becomes the share of validation inputs that have more of it, and the score is minus the logarithm of the
smaller share: an input is as odd as the odder of its two sides, whatever their units. Only validation inputs take part.

The rule and its tail were chosen on validation inputs, with their errors and, for what is unseen, the same inputs cut
into shuffled quarters: AUROC of errors / of quarters, five networks, digits_0_4 and digits: the smaller share
.991 / .996 and .976 / .998, the sum of both logarithms (Fisher 1925) .989 / .994 and .972 / .997; a tail of 10 %
before one of 5 % (.990 / .996 and .976 / .998) and 2 %. On fashion the rules differ by less than .003.
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

_TAIL = 0.1
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
    probs = softmax(seen.logits.astype(np.float64))
    scores = np.stack([entropy(probs), Density(task, config, network, density).score_of(seen)])
    report(Progress(1, 1, {}))
    return Fitted({"calibration": np.sort(scores, axis=1).astype(np.float32)}, scores.size, 0, {})


def entropy(probs: FloatArray) -> NDArray[np.float64]:
    """Of probabilities ``(N, K)``: ``(N,)`` in nats."""
    return -(probs * np.log(np.maximum(probs, _TINY))).sum(axis=1)


def surprise(scores: FloatArray, calibration: FloatArray) -> NDArray[np.float64]:
    """Minus the logarithm of the share of ``calibration (M,)``, ascending, that is above each of ``scores (N,)``.

    Interpolated between its values. Above the one that 10 % exceed, where the shares run out, by a generalised Pareto
    distribution of the excesses: what lies far beyond all of them still differs.
    """
    m = len(calibration)
    shares = 1 - (np.arange(m) + 0.5) / m
    start = float(np.quantile(calibration, 1 - _TAIL))
    mean, shape = _tail(calibration[calibration > start] - start)
    body = -np.log(np.interp(np.minimum(scores, start), calibration, shares))
    beyond = np.maximum(scores.astype(np.float64) - start, 0) / (mean * (1 - shape))
    return body + (np.log1p(shape * beyond) / shape if shape > 0 else beyond)


def _tail(excesses: FloatArray) -> tuple[float, float]:
    """Mean, and shape by probability-weighted moments (Hosking & Wallis 1987), of excesses in ascending order.

    The shape is 0, an exponential, where it would be less: then some score would be the largest there can be.
    """
    n = len(excesses)
    mean = max(float(excesses.mean()), _TINY) if n else _TINY
    if n < 2:
        return mean, 0.0
    weighted = float((excesses * np.arange(n - 1, -1, -1)).mean() / (n - 1))
    return mean, float(np.clip(2 - mean / max(mean - 2 * weighted, _TINY), 0, 0.9))


def odder(of_entropy: FloatArray, of_distance: FloatArray) -> NDArray[np.float64]:
    """The score of N inputs by the `surprise` of both."""
    return np.maximum(of_entropy, of_distance)


class Both(OnNetwork):
    """The network's predictions, and the greater surprise of entropy and distance as their score."""

    def __init__(self, task: str, config: Config, network: Weights, density: Weights, calibration: FloatArray) -> None:
        super().__init__(task, network)
        self._density = Density(task, config, network, density)
        self._calibration = calibration

    def score_of(self, seen: Seen) -> FloatArray:
        of_entropy, of_distance = self._calibration
        doubt = surprise(entropy(softmax(seen.logits.astype(np.float64))), of_entropy)
        return odder(doubt, surprise(self._density.score_of(seen), of_distance)).astype(np.float32)


def shapes(task: str, config: Config) -> Shapes:
    return {"calibration": (2, None)}


def load(task: str, config: Config, seed: int, arrays: Sequence[Weights]) -> Both:
    network, density, own = arrays
    return Both(task, config, network, density, own["calibration"])


METHOD = Method(
    method_id="entropy_and_distance",
    label="Entropy and distance",
    summary="The deterministic network; of its entropy and the density of its features, the odder by validation.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    load=load,
    parts=parts,
    own_measure="score",
    on_network=True,
    on_pages=False,
)
