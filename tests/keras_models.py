"""Models of Keras 3 and tf_keras for the tests of `uqcore.keras_dropout`: made alike in both libraries."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from uqcore.types import FloatArray


def library(name: str) -> Any:
    """Keras 3 or tf_keras; the test is skipped where there is no TensorFlow."""
    pytest.importorskip("tensorflow")
    return import_module(name)


def linear(keras: Any, *dropout: Any, weights: FloatArray, after: tuple[Any, ...] = ()) -> Any:
    """``dropout`` on the inputs, then the sum of all units weighted with ``weights``, which has the inputs' shape."""
    head = keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input(weights.shape), *dropout, keras.layers.Flatten(), head, *after])
    head.set_weights([weights.reshape(-1, 1)])
    return model


def classifier(keras: Any, rate: float = 0.5) -> Any:
    """A little convolutional network with all that has another mode in training, and dropout of three kinds."""
    layers = keras.layers
    block = keras.Sequential([keras.Input((8,)), layers.BatchNormalization(), layers.AlphaDropout(rate)])
    inputs = keras.Input((6, 6, 1))
    hidden = layers.SpatialDropout2D(rate)(layers.Conv2D(4, 3, activation="relu")(inputs))
    hidden = layers.Dense(8, activation="relu")(layers.Flatten()(layers.GaussianDropout(rate)(hidden)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Dropout(rate)(block(hidden))))
    rng = np.random.default_rng(0)
    model.set_weights([abs(rng.normal(0.3, 0.3, weight.shape)) for weight in weight_arrays(model)])
    return model


def weight_arrays(model: Any) -> list[FloatArray]:
    """The weights in an order that both libraries share, without the states of Keras 3's random numbers."""
    return list(model.get_weights())


def seed_states(model: Any) -> list[FloatArray]:
    """The states of Keras 3's random numbers; tf_keras keeps none among its variables."""
    return [np.asarray(v) for v in getattr(model, "non_trainable_variables", []) if "seed" in v.name]


def images(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(n, 6, 6, 1)).astype(np.float32)
