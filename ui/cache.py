"""All that a server keeps between reruns and shares between visitors: nothing here belongs to one of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import streamlit as st

from ui import controls
from uqcore import datasets
from uqcore.exhibits import functions
from uqcore.exhibits.moons import Plane
from uqcore.exhibits.verdicts import Gauge, gauge, own_threshold
from uqcore.methods import METHODS, of_task
from uqcore.models import stored_draws
from uqcore.models.predictions import Unseen, predictions_of
from uqcore.models.sampling import SampleBank, draw, load_posterior
from uqcore.predictions import Predictions
from uqcore.reproduce import mnist_article
from uqcore.selection import Acceptance
from uqcore.store import Store, all_files, default_store
from uqcore.tuning import Study, study
from uqcore.types import Draws, FloatArray, IntArray, ModelRecord, UqError

_WARM_STEP = 5
_WARM_AFTER_S = 4  # by then the page that started the server is there; together both would take twice as long
_N_TIMED = 200


class Model(NamedTuple):
    """A stored model ready to draw from."""

    record: ModelRecord
    bank: SampleBank

    @property
    def label(self) -> str:
        return METHODS[self.record.method].label

    def n_draws(self, n_samples: int, n_members: int) -> int:
        """How many of its samples to draw: as many as one likes, or those of its members that are wanted."""
        there = self.bank.posterior.n_samples
        return n_samples if there is None else min(there, n_members)

    def gauge(self, measure_id: str, n_classes: int) -> Gauge:
        return gauge(self.record, measure_id, n_classes)


class Images(NamedTuple):
    """Images ``(N, 28, 28, 1)``, their labels and the names of the classes."""

    images: FloatArray
    labels: IntArray
    class_names: tuple[str, ...]


def models(task: str) -> tuple[dict[str, Model], list[str]]:
    """Method id -> model of seed 0 on ``task``, in the order of `METHODS`; and a sentence for each that is missing."""
    found: dict[str, Model] = {}
    problems: list[str] = []
    for method_id in of_task(task):
        try:
            record = default_store().find(task, method_id)
            if not datasets.load(task).is_regression:  # its pages cut a measure at the method's own threshold
                own_threshold(record)  # a row without it is as good as missing
            found[method_id] = Model(record, _bank(record.model_id, tuple(file.sha256 for file in record.files)))
        except UqError as error:
            problems.append(str(error))
    return found, list(dict.fromkeys(problems))  # a damaged manifest is one sentence, not five


def most_members(models: Iterable[Model]) -> int:
    """Members of the largest ensemble; 2 where there is none, for a slider needs two ends."""
    return max([2, *(model.bank.posterior.n_samples or 0 for model in models)])


def images(task: str, part: str = "test") -> Images:
    """The test images of ``task``, or an OOD set of it, as a model sees them."""
    dataset = datasets.load(task)
    return Images(dataset.part(part).x, dataset.part(part).y, dataset.names_in(part))


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
        time.sleep(_WARM_AFTER_S)
        for n_samples in range(_WARM_STEP, controls.MAX_SAMPLES + 1, _WARM_STEP):
            for model in models("moons")[0].values():
                try:
                    model.bank.take("plane", plane().points, n_samples)
                except RuntimeError:  # The server is stopping: its threads take no more work.
                    return

    thread = threading.Thread(target=draw, daemon=True, name="warm-up")
    thread.start()
    return thread


def mean_field_factors(models: Mapping[str, Model]) -> dict[str, float]:
    """Method id -> the factor that the model was stored with, for those with one."""
    factors = {method_id: model.bank.posterior.mean_field_factor for method_id, model in models.items()}
    return {method_id: factor for method_id, factor in factors.items() if factor is not None}


@st.cache_resource(show_spinner="Reading the model's predictions …", max_entries=8)
def _predictions(model_id: str, digests: tuple[str, ...], unseen: Unseen, n_samples: int) -> Predictions:
    store = default_store()
    return predictions_of(store, store.get(model_id), unseen, n_samples)


def our_predictions(task: str, method_id: str, unseen: Unseen, n_samples: int) -> tuple[str, Predictions]:
    """What the model of seed 0 says of its test images and unseen ones, and a name that determines it.

    Raises:
        UqError: the model or its kept draws cannot be read.
    """
    record = default_store().find(task, method_id)
    digests = tuple(file.sha256 for file in all_files(record))
    predictions = _predictions(record.model_id, digests, unseen, n_samples)
    return f"{record.model_id} {sha256(repr(digests).encode()).hexdigest()} {unseen} {n_samples}", predictions


@st.cache_resource(show_spinner="Reading the model's predictions …", max_entries=12)
def _kept_draws(model_id: str, digests: tuple[str, ...], name: str) -> Draws:
    store = default_store()
    return stored_draws.load(store, store.get(model_id), name)


@st.cache_resource(show_spinner=False, max_entries=64)
def _kept_predictions(model_id: str, digests: tuple[str, ...], name: str, n_samples: int | None) -> Predictions:
    draws, record = _kept_draws(model_id, digests, name), default_store().get(model_id)
    dataset = datasets.load(record.task)
    return Predictions.from_draws(
        replace(draws, logits=draws.logits[:n_samples]),
        name=METHODS[record.method].label,
        class_names=dataset.class_names,
        labels=dataset.test.y if name == "test" else None,
    )


def kept_predictions(task: str, method_id: str, name: str, n_samples: int | None = None) -> Predictions:
    """What the model of seed 0 says of its test images or an OOD set: its kept draws, or the first of them.

    Every number of samples is a view of one array.

    Raises:
        UqError: the model's kept draws cannot be read.
    """
    record = default_store().find(task, method_id)
    digests = tuple(file.sha256 for file in all_files(record))
    return _kept_predictions(record.model_id, digests, name, n_samples)


@st.cache_resource(show_spinner=False, max_entries=32)
def our_study(source_id: str, measure_id: str, share: float, _predictions: Predictions) -> Study:
    """One measure of our predictions in two parts, kept for all visitors; not for a visitor's own."""
    return study(_predictions, measure_id, share)


