"""What every system is asked about: the task's sets, and its test images disturbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from uqcore.datasets import corruptions
from uqcore.datasets.mnist_c import MNIST_C, corrupt
from uqcore.types import Dataset, FloatArray, Split

N_NOISE = 2000
"""How many of the inputs of pure noise: they hardly differ."""

N_DISTURBED = 500
"""How many test images each disturbance is applied to: the first."""

ROTATIONS = tuple(range(15, 181, 15))
NOISES = tuple(round(i / 10, 1) for i in range(1, 11))
Disturb = Callable[[FloatArray], FloatArray]
OF_IMAGES: dict[str, Disturb] = {
    **{f"rotation:{degrees}": partial(corruptions.rotate, degrees=degrees) for degrees in ROTATIONS},
    **{f"noise:{weight:g}": partial(corruptions.add_noise, weight=weight, seed=0) for weight in NOISES},
}
OF_DIGITS: dict[str, Disturb] = {f"mnist_c:{name}": partial(corrupt, name=name, seed=0) for name in MNIST_C}
"""Of MNIST's ten digits, whose corruptions they are."""


def disturbances(task: str, is_images: bool) -> dict[str, Disturb]:
    """What the test inputs of a task are disturbed by."""
    return {**(OF_IMAGES if is_images else {}), **(OF_DIGITS if task == "digits" else {})}


class DataPart(NamedTuple):
    """A set of inputs: ``kind`` is validation, test, unseen or shift."""

    name: str
    kind: str
    split: Split


def parts(dataset: Dataset) -> Iterator[DataPart]:
    """Validation first, for its thresholds, then test, the unseen sets and, of images, each disturbance."""
    yield DataPart("validation", "validation", dataset.validation)
    yield DataPart("test", "test", dataset.test)
    for name in dataset.ood_sets:
        whole = dataset.part(name)
        yield DataPart(name, "unseen", Split(whole.x[:N_NOISE], whole.y[:N_NOISE]) if name == "noise" else whole)
    first = Split(dataset.test.x[:N_DISTURBED], dataset.test.y[:N_DISTURBED])
    for name, disturb in disturbances(dataset.task_id, dataset.test.x.ndim == 4).items():
        yield DataPart(name, "shift", Split(disturb(first.x), first.y))
