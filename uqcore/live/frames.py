"""What a training shows: a frame for each epoch, in 8 bits, and at its end the trained models.

What a method says of the plane is a table (`uqcore.models.answers.answer`), as beside a stored model: one way from it
to a view, a number of samples and a threshold. In 8 bits a probability is one of 256 levels, as a colour bar shows
them; a measure is its square root's, so that small ones keep more of their digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from uqcore.exhibits.moons import VIEWS, View
from uqcore.exhibits.verdicts import OWN, Gauge
from uqcore.live.data import coarse, dataset
from uqcore.live.pupils import posterior
from uqcore.live.setting import Setting
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import averaged
from uqcore.networks.backward import Figures
from uqcore.predictions import Predictions
from uqcore.types import Dataset, FloatArray, Posterior, Weights

_LEVELS = 255
_LARGEST = "/largest"


@dataclass(frozen=True, eq=False)
class _Shown:
    """What frames and trained models have in common.

    Attributes:
        figures: method -> its figures of the epoch, in training; of an ensemble the members' means.
        thresholds: method -> the value of its own measure that 99 % of validation points stay below.
        tables: method -> what it says of `plane`'s points.
    """

    setting: Setting
    figures: Mapping[str, Figures]
    thresholds: Mapping[str, float]
    tables: Mapping[str, Weights]

    def own(self, method_id: str) -> Gauge:
        """The gauge of the method's own measure, as `uqcore.exhibits.verdicts.gauge` has it for stored models."""
        return Gauge(METHODS[method_id].own_measure, 2 * self.thresholds[method_id] or 1.0)


@dataclass(frozen=True, eq=False)
class Frame(_Shown):
    """How a training stands after an epoch; ``tables`` and ``thresholds`` are empty where nothing was drawn."""

    epoch: int

    @property
    def dataset(self) -> Dataset:
        """Whose points ``tables`` are about: `Plane(frame.dataset)` draws them."""
        return coarse(self.setting)

    def said(self, method_id: str, n_samples: int, factor: float | None = None) -> Predictions:
        """What a method says by its first ``n_samples`` samples, as far as they were drawn; for `Plane.uncut`."""
        table = unpacked(self.tables[method_id])
        return averaged(table, method_id, self.dataset.class_names, n_samples, factor)


@dataclass(frozen=True)
class Outcome:
    """What a trained method is worth: its accuracy on test points, and the AUROC of the cluster against them, by its
    predictive entropy."""

    test_accuracy: float
    auroc: float


@dataclass(frozen=True, eq=False)
class Trained(_Shown):
    """The end of a training: exact tables of the whole plane, and the arrays of each method's networks.

    Attributes:
        arrays: method -> the arrays of its networks; methods that share a network share its arrays.
        outcomes: method -> its `Outcome`.
        cpu_s: of the training, with all its frames.
    """

    arrays: Mapping[str, tuple[Weights, ...]]
    outcomes: Mapping[str, Outcome]
    cpu_s: float

    @property
    def dataset(self) -> Dataset:
        return dataset(self.setting)

    def said(self, method_id: str, n_samples: int, factor: float | None = None) -> Predictions:
        """As `Frame.said`, exactly."""
        return averaged(self.tables[method_id], method_id, self.dataset.class_names, n_samples, factor)

    @cached_property
    def posteriors(self) -> Mapping[str, Posterior]:
        """Method -> the product's own posterior, for any point and any number of samples."""
        return {name: posterior(self.setting, name, arrays) for name, arrays in self.arrays.items()}


def views(setting: Setting) -> list[View]:
    """The views that mean something for its number of classes."""
    return [
        view
        for view in VIEWS.values()
        if setting.n_classes == 2
        or view.measure_id == OWN
        or MEASURES[view.measure_id].fits(n_samples=2, n_classes=setting.n_classes, has_logits=True)
    ]


def packed(table: Weights) -> dict[str, FloatArray]:
    """A table in 8 bits: ``probs (R, N, K - 1) uint8`` without the first class, measures ``(R, N) uint8`` with the
    largest value of each under its name and ``/largest``; the rest as it is."""
    made: dict[str, FloatArray] = {}
    for name, array in table.items():
        if name == "log_probs":
            probs = np.exp(array[..., 1:].astype(np.float32))
            made["probs"] = np.rint(_LEVELS * probs).astype(np.uint8)
        elif name in MEASURES:
            # All of one measure may be 0: it stays 0, not 0 / 0.
            largest = float(array.max()) or 1.0
            made[name] = np.rint(_LEVELS * np.sqrt(np.maximum(array, 0) / largest)).astype(np.uint8)
            made[name + _LARGEST] = np.array([largest])
        else:
            made[name] = array
    return made


def unpacked(table: Weights) -> dict[str, FloatArray]:
    """The table again, rounded; a probability that is rounded to 0 counts as a quarter of a level."""
    made: dict[str, FloatArray] = {}
    for name, array in table.items():
        if name == "probs":
            others = array.astype(np.float32) / _LEVELS
            probs = np.concatenate([1 - others.sum(axis=-1, keepdims=True), others], axis=-1)
            made["log_probs"] = np.log(np.maximum(probs, 1 / (4 * _LEVELS)))
        elif name in MEASURES:
            made[name] = np.square(array.astype(np.float32) / _LEVELS) * np.float32(table[name + _LARGEST][0])
        elif not name.endswith(_LARGEST):
            made[name] = array
    return made
