"""SNGP: spectral-normalised layers below a random-feature Gaussian process (Liu et al. 2020, arXiv 2006.10108).

Sample s is one draw of the output weights, ``beta_s ~ N(beta, ridge * precision^-1)``, over the random features
``phi(x) = sqrt(2 / D) cos(W h(x) / sqrt(kernel_scale) + b)``. The closed form beside it is exact: mean ``phi beta``,
variance ``ridge * phi^T precision^-1 phi``, the same for every class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import solve_triangular

from uqcore import networks
from uqcore.methods.base import Method, TrainingConfig, require
from uqcore.types import ClosedForm, Dataset, Fitted, FloatArray, Report, Weights

_STREAM = 2  # Keeps the draws of beta apart from the random numbers of other methods with the same seed.
_CACHED_SAMPLES = 1024
_CHUNK_EXAMPLES = 4096


@dataclass(frozen=True)
class Config(TrainingConfig):
    """A network's settings and the Gaussian process's.

    Attributes:
        spec_norm_bound: the largest spectral norm that a layer may have.
        dropout: whether the network's dropout acts in training.
        n_random_features: D, the number of random features.
        kernel_scale: the squared length scale of the RBF kernel over the hidden features.
        scale_features: the factor sqrt(2 / D) of phi; without it (phi = cos) the output weights learn faster.
        ridge: the prior precision of the output weights.
        mean_field_factor: how strongly the variance flattens the predictive probabilities; pi / 8 for a probit.
    """

    spec_norm_bound: float = 0.9
    dropout: bool = True
    n_random_features: int = 1024
    kernel_scale: float = 1.0
    scale_features: bool = True
    ridge: float = 1.0
    mean_field_factor: float = np.pi / 8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.spec_norm_bound > 0, "spec_norm_bound", "above 0", self.spec_norm_bound)
        require(self.n_random_features >= 1, "n_random_features", "at least 1", self.n_random_features)
        require(self.kernel_scale > 0, "kernel_scale", "above 0", self.kernel_scale)
        require(self.ridge > 0, "ridge", "above 0", self.ridge)
        require(self.mean_field_factor >= 0, "mean_field_factor", "at least 0", self.mean_field_factor)


CONFIGS = {
    "moons": Config(),
    "digits": Config(
        epochs=20,
        learning_rate=2e-3,
        schedule="cosine",
        weight_decay=1e-3,
        augment=True,
        spec_norm_bound=6.0,
        scale_features=False,
    ),
}


def fit(task: str, config: Config, dataset: Dataset, seed: int, report: Report) -> Fitted:
    """Trains with the layers of tf-models-official; the precision is accumulated once, at the end.

    Training is a projection: the official layers leave the bounded kernel in place of the trained one, every step.
    """
    from uqcore.fitting import backbone, loop, spectral

    loop.seed_everything(seed)
    network = networks.NETWORKS[task]
    layers = spectral.BoundedLayers(config.spec_norm_bound)
    gaussian_process = spectral.gaussian_process(
        network.n_classes, config.n_random_features, config.kernel_scale, config.scale_features
    )
    model = backbone.build(
        network, lambda n_classes: spectral.first_output(gaussian_process), layers.make, config.dropout
    )
    metrics = loop.fit_classifier(model, dataset, config, seed, report)
    arrays = layers.freeze(network, model) | spectral.freeze_gaussian_process(gaussian_process, config.kernel_scale)
    arrays["gp/cholesky"] = _cholesky(networks.NETWORKS[task], arrays, config.ridge, dataset.train.x)
    # The precision was left out of the trained model; Keras counts it where the official layer holds it.
    n_parameters = model.count_params() + config.n_random_features**2
    return Fitted(arrays, n_parameters, backbone.n_trainable(model), metrics)


def _cholesky(network: networks.Network, arrays: Weights, ridge: float, x: FloatArray) -> FloatArray:
    """Lower Cholesky factor of ``ridge I + sum phi phi^T`` (the official layer's Gaussian likelihood)."""
    process = _RandomFeatures(network, arrays)
    precision = ridge * np.eye(len(arrays["gp/beta"]))
    for i in range(0, len(x), _CHUNK_EXAMPLES):
        phi = process.features(x[i : i + _CHUNK_EXAMPLES]).astype(np.float64)
        precision += phi.T @ phi
    return np.linalg.cholesky(precision).astype(np.float32)


class _RandomFeatures:
    """``x -> phi(x)``, the random features of the hidden layer."""

    def __init__(self, network: networks.Network, arrays: Weights) -> None:
        self._network = network
        self._weights = {name: array[None] for name, array in arrays.items() if not name.startswith("gp/")}
        self._projection, self._phase = arrays["gp/projection"], arrays["gp/phase"]
        self._scale = arrays["gp/scale"]

    def features(self, x: FloatArray) -> FloatArray:
        """``(N, D)`` random features at ``x (N, *input_shape)``."""
        hidden = networks.features(self._network.layers, self._weights, x[None])[0]
        phi = hidden @ self._projection
        phi += self._phase
        np.cos(phi, out=phi)
        phi *= self._scale
        return phi


class GaussianProcess:
    """The trained features with the posterior of the output weights over them."""

    n_samples: None = None

    def __init__(self, network: networks.Network, arrays: Weights, config: Config, seed: int) -> None:
        self.mean_field_factor = config.mean_field_factor
        self._random_features = _RandomFeatures(network, arrays)
        self._beta, self._bias = arrays["gp/beta"], arrays["gp/bias"]
        cholesky = arrays["gp/cholesky"].astype(np.float64)
        inverse = solve_triangular(cholesky, np.eye(len(cholesky)), lower=True) * np.sqrt(config.ridge)
        # With L the factor of the precision: cov = ridge L^-T L^-1, so L^-T eps has that covariance up to the ridge
        # and the variance is the squared length of L^-1 phi. Column-major, so that products read it in order.
        self._factor = np.ascontiguousarray(inverse.T, dtype=np.float32)
        self._seed = seed
        self._beta_sample = lru_cache(maxsize=_CACHED_SAMPLES)(self._draw_beta)

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        if not samples:
            return np.empty((0, len(x), len(self._bias)), np.float32)
        betas = np.concatenate([self._beta_sample(sample) for sample in samples], axis=1)
        flat = self._random_features.features(x) @ betas
        return np.ascontiguousarray(flat.reshape(len(x), len(samples), -1).transpose(1, 0, 2)) + self._bias

    def closed_form(self, x: FloatArray) -> ClosedForm:
        phi = self._random_features.features(x)
        white = phi @ self._factor
        return ClosedForm(phi @ self._beta + self._bias, np.einsum("nd,nd->n", white, white))

    def _draw_beta(self, sample: int) -> FloatArray:
        rng = np.random.default_rng([self._seed, _STREAM, sample])
        return self._beta + self._factor @ rng.standard_normal(self._beta.shape, dtype=np.float32)


def load(task: str, config: Config, seed: int, arrays: Sequence[Weights]) -> GaussianProcess:
    return GaussianProcess(networks.NETWORKS[task], arrays[0], config, seed)


METHOD = Method(
    method_id="sngp",
    label="SNGP",
    summary="A distance-preserving network under a Gaussian process. A sample is one draw of the output weights.",
    configs=CONFIGS,
    fit=fit,
    load=load,
    own_measure="logit_variance",
)
