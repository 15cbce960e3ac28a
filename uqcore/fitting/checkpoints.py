"""Where a training stands, kept every few seconds: the same one, started again, goes on from there."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras as keras

from uqcore.methods.base import TrainingConfig
from uqcore.store import CHECKPOINTS_VARIABLE

EVERY_S = 10.0


def folder_of(task: str, config: TrainingConfig, seed: int) -> Path | None:
    """Where the training of these settings is kept; None unless `CHECKPOINTS_VARIABLE` names a folder for all."""
    root = os.environ.get(CHECKPOINTS_VARIABLE)
    settings = f"{task} {type(config).__module__} {config!r} {seed}"
    return Path(root) / hashlib.sha256(settings.encode()).hexdigest()[:16] if root else None


class Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Weights, the optimizer's state and the epoch of one compiled model; in ``folder``, or nowhere.

    Its optimizer has been built. A training that goes on shuffles and drops out from the start of its random numbers
    again: it is as good as one that was never interrupted, not equal to it.
    """

    def __init__(self, model: Any, folder: Path | None) -> None:
        super().__init__()
        self._folder, self._saved = folder, time.monotonic()
        self._epoch, self._manager = tf.Variable(0, dtype=tf.int64), None
        if folder is not None:
            state = tf.train.Checkpoint(model=model, optimizer=model.optimizer, epoch=self._epoch)
            self._manager = tf.train.CheckpointManager(state, str(folder), max_to_keep=1)

    def restore(self) -> int:
        """Brings the model to where it stood; how many epochs are done."""
        if self._manager is not None:
            try:
                self._manager.restore_or_initialize()
            except (tf.errors.OpError, ValueError):  # cut short while it was written: from the start
                shutil.rmtree(str(self._folder), ignore_errors=True)
        return int(self._epoch.numpy())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._manager is not None and time.monotonic() - self._saved >= EVERY_S:
            self._epoch.assign(epoch + 1)
            self._manager.save()
            self._saved = time.monotonic()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Nothing is left of a training that came to its end."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
