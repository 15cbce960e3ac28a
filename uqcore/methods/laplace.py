"""Last-layer Laplace approximation: a Gaussian over the head's weights about the trained ones, its precision the full
generalised Gauss-Newton matrix of the training data (Daxberger et al. 2021, arXiv 2106.14806).

The prediction is the probit approximation in closed form: each logit divided by ``sqrt(1 + pi / 8 variance)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from uqcore.methods import deterministic
from uqcore.methods.base import Method, Shapes, TrainingConfig
from uqcore.methods.on_features import OnNetwork, Seen, see
from uqcore.networks import HEAD, NETWORKS, weight_shapes
from uqcore.types import Dataset, Fitted, FloatArray, Progress, Report, Weights, softmax

_PRECISIONS = np.geomspace(0.01, 10_000, 13)  # of the prior, four a factor of 100
_CHUNK = 4096

CONFIGS = {task: config for task, config in deterministic.CONFIGS.items() if task != "sine"}


def fit(
    task: str, config: TrainingConfig, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]
) -> Fitted:
    """The prior's precision is the one of thirteen with the best validation NLL."""
    (network,) = parts
    train, validation = see(task, network, dataset.train.x), see(task, network, dataset.validation.x)
    eigenvalues, vectors = np.linalg.eigh(gauss_newton(_with_bias(train), softmax(train.logits.astype(np.float64))))
    n_classes = train.logits.shape[1]

    def blocks(precision: float) -> NDArray[np.float64]:
        """The covariance of each class's own weights, ``(K, D, D)``."""
        scaled = vectors / np.sqrt(np.maximum(eigenvalues, 0) + precision)
        of_class = scaled.reshape(n_classes, -1, len(eigenvalues))
        return of_class @ of_class.transpose(0, 2, 1)

    def nll(covariances: NDArray[np.float64]) -> float:
        probs = softmax(flattened(validation, covariances))
        return float(-np.log(probs[np.arange(len(validation.logits)), dataset.validation.y] + 1e-30).mean())

    best = min((blocks(precision) for precision in _PRECISIONS), key=nll)
    report(Progress(1, 1, {}))
    return Fitted({"laplace/covariances": best.astype(np.float32)}, best.size, 0, {})


def gauss_newton(phi: FloatArray, probs: FloatArray) -> NDArray[np.float64]:
    """``sum_n (diag(p_n) - p_n p_n^T) (x) phi_n phi_n^T``, ``(K D, K D)``, classes first: phi (N, D), probs (N, K)."""
    n_classes, width = probs.shape[1], phi.shape[1]
    matrix = np.zeros((n_classes, width, n_classes, width))
    for i in range(0, len(phi), _CHUNK):
        part, p = phi[i : i + _CHUNK].astype(np.float64), probs[i : i + _CHUNK]
        for k in range(n_classes):
            for other in range(k + 1):
                weight = p[:, k] * ((k == other) - p[:, other])
                matrix[k, :, other] += (part * weight[:, None]).T @ part
    for k in range(n_classes):
        for other in range(k):
            matrix[other, :, k] = matrix[k, :, other].T
    return matrix.reshape(n_classes * width, -1)


def flattened(seen: Seen, covariances: FloatArray) -> FloatArray:
    """The logits, each divided by ``sqrt(1 + pi / 8 variance)``."""
    phi = _with_bias(seen)
    variance = np.stack([np.einsum("nd,nd->n", phi @ block, phi) for block in covariances], axis=1)
    return (seen.logits / np.sqrt(1 + np.pi / 8 * np.maximum(variance, 0))).astype(np.float32)


def _with_bias(seen: Seen) -> FloatArray:
    return np.append(seen.layers[-1], np.ones((len(seen.logits), 1), np.float32), axis=1)


class LastLayer(OnNetwork):
    """The network's logits, flattened where the head's weights leave them open."""

    def __init__(self, task: str, network: Weights, covariances: FloatArray) -> None:
        super().__init__(task, network)
        self._covariances = covariances

    def logits_of(self, seen: Seen) -> FloatArray:
        return flattened(seen, self._covariances)


def shapes(task: str, config: TrainingConfig) -> Shapes:
    n_inputs, n_classes = weight_shapes(NETWORKS[task])[f"{HEAD}/kernel"]
    return {"laplace/covariances": (n_classes, n_inputs + 1, n_inputs + 1)}


def load(task: str, config: TrainingConfig, seed: int, arrays: Sequence[Weights]) -> LastLayer:
    network, own = arrays
    return LastLayer(task, network, own["laplace/covariances"])


METHOD = Method(
    method_id="laplace",
    label="Last-layer Laplace",
    summary="The deterministic network with a Gaussian over its last layer's weights.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    load=load,
    parts=deterministic.part,
    on_network=True,
    on_pages=False,
)