@st.cache_resource(show_spinner="Timing …")
def seconds_per_1000(task: str, method_id: str, n_samples: int) -> float:
    """How long the served model takes for 1,000 images with ``n_samples`` samples, on this machine, now."""
    record = default_store().find(task, method_id)
    x = datasets.load(task).test.x[:_N_TIMED]
    posterior = load_posterior(default_store(), record)
    draw(posterior, x[:10], n_samples)  # what a model prepares once, e.g. its thinned weights, is not timed
    started = time.perf_counter()
    draw(posterior, x, n_samples)
    return (time.perf_counter() - started) * 1000 / _N_TIMED


@st.cache_data(show_spinner="Drawing the noisy images …", max_entries=32)
def article_tables(model_id: str, n_samples: int) -> dict[str, Acceptance]:
    """The tables of the MNIST article for a stored digit model."""
    store = default_store()
    return dict(mnist_article.tables(store, store.get(model_id), n_samples))


@st.cache_resource(show_spinner="Fitting …", max_entries=60)
def line_fit(model_id: str, setting: functions.Setting) -> tuple[functions.FittedFunctions, str]:
    """A regression model fitted to the data of ``setting``, and a name that determines it."""
    store = default_store()
    record = store.get(model_id)
    digests = "".join(file.sha256 for file in record.files)
    return functions.fit(store, record, setting), f"{model_id} {digests} {setting}"


@st.cache_resource(show_spinner=False, max_entries=60)
def line_draws(name: str, _fitted: functions.FittedFunctions, n_samples: int) -> Draws:
    return draw(_fitted.posterior, functions.grid(), n_samples)


@st.cache_resource(show_spinner=False, max_entries=200)
def line_figures(
    name: str, n_samples: int, _fitted: functions.FittedFunctions, _setting: functions.Setting
) -> functions.Figures:
    return functions.figures(_fitted, _setting, n_samples)
