"""What every system is asked about: the task's sets, and its test images disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from uqcore.datasets import corruptions
from uqcore.types import Dataset, FloatArray, Split

N_NOISE = 2000
"""How many of the inputs of pure noise: they hardly differ."""

N_DISTURBED = 500
"""How many test images each disturbance is applied to: the first."""

ROTATIONS = tuple(range(15, 181, 15))
NOISES = tuple(round(i / 10, 1) for i in range(1, 11))
DISTURBANCES: dict[str, Callable[[FloatArray], FloatArray]] = {
    **{f"rotation:{degrees}": partial(corruptions.rotate, degrees=degrees) for degrees in ROTATIONS},
    **{f"noise:{weight:g}": partial(corruptions.add_noise, weight=weight, seed=0) for weight in NOISES},
    # As strong as in MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337), as far as the corruption is the same there.
    "translate": partial(corruptions.shift, dx=3, dy=3),
    "blur": partial(corruptions.blur, sigma=1.5),
    "shear": partial(corruptions.shear, amount=0.6),
    "scale": partial(corruptions.scale, factor=0.6),
    "brightness": partial(corruptions.brighten, amount=0.4),
    "shot_noise": partial(corruptions.shot_noise, photons=10, seed=0),
    "stripe": partial(corruptions.stripe),
}


class Part(NamedTuple):
    """A set of inputs: ``kind`` is validation, test, unseen or shift."""

    name: str
    kind: str
    split: Split


def parts(dataset: Dataset) -> Iterator[Part]:
    """Validation first, for its thresholds, then test, the unseen sets and, of images, each disturbance."""
    yield Part("validation", "validation", dataset.validation)
    yield Part("test", "test", dataset.test)
    for name in dataset.ood_sets:
        whole = dataset.part(name)
        yield Part(name, "unseen", Split(whole.x[:N_NOISE], whole.y[:N_NOISE]) if name == "noise" else whole)
    if dataset.test.x.ndim == 4:
        first = Split(dataset.test.x[:N_DISTURBED], dataset.test.y[:N_DISTURBED])
        for name, disturb in DISTURBANCES.items():
            yield Part(name, "shift", Split(disturb(first.x), first.y))
