"""Training of the MNIST article's network, with RMSprop as Keras had it and as it has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tf_keras as keras

from uqcore.fitting.loop import seed_everything
from uqcore.types import Fitted, FloatArray, Progress, Report, Split

_PREDICT_BATCH = 1000


def build() -> Any:
    """The network as a tf_keras model from images ``(N, 28, 28, 1)`` to probabilities ``(N, 10)``."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def optimizers() -> Mapping[str, Any]:
    """RMSprop with its defaults, as it was until Keras 2.10 and as it is since.

    The update was ``g / (sqrt(v) + epsilon)`` and is ``g / sqrt(v + epsilon)``, with epsilon 1e-7 in both: a gradient
    far below 3e-4 once led to a full step, and now to a small one.
    """
    return {"until Keras 2.10": keras.optimizers.legacy.RMSprop(), "since Keras 2.11": keras.optimizers.RMSprop()}


def fit(
    optimizer: str,
    epochs: int,
    batch_size: int,
    train: Split,
    validation: Split,
    inputs: Mapping[str, FloatArray],
    seed: int,
    report: Report,
) -> Fitted:
    """Trains the network with one of `optimizers`; what it leaves is its probabilities ``(N, 10)`` at each input."""
    seed_everything(seed)
    model = build()
    model.compile(
        optimizer=optimizers()[optimizer],
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    history = model.fit(
        train.x,
        train.y,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(validation.x, validation.y),
        validation_batch_size=_PREDICT_BATCH,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: report(Progress(epoch + 1, epochs, dict(logs)))
            )
        ],
        verbose=0,
    ).history
    probs = {name: model.predict(x, batch_size=_PREDICT_BATCH, verbose=0) for name, x in inputs.items()}
    n_parameters = model.count_params()
    return Fitted(probs, n_parameters, n_parameters, {name: float(values[-1]) for name, values in history.items()})
