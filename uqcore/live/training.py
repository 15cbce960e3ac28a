"""The training itself, a generator without a process or a clock: equal settings give equal bits on a machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from uqcore.live.data import coarse, dataset
from uqcore.live.estimate import refuse_too_long
from uqcore.live.frames import Frame, Outcome, Trained, packed
from uqcore.live.pupils import FORMING_SAMPLES, Pupil, diverged, graduate, posterior, pupils
from uqcore.live.setting import Setting
from uqcore.methods import METHODS
from uqcore.metrics.classification import auroc
from uqcore.models.answers import answer, averaged
from uqcore.models.training import VALIDATION_COVERAGE
from uqcore.networks.backward import Figures
from uqcore.predictions import Predictions
from uqcore.selection import threshold_at_coverage
from uqcore.types import Dataset, FloatArray, Posterior, Weights

FINAL_SAMPLES = 10
"""In the tables of a trained one; `Trained.posteriors` draw more."""

N_FRAMES = 25

T = TypeVar("T")

Wanted = Callable[[int], bool]
"""Whether the surfaces after an epoch are to be drawn. What is learned does not depend on it."""


def every(setting: Setting) -> Wanted:
    """The first epoch, the last, and about `N_FRAMES` evenly between: the same ones every time."""
    step = max(1, setting.epochs // N_FRAMES)
    return lambda epoch: epoch == 1 or epoch == setting.epochs or epoch % step == 0


def train(setting: Setting, wanted: Wanted | None = None, n_threads: int = 1) -> Iterator[Frame | Trained]:
    """A `Frame` after every epoch, with surfaces after those that are ``wanted`` (`every`), and `Trained` at last.

    All networks learn an epoch, ``n_threads`` of them at a time, and then all surfaces are drawn. How many threads
    changes no bit: each network has its own random numbers. BLAS should use one thread.

    Raises:
        UqError: the setting takes too long, or a method diverges.
    """
    refuse_too_long(setting)
    started = time.process_time()
    wanted = wanted or every(setting)
    own = pupils(setting)
    with ThreadPoolExecutor(n_threads) as pool:
        for epoch in range(1, setting.epochs + 1):
            figures = _learn(setting, own, epoch, pool)
            tables, thresholds = _surfaces(setting, own, epoch, pool) if wanted(epoch) else ({}, {})
            yield Frame(setting, figures, thresholds, tables, epoch)
        yield _trained(setting, own, figures, started, pool)


def _learn(
    setting: Setting, own: Mapping[str, tuple[Pupil, ...]], epoch: int, pool: ThreadPoolExecutor
) -> dict[str, Figures]:
    """An epoch of every network."""
    points = dataset(setting).train
    # The one that takes longest comes last in the order of methods: it starts first.
    networks = list(dict.fromkeys(pupil for each in reversed(list(own.values())) for pupil in each))
    of_pupil = dict(zip(networks, pool.map(lambda pupil: pupil.epoch(points), networks), strict=True))
    figures = {method_id: _mean([of_pupil[pupil] for pupil in each]) for method_id, each in own.items()}
    for method_id, figure in figures.items():
        if not np.isfinite(figure.loss):
            raise diverged(method_id, epoch, f"a loss of {figure.loss}")
    return figures


def _of_methods(function: Callable[[str], T], methods: Iterable[str], pool: ThreadPoolExecutor) -> dict[str, T]:
    """``function`` of each method; those that take longest, the last ones, start first."""
    order = [*methods][::-1]
    return dict(zip(order, pool.map(function, order), strict=True))


def _mean(figures: list[Figures]) -> Figures:
    return Figures(*(float(np.mean(values)) for values in zip(*figures, strict=True)))


def _surfaces(
    setting: Setting, own: Mapping[str, tuple[Pupil, ...]], epoch: int, pool: ThreadPoolExecutor
) -> tuple[dict[str, Weights], dict[str, float]]:
    """Tables in 8 bits and own thresholds of networks that still learn."""
    points, plane = dataset(setting).train.x, coarse(setting)

    def drawn(method_id: str) -> tuple[Weights, float]:
        with np.errstate(all="ignore"):
            arrays = [pupil.arrays for pupil in own[method_id][:FORMING_SAMPLES]]
            forming = posterior(setting, method_id, arrays, x=points)
            table, threshold = _asked(forming, method_id, epoch, plane, FORMING_SAMPLES)
        return packed(table), threshold

    found = _of_methods(drawn, own, pool)
    return {name: found[name][0] for name in own}, {name: found[name][1] for name in own}


def _asked(
    asked: Posterior, method_id: str, epoch: int, data: Dataset, most: int
) -> tuple[dict[str, FloatArray], float]:
    """The table of the plane's points, and the value of the own measure that validation points stay below."""
    n_plane = len(data.plane)
    table = answer(asked, np.concatenate([data.plane, data.validation.x]), most=most)
    if not all(np.isfinite(array).all() for array in table.values()):
        raise diverged(method_id, epoch, "probabilities that are no numbers")
    said = averaged(table, method_id, data.class_names, most)
    measure = said.measure(METHODS[method_id].own_measure)[n_plane:]
    cut = {name: array[:, :n_plane] if array.ndim > 1 else array for name, array in table.items()}
    return cut, threshold_at_coverage(measure, VALIDATION_COVERAGE)


def _trained(
    setting: Setting,
    own: Mapping[str, tuple[Pupil, ...]],
    figures: Mapping[str, Figures],
    started: float,
    pool: ThreadPoolExecutor,
) -> Trained:
    data = dataset(setting)
    # Methods that share a network share its arrays.
    method_of = {pupil: method_id for method_id, each in own.items() for pupil in each}
    graduated = {pupil: graduate(setting, method_of[pupil], pupil, data.train.x) for pupil in method_of}

    def finished(method_id: str) -> tuple[tuple[Weights, ...], Weights, float, Outcome]:
        arrays = tuple(graduated[pupil] for pupil in own[method_id])
        with np.errstate(all="ignore"):
            asked = posterior(setting, method_id, arrays)
            table, threshold = _asked(asked, method_id, setting.epochs, data, FINAL_SAMPLES)
        return arrays, table, threshold, _outcome(averaged(table, method_id, data.class_names, FINAL_SAMPLES), data)

    found = _of_methods(finished, own, pool)
    arrays, tables, thresholds, outcomes = (
        dict(zip(own, values, strict=True)) for values in zip(*(found[name] for name in own), strict=True)
    )
    return Trained(setting, figures, thresholds, tables, arrays, outcomes, time.process_time() - started)


def _outcome(said: Predictions, data: Dataset) -> Outcome:
    n_test, n_ood = len(data.test), len(data.ood["cluster"])
    first = len(said) - n_test - n_ood
    correct = said.predicted[first : first + n_test] == data.test.y
    entropy = said.measure("predictive_entropy")[first:]
    return Outcome(float(np.mean(correct)), auroc(entropy[:n_test], entropy[n_test:]))
