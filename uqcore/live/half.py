"""Some of a training's networks, and the methods that are made of them alone: what one of its processes has."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from uqcore.live.data import coarse, dataset
from uqcore.live.frames import Outcome, packed
from uqcore.live.pupils import FORMING_SAMPLES, diverged, forming, graduate, places, posterior, pupil
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


class Drawn(NamedTuple):
    """A method's table, and the value of its own measure that 99 % of validation points stay below."""

    table: Weights
    threshold: float


class Finished(NamedTuple):
    drawn: Drawn
    outcome: Outcome


class Half:
    """Networks that learn, and methods that are drawn. What it is asked for and what it answers can be sent.

    ``lent``: place -> the arrays of networks that the other half has.
    """

    def __init__(self, setting: Setting, own: Iterable[int]) -> None:
        self._setting = setting
        self._pupils = {place: pupil(setting, place) for place in own}
        self._graduated: dict[int, Weights] = {}

    def learn(self) -> dict[int, Figures]:
        """An epoch of every network."""
        train = dataset(self._setting).train
        return {place: one.epoch(train) for place, one in self._pupils.items()}

    def weights(self, wanted: Collection[int]) -> dict[int, Weights]:
        """Of those that it has, as they stand; they change as the networks learn on."""
        return {place: one.arrays for place, one in self._pupils.items() if place in wanted}

    def surfaces(self, methods: Collection[str], epoch: int, lent: Mapping[int, Weights]) -> dict[str, Drawn]:
        """Tables in 8 bits of networks that still learn."""
        setting = self._setting
        points, plane, needed = dataset(setting).train.x, coarse(setting), forming(setting)

        def drawn(method_id: str) -> Drawn:
            own = needed[method_id]
            arrays = self.weights(own) | dict(lent)
            asked = posterior(setting, method_id, [arrays[place] for place in own], x=points)
            table, threshold = _asked(asked, method_id, epoch, plane, FORMING_SAMPLES)
            return Drawn(packed(table), threshold)

        with np.errstate(all="ignore"):
            return {method_id: drawn(method_id) for method_id in methods}

    def graduate(self) -> dict[int, Weights]:
        """The final arrays of every network."""
        setting, x = self._setting, dataset(self._setting).train.x
        self._graduated = {place: graduate(setting, place, one, x) for place, one in self._pupils.items()}
        return self._graduated

    def finish(self, methods: Collection[str], lent: Mapping[int, Weights]) -> dict[str, Finished]:
        """Exact tables, after `graduate`."""
        setting = self._setting
        data, arrays = dataset(setting), self._graduated | dict(lent)

        def finished(method_id: str) -> Finished:
            asked = posterior(setting, method_id, [arrays[place] for place in places(setting)[method_id]])
            drawn = _asked(asked, method_id, setting.epochs, data, FINAL_SAMPLES)
            said = averaged(drawn.table, method_id, data.class_names, FINAL_SAMPLES)
            return Finished(drawn, _outcome(said, data))

        with np.errstate(all="ignore"):
            return {method_id: finished(method_id) for method_id in methods}

    def cpu_s(self) -> float:
        """CPU seconds of the process so far."""
        return time.process_time()


def _asked(asked: Posterior, method_id: str, epoch: int, data: Dataset, most: int) -> Drawn:
    """What is said of the plane's points."""
    n_plane = len(data.plane)
    table = answer(asked, np.concatenate([data.plane, data.validation.x]), most=most)
    if not all(np.isfinite(array).all() for array in table.values()):
        raise diverged(method_id, epoch, "probabilities that are no numbers")
    said = averaged(table, method_id, data.class_names, most)
    measure = said.measure(METHODS[method_id].own_measure)[n_plane:]
    cut: dict[str, FloatArray] = {
        name: array[:, :n_plane] if array.ndim > 1 else array for name, array in table.items()
    }
    return Drawn(cut, threshold_at_coverage(measure, VALIDATION_COVERAGE))


def _outcome(said: Predictions, data: Dataset) -> Outcome:
    n_test, n_ood = len(data.test), len(data.ood["cluster"])
    first = len(said) - n_test - n_ood
    correct = said.predicted[first : first + n_test] == data.test.y
    entropy = said.measure("predictive_entropy")[first:]
    return Outcome(float(np.mean(correct)), auroc(entropy[:n_test], entropy[n_test:]))
