"""Links from a picture to the digit lab that shows it."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlencode

import numpy as np

from ui import controls
from uqcore.datasets import load
from uqcore.exhibits.one_image import encode_image
from uqcore.types import Dataset, FloatArray


def to_kept_image(dataset: Dataset, part: str, i: int, **disturbed: str) -> str:
    """Opens image ``i`` of a part of a task's `Dataset.kept`, ``disturbed`` by controls of the lab, e.g. a rotation.

    The lab picks it by its class and how many of that class come before it.
    """
    task, labels = dataset.task_id, dataset.part(part).y
    # Without what the digit lab starts with: it would be taken out of the address, and the way back be a step longer.
    asked = controls.task_in_link(task)
    if controls.default_source(task) != "Pick":
        asked[controls.task_key("source", task)] = "Pick"
    if part != "test":
        asked[controls.task_key("images", task)] = dataset.title_of(part)
    if labels[i]:
        asked["class"] = dataset.names_in(part)[labels[i]]
    if number := np.count_nonzero(labels[:i] == labels[i]):
        asked["number"] = str(number)
    return f"digit_lab?{urlencode(asked | disturbed)}"


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
