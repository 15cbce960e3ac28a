"""Training of both networks of TensorFlow's SNGP tutorial, as its notebook does it: with one optimizer object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tf_keras as keras

from uqcore.fitting import spectral
from uqcore.fitting.backbone import build, dense_head, n_trainable
from uqcore.fitting.loop import seed_everything
from uqcore.methods.sngp import Config
from uqcore.networks import NETWORKS
from uqcore.types import Fitted, FloatArray, Progress, Report, Split


def fit(config: Config, train: Split, seed: int, report: Report) -> Fitted:
    """Trains the deterministic network and then SNGP with the same Adam, whose step count goes on.

    So Adam's bias correction is over when SNGP starts, while its moving averages of SNGP's gradients start at zero:
    the mean of squares is too small at first, and the steps are several times too long. Only the optimizers until
    Keras 2.10 may be handed on like this.

    What it leaves is ``<network>/loss`` and ``<network>/accuracy`` after every epoch, ``(epochs,)`` each, and the
    numbers of parameters of both networks together.
    """
    seed_everything(seed)
    optimizer = keras.optimizers.legacy.Adam(config.learning_rate)
    figures: dict[str, FloatArray] = {}
    n_parameters, trainable = config.n_random_features**2, 0  # SNGP's precision matrix, which is left out of training
    for i, (name, make) in enumerate((("deterministic", _deterministic), ("sngp", _sngp))):
        model = make(config)
        model.compile(
            optimizer=optimizer,
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
        history = model.fit(
            train.x,
            train.y,
            batch_size=config.batch_size,
            epochs=config.epochs,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=_reporter(report, i * config.epochs, config))],
            verbose=0,
        ).history
        figures |= {f"{name}/{kind}": np.array(values, np.float32) for kind, values in history.items()}
        n_parameters, trainable = n_parameters + model.count_params(), trainable + n_trainable(model)
    return Fitted(figures, n_parameters, trainable, {name: float(values[-1]) for name, values in figures.items()})


def _deterministic(config: Config) -> Any:
    return build(NETWORKS["moons"], dense_head)


def _sngp(config: Config) -> Any:
    process = spectral.gaussian_process(2, config.n_random_features, config.kernel_scale, config.scale_features)
    layers = spectral.BoundedLayers(config.spec_norm_bound)
    return build(NETWORKS["moons"], lambda n_classes: spectral.first_output(process), layers.make)


def _reporter(report: Report, before: int, config: Config) -> Callable[[int, dict[str, float]], None]:
    return lambda epoch, logs: report(Progress(before + epoch + 1, 2 * config.epochs, dict(logs)))
