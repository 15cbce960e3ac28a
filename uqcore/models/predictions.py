"""Predictions of our stored models, on their test images and on images that are none of what they learnt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from uqcore import datasets
from uqcore.datasets.corruptions import add_noise, rotate
from uqcore.methods import METHODS
from uqcore.models import stored_draws
from uqcore.models.sampling import draw_in_chunks, load_posterior
from uqcore.predictions.record import NO_LABEL, Predictions
from uqcore.store import Store
from uqcore.types import Draws, FloatArray, ModelRecord

N_DISTURBED = 1000
"""How many test images noise and rotation disturb: the first 1,000, as in the MNIST article."""


@dataclass(frozen=True)
class Unseen:
    """What stands for OOD, one group after the other.

    Attributes:
        others: the OOD sets on which draws are kept (`Dataset.kept`), e.g. Fashion-MNIST for a model of digits.
        noise: weight in 0..1 of the noise that replaces the first `N_DISTURBED` test images; 0 for none.
        rotation: degrees by which the same images are turned; 0 for none.
    """

    others: bool = True
    noise: float = 0.0
    rotation: float = 0.0


def predictions_of(store: Store, record: ModelRecord, unseen: Unseen, n_samples: int) -> Predictions:
    """What a model says about its test images and then about ``unseen``, from its first ``n_samples`` samples.

    Kept draws are read; disturbed images are drawn anew.

    Raises:
        UqError: the model's files, or its kept draws, cannot be read.
    """
    dataset = datasets.load(record.task)
    x = dataset.test.x[:N_DISTURBED]
    groups = [(first_samples(stored_draws.load(store, record, "test"), n_samples), dataset.test.x)]
    if unseen.others:
        groups += [
            (first_samples(stored_draws.load(store, record, name), n_samples), dataset.part(name).x)
            for name in dataset.kept
            if name in dataset.ood_sets
        ]
    disturbed = [images for images in (add_noise(x, unseen.noise, 0), rotate(x, unseen.rotation)) if images is not x]
    groups += [(draw_as_kept(store, record, images, n_samples), images) for images in disturbed]
    n_ood = sum(len(images) for _, images in groups[1:])
    return Predictions.from_draws(
        Draws.concatenate([draws for draws, _ in groups]),
        name=METHODS[record.method].label,
        class_names=dataset.class_names,
        labels=np.append(dataset.test.y, np.full(n_ood, NO_LABEL)),
        ood=np.arange(len(dataset.test) + n_ood) >= len(dataset.test),
        images=np.concatenate([levels(images) for _, images in groups]),
    )


def draw_as_kept(store: Store, record: ModelRecord, x: FloatArray, n_samples: int) -> Draws:
    """Draws at ``x`` with at most as many samples as are kept beside the model, so that both go together."""
    n_kept = stored_draws.n_kept(record.task, record.method)
    return draw_in_chunks(load_posterior(store, record), x, n_samples if n_kept is None else min(n_samples, n_kept))


def first_samples(draws: Draws, n_samples: int) -> Draws:
    """The same without the samples after the first ``n_samples``; a closed form stays."""
    return replace(draws, logits=draws.logits[:n_samples])


def levels(images: FloatArray) -> NDArray[np.uint8]:
    """Grey levels ``(N, 28, 28) uint8`` of ``(N, 28, 28, 1)`` in [0, 1]."""
    return np.rint(255 * images[..., 0]).astype(np.uint8)
