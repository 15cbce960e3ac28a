"""MNIST digits, with Fashion-MNIST and uniform noise as out-of-distribution sets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.types import Dataset, FloatArray, IntArray, Split

VALIDATION_STRIDE = 12  # one training image in 12: 5,000 of 60,000
N_NOISE = 10_000


def load(seed: int) -> Dataset:
    """55,000 / 5,000 / 10,000 images ``(N, 28, 28, 1) float32`` in [0, 1], 0 being background.

    ``seed`` draws the split of the 60,000 training images, stratified by digit, and the noise. OOD: ``fashion``, the
    10,000 test images of Fashion-MNIST, and ``noise``, 10,000 images of independent U[0, 1) pixels.
    """
    split_rng, noise_rng = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    digits = mnist()
    held_out = _stratified_mask(digits.y_train, split_rng)
    noise = noise_rng.random((N_NOISE, 28, 28, 1), dtype=np.float32)
    return Dataset(
        task_id="digits",
        train=Split(normalize(digits.x_train[~held_out]), digits.y_train[~held_out]),
        validation=Split(normalize(digits.x_train[held_out]), digits.y_train[held_out]),
        test=Split(normalize(digits.x_test), digits.y_test),
        ood={"fashion": normalize(fashion_mnist().x_test), "noise": noise},
        class_names=tuple("0123456789"),
    )


def normalize(images: NDArray[Any]) -> FloatArray:
    """Grey levels ``(N, 28, 28) uint8`` as a model takes them: ``(N, 28, 28, 1) float32`` in [0, 1]."""
    return np.divide(images, np.float32(255), dtype=np.float32)[..., np.newaxis]


def _stratified_mask(y: IntArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which examples are held out: every 12th when each class is in random order, so the shares are exact to one."""
    mask = np.zeros(len(y), dtype=bool)
    mask[np.lexsort((rng.random(len(y)), y))[::VALIDATION_STRIDE]] = True
    return mask
