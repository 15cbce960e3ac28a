"""One training loop for every method: Keras's `fit`, seeded, with progress a epoch and augmentation for images."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from uqcore.fitting.checkpoints import Checkpoints, folder_of
from uqcore.methods.base import TrainingConfig
from uqcore.types import Dataset, Progress, Report

_MAX_DEGREES, _MAX_SCALE, _MAX_SHIFT = 10.0, 0.1, 2.0
_VALIDATION_BATCH = 1000


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and TensorFlow, so that a training can be repeated (to rounding: sums run in parallel)."""
    keras.utils.set_random_seed(seed)


def fit(model: Any, dataset: Dataset, config: TrainingConfig, seed: int, report: Report) -> dict[str, float]:
    """Minimises the cross-entropy of the model's logits, in regression the mean squared error, and the model's losses.

    Returns:
        The figures of the last epoch.
    """
    n_batches = -(-len(dataset.train) // config.batch_size)
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        warmup = n_batches
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, config.epochs * n_batches - warmup, warmup_target=config.learning_rate, warmup_steps=warmup
        )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
        if config.weight_decay
        else keras.optimizers.Adam(rate),
        **(_regression() if dataset.is_regression else _classification()),
    )
    # Made here its state is there before the step is traced: made in it, the step would be traced twice.
    model.optimizer.build(model.trainable_variables)
    validation = tf.data.Dataset.from_tensor_slices((dataset.validation.x, dataset.validation.y)).batch(
        _VALIDATION_BATCH
    )
    kept = Checkpoints(model, folder_of(dataset.task_id, config, seed))
    history = model.fit(
        _batches(dataset, config, seed),
        epochs=config.epochs,
        initial_epoch=min(kept.restore(), config.epochs - 1),  # the figures are those of a last epoch
        validation_data=validation,
        callbacks=[_Reporter(config.epochs, report), kept],
        verbose=0,
    ).history
    return {name: float(values[-1]) for name, values in history.items()}


def _classification() -> dict[str, Any]:
    return {
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    }


def _regression() -> dict[str, Any]:
    return {
        "loss": keras.losses.MeanSquaredError(),
        "metrics": [keras.metrics.RootMeanSquaredError(name="rmse")],
    }


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, n_epochs: int, report: Report) -> None:
        super().__init__()
        self._n_epochs, self._report = n_epochs, report

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._report(Progress(epoch + 1, self._n_epochs, dict(logs or {})))


def _batches(dataset: Dataset, config: TrainingConfig, seed: int) -> tf.data.Dataset:
    batches = tf.data.Dataset.from_tensor_slices((dataset.train.x, dataset.train.y))
    batches = batches.shuffle(len(dataset.train), seed=seed, reshuffle_each_iteration=True).batch(config.batch_size)
    if config.augment:
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        batches = tf.data.Dataset.zip((batches, seeds)).map(
            lambda batch, pair: (_augment(batch[0], pair), batch[1]), num_parallel_calls=2
        )
    return batches.prefetch(2)


def _augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Small random rotations, scalings and shifts, one of each per image."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    unit = tf.random.stateless_uniform((4, n), seed, -1.0, 1.0)
    angle, scale = unit[0] * (_MAX_DEGREES * np.pi / 180), 1 + unit[1] * _MAX_SCALE
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    x0, y0 = (width - 1) / 2, (height - 1) / 2
    zero = tf.zeros_like(cos)
    # Rows of the projective transform from output to input coordinates, about the centre of the image.
    dx = x0 - cos * x0 + sin * y0 + unit[2] * _MAX_SHIFT
    dy = y0 - sin * x0 - cos * y0 + unit[3] * _MAX_SHIFT
    transforms = tf.stack([cos, -sin, dx, sin, cos, dy, zero, zero], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
