"""The data of every task. A new data set is one file with a ``load(seed)`` and one line in `DATASETS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from uqcore.datasets import digits, digits_0_4, fashion, moons, sine
from uqcore.types import Dataset, UqError

DATASETS: dict[str, Callable[[int], Dataset]] = {
    "moons": moons.load,
    "digits": digits.load,
    "fashion": fashion.load,
    "sine": sine.load,
    "digits_0_4": digits_0_4.load,
}


def load(task: str, seed: int = 0) -> Dataset:
    """The data of ``task``, the same object each time; its parts are made when they are asked for.

    Args:
        task: a key of `DATASETS`.
        seed: the data seed (draws, split, noise), at least 0. It is not the model seed: models that are to be
            compared share their data.

    Raises:
        UqError: the task is unknown or the seed is negative.
    """
    if task not in DATASETS:
        raise UqError(f"The task must be one of {', '.join(sorted(DATASETS))}. Received: {task!r}.")
    if seed < 0:
        raise UqError(f"The data seed must be 0 or more. Received: {seed}.")
    return _load(task, seed)


@lru_cache(maxsize=8)
def _load(task: str, seed: int) -> Dataset:
    return DATASETS[task](seed)
