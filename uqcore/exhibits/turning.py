"""One image turned once around, and what a method says of it at every angle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.exhibits.one_image import Corruption
from uqcore.exhibits.verdicts import own_threshold
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.sampling import draw
from uqcore.types import FloatArray, IntArray, ModelRecord, Posterior

ANGLES = tuple(range(0, 360, 10))
"""Degrees, counter-clockwise."""


class Turned(NamedTuple):
    """A method's answers at each of the A `ANGLES`.

    Attributes:
        labels: ``(A,)`` the predicted classes.
        confidences: ``(A,)`` their probabilities.
        accepted: ``(A,)`` whether the method's own measure is at most its own threshold.
    """

    labels: IntArray
    confidences: FloatArray
    accepted: NDArray[np.bool_]


def turned_images(image: FloatArray) -> FloatArray:
    """The image ``(28, 28, 1)`` at every one of `ANGLES`: ``(A, 28, 28, 1)``, as the digit lab turns it."""
    return np.concatenate([Corruption(rotation=float(angle)).apply(image) for angle in ANGLES])


def turned(record: ModelRecord, posterior: Posterior, images: FloatArray, n_samples: int) -> Turned:
    """What a model says of ``images``, with ``n_samples`` samples.

    Raises:
        UqError: the model's row in the manifest has no threshold.
    """
    draws = draw(posterior, images, n_samples)
    measure = MEASURES[METHODS[record.method].own_measure].compute(draws)
    predictive = draws.predictive
    return Turned(predictive.argmax(axis=1), predictive.max(axis=1), measure <= own_threshold(record))
