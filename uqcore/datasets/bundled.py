"""The image archives that travel with the repository (``data/``), checked against ``data/SHA256SUMS``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore import checked

DATA_DIR = Path(__file__).parent / "data"


@dataclass(frozen=True, eq=False)
class ImageArchive:
    """Images ``(N, 28, 28) uint8`` (0 is background) and labels ``(N,) int64`` of one ``.npz``, all read-only.

    ``title`` and ``noun`` are what people call the set and one of its images; ``class_names`` its classes' names.
    ``classes`` are those of the file's that belong to it, whose labels are their places here; None for all.
    A part is checked and read when it is first asked for, so a page that shows the test images holds no others.
    Asking for a part raises `UqError` if the file is missing or is not the one that was published.
    """

    path: Path
    title: str
    noun: str
    class_names: tuple[str, ...]
    classes: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return 28, 28

    @cached_property
    def x_train(self) -> NDArray[np.uint8]:
        """The training images, 60,000 of all classes."""
        return self._of_classes("train", self._read("x_train", np.uint8))

    @cached_property
    def y_train(self) -> NDArray[np.int64]:
        """Their labels, 0 to K - 1."""
        return self._labels("train")

    @cached_property
    def x_test(self) -> NDArray[np.uint8]:
        """The test images, 10,000 of all classes."""
        return self._of_classes("test", self._read("x_test", np.uint8))

    @cached_property
    def y_test(self) -> NDArray[np.int64]:
        """Their labels, 0 to K - 1."""
        return self._labels("test")

    def only(self, classes: Iterable[int], title: str) -> ImageArchive:
        """The part of a whole archive that shows ``classes``, in their order, as a set of its own."""
        chosen = tuple(classes)
        return replace(self, title=title, class_names=tuple(self.class_names[k] for k in chosen), classes=chosen)

    def _labels(self, split: str) -> NDArray[np.int64]:
        labels = self._of_classes(split, self._read(f"y_{split}", np.int64))
        if self.classes is None:
            return labels
        places = np.empty(max(self.classes) + 1, np.int64)
        places[list(self.classes)] = range(len(self.classes))
        return _read_only(places[labels])

    def _of_classes(self, split: str, array: NDArray[Any]) -> NDArray[Any]:
        if self.classes is None:
            return array
        return _read_only(array[np.isin(self._read(f"y_{split}", np.int64), self.classes)])

    def _read(self, key: str, dtype: type) -> NDArray[Any]:
        checked.check(self.path)
        with np.load(self.path, allow_pickle=False) as archive:
            return _read_only(archive[key].astype(dtype, copy=False))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array


@lru_cache(maxsize=1)
def mnist() -> ImageArchive:
    """Handwritten digits: LeCun, Cortes & Burges, unmodified."""
    return ImageArchive(DATA_DIR / "mnist.npz", "MNIST", "digit", tuple("0123456789"))


@lru_cache(maxsize=1)
def fashion_mnist() -> ImageArchive:
    """Pictures of clothes: Xiao, Rasul & Vollgraf 2017 (arXiv 1708.07747), unmodified."""
    names = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    return ImageArchive(DATA_DIR / "fashion_mnist.npz", "Fashion-MNIST", "garment", names)
