"""The MNIST article: softmax entropy, cut at one threshold, on clean digits, noisy digits and Fashion-MNIST."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.corruptions import add_noise
from uqcore.datasets.image_dataset import normalize
from uqcore.metrics.uncertainty import entropy, normalized_entropy
from uqcore.models.answers import N_DISTURBED
from uqcore.reproduce import mnist_article
from uqcore.reproduce.rows import Row, Source, claim, measured, spread
from uqcore.reproduce.trainings import Training, outputs
from uqcore.selection import Acceptance
from uqcore.store import Store
from uqcore.types import Fitted, FloatArray, IntArray, Report, Split

TITLE = "MNIST article"
N_TRAIN, _N_TEST = 50_000, 10_000
_EPOCHS, _BATCH_SIZE = 20, 128
_PUBLISHED = {
    "clean": ("834", "85.61", "99.86"),
    "noise": ("1741", "50.32", "99.84"),
    "fashion": ("9261", "10.38", "10.83"),
}
_LABELS = {"clean": "test digits", "noise": "with 1,000 noisy ones", "fashion": "Fashion-MNIST"}
"""Key of a data set -> what rows call it."""


def _fit(optimizer: str, seed: int, report: Report) -> Fitted:
    from uqcore.fitting import article_cnn

    digits = mnist()
    x, y = normalize(digits.x_train), digits.y_train
    train, validation = Split(x[:N_TRAIN], y[:N_TRAIN]), Split(x[N_TRAIN:], y[N_TRAIN:])
    return article_cnn.fit(optimizer, _EPOCHS, _BATCH_SIZE, train, validation, _inputs(), seed, report)


def _inputs() -> dict[str, FloatArray]:
    """What the article asks its network about; the noisy set's other images are the clean ones."""
    clean = normalize(mnist().x_test)
    return {
        "clean": clean,
        "noise": add_noise(clean[:N_DISTURBED], mnist_article.NOISE_WEIGHT, seed=0),
        "fashion": normalize(fashion_mnist().x_test),
    }


def _training(name: str, optimizer: str, seeds: range) -> Training:
    settings: dict[str, int | float | str] = {
        "optimizer": f"RMSprop {optimizer}",
        "epochs": _EPOCHS,
        "batch_size": _BATCH_SIZE,
    }
    shapes = {"clean": (_N_TEST, 10), "noise": (N_DISTURBED, 10), "fashion": (_N_TEST, 10)}
    return Training(name, "digits", seeds, settings, partial(_fit, optimizer), shapes)


ARTICLE = _training("mnist_article", "until Keras 2.10", range(5))
TODAY = _training("mnist_article_today", "since Keras 2.11", range(5))
"""The same with the optimizer of that name that Keras has today: what it changes is in the notes."""


def rows(store: Store) -> list[Row]:
    """The threshold and three rows a data set.

    Raises:
        UqError: a training's outputs cannot be read.
    """
    seeds = [_probs(arrays) for _, arrays in outputs(store, ARTICLE)]
    today = [_cut(_probs(arrays)) for _, arrays in outputs(store, TODAY)]
    tables = [_cut(probs) for probs in seeds]
    return [_threshold(seeds), *(row for name in _PUBLISHED for row in _of_set(name, tables, today))]


def _probs(arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Probabilities ``(10000, 10)`` on each of the article's data sets."""
    clean = arrays["clean"]
    return {"clean": clean, "noise": np.r_[arrays["noise"], clean[N_DISTURBED:]], "fashion": arrays["fashion"]}


def _cut(probs: Mapping[str, FloatArray]) -> dict[str, Acceptance]:
    return {name: mnist_article.cut(values, _labels(name)) for name, values in probs.items()}


def _labels(name: str) -> IntArray:
    return fashion_mnist().y_test if name == "fashion" else mnist().y_test


def _threshold(seeds: list[dict[str, FloatArray]]) -> Row:
    """Whether the article's formula and ours defer the same images."""
    n_differing = [sum(_n_differing(values) for values in probs.values()) for probs in seeds]
    return claim(
        TITLE,
        "threshold on the entropy",
        f"{mnist_article.PUBLISHED_THRESHOLD} of ln 10,000",
        f"{mnist_article.THRESHOLD:.2g} of ln 10",
        not any(n_differing),
        "both defer the same images of all data sets and seeds",
        {"images deferred by one alone": n_differing},
        "The article divides the entropy by ln of the number of images, where it means that of classes.",
    )


def _n_differing(probs: FloatArray) -> int:
    of_images = entropy(probs) / math.log(10_000) > mnist_article.PUBLISHED_THRESHOLD
    of_classes = normalized_entropy(probs) > mnist_article.THRESHOLD
    return int(np.sum(of_images != of_classes))


def _of_set(name: str, tables: list[dict[str, Acceptance]], today: list[dict[str, Acceptance]]) -> list[Row]:
    quantities = {
        "deferred of 10,000": ("n_deferred", 1, 0),
        "% right of the deferred": ("deferred_accuracy", 100, 2),
        "% right of the accepted": ("accuracy", 100, 2),
    }
    made = []
    for published, (quantity, (field, scale, digits)) in zip(_PUBLISHED[name], quantities.items(), strict=True):
        largest = 100 if scale == 100 else 10_000
        ours, now = ([scale * getattr(table[name], field) for table in group] for group in (tables, today))
        note = f"Today's RMSprop: {spread(now, digits)} ({len(now)} seeds)."
        made.append(measured(TITLE, f"{_LABELS[name]}: {quantity}", published, ours, note, largest))
    return made


SOURCE = Source(
    title=TITLE,
    same="Network, RMSprop, batch size, epochs, split sizes, threshold and data sets.",
    differs="Seeds; which 10,000 images are held out (here the last); the draw of the noise. For Fashion-MNIST, right "
    "means in both that the digit named is by chance the garment's number.",
    rows=rows,
    found="It takes RMSprop as Keras had it until 2.10. Since then epsilon is under the root, and tiny gradients no "
    "longer lead to full steps: with today's, as the notes show, nearly every garment is deferred.",
)
