"""All that a server keeps between reruns. What is of the stored models all visitors share; what is of a model that a
visitor has trained (`ui.shelf`) is kept for their visit alone and goes with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import numpy as np
import streamlit as st

from ui import budget, shelf
from ui.controls import THRESHOLDS
from ui.shelf import Stored
from ui.words.two_moons import acceptance
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
from uqcore.store import default_store
from uqcore.tuning import Study, study
from uqcore.types import FloatArray, IntArray, ModelRecord, UqError

N_TIMED = 200
_MOST_OWN = 32  # entries of each kind for a visitor's own models
P = ParamSpec("P")
R = TypeVar("R")


def kept(show_spinner: str = "") -> Callable[[Callable[P, R]], Callable[Concatenate[bool, P], R]]:
    """`ui.budget.kept`, with one argument before the others: whether to keep it for this visit alone."""
    options: dict[str, Any] = {"max_entries": _MOST_OWN, "hash_funcs": {Stored: lambda stored: stored.identity}}

    def decorate(make: Callable[P, R]) -> Callable[Concatenate[bool, P], R]:
        of_all = budget.kept(show_spinner)(make)
        of_visit = st.cache_resource(scope="session", show_spinner=show_spinner or False, **options)(make)

        def found(own: bool, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return (of_visit if own else of_all)(*args, **kwargs)

        return found

    return decorate


class Model(NamedTuple):
    """A stored model ready to draw from."""

    stored: Stored
    bank: SampleBank

    @property
    def record(self) -> ModelRecord:
        return self.stored.record

    @property
    def label(self) -> str:
        return self.stored.label

    def n_draws(self, n_samples: int, n_members: int) -> int:
        """How many of its samples to draw: as many as one likes, or those of its members that are wanted."""
        there = self.bank.posterior.n_samples
        return n_samples if there is None else min(there, n_members)

    def gauge(self, measure_id: str, n_classes: int) -> Gauge:
        return gauge(self.record, measure_id, n_classes)


class Images(NamedTuple):
    """Images, of which ``some(rows)`` are ``(M, 28, 28, 1)``, the labels of all and the names of the classes."""

    some: Callable[[IntArray | slice], FloatArray]
    labels: IntArray
    class_names: tuple[str, ...]


_complete: dict[tuple[Path, str], tuple[object, dict[str, Model]]] = {}


def models(task: str) -> tuple[dict[str, Model], list[str]]:
    """Key (`ui.shelf`) -> the models on ``task``, in the order of `METHODS`, then the visit's own; and a sentence for
    each that is missing."""
    found, problems = _committed(task)
    for key, stored in shelf.own(task).items():
        try:
            found[key] = _ready(stored)
        except UqError as error:
            problems = [*problems, str(error)]
    return found, problems


def _committed(task: str) -> tuple[dict[str, Model], list[str]]:
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
            found[method_id] = _ready(shelf.committed(task, method_id))
        except UqError as error:
            problems.append(str(error))
    return found, list(dict.fromkeys(problems))  # a damaged manifest is one sentence, not five


def _ready(stored: Stored) -> Model:
    if not datasets.load(stored.record.task).is_regression:  # its pages cut a measure at the method's own threshold
        own_threshold(stored.record)  # a row without it is as good as missing
    return Model(stored, _bank(stored.own, stored))


def most_members(models: Iterable[Model]) -> int:
    """Members of the largest ensemble; 2 where there is none, for a slider needs two ends."""
    return max([2, *(model.bank.posterior.n_samples or 0 for model in models)])


def images(task: str, part: str = "test") -> Images:
    """The test images of ``task``, or an OOD set of it, as a model sees them."""
    dataset = datasets.load(task)
    return Images(dataset.part(part).some, dataset.part(part).y, dataset.names_in(part))


@kept()
def _bank(stored: Stored) -> SampleBank:
    return SampleBank(load_posterior(stored.store, stored.record))


@budget.kept()
def plane() -> Plane:
    return Plane(datasets.load("moons"))


@kept()
def _uncut(stored: Stored, view_id: str, n_samples: int, factor: float | None) -> tuple[Uncut, list[str]]:
    asked = _answers(stored.own, stored)
    said = asked.plane(n_samples, factor)
    return cut_everywhere(plane().uncut(VIEWS[view_id], said, gauge(asked.record, OWN, said.n_classes)))


def cut_everywhere(uncut: Uncut) -> tuple[Uncut, list[str]]:
    """A view, and in words what each of `ui.controls.THRESHOLDS` accepts."""
    return uncut, [acceptance(one) for one in uncut.ranking.at_each(np.array(THRESHOLDS))]


def uncut(model: Model, view: View, n_samples: int, factor: float | None) -> tuple[Uncut, list[str]]:
    """A view of a model over the two-moons plane, as `cut_everywhere` gives it.

    ``factor`` is of the mean field, if any. It is kept: the numbers of samples are few
    (`uqcore.models.sampling.LADDER`).
    """
    return _uncut(model.stored.own, model.stored, view.view_id, n_samples, factor)


def mapped(stored: Stored) -> tuple[Uncut, list[str]]:
    """As `uncut`, of a two-moons model by its own measure, with as many samples as there are.

    Raises:
        UqError: the model cannot be read.
    """
    return _uncut(stored.own, stored, OWN, MOST_SAMPLES, None)


def mean_field_factors(models: Mapping[str, Model]) -> dict[str, float]:
    """Method id -> the factor that the model was stored with, for those with one."""
    factors = {method_id: model.bank.posterior.mean_field_factor for method_id, model in models.items()}
    return {method_id: factor for method_id, factor in factors.items() if factor is not None}


@kept()
def _answers(stored: Stored) -> Answers:
    return Answers(stored.store, stored.record, stored.label)


def answers(task: str, key: str) -> Answers:
    """What a model says of whole sets: its tables, each read when it is first asked for.

    Raises:
        UqError: there is no such model.
    """
    stored = shelf.find(task, key)
    return _answers(stored.own, stored)


@kept()
def _said(stored: Stored, part: str, value: float, n_samples: int) -> Predictions:
    return _answers(stored.own, stored).said(part, value, n_samples)


@kept()
def _predictions(stored: Stored, unseen: Unseen, n_samples: int) -> Predictions:
    """Of parts that are kept for themselves: a slider of the unseen changes the least of them."""

    def said(part: str, value: float) -> Predictions:
        return _said(stored.own, stored, part, value, n_samples)

    return predictions_of(_answers(stored.own, stored), unseen, n_samples, said)


def our_predictions(task: str, key: str, unseen: Unseen, n_samples: int) -> tuple[str, Predictions]:
    """What a model says of its test images and unseen ones, and a name that determines it.

    Raises:
        UqError: the model or its tables cannot be read.
    """
    stored = shelf.find(task, key)
    digest = sha256(repr(stored.identity).encode()).hexdigest()
    predictions = _predictions(stored.own, stored, unseen, n_samples)
    return f"{stored.record.model_id} {digest} {unseen} {n_samples}", predictions


def set_predictions(task: str, key: str, name: str, n_samples: int) -> Predictions:
    """What a model says of its test images or an OOD set.

    Raises:
        UqError: the model or its tables cannot be read.
    """
    stored = shelf.find(task, key)
    return _said(stored.own, stored, name, 0.0, n_samples)


@kept()
def _study(source_id: str, measure_id: str, share: float, _predictions: Predictions) -> Study:
    return study(_predictions, measure_id, share)


def our_study(key: str, source_id: str, measure_id: str, share: float, predictions: Predictions) -> Study:
    """One measure of the predictions of the model ``key`` in two parts; not for a visitor's own predictions."""
    return _study(key not in METHODS, source_id, measure_id, share, predictions)


