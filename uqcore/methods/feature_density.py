"""Feature density: a Gaussian per class over what the layers of a trained network make of the training data.

The network is the deterministic one; nothing of it is trained again. The prediction is the network's; the score is how
improbable its features are: ``log(sum_k pi_k N(mu_k; mu_k, S_k)) - log(sum_k pi_k N(x; mu_k, S_k))``, 0 or more.

One covariance for all classes: Lee et al. 2018, arXiv 1807.03888 (for one class the score is half the squared
Mahalanobis distance). One for each class, and the sum over them: Mukhoti et al. 2021, arXiv 2102.11582.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uqcore.methods import deterministic
from uqcore.methods.base import Limits, Method, Range, Shapes, require
from uqcore.methods.on_features import FeatureConfig, ScoredNetwork, features_of, n_features_of
from uqcore.networks import NETWORKS
from uqcore.types import Dataset, Fitted, FloatArray, Progress, Report, Weights


@dataclass(frozen=True)
class Config(FeatureConfig):
    """The features' settings and the density's.

    Attributes:
        covariance: ``shared`` by all classes or each its ``own``.
        ridge: added to the variances, as a multiple of their mean.
    """

    LIMITS: ClassVar[Limits] = {**FeatureConfig.LIMITS, "covariance": ("shared", "own"), "ridge": Range(1e-9, 100)}
    covariance: str = "shared"
    ridge: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.covariance in ("shared", "own"), "covariance", "shared or own", self.covariance)
        require(self.ridge > 0, "ridge", "above 0", self.ridge)


# Chosen on validation data, with stand-ins for OOD inputs made of these: digits cut into shuffled quarters, the
# coordinates of moons shuffled among points. AUROC there: digits, all layers 0.975, the last 0.968, own covariances
# 0.970, without unit length 0.965; moons 0.80 for either covariance.
CONFIGS = {
    "moons": Config(**asdict(deterministic.CONFIGS["moons"]), layers="last", unit_length=False, covariance="own"),
    **{task: Config(**asdict(deterministic.CONFIGS[task])) for task in ("digits", "fashion", "digits_0_4")},
}


def fit(task: str, config: Config, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]) -> Fitted:
    from scipy.linalg import solve_triangular  # which takes longer to load than a page

    (weights,) = parts
    features = features_of(task, config, weights).of(dataset.train.x).astype(np.float64)
    labels = dataset.train.y
    classes = range(len(dataset.class_names))
    means = np.stack([features[labels == k].mean(axis=0) for k in classes])
    priors = np.bincount(labels, minlength=len(classes)) / len(labels)
    covariances = np.stack([np.cov(features[labels == k].T, bias=True) for k in classes])
    pooled = np.einsum("k,kij->ij", priors, covariances)
    ridge = config.ridge * np.trace(pooled) / len(pooled) * np.eye(len(pooled))
    chosen = (pooled[None] if config.covariance == "shared" else covariances) + ridge
    # With L the factor of a covariance, (x - mu) L^-T has unit covariance.
    whiten = np.stack([solve_triangular(np.linalg.cholesky(c), np.eye(len(c)), lower=True).T for c in chosen])
    arrays = {"density/means": means, "density/whiten": whiten, "density/priors": priors}
    report(Progress(1, 1, {}))
    n_parameters = means.size + len(chosen) * len(pooled) * (len(pooled) + 1) // 2 + len(priors)
    return Fitted({name: array.astype(np.float32) for name, array in arrays.items()}, n_parameters, 0, {})


class Density(ScoredNetwork):
    """A network's predictions, and the density of its features as their score."""

    def __init__(self, task: str, config: Config, network: Weights, arrays: Weights) -> None:
        super().__init__(task, config, network)
        self._whiten = arrays["density/whiten"].astype(np.float64)
        means = arrays["density/means"].astype(np.float64)
        self._centres = np.stack([mean @ self._factor(k) for k, mean in enumerate(means)])
        log_dets = np.log(np.diagonal(self._whiten, axis1=1, axis2=2)).sum(axis=1)  # of L^-1
        self._log_peaks = np.log(arrays["density/priors"].astype(np.float64)) + log_dets
        for array in (self._whiten, self._centres, self._log_peaks):
            array.flags.writeable = False

    def distance(self, features: FloatArray) -> FloatArray:
        wide = features.astype(np.float64)
        shared = wide @ self._whiten[0] if len(self._whiten) == 1 else None
        logs = np.empty((len(self._centres), len(wide)))
        for k, centre in enumerate(self._centres):
            away = (wide @ self._factor(k) if shared is None else shared) - centre
            logs[k] = self._log_peaks[k] - np.einsum("nd,nd->n", away, away) / 2
        improbable = np.logaddexp.reduce(self._log_peaks) - np.logaddexp.reduce(logs)
        return np.maximum(improbable, 0).astype(np.float32)

    def _factor(self, k: int) -> NDArray[np.float64]:
        return self._whiten[k if len(self._whiten) > 1 else 0]


def shapes(task: str, config: Config) -> Shapes:
    n_classes, n_features = NETWORKS[task].n_classes, n_features_of(task, config)
    n_covariances = 1 if config.covariance == "shared" else n_classes
    return {
        "density/means": (n_classes, n_features),
        "density/whiten": (n_covariances, n_features, n_features),
        "density/priors": (n_classes,),
    }


def load(task: str, config: Config, seed: int, arrays: Sequence[Weights]) -> Density:
    network, density = arrays
    return Density(task, config, network, density)


METHOD = Method(
    method_id="feature_density",
    label="Feature density",
    summary="The deterministic network, and how improbable what its layers see would be among the training data.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    load=load,
    parts=deterministic.part,
    own_measure="score",
    on_network=True,
)
