"""Deep nearest neighbours: how far an input lies from the training data in what a trained network's layers make of it.

The network is the deterministic one; nothing of it is trained again. The prediction is the network's; the score is the
distance to the k-th nearest of some training examples, the prototypes (Sun et al. 2022, arXiv 2204.06507).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from uqcore.methods import deterministic
from uqcore.methods.base import Limits, Method, Range, Shapes, require
from uqcore.methods.on_features import FeatureConfig, ScoredNetwork, features_of, n_features_of
from uqcore.types import Dataset, Fitted, FloatArray, Progress, Report, Weights

_STREAM = 5  # Keeps the choice of prototypes apart from the random numbers of other methods with the same seed.


@dataclass(frozen=True)
class Config(FeatureConfig):
    """The features' settings and the neighbours'.

    Attributes:
        n_prototypes: how many training examples are kept, chosen at random.
        k: which of the nearest counts, 1 being the nearest.
    """

    LIMITS: ClassVar[Limits] = {**FeatureConfig.LIMITS, "n_prototypes": Range(1, 10_000), "k": Range(1, 1000)}
    n_prototypes: int = 3000
    k: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.n_prototypes >= 1, "n_prototypes", "at least 1", self.n_prototypes)
        require(1 <= self.k <= self.n_prototypes, "k", f"from 1 to n_prototypes={self.n_prototypes}", self.k)


# Chosen as for `feature_density`, on the same stand-ins. AUROC there: digits, k = 1 0.970, k = 5 0.966, the last layer
# alone 0.967, without unit length 0.937; moons 0.80 for k from 1 to 20, where a larger k makes smoother surfaces.
CONFIGS = {
    "moons": Config(
        **asdict(deterministic.CONFIGS["moons"]), layers="last", unit_length=False, n_prototypes=1000, k=20
    ),
    **{task: Config(**asdict(deterministic.CONFIGS[task])) for task in ("digits", "fashion", "digits_0_4")},
}


def fit(task: str, config: Config, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]) -> Fitted:
    order = np.random.default_rng([seed, _STREAM]).permutation(len(dataset.train))
    chosen = np.sort(order[: config.n_prototypes])
    prototypes = features_of(task, config, parts[0]).of(dataset.train.x[chosen]).astype(np.float16)
    report(Progress(1, 1, {}))
    return Fitted({"neighbours/prototypes": prototypes}, prototypes.size, 0, {})


class Neighbours(ScoredNetwork):
    """A network's predictions, and the distance of its features from the prototypes as their score."""

    def __init__(self, task: str, config: Config, network: Weights, prototypes: FloatArray) -> None:
        super().__init__(task, config, network)
        self._k = min(config.k, len(prototypes))
        wide = prototypes.astype(np.float64)
        # About their mean, the squares that are subtracted below are small and lose few digits.
        self._mean = wide.mean(axis=0)
        self._prototypes = np.ascontiguousarray((wide - self._mean).T, np.float32)
        self._squares = np.square(self._prototypes).sum(axis=0)
        for array in (self._mean, self._prototypes, self._squares):
            array.flags.writeable = False

    def distance(self, features: FloatArray) -> FloatArray:
        features = (features - self._mean).astype(np.float32)
        squared = features @ self._prototypes
        squared *= -2
        squared += self._squares
        kth = np.partition(squared, self._k - 1, axis=1)[:, self._k - 1]
        return np.sqrt(np.maximum(kth + np.square(features).sum(axis=1), 0))


def shapes(task: str, config: Config) -> Shapes:
    return {"neighbours/prototypes": (None, n_features_of(task, config))}


def load(task: str, config: Config, seed: int, arrays: Sequence[Weights]) -> Neighbours:
    network, own = arrays
    return Neighbours(task, config, network, own["neighbours/prototypes"])


METHOD = Method(
    method_id="nearest_neighbours",
    label="Nearest neighbours",
    summary="The deterministic network, and how far from any training example what its layers see lies.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    load=load,
    parts=deterministic.part,
    own_measure="score",
    on_network=True,
)
