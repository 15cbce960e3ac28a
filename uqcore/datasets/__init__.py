"""The data of every task. A new data set is one file with a ``load(seed)`` and one line in `DATASETS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from threading import Lock

from uqcore.datasets import digits, moons, sine
from uqcore.types import Dataset, UqError

DATASETS: dict[str, Callable[[int], Dataset]] = {"moons": moons.load, "digits": digits.load, "sine": sine.load}

_lock = Lock()


def load(task: str, seed: int = 0) -> Dataset:
    """The data of ``task``, the same object each time. Its arrays are read-only.

    Args:
        task: a key of `DATASETS`.
        seed: the data seed (draws, split, noise), at least 0. It is not the model seed: models that are to be
            compared share their data.

    Raises:
        UqError: the task is unknown, the seed is negative, or a bundled file is missing or damaged.
    """
    if task not in DATASETS:
        raise UqError(f"The task must be one of {', '.join(sorted(DATASETS))}. Received: {task!r}.")
    if seed < 0:
        raise UqError(f"The data seed must be 0 or more. Received: {seed}.")
    with _lock:  # else two first visitors would each build the digits, 280 MB
        return _load(task, seed)


@lru_cache(maxsize=4)
def _load(task: str, seed: int) -> Dataset:
    dataset = DATASETS[task](seed)
    splits = (dataset.train, dataset.validation, dataset.test)
    for array in (*(a for split in splits for a in (split.x, split.y)), *dataset.ood.values()):
        array.setflags(write=False)
    return dataset
