"""All that a server keeps between reruns and shares between visitors: nothing here belongs to one of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from ui.controls import THRESHOLDS
from ui.words import acceptance
from uqcore import datasets
from uqcore.exhibits import function_table, functions
from uqcore.exhibits.function_table import FunctionTable
from uqcore.exhibits.moons import VIEWS, Plane, Uncut, View
from uqcore.exhibits.verdicts import OWN, Gauge, gauge, own_threshold
from uqcore.methods import METHODS, of_task
from uqcore.models.answers import MOST_SAMPLES, Answers, Unseen, predictions_of
from uqcore.models.evaluation import Evaluation, RegressionEvaluation, evaluate
from uqcore.models.sampling import SampleBank, draw, load_posterior
from uqcore.predictions import Predictions
from uqcore.selection import Acceptance
from uqcore.store import Store, all_files, default_store
from uqcore.tuning import Study, study
from uqcore.types import FloatArray, IntArray, ModelRecord, UqError

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


_complete: dict[tuple[Path, str], tuple[object, dict[str, Model]]] = {}


def models(task: str) -> tuple[dict[str, Model], list[str]]:
    """Method id -> model of seed 0 on ``task``, in the order of `METHODS`; and a sentence for each that is missing."""
    store = default_store()
    state = (store.state(), of_task(task))
    known = _complete.get((store.root, task))
    if known is None or known[0] != state:
        found, problems = _models(task)
        if problems:  # what is missing now may be there at the next move
            return found, problems
        known = _complete[store.root, task] = (state, found)
    return dict(known[1]), []


def _models(task: str) -> tuple[dict[str, Model], list[str]]:
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


@st.cache_resource(show_spinner="Reading the model's answers …", max_entries=200)
def _uncut(
    model_id: str,
    digests: tuple[str, ...],
    view_id: str,
    n_samples: int,
    factor: float | None,
    _answers: Callable[[], Answers],
) -> tuple[Uncut, list[str]]:
    asked = _answers()
    said = asked.plane(n_samples, factor)
    return cut_everywhere(plane().uncut(VIEWS[view_id], said, gauge(asked.record, OWN, said.n_classes)))


def cut_everywhere(uncut: Uncut) -> tuple[Uncut, list[str]]:
    """A view, and in words what each of `ui.controls.THRESHOLDS` accepts."""
    return uncut, [acceptance(uncut.at(threshold).acceptance) for threshold in THRESHOLDS]


def uncut(model: Model, view: View, n_samples: int, factor: float | None) -> tuple[Uncut, list[str]]:
    """A view of a model over the two-moons plane, as `cut_everywhere` gives it.

    ``factor`` is of the mean field, if any. It is kept: the numbers of samples are few
    (`uqcore.models.sampling.LADDER`).
    """
    model_id, digests = model.record.model_id, tuple(file.sha256 for file in all_files(model.record))
    return _uncut(model_id, digests, view.view_id, n_samples, factor, lambda: _answers(model_id, digests))


def mapped(store: Store, record: ModelRecord) -> tuple[Uncut, list[str]]:
    """As `uncut`, by the method's own measure, of a two-moons model in any store, which may be gone afterwards.

    Raises:
        UqError: the model cannot be read.
    """
    digests = tuple(file.sha256 for file in all_files(record))
    return _uncut(record.model_id, digests, OWN, MOST_SAMPLES, None, lambda: Answers(store, record))


def mean_field_factors(models: Mapping[str, Model]) -> dict[str, float]:
    """Method id -> the factor that the model was stored with, for those with one."""
    factors = {method_id: model.bank.posterior.mean_field_factor for method_id, model in models.items()}
    return {method_id: factor for method_id, factor in factors.items() if factor is not None}


@st.cache_resource(show_spinner=False)
def _answers(model_id: str, digests: tuple[str, ...]) -> Answers:
    store = default_store()
    return Answers(store, store.get(model_id))


def answers(task: str, method_id: str) -> Answers:
    """What the model of seed 0 says of whole sets: its tables, each read when it is first asked for.

    Raises:
        UqError: there is no such model.
    """
    record = default_store().find(task, method_id)
    return _answers(record.model_id, tuple(file.sha256 for file in all_files(record)))


@st.cache_resource(show_spinner="Reading the model's answers …", max_entries=32)
def _predictions(model_id: str, digests: tuple[str, ...], unseen: Unseen, n_samples: int) -> Predictions:
    return predictions_of(_answers(model_id, digests), unseen, n_samples)


def our_predictions(task: str, method_id: str, unseen: Unseen, n_samples: int) -> tuple[str, Predictions]:
    """What the model of seed 0 says of its test images and unseen ones, and a name that determines it.

    Raises:
        UqError: the model or its tables cannot be read.
    """
    record = default_store().find(task, method_id)
    digests = tuple(file.sha256 for file in all_files(record))
    predictions = _predictions(record.model_id, digests, unseen, n_samples)
    return f"{record.model_id} {sha256(repr(digests).encode()).hexdigest()} {unseen} {n_samples}", predictions


@st.cache_resource(show_spinner="Reading the model's answers …", max_entries=32)
def _set_predictions(model_id: str, digests: tuple[str, ...], name: str, n_samples: int) -> Predictions:
    return _answers(model_id, digests).predictions([(name, 0.0)], n_samples)


def set_predictions(task: str, method_id: str, name: str, n_samples: int) -> Predictions:
    """What the model of seed 0 says of its test images or an OOD set.

    Raises:
        UqError: the model or its tables cannot be read.
    """
    record = default_store().find(task, method_id)
    digests = tuple(file.sha256 for file in all_files(record))
    return _set_predictions(record.model_id, digests, name, n_samples)


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


_one_evaluation = threading.Semaphore(1)  # of seconds, with all samples of all test images


@st.cache_resource(show_spinner="Evaluating …", max_entries=200)
def _evaluated(model_id: str, digests: tuple[str, ...], _store: Store) -> Evaluation | RegressionEvaluation:
    with _one_evaluation:
        return evaluate(_store, _store.get(model_id))


def evaluated(store: Store, record: ModelRecord) -> Evaluation | RegressionEvaluation:
    """What ``python -m uqcore evaluate`` says of a model of ``store``, kept for all visitors.

    Raises:
        UqError: the model cannot be read.
    """
    return _evaluated(record.model_id, tuple(file.sha256 for file in record.files), store)


@st.cache_data(show_spinner=False, max_entries=32)
def article_tables(method_id: str, n_samples: int) -> dict[str, Acceptance]:
    """The tables of the MNIST article for our digit model."""
    from uqcore.reproduce import mnist_article  # with all sources, which other pages need not

    return dict(mnist_article.tables(answers(mnist_article.TASK, method_id), n_samples))


@st.cache_resource(show_spinner=False)
def _function_table(model_id: str, digests: tuple[str, ...]) -> FunctionTable:
    store = default_store()
    record = store.get(model_id)
    return FunctionTable(store.table(record, function_table.NAME), load_posterior(store, record).n_samples)


_one_fit = threading.Semaphore(1)  # so that those who only look do not wait for those who add points


@st.cache_resource(show_spinner=False, max_entries=10)  # some MB each; what is looked at of them is kept below
def _fitted(model_id: str, digests: tuple[str, ...], setting: functions.Setting) -> functions.FittedFunctions:
    store = default_store()
    with _one_fit:
        return functions.fit(store, store.get(model_id), setting)


@st.cache_resource(show_spinner=False, max_entries=200)
def _looked(model_id: str, digests: tuple[str, ...], setting: functions.Setting, n_samples: int) -> functions.Seen:
    return functions.look(_fitted(model_id, digests, setting), setting, [n_samples])[0]


def must_fit(record: ModelRecord, setting: functions.Setting) -> bool:
    """Whether `seen` takes seconds at its first call, because no table has the setting."""
    return function_table.NAME not in record.tables or setting not in function_table.SETTINGS


def seen(record: ModelRecord, setting: functions.Setting, n_samples: int) -> functions.Seen:
    """What is shown of a regression model on the data of ``setting``: looked up, or fitted where no table has it.

    Raises:
        UqError: the model cannot be fitted or its table not be read.
    """
    digests = tuple(file.sha256 for file in all_files(record))
    if not must_fit(record, setting):
        return _function_table(record.model_id, digests).at(setting, n_samples)
    return _looked(record.model_id, digests, setting, n_samples)
