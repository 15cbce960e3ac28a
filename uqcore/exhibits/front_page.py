"""What the front page shows to every model: a digit, a garment and noise, and the garment turned once around.

What each model says of them is kept beside it in a table, and how they look in a file here, so that the first page of a
server needs no model, no data and no SciPy.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore import checked
from uqcore.datasets import load
from uqcore.exhibits.one_image import Corruption, noise_image
from uqcore.exhibits.verdicts import own_threshold
from uqcore.methods import METHODS
from uqcore.models import answers
from uqcore.models.sampling import load_posterior
from uqcore.store import Store
from uqcore.types import Dataset, FloatArray, IntArray, ModelRecord, Tick, Weights

TASK = "digits"
NAME = "front_page"
N_SAMPLES = answers.MOST_SAMPLES
"""By as many samples the models answer, or by all members of an ensemble."""

ANGLES = tuple(range(0, 360, 10))
"""Degrees, counter-clockwise."""

_GARMENTS = "fashion"
PICTURES = Path(__file__).with_name("front_page.npy")
"""How `inputs` look, and the garment at each of `ANGLES`; `keep_pictures` makes it."""


class Said(NamedTuple):
    """A model's answers to N inputs.

    Attributes:
        labels: ``(N,)`` the predicted classes.
        confidences: ``(N,)`` their probabilities.
        accepted: ``(N,)`` whether the method's own measure is at most its own threshold.
    """

    labels: IntArray
    confidences: FloatArray
    accepted: NDArray[np.bool_]


def dataset() -> Dataset:
    return load(TASK)


def inputs() -> dict[str, FloatArray]:
    """Name, e.g. "a garment" -> picture ``(28, 28, 1)``: the first test image of each set that is kept, and the first
    noise image. Not picked for effect."""
    data = dataset()
    return {f"a {noun}": data.part(name).some(slice(1))[0] for noun, name in _sets().items()} | {
        "noise": noise_image(0)
    }


def _sets() -> dict[str, str]:
    """Noun -> the set whose first image is shown."""
    data = dataset()
    return {data.ood_sets[name].noun if name in data.ood_sets else data.noun: name for name in data.kept}


def _n_inputs() -> int:
    return len(_sets()) + 1


def garment() -> FloatArray:
    """The first T-shirt of the test images, ``(28, 28, 1)``."""
    garments = dataset().part(_GARMENTS)
    return garments.some(np.flatnonzero(garments.y == 0)[:1])[0]


def turned(image: FloatArray) -> FloatArray:
    """The image ``(28, 28, 1)`` at every one of `ANGLES`: ``(A, 28, 28, 1)``, as the digit lab turns it."""
    return np.concatenate([Corruption(rotation=float(angle)).apply(image) for angle in ANGLES])


def pictures() -> tuple[dict[str, FloatArray], NDArray[np.uint8]]:
    """How `inputs` look, to whole grey levels, and the garment at each of `ANGLES`: ``(A, 28, 28)``.

    Raises:
        UqError: their file is missing or damaged; `drawn` makes the same of the data.
    """
    checked.check(PICTURES)
    return _named(np.load(PICTURES, allow_pickle=False))


def drawn() -> tuple[dict[str, FloatArray], NDArray[np.uint8]]:
    """The same, of the data. UqError: they cannot be read."""
    return _named(_levels())


def _levels() -> NDArray[np.uint8]:
    return answers.levels(np.concatenate([np.stack(list(inputs().values())), turned(garment())]))


def _named(made: NDArray[np.uint8]) -> tuple[dict[str, FloatArray], NDArray[np.uint8]]:
    names = [*(f"a {noun}" for noun in _sets()), "noise"]
    of_inputs = made[: len(names), ..., np.newaxis] / np.float32(255)
    return dict(zip(names, of_inputs, strict=True)), made[len(names) :]


def keep_pictures() -> None:
    """Writes the file of `pictures`, where other data, or another way to turn them, make others."""
    buffer = BytesIO()
    np.save(buffer, _levels())
    if not PICTURES.is_file() or PICTURES.read_bytes() != buffer.getvalue():
        checked.write(PICTURES, buffer.getvalue())


def keep(store: Store, record: ModelRecord, tick: Tick = lambda done, total: None) -> ModelRecord:
    """Makes the table of a model, stores it and puts the row that lists it; returns that row.

    Of a task other than ``digits`` there is none.

    Raises:
        UqError: the model cannot be read or the store not be written.
    """
    if record.task != TASK:
        return record
    record = store.put_table(record, NAME, _answered(store, record))
    tick(1, 1)
    return record


def _answered(store: Store, record: ModelRecord) -> Weights:
    x = np.concatenate([np.stack(list(inputs().values())), turned(garment())])
    return answers.answer(load_posterior(store, record), x, most=N_SAMPLES)


def check(store: Store, record: ModelRecord) -> Weights:
    """The table of a model as it is stored. UqError: it is not one of this model's."""
    return answers.checked(store, record, NAME, _n_inputs() + len(ANGLES))


def said(store: Store, record: ModelRecord) -> tuple[Said, Said]:
    """What a model says of `inputs`, and of the garment at each of `ANGLES`: looked up, or drawn without a table.

    Raises:
        UqError: the table, or without one the model, cannot be read, or the model's row has no threshold.
    """
    threshold = own_threshold(record)
    table = check(store, record) if NAME in record.tables else _answered(store, record)
    seen = answers.averaged(table, record.method, dataset().class_names, N_SAMPLES)
    probs, measure = seen.predictive, seen.measure(METHODS[record.method].own_measure)
    n = _n_inputs()
    of_inputs, of_garment = (
        Said(probs[some].argmax(axis=1), probs[some].max(axis=1), measure[some] <= threshold)
        for some in (slice(n), slice(n, None))
    )
    return of_inputs, of_garment
