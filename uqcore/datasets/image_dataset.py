"""A task made of a bundled image archive, with other archives and uniform noise as out-of-distribution sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.datasets.bundled import ImageArchive
from uqcore.types import Dataset, Drawn, FloatArray, IntArray, OodSet, Split

VALIDATION_STRIDE = 12  # one training image in 12: 5,000 of 60,000
N_NOISE = 10_000


def image_dataset(
    task_id: str,
    own: ImageArchive,
    others: Mapping[str, ImageArchive],
    seed: int,
    *,
    usual_risk: float = 0.01,
    half_precision: bool = False,
    of_picture: Callable[[bytes], FloatArray] | None = None,
    drawn: Drawn | None = None,
    keeps: bool = True,
) -> Dataset:
    """Images ``(N, 28, 28, 1) float32`` in [0, 1], 0 being background: of all classes 55,000 / 5,000 / 10,000.

    ``seed`` draws the split of the training images, stratified by class, and the noise. OOD: the test images of
    ``others``, and ``noise``, 10,000 images of independent U[0, 1) pixels. ``keeps``: whether answers on them are
    kept for pages.
    """
    split_seed, noise_seed = np.random.SeedSequence(seed).spawn(2)

    def training(held_out: bool) -> Split:
        mask = _stratified_mask(own.y_train, np.random.default_rng(split_seed)) == held_out
        return ImageSplit(lambda: own.x_train[mask], own.y_train[mask])

    def noise() -> Split:
        x = np.random.default_rng(noise_seed).random((N_NOISE, *own.shape, 1), dtype=np.float32)
        return Split(x, np.empty(0, np.int64))

    return Dataset(
        task_id,
        title=own.title,
        noun=own.noun,
        train=partial(training, held_out=False),
        validation=partial(training, held_out=True),
        test=partial(_test, own),
        ood={
            name: OodSet(each.title, each.noun, partial(_test, each), each.class_names) for name, each in others.items()
        }
        | {"noise": OodSet("noise", "noise", noise)},
        class_names=own.class_names,
        kept=("test", *others) if keeps else (),
        usual_risk=usual_risk,
        half_precision=half_precision,
        of_picture=of_picture,
        drawn=drawn,
    )


@lru_cache(maxsize=4)  # one task's test images are another's OOD set
def _test(archive: ImageArchive) -> Split:
    return ImageSplit(lambda: archive.x_test, archive.y_test)


class ImageSplit(Split):
    """Images that are read when one is asked for, and kept as grey levels until all of them are: pages show a few, and
    ask of training images how many there are.
    """

    _read: Callable[[], NDArray[np.uint8]]

    def __init__(self, read: Callable[[], NDArray[np.uint8]], y: IntArray) -> None:
        vars(self).update(_read=read, y=y)  # the dataclass is frozen

    @cached_property
    def _levels(self) -> NDArray[np.uint8]:
        return self._read()

    @cached_property
    def x(self) -> FloatArray:
        x = normalize(self._levels)
        x.setflags(write=False)
        return x

    def some(self, rows: IntArray | slice) -> FloatArray:
        return self.x[rows] if "x" in vars(self) else normalize(self._levels[rows])


def normalize(images: NDArray[Any]) -> FloatArray:
    """Grey levels ``(N, H, W) uint8`` as a model takes them: ``(N, H, W, 1) float32`` in [0, 1]."""
    return np.divide(images, np.float32(255), dtype=np.float32)[..., np.newaxis]


def _stratified_mask(y: IntArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which examples are held out: every 12th when each class is in random order, so the shares are exact to one."""
    mask = np.zeros(len(y), dtype=bool)
    mask[np.lexsort((rng.random(len(y)), y))[::VALIDATION_STRIDE]] = True
    return mask
