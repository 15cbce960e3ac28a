"""All that a server keeps between reruns and shares between visitors: nothing here belongs to one of them."""

from __future__ import annotations

import threading
from typing import NamedTuple

import streamlit as st

from ui import controls
from uqcore import datasets
from uqcore.methods import METHODS
from uqcore.sampling import SampleBank, load_posterior
from uqcore.store import Store, default_store
from uqcore.surfaces import Plane
from uqcore.types import FloatArray, IntArray, ModelRecord, UqError
from uqcore.verdicts import Gauge, gauge, own_threshold

_WARM_STEP = 5


class Model(NamedTuple):
    """A stored model ready to draw from."""

    record: ModelRecord
    bank: SampleBank

    @property
    def label(self) -> str:
        return METHODS[self.record.method].label

    def gauge(self, measure_id: str, n_classes: int) -> Gauge:
        return gauge(self.record, measure_id, n_classes)


class TestImages(NamedTuple):
    """Images ``(N, 28, 28, 1)``, their labels and the names of the classes."""

    images: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]


def models(task: str) -> tuple[dict[str, Model], list[str]]:
    """Method id -> model of seed 0 on ``task``, in the order of `METHODS`; and a sentence for each that is missing."""
    found: dict[str, Model] = {}
    problems: list[str] = []
    for method_id in METHODS:
        try:
            record = default_store().find(task, method_id)
            own_threshold(record)  # a row without it is as good as missing
            found[method_id] = Model(record, _bank(record.model_id, tuple(file.sha256 for file in record.files)))
        except UqError as error:
            problems.append(str(error))
    return found, list(dict.fromkeys(problems))  # a damaged manifest is one sentence, not five


@st.cache_resource(show_spinner=False)
def test_images(name: str) -> TestImages:
    """The test images of ``mnist`` or ``fashion`` as a model sees them."""
    raw = datasets.bundled.mnist() if name == "mnist" else datasets.bundled.fashion_mnist()
    class_names = tuple("0123456789") if name == "mnist" else datasets.bundled.FASHION_CLASS_NAMES
    return TestImages(datasets.digits.normalize(raw.x_test), raw.y_test, class_names)


@st.cache_resource(show_spinner=False, max_entries=64)
def _bank(model_id: str, digests: tuple[str, ...]) -> SampleBank:
    """Keyed on the files' sha256 too: a model that was trained anew is loaded anew."""
    store: Store = default_store()
    return SampleBank(load_posterior(store, store.get(model_id)))


@st.cache_resource(show_spinner=False)
def plane() -> Plane:
    return Plane(datasets.load("moons"))


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Draws the two-moons plane once a server, in the background, a few samples at a time: visitors pass between."""

    def draw() -> None:
        for n_samples in range(_WARM_STEP, controls.MAX_SAMPLES + 1, _WARM_STEP):
            for model in models("moons")[0].values():
                try:
                    model.bank.take("plane", plane().points, n_samples)
                except RuntimeError:  # The server is stopping: its threads take no more work.
                    return

    thread = threading.Thread(target=draw, daemon=True, name="warm-up")
    thread.start()
    return thread


def mean_field_factor(models: dict[str, Model]) -> float:
    """The factor that the task's SNGP was stored with."""
    return next(
        (m.bank.posterior.mean_field_factor for m in models.values() if m.bank.posterior.mean_field_factor), 0.0
    )
