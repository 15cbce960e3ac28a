"""SNGP's training layers, from tf-models-official, and what they leave."""

from __future__ import annotations

from typing import Any

import numpy as np
from official.nlp.modeling import layers as official

from uqcore.fitting.backbone import plain_layer
from uqcore.networks import Conv, Dense, Flatten, Network
from uqcore.types import FloatArray

# One power iteration a step tracks the norm while training; the last one runs until it stands still.
_FINAL_ITERATIONS = 100


class BoundedLayers:
    """Makes spectral-normalised layers and, after training, folds the normalisation into their kernels."""

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self._wrappers: dict[str, Any] = {}

    def make(self, layer: Dense | Conv) -> Any:
        if isinstance(layer, Dense) and not layer.trainable:
            return plain_layer(layer)
        wrap = official.SpectralNormalizationConv2D if isinstance(layer, Conv) else official.SpectralNormalization
        self._wrappers[layer.name] = wrap(plain_layer(layer), norm_multiplier=self._bound, name=f"{layer.name}_bounded")
        return self._wrappers[layer.name]

    def freeze(self, network: Network, model: Any) -> dict[str, FloatArray]:
        """Kernels, within the bound, and biases."""
        arrays: dict[str, FloatArray] = {}
        for layer in network.layers:
            if isinstance(layer, Flatten):
                continue
            wrapper = self._wrappers.get(layer.name)
            if wrapper is not None:
                wrapper.iteration = _FINAL_ITERATIONS
                wrapper.update_weights()
            kernel, bias = (wrapper.layer if wrapper is not None else model.get_layer(layer.name)).get_weights()
            arrays |= {f"{layer.name}/kernel": kernel, f"{layer.name}/bias": bias}
        return arrays


def gaussian_process(n_classes: int, n_random_features: int, kernel_scale: float, scale_features: bool) -> Any:
    """The official layer without its precision, which is accumulated after training."""
    return official.RandomFeatureGaussianProcess(
        n_classes,
        num_inducing=n_random_features,
        gp_kernel_scale=kernel_scale,
        scale_random_features=scale_features,
        return_gp_cov=False,
    )


def first_output(layer: Any) -> Any:
    """The layer as a function to its logits: without covariance it returns a list of one."""
    return lambda hidden: layer(hidden)[0]


def freeze_gaussian_process(layer: Any, kernel_scale: float) -> dict[str, FloatArray]:
    """Random features (length scale multiplied in), output weights and bias."""
    projection, phase = layer._random_feature.get_weights()
    return {
        "gp/projection": projection / kernel_scale**0.5,
        "gp/phase": phase,
        "gp/scale": layer.gp_feature_scale.numpy() if layer.scale_random_features else np.float32(1),
        "gp/beta": layer._gp_output_layer.get_weights()[0],
        "gp/bias": layer._gp_output_bias.numpy(),
    }


def thaw_gaussian_process(arrays: dict[str, FloatArray], ridge: float) -> Any:
    """The official layer with frozen arrays, covariance included: the judge of the NumPy side."""
    n_random_features, n_classes = arrays["gp/beta"].shape
    layer = official.RandomFeatureGaussianProcess(
        n_classes,
        num_inducing=n_random_features,
        scale_random_features=arrays["gp/scale"] != 1,
        gp_cov_momentum=-1,
        gp_cov_ridge_penalty=ridge,
    )
    layer.build((None, len(arrays["gp/projection"])))
    layer._random_feature.set_weights([arrays["gp/projection"], arrays["gp/phase"]])
    layer._gp_output_layer.set_weights([arrays["gp/beta"]])
    layer._gp_output_bias.assign(arrays["gp/bias"])
    layer._gp_cov_layer.precision_matrix.assign(arrays["gp/cholesky"] @ arrays["gp/cholesky"].T)
    return layer