@kept("Timing …")
def _seconds_per_1000(stored: Stored, n_samples: int) -> float:
    x = datasets.load(stored.record.task).test.some(slice(N_TIMED))
    posterior = load_posterior(stored.store, stored.record)
    draw(posterior, x[:10], n_samples)  # what a model prepares once, e.g. its thinned weights, is not timed
    started = time.perf_counter()
    draw(posterior, x, n_samples)
    return (time.perf_counter() - started) * 1000 / len(x)


def seconds_per_1000(task: str, key: str, n_samples: int) -> float:
    """How long a model takes for 1,000 images with ``n_samples`` samples, on this machine, now."""
    stored = shelf.find(task, key)
    return _seconds_per_1000(stored.own, stored, n_samples)


_one_evaluation = threading.Semaphore(1)  # of seconds, with all samples of all test images


@kept("Evaluating …")
def _evaluated(stored: Stored) -> Evaluation | RegressionEvaluation:
    with _one_evaluation:
        return evaluate(stored.store, stored.record)


def evaluated(stored: Stored) -> Evaluation | RegressionEvaluation:
    """What ``python -m uqcore evaluate`` says of a model.

    Raises:
        UqError: the model cannot be read.
    """
    return _evaluated(stored.own, stored)


@kept()
def _article_tables(stored: Stored, n_samples: int) -> dict[str, Acceptance]:
    from uqcore.reproduce import mnist_article  # with all sources, which other pages need not

    return dict(mnist_article.tables(_answers(stored.own, stored), n_samples))


def article_tables(task: str, key: str, n_samples: int) -> dict[str, Acceptance]:
    """The tables of the MNIST article for a model of digits."""
    stored = shelf.find(task, key)
    return _article_tables(stored.own, stored, n_samples)


@kept()
def _function_table(stored: Stored) -> FunctionTable:
    return FunctionTable.of(stored.store, stored.record, load_posterior(stored.store, stored.record).n_samples)


_one_fit = threading.Semaphore(1)  # so that those who only look do not wait for those who add points
_MOST_WAITING = 3  # a fit takes up to two seconds of a core, and a page has five
_waiting = threading.BoundedSemaphore(_MOST_WAITING)


class BusyError(UqError):
    """Too many visitors wait for a fit already."""


@kept()
def _fitted(stored: Stored, setting: functions.Setting) -> functions.FittedFunctions:
    if not _waiting.acquire(blocking=False):
        raise BusyError(
            f"{_MOST_WAITING} visitors wait for their fits already, so methods are shown without the added points. Try "
            f"again in half a minute."
        )
    try:
        with _one_fit:
            return functions.fit(stored.store, stored.record, setting)
    finally:
        _waiting.release()


@kept()
def _looked(stored: Stored, setting: functions.Setting, n_samples: int) -> functions.Seen:
    return functions.look(_fitted(stored.own, stored, setting), setting, [n_samples])[0]


def must_fit(record: ModelRecord, setting: functions.Setting) -> bool:
    """Whether `seen` takes seconds at its first call, because no table has the setting."""
    return function_table.NAME not in record.tables or setting not in function_table.SETTINGS


def seen(stored: Stored, setting: functions.Setting, n_samples: int) -> functions.Seen:
    """What is shown of a regression model on the data of ``setting``: looked up, or fitted where no table has it.

    Raises:
        BusyError: it must be fitted, and too many wait for that.
        UqError: the model cannot be fitted or its table not be read.
    """
    if not must_fit(stored.record, setting):
        return _function_table(stored.own, stored).at(setting, n_samples)
    return _looked(stored.own, stored, setting, n_samples)
