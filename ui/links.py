"""Links from a picture to the digit lab that shows it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np

from ui import controls
from uqcore.datasets import load
from uqcore.exhibits.one_image import encode_image
from uqcore.types import Dataset, FloatArray, IntArray


def to_kept_image(dataset: Dataset, part: str, i: int, **disturbed: str) -> str:
    """Opens image ``i`` of a part of a task's `Dataset.kept`, ``disturbed`` by controls of the lab, e.g. a rotation.

    The lab picks it by its class and how many of that class come before it.
    """
    shown = _of_kept(dataset, part)
    asked = [shown.part, shown.classes[shown.labels[i]], f"number={number}" if (number := shown.numbers[i]) else ""]
    return f"digit_lab?{'&'.join(filter(None, (*asked, urlencode(disturbed))))}"


class _Kept(NamedTuple):
    """Of a part's images what their links are made of: parameters of the part and of each class, labels, and how many
    of the same class come before each."""

    part: str
    classes: tuple[str, ...]
    labels: IntArray
    numbers: IntArray


@lru_cache(maxsize=16)  # a page of thumbnails asks hundreds of times
def _of_kept(dataset: Dataset, part: str) -> _Kept:
    task, labels, names = dataset.task_id, dataset.part(part).y, dataset.names_in(part)
    # Without what the digit lab starts with: it would be taken out of the address, and the way back be a step longer.
    asked = controls.task_in_link(task)
    if controls.default_source(task) != "Pick":
        asked[controls.task_key("source", task)] = "Pick"
    if part != "test":
        asked[controls.task_key("images", task)] = dataset.title_of(part)
    numbers = np.empty(len(labels), np.int32)
    for k in range(len(names)):
        of_class = labels == k
        numbers[of_class] = np.arange(np.count_nonzero(of_class))
    classes = tuple(urlencode({"class": name}) if k else "" for k, name in enumerate(names))
    return _Kept(urlencode(asked), classes, labels, numbers)


def to_picture(image: FloatArray, task: str | None) -> str:
    """Opens the picture ``(28, 28, 1)`` in [0, 1] itself, which the link holds; ``task``: of the models to ask."""
    asked = {"source": "Upload"}
    if task is not None:
        asked = controls.task_in_link(task) | {controls.task_key("source", task): "Upload"}
    return f"digit_lab?{urlencode(asked | {'picture': encode_image(image)})}"


@lru_cache(maxsize=4096)  # the threshold lab shows the same ones again and again
def to_example(task: str, part: str, value: float, i: int) -> str | None:
    """Opens example ``i`` of what `uqcore.models.answers.Answers.of` calls ``part`` and ``value``; None where the lab
    cannot make it, because its noise is drawn for each image by itself."""
    dataset = load(task)
    if part == "rotation":
        return to_kept_image(dataset, "test", i, rotation=f"{value:g}")
    return to_kept_image(dataset, part, i) if part in dataset.kept else None
