"""The usual way to sample from a trained model: one Keras call a sample. What `uqcore.bench.serving` compares with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from uqcore.fitting import backbone, flipout, spectral
from uqcore.networks import HEAD, NETWORKS, Flatten, Network
from uqcore.types import Draws, FloatArray, ModelRecord, Weights

Sampler = Callable[[FloatArray, int], Draws]
"""``(x (N, *input_shape), n_samples) -> draws``; random masks and weights are drawn anew in every call."""


def sampler(record: ModelRecord, arrays: Sequence[Weights], compiled: bool = False) -> Sampler:
    """The sampler of a stored model; ``compiled`` wraps every Keras call in `tf.function`."""
    wrap = tf.function if compiled else _as_it_is
    return SAMPLERS[record.method](NETWORKS[record.task], arrays, record.config, wrap)


def _as_it_is(call: Any) -> Any:
    return call


def _members(network: Network, arrays: Sequence[Weights], config: Mapping[str, Any], wrap: Any) -> Sampler:
    calls = [wrap(backbone.thaw(network, weights)) for weights in arrays]
    return lambda x, n_samples: Draws(np.stack([call(x).numpy() for call in calls[:n_samples]]))


def _dropout(network: Network, arrays: Sequence[Weights], config: Mapping[str, Any], wrap: Any) -> Sampler:
    return _repeated(backbone.thaw(network, arrays[0]), wrap)


def _flipout(network: Network, arrays: Sequence[Weights], config: Mapping[str, Any], wrap: Any) -> Sampler:
    (weights,) = arrays
    layers = flipout.FlipoutLayers(prior_std=1.0, initial_std=1.0, kl_scale=0.0)
    model = backbone.build(network, layers.make_head, layers.make, dropout=False)
    for name in [*(layer.name for layer in network.layers if not isinstance(layer, Flatten)), HEAD]:
        values = []
        for part in (f"{name}/kernel", f"{name}/bias"):
            values.append(weights[f"mean/{part}"])
            if f"std/{part}" in weights:
                values.append(np.log(np.expm1(weights[f"std/{part}"])))  # the inverse of softplus
        model.get_layer(name).set_weights(values)
    return _repeated(model, wrap)


def _repeated(model: Any, wrap: Any) -> Sampler:
    call = wrap(lambda x: model(x, training=True))
    return lambda x, n_samples: Draws(np.stack([call(x).numpy() for _ in range(n_samples)]))


def _gaussian_process(network: Network, arrays: Sequence[Weights], config: Mapping[str, Any], wrap: Any) -> Sampler:
    """The official layer with its full covariance; samples are drawn from each example's own Gaussian."""
    (weights,) = arrays
    features = backbone.thaw_features(network.up_to(config["features"]) if config["features"] else network, weights)
    process = spectral.thaw_gaussian_process(dict(weights), config["ridge"])
    call = wrap(lambda x: process(features(x), training=False))
    rng = np.random.default_rng()

    def sample(x: FloatArray, n_samples: int) -> Draws:
        mean, covariance = (output.numpy() for output in call(x))
        variance = np.diag(covariance)
        noise = rng.standard_normal((n_samples, *mean.shape), dtype=np.float32)
        return Draws(mean + np.sqrt(variance)[:, None] * noise, mean, variance, config["mean_field_factor"])

    return sample


SAMPLERS = {
    "deterministic": _members,
    "deep_ensemble": _members,
    "mc_dropout": _dropout,
    "sngp": _gaussian_process,
    "svi_flipout": _flipout,
}
