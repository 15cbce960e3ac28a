"""The experiment of the MNIST article: the entropy, cut at one threshold given in advance, on three data sets."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from uqcore.datasets.bundled import fashion_mnist
from uqcore.metrics.uncertainty import normalized_entropy
from uqcore.models.answers import N_DISTURBED, TEST, Answers
from uqcore.selection import Acceptance, rank
from uqcore.types import FloatArray, IntArray

TASK = "digits"
NOISE_WEIGHT = 0.7
PUBLISHED_THRESHOLD = 0.005
"""In units of ln(10,000): the article divides by the logarithm of the number of examples."""

THRESHOLD = PUBLISHED_THRESHOLD * math.log(10_000) / math.log(10)
"""The same threshold on the entropy divided by ln 10, the logarithm of the number of classes: 0.02."""

EXPLANATION = (
    f"The article's threshold, {PUBLISHED_THRESHOLD}, divides the entropy by ln(10,000), for the number of examples; "
    f"divided by ln(10), for the number of classes, it is {THRESHOLD:.2g}. Noise: the first "
    f"{N_DISTURBED:,} images are {100 * NOISE_WEIGHT:.0f} % noise, the others clean. For Fashion-MNIST, right means "
    "that the digit named happens to be the garment's class number, as in the article: it is chance."
)


def tables(answers: Answers, n_samples: int) -> Mapping[str, Acceptance]:
    """The article's three tables for a digit model: clean test digits, partly noisy ones, and Fashion-MNIST.

    Raises:
        UqError: the model's files or its tables cannot be read.
    """
    labels = answers.dataset.test.y
    of_clean, of_noisy, of_fashion = (
        answers.predictions([part], n_samples).predictive for part in (TEST, ("noise", NOISE_WEIGHT), ("fashion", 0.0))
    )
    return {
        "clean": cut(of_clean, labels),
        "noise": cut(np.concatenate([of_noisy, of_clean[N_DISTURBED:]]), labels),
        "Fashion-MNIST": cut(of_fashion, fashion_mnist().y_test),
    }


def cut(probs: FloatArray, labels: IntArray) -> Acceptance:
    """The article's table for predictive probabilities ``(N, K)``: what is accepted, and how much right."""
    return rank(normalized_entropy(probs), probs.argmax(axis=1) == labels).at(THRESHOLD)
