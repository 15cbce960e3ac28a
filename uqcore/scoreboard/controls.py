"""The controls: what needs no training, no network, nothing at all. Settings are fixed beforehand."""

from __future__ import annotations

import numpy as np

from uqcore import networks
from uqcore.methods import feature_density
from uqcore.methods.feature_density import Density
from uqcore.scoreboard.figures import Figures
from uqcore.scoreboard.results import Key
from uqcore.types import Dataset, FloatArray, Posterior

N_PROTOTYPES, N_COMPONENTS, JITTER = 10_000, 64, 1e-6
_CHUNK = 500
_STREAM = 6  # Keeps a control's random numbers apart from those of the methods with the same seed.


class PixelScore:
    """A score of inputs ``(N, *input_shape)`` as they are; ``(N,)``, rising with unlikeness."""

    def __init__(self, train: FloatArray) -> None:
        self._train = _flat(train)

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.concatenate([self.score(_flat(x[i : i + _CHUNK])) for i in range(0, len(x), _CHUNK)])

    def score(self, flat: FloatArray) -> FloatArray:
        raise NotImplementedError


class Neighbour(PixelScore):
    """Distance to the nearest of some training inputs, chosen by the seed, all of length 1."""

    def __init__(self, train: FloatArray, seed: int) -> None:
        chosen = np.random.default_rng([seed, _STREAM]).permutation(len(train))[:N_PROTOTYPES]
        super().__init__(train[np.sort(chosen)])
        self._train = _of_length_one(self._train).T.astype(np.float32)

    def score(self, flat: FloatArray) -> FloatArray:
        nearest = (_of_length_one(flat).astype(np.float32) @ self._train).max(axis=1)
        return np.sqrt(np.maximum(2 - 2 * nearest, 0))


class Mahalanobis(PixelScore):
    """Mahalanobis distance from the mean; `JITTER` times the mean variance is added to the variances."""

    def __init__(self, train: FloatArray) -> None:
        from scipy.linalg import solve_triangular  # which takes longer to load than the command line

        super().__init__(train)
        self._mean = self._train.mean(axis=0)
        covariance = np.cov(self._train.T)
        covariance += (JITTER * np.trace(covariance) / len(covariance)) * np.eye(len(covariance))
        self._whiten = solve_triangular(np.linalg.cholesky(covariance), np.eye(len(covariance)), lower=True).T

    def score(self, flat: FloatArray) -> FloatArray:
        return np.linalg.norm((flat - self._mean) @ self._whiten, axis=1)


class Residual(PixelScore):
    """Length of what the first principal components leave."""

    def __init__(self, train: FloatArray) -> None:
        super().__init__(train)
        self._mean = self._train.mean(axis=0)
        self._components = np.linalg.eigh(np.cov(self._train.T))[1][:, -N_COMPONENTS:]

    def score(self, flat: FloatArray) -> FloatArray:
        away = flat - self._mean
        return np.linalg.norm(away - away @ self._components @ self._components.T, axis=1)


def pixel_score(system_id: str, dataset: Dataset, seed: int) -> PixelScore:
    """The control of that id, of training inputs alone."""
    if system_id == "pixel_neighbour":
        return Neighbour(dataset.train.x, seed)
    return (Mahalanobis if system_id == "pixel_mahalanobis" else Residual)(dataset.train.x)


def untrained(dataset: Dataset, seed: int) -> Posterior:
    """The task's network with weights as Keras draws them, and the feature density of what it makes of the data."""
    task, config = dataset.task_id, feature_density.CONFIGS[dataset.task_id]
    weights = random_weights(networks.NETWORKS[task], seed)
    fitted = feature_density.fit(task, config, dataset, seed, lambda progress: None, [weights])
    return Density(task, config, weights, fitted.arrays)


def random_weights(network: networks.Network, seed: int) -> dict[str, FloatArray]:
    """Glorot-uniform kernels and biases of 0, by the names that `uqcore.networks` reads."""
    rng = np.random.default_rng([seed, _STREAM])
    shapes, weights = networks.output_shapes(network), {}
    incoming: tuple[int, ...] = network.input_shape
    for layer in network.layers:
        if isinstance(layer, networks.Conv):
            shape = (layer.kernel_size, layer.kernel_size, incoming[-1], layer.filters)
            weights[f"{layer.name}/kernel"] = _glorot(shape, rng)
            weights[f"{layer.name}/bias"] = np.zeros(layer.filters, np.float32)
        elif isinstance(layer, networks.Dense):
            weights[f"{layer.name}/kernel"] = _glorot((incoming[-1], layer.units), rng)
            weights[f"{layer.name}/bias"] = np.zeros(layer.units, np.float32)
        incoming = shapes[layer.name]
    weights[f"{networks.HEAD}/kernel"] = _glorot((incoming[-1], network.n_classes), rng)
    weights[f"{networks.HEAD}/bias"] = np.zeros(network.n_classes, np.float32)
    return weights


def chance(dataset: Dataset) -> Figures:
    """What even probabilities and a score that knows nothing get, in closed form."""
    k, unseen = len(dataset.class_names), list(dataset.ood_sets)
    known = {Key("accuracy"): 1 / k, Key("nll"): float(np.log(k)), Key("brier"): 1 - 1 / k}
    known |= {Key("error_auroc", "score"): 0.5}
    known |= {Key("auroc", "score", name): 0.5 for name in unseen}
    known |= {Key(metric, "score", name): 0.95 for name in unseen for metric in ("fpr95", "accepted")}
    return Figures(known)


def _glorot(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    field = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _flat(x: FloatArray) -> FloatArray:
    return x.reshape(len(x), -1).astype(np.float64)


def _of_length_one(flat: FloatArray) -> FloatArray:
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
